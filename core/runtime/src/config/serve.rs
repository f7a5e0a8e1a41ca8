use std::collections::BTreeMap;
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use serde::Deserialize;

use crate::concurrency::BatchLimit;

/// `[serve]`: what `unmask serve` does where no flag says otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub struct ServeSettings {
    /// The address to listen on.
    pub host: Option<IpAddr>,
    /// The port.
    pub port: Option<u16>,
    /// The file of keys.
    pub key_file: Option<PathBuf>,
    /// Keys of the models to answer with, or `all`.
    pub models: Vec<String>,
    /// Turns that run at once.
    pub parallel: Option<NonZeroUsize>,
    /// How many of them a pass computes.
    pub batch: Option<BatchLimit>,
    /// Requests that may wait.
    pub queue: Option<usize>,
    /// Positions of an answer at most.
    pub max_length: Option<NonZeroUsize>,
    /// How long an idle model stays loaded.
    pub keep_alive: Option<String>,
    /// Further names that the server answers to.
    pub allow_hosts: Vec<String>,
    /// Further pages that may ask.
    pub allow_origins: Vec<String>,
    /// Whether there is the page.
    pub page: Option<bool>,
    /// Other names of models, with the key that each stands for.
    pub aliases: BTreeMap<String, String>,
}
