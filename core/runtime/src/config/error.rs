use std::path::PathBuf;

use super::ConfigSource;
use crate::model_id::ModelIdError;

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file that was asked for by name is not there or cannot be read.
    #[error("cannot read the configuration {path} that {asked_by} names; correct the path or leave it out", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// `--config` or `UNMASK_CONFIG`, or the place where it was found.
        asked_by: &'static str,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The text is not TOML, or a value is of the wrong kind.
    #[error("{file}:{line}: {key}{message}")]
    Invalid {
        /// Where from.
        file: ConfigSource,
        /// Counted from 1.
        line: usize,
        /// The dotted key with a colon and a blank behind it; empty if the text is not TOML.
        key: String,
        /// What is wrong; names the values that are allowed.
        message: String,
    },
    /// A key that means nothing.
    #[error("{file}:{line}: unknown key `{key}`; {advice}")]
    UnknownKey {
        /// Where from.
        file: ConfigSource,
        /// Counted from 1.
        line: usize,
        /// The dotted key.
        key: String,
        /// The nearest known key, or all of them.
        advice: String,
    },
    /// `trust_remote_code`, which the reference needs and this program does not.
    #[error(
        "{file}:{line}: `{key}` is not needed: no code of a checkpoint is ever run here, the network is part of \
         the backend; remove the line"
    )]
    TrustRemoteCode {
        /// Where from.
        file: ConfigSource,
        /// Counted from 1.
        line: usize,
        /// The dotted key.
        key: String,
    },
    /// A file that merely lies in the current folder may make the program neither load libraries nor send anything away.
    #[error(
        "{file}:{line}: `{key}` would make a file that lies in the current folder {deed}; move it to the \
         user's configuration folder, or name the file with --config"
    )]
    NotFromHere {
        /// Where from.
        file: ConfigSource,
        /// Counted from 1.
        line: usize,
        /// The dotted key.
        key: String,
        /// What it would do.
        deed: &'static str,
    },
    /// A file that merely lies in the current folder may not open a server.
    #[error(
        "{file}:{line}: a file that lies in the current folder may not say how others reach this machine; move `{key}` \
         to the user's configuration folder, or name the file with --config"
    )]
    NoServerFromHere {
        /// Where from.
        file: ConfigSource,
        /// Counted from 1.
        line: usize,
        /// The dotted key.
        key: String,
    },
    /// `model_id` names nothing.
    #[error("{file}:{line}: available_models.{key}.model_id: {what}")]
    ModelId {
        /// Where from.
        file: ConfigSource,
        /// Counted from 1.
        line: usize,
        /// The entry's key.
        key: String,
        /// What it says.
        what: ModelIdError,
    },
    /// A value of an environment variable or a flag that cannot be used.
    #[error("{name}: {message}")]
    Setting {
        /// The variable or flag.
        name: String,
        /// What is wrong, and what is allowed.
        message: String,
    },
    /// No entry has this key.
    #[error("{asked_by}: no model `{key}` in {file}; {advice}")]
    UnknownModel {
        /// The file whose entries were looked at.
        file: ConfigSource,
        /// `active_model_key`, a variable or a flag.
        asked_by: String,
        /// The key that was asked for.
        key: String,
        /// The nearest key, or all of them.
        advice: String,
    },
    /// A preset was asked for that says nothing of what is to be done.
    #[error("preset `{name}` says nothing of {missing}; it is for {has}")]
    PresetHalf {
        /// Its name.
        name: String,
        /// What it does not say.
        missing: &'static str,
        /// What it is for.
        has: &'static str,
    },
    /// No preset of this name is for the active model.
    #[error("{asked_by}: no preset `{name}` for {model}; {advice}")]
    UnknownPreset {
        /// A flag.
        asked_by: String,
        /// The name that was asked for.
        name: String,
        /// Whose presets were looked at.
        model: String,
        /// The nearest name, or all of them.
        advice: String,
    },
}

/// `did you mean …?`, or the list of what is known if nothing is near.
#[must_use]
pub fn nearest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let score = |name: &str| strsim::jaro_winkler(&wanted.to_lowercase(), &name.to_lowercase());
    let best = known
        .iter()
        .max_by(|a, b| score(a).total_cmp(&score(b)))
        .filter(|name| score(name) > 0.75);
    match best {
        Some(name) => format!("did you mean `{name}`?"),
        None if known.is_empty() => "there are none".to_owned(),
        None => format!("known are {}", known.join(", ")),
    }
}
