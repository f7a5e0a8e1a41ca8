//! Models that answer elsewhere: `framework = "openai"` of the configuration.
//!
//! Three kinds of servers are told apart. `unmask serve` tells every step: its turns are turns as they are here, with tokens,
//! confidences and candidates. Others tell frames (the whole text as it stands, again and again) or plain text; their text
//! becomes a canvas whose tokens are bytes, so that it can be scrubbed, kept and drawn, but holds no confidence.
//!
//! ```
//! use std::ops::ControlFlow;
//!
//! use unmask_core::config::{Config, ConfigSource, Environment, Overrides};
//! use unmask_core::engine::Remote;
//! use unmask_remote::HttpRemote;
//!
//! let text = r#"
//!     active_model_key = "there"
//!     [available_models.there]
//!     framework = "openai"
//!     model_id = "some/model"
//!     options = { model = "m", base_url = "http://127.0.0.1:9/v1" }
//! "#;
//! let source = ConfigSource::Named("model_config.toml".into());
//! let config = Config::from_text(text, source, &Overrides::default(), &Environment::default())?;
//! // Nobody listens at that port, which the failure names.
//! let reached = HttpRemote.connect(config.active_model(), &|_| ControlFlow::Continue(()));
//! assert!(reached.is_err_and(|failure| failure.text.contains("127.0.0.1:9")));
//! # Ok::<(), unmask_core::config::ConfigError>(())
//! ```

mod answer;
mod client;
mod dialect;
mod options;
mod plain;
mod sse;
mod telling;
mod text;
mod text_model;
mod unmask;
mod vocabulary;

use std::ops::ControlFlow;

use unmask_core::api::LoadProgress;
use unmask_core::config::ModelEntry;
use unmask_core::engine::{Answering, Failure, Remote};

use client::RemoteClient;
use dialect::Dialect;
use options::RemoteOptions;
use plain::PlainModel;
use unmask::UnmaskModel;

/// Reaches the servers that entries of the configuration name; keys come from the process's environment.
#[derive(Debug, Clone, Copy, Default)]
pub struct HttpRemote;

impl Remote for HttpRemote {
    fn connect(
        &self,
        entry: &ModelEntry,
        progress: &(dyn Fn(LoadProgress<'_>) -> ControlFlow<()> + Sync),
    ) -> Result<Box<dyn Answering>, Failure> {
        let options = RemoteOptions::of(entry, |name| std::env::var(name).ok())?;
        let is_wanted = || {
            let at = LoadProgress {
                stage: "asking the server",
                done: 0,
                total: 0,
            };
            progress(at).is_continue()
        };
        let (client, entry) = (RemoteClient::new(&options)?, entry.clone());
        let reached = client.while_wanted(is_wanted, move |client| {
            reach(&entry, options, client.clone())
        })?;
        reached.ok_or_else(|| Failure::usage("stopped on request".to_owned(), ""))
    }
}

fn reach(
    entry: &ModelEntry,
    options: RemoteOptions,
    client: RemoteClient,
) -> Result<Box<dyn Answering>, Failure> {
    let models = client.get("/v1/models")?;
    let found = dialect::served(&models, &options.model);
    Ok(match options.dialect.unwrap_or_else(|| found.dialect()) {
        Dialect::Unmask => Box::new(UnmaskModel::connect(entry, options, client, &models)?),
        Dialect::Frames | Dialect::Plain => {
            Box::new(PlainModel::new(entry, options, client, &found)?)
        }
    })
}

#[cfg(test)]
mod tests;
