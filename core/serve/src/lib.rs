//! The engine for other programs: an HTTP server that speaks OpenAI's API and tells of every step to those who ask.
//!
//! A request passes the `door`, says a key, is read field by field, waits in the `queue` for its turn, and is answered
//! as a `stream` or as a `whole`. tokio lives here; the engine is a thread of its own that never waits for a socket.
//!
//! ```
//! use unmask_core::concurrency::Concurrency;
//! use unmask_core::config::ConfigReader;
//! use unmask_core::loader::ConfigLoader;
//! use unmask_serve::{ApiKeys, Ending, ServeOptions, ServedModels, Server};
//!
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let reader = ConfigReader::default();
//! let config = reader.read()?;
//! let options = ServeOptions {
//!     address: ([127, 0, 0, 1], 0).into(),
//!     keys: ApiKeys::default(),
//!     models: ServedModels { active: "demo".to_owned(), ..ServedModels::default() },
//!     concurrency: Concurrency::default(),
//!     queue: 16,
//!     max_length: None,
//!     keep_alive: None,
//!     hosts: Vec::new(),
//!     origins: Vec::new(),
//!     has_page: false,
//!     logs_prompts: false,
//! };
//! let loader = Box::new(ConfigLoader::new(config, reader.clone()));
//! let server = Server::bind(options, loader, reader).await?;
//! assert_ne!(server.address()?.port(), 0);
//! // It answers until it is told to end.
//! let (end, ending) = tokio::sync::watch::channel(Ending::No);
//! end.send(Ending::Now)?;
//! server.run(ending).await?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod accept;
mod admission;
mod answer;
mod app;
mod bounds;
mod chat;
mod chunk;
mod client;
mod completion;
mod door;
mod error;
mod fields;
#[cfg(test)]
mod fixture;
mod generation;
mod host;
mod key;
mod likelihood;
mod native;
mod openapi;
mod page;
mod path_text;
mod patience;
mod plan;
mod prefix;
mod prepare;
mod prompt;
mod queue;
mod route;
mod run;
mod socket;
mod stops;
mod stream;
mod unmask_member;
mod whole;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;
use unmask_core::concurrency::Concurrency;
use unmask_core::config::ConfigReader;
use unmask_core::engine::Loader;

use admission::Admission;
use app::App;
use door::Door;
use host::EngineHost;
use patience::Patience;
use prepare::AnswerLimits;
use queue::Queue;

pub use key::{ApiKeys, KeyFileError};

/// How often it is looked whether the model is idle.
const IDLE_CHECK: Duration = Duration::from_secs(1);

/// What a server answers with, and to whom.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// Where it listens; port 0 takes a free one.
    pub address: SocketAddr,
    /// Who may ask.
    pub keys: ApiKeys,
    /// What may be asked.
    pub models: ServedModels,
    /// Turns at once, and how many of them a pass computes.
    pub concurrency: Concurrency,
    /// Requests that may wait.
    pub queue: usize,
    /// Positions of an answer at most; `None` for four times the model's usual length.
    pub max_length: Option<usize>,
    /// How long an idle model stays loaded.
    pub keep_alive: Option<Duration>,
    /// Host names to answer to, besides this machine's usual ones.
    pub hosts: Vec<String>,
    /// Origins of pages that may ask, besides the server's own.
    pub origins: Vec<String>,
    /// Whether there is the page.
    pub has_page: bool,
    /// Whether the log holds what is asked.
    pub logs_prompts: bool,
}

/// The models that a server answers with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServedModels {
    /// In the order of the configuration.
    pub list: Vec<ServedModel>,
    /// The key of the one that answers where a request names none.
    pub active: String,
    /// Other names, with the key that each stands for.
    pub aliases: BTreeMap<String, String>,
}

/// A model that a server answers with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServedModel {
    /// Its key in the configuration.
    pub key: String,
    /// Its name for people.
    pub name: String,
    /// A line for people, may be empty.
    pub description: String,
}

/// Whether a server is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ending {
    /// It goes on.
    #[default]
    No,
    /// Running turns may end first, for ten seconds.
    Soon,
    /// At once.
    Now,
}

/// A server that listens.
pub struct Server {
    listener: TcpListener,
    router: Router,
    app: Arc<App>,
    keep_alive: Option<Duration>,
}

impl Server {
    /// Listens, and begins to load the active model. Within a tokio runtime.
    ///
    /// # Errors
    /// If the address is taken, or the system has no thread to give.
    pub async fn bind(
        options: ServeOptions,
        loader: Box<dyn Loader>,
        reader: ConfigReader,
    ) -> io::Result<Self> {
        Self::bind_with(options, loader, reader, Patience::default()).await
    }

    async fn bind_with(
        options: ServeOptions,
        loader: Box<dyn Loader>,
        reader: ConfigReader,
        patience: Patience,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(options.address).await?;
        let host = Arc::new(EngineHost::start(loader, options.concurrency)?);
        let queue = Queue::new(host.at_once(None).0, options.queue);
        let admission = Admission::new(Arc::clone(&host), reader, queue);
        admission.preload(&options.models.active);
        let bound = listener.local_addr()?;
        let limits = AnswerLimits {
            max_length: options.max_length,
            shows_all: bound.ip().is_loopback(),
        };
        let app = Arc::new(App::new(
            host,
            admission,
            options.models,
            Door::new(&options.hosts, &options.origins),
            options.keys,
            limits,
            patience,
            options.has_page,
            options.logs_prompts,
        ));
        Ok(Self {
            listener,
            router: route::router(Arc::clone(&app)),
            app,
            keep_alive: options.keep_alive,
        })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// If the system does not tell.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers until it is to end.
    ///
    /// # Errors
    /// If the system does not let it go on.
    pub async fn run(self, ending: watch::Receiver<Ending>) -> io::Result<()> {
        let Self {
            listener,
            router,
            app,
            keep_alive,
        } = self;
        let tasks = [
            tokio::spawn(admit(Arc::clone(&app))),
            tokio::spawn(unload_idle(Arc::clone(&app), keep_alive)),
            tokio::spawn(close(Arc::clone(&app), ending.clone())),
        ];
        let ended = accept::serve(listener, router, ending, app.patience).await;
        tasks.iter().for_each(tokio::task::JoinHandle::abort);
        app.host.cancel_load();
        ended
    }
}

/// Gives out places whenever the model changes.
async fn admit(app: Arc<App>) {
    let mut model = app.host.model();
    while model.changed().await.is_ok() {
        app.admission.advance();
    }
}

/// Frees a model that nobody has asked for a while.
async fn unload_idle(app: Arc<App>, keep_alive: Option<Duration>) {
    let Some(keep_alive) = keep_alive else {
        return;
    };
    let mut check = tokio::time::interval(IDLE_CHECK);
    loop {
        check.tick().await;
        app.admission.unload_idle(keep_alive);
    }
}

/// Refuses what waits once the server is to end.
async fn close(app: Arc<App>, mut ending: watch::Receiver<Ending>) {
    if ending.wait_for(|it| *it != Ending::No).await.is_ok() {
        app.admission.close();
        app.host.cancel_load();
    }
}
