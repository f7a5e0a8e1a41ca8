//! Requests to one server: its key goes there and nowhere else, and where it points to is not followed.

use std::fmt::Display;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread::Builder;
use std::time::Duration;

use serde_json::Value;
use unmask_core::clean::clean_line;
use unmask_core::engine::{Failure, FailureKind};
use ureq::http::{Response, StatusCode};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body};

use super::options::RemoteOptions;

const CONNECT: Duration = Duration::from_secs(10);
/// A silence longer than this is a broken connection: a server may think for long before it says a word.
const SILENCE: Duration = Duration::from_secs(600);
/// For what needs no thought.
const AT_ONCE: Duration = Duration::from_secs(5);
/// How long the owner of a request waits until it is asked again whether it is wanted.
pub(crate) const PATIENCE: Duration = Duration::from_millis(40);
/// Bytes of an answer that is no stream: the largest is a vocabulary.
const LARGEST: u64 = 64 << 20;

/// One server.
#[derive(Debug, Clone)]
pub(crate) struct RemoteClient {
    agent: Agent,
    root: String,
    authorization: Option<String>,
}

impl RemoteClient {
    pub(crate) fn new(options: &RemoteOptions) -> Result<Self, Failure> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::PlatformVerifier)
            .unversioned_rustls_crypto_provider(provider)
            .build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .user_agent(concat!("unmask/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(CONNECT))
            .timeout_per_read(Some(SILENCE))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .build();
        Ok(Self {
            agent: config.into(),
            root: options.root.clone(),
            authorization: options.key.as_ref().map(|key| format!("Bearer {key}")),
        })
    }

    /// The same server by connections of their own, which [`hang_up`](Self::hang_up) ends and no others.
    pub(crate) fn apart(&self) -> Self {
        Self {
            agent: Agent::new_with_config(self.agent.config().clone()),
            ..self.clone()
        }
    }

    /// Ends its connections, also while a thread reads from one.
    pub(crate) fn hang_up(&self) {
        self.agent.clone().shutdown();
    }

    /// What a request comes to; `None` once it is wanted no more, whose connection is then ended.
    ///
    /// # Errors
    /// Those of the request, and that the system has no thread to give.
    pub(crate) fn while_wanted<T: Send + 'static>(
        &self,
        is_wanted: impl Fn() -> bool,
        request: impl FnOnce(&Self) -> Result<T, Failure> + Send + 'static,
    ) -> Result<Option<T>, Failure> {
        let client = self.apart();
        let own = client.clone();
        let (sender, answer) = channel();
        let ask = move || {
            // Whoever waited may have left.
            sender.send(request(&own)).ok();
        };
        spawn(ask).map_err(|error| self.unreached(&error))?;
        loop {
            match answer.recv_timeout(PATIENCE) {
                Ok(answer) => return answer.map(Some),
                Err(RecvTimeoutError::Timeout) if is_wanted() => (),
                Err(RecvTimeoutError::Timeout) => {
                    client.hang_up();
                    return Ok(None);
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(self.unreached(&"the request's thread ended"));
                }
            }
        }
    }

    /// The server's address, for people.
    pub(crate) fn root(&self) -> &str {
        &self.root
    }

    /// # Errors
    /// If it cannot be reached, or refuses.
    pub(crate) fn get(&self, path: &str) -> Result<Value, Failure> {
        let mut request = self.agent.get(format!("{}{path}", self.root));
        if let Some(key) = &self.authorization {
            request = request.header("authorization", key);
        }
        let answer = request.call().map_err(|error| self.unreached(&error))?;
        self.json(self.accepted(answer)?)
    }

    /// # Errors
    /// As [`get`](Self::get).
    pub(crate) fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        let answer = self.send(path, body, None)?;
        self.json(answer)
    }

    /// Tells the server something that it answers at once, or not at all.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub(crate) fn tell(&self, path: &str, body: &Value) -> Result<(), Failure> {
        self.send(path, body, Some(AT_ONCE)).map(drop)
    }

    /// The bytes of an answer, as they come.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub(crate) fn stream(
        &self,
        path: &str,
        body: &Value,
    ) -> Result<impl Read + Send + 'static + use<>, Failure> {
        Ok(self.send(path, body, None)?.into_body().into_reader())
    }

    fn send(
        &self,
        path: &str,
        body: &Value,
        within: Option<Duration>,
    ) -> Result<Response<Body>, Failure> {
        let request = self.agent.post(format!("{}{path}", self.root));
        let request = request.config().timeout_global(within).build();
        let mut request = request.header("content-type", "application/json");
        if let Some(key) = &self.authorization {
            request = request.header("authorization", key);
        }
        let answer = request
            .send(body.to_string())
            .map_err(|error| self.unreached(&error))?;
        self.accepted(answer)
    }

    fn json(&self, mut answer: Response<Body>) -> Result<Value, Failure> {
        let text = answer
            .body_mut()
            .with_config()
            .limit(LARGEST)
            .read_to_string();
        let text = text.map_err(|error| self.unreached(&error))?;
        serde_json::from_str(&text).map_err(|error| Failure {
            kind: FailureKind::Backend,
            text: format!(
                "{} answers something that is not understood: {error}",
                self.root
            ),
            hint: "look whether base_url is the address of an OpenAI-compatible server".to_owned(),
        })
    }

    /// The answer, unless the server refuses.
    fn accepted(&self, mut answer: Response<Body>) -> Result<Response<Body>, Failure> {
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let said = answer
            .body_mut()
            .with_config()
            .limit(LARGEST)
            .read_to_string()
            .unwrap_or_default();
        Err(self.refused(status, &said))
    }

    fn refused(&self, status: StatusCode, said: &str) -> Failure {
        let error = serde_json::from_str::<Value>(said).unwrap_or_default();
        let (kind, hint) = match status.as_u16() {
            300..=399 => (
                FailureKind::Config,
                "write the address that it points to as base_url: nothing is followed, so that the key goes nowhere else",
            ),
            401 | 403 => (
                FailureKind::Config,
                "look at the key in the variable that key_env names",
            ),
            404 => (
                FailureKind::Model,
                "look at model_id, or options.model, and at base_url",
            ),
            400..=499 if status != StatusCode::TOO_MANY_REQUESTS => (FailureKind::Usage, ""),
            429 | 503 => (FailureKind::Backend, "try again in a moment"),
            _ => (FailureKind::Backend, "look at the server's log"),
        };
        let message = message(&error["error"]).unwrap_or_else(|| status.to_string());
        Failure {
            kind,
            text: format!("{} refuses ({}): {message}", self.root, status.as_u16()),
            hint: hint.to_owned(),
        }
    }

    fn unreached(&self, error: &dyn Display) -> Failure {
        Failure {
            kind: FailureKind::Backend,
            text: format!("{} cannot be reached: {error}", self.root),
            hint: "look whether the server runs, and at base_url".to_owned(),
        }
    }
}

/// What a server says of an error: an object with a message, or a text. On one line, and not all of it.
pub(crate) fn message(error: &Value) -> Option<String> {
    let text = error["message"].as_str().or(error.as_str())?;
    Some(clean_line(&text.chars().take(500).collect::<String>()))
}

/// A thread that asks a server.
pub(crate) fn spawn(ask: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let thread = Builder::new().name("unmask-remote".to_owned());
    thread.spawn(ask).map(drop)
}
