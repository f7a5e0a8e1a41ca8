use std::path::PathBuf;

use super::DemoError;
use crate::family::FamilyError;
use crate::text::TextError;

/// Why a checkpoint cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// A hub id that is nowhere on this machine.
    #[error("{id} is not on this machine; {advice}")]
    Absent {
        /// The hub id.
        id: String,
        /// How to get it.
        advice: String,
    },
    /// The program carries no model of this name.
    #[error("builtin:{0} is not carried by the program; builtin:demo is")]
    UnknownBuiltin(String),
    /// The carried model could not be unpacked.
    #[error(transparent)]
    Demo(#[from] DemoError),
    /// A folder that does not exist.
    #[error("there is no folder {path}; name one that holds a checkpoint", path = .0.display())]
    NoFolder(PathBuf),
    /// A file, where a folder is meant.
    #[error("{path} is not a folder; name a GGUF file, or the folder that holds config.json, tokenizer.json and the .safetensors files", path = .0.display())]
    NotFolder(PathBuf),
    /// A GGUF file that cannot be used.
    #[error("{path} {what}", path = path.display())]
    Gguf {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        what: String,
    },
    /// A folder of GGUF files of several models.
    #[error("{folder} holds several GGUF files: {names}; name the one that is meant, if it is of the hub as ORG/NAME:Q4_K_M", folder = folder.display())]
    SeveralGguf {
        /// The folder.
        folder: PathBuf,
        /// The files.
        names: String,
    },
    /// An adapter that cannot be used.
    #[error("{path} says that the folder holds an adapter: {what}", path = path.display())]
    Adapter {
        /// The file that says so.
        path: PathBuf,
        /// What is wrong, and what to do.
        what: String,
    },
    /// A folder that holds no checkpoint.
    #[error("{path} has no config.json; name the folder that holds it, or fetch the checkpoint again", path = .0.display())]
    NoConfig(PathBuf),
    /// A file that cannot be read.
    #[error("cannot read {path}, which has to be a file that you may read", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file that Git has not fetched.
    #[error("{path} is a Git LFS pointer, not the file itself; run `git lfs pull` in its folder", path = .0.display())]
    LfsPointer(PathBuf),
    /// A file that is not the JSON it should be.
    #[error("{path}:{line}: {what}; fetch the file again", path = path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// A network that no backend of this build has.
    #[error("{path}: {what}", path = path.display())]
    Family {
        /// The file that says so.
        path: PathBuf,
        /// What it says.
        what: FamilyError,
    },
    /// No weights that can be read.
    #[error("{folder} has no weights: {what}", folder = folder.display())]
    NoWeights {
        /// The folder.
        folder: PathBuf,
        /// What is there instead, and what to do.
        what: String,
    },
    /// The index names a file that is not there.
    #[error("{folder} lacks the weight file {shard} that its index names; fetch the checkpoint again", folder = folder.display())]
    NoShard {
        /// The folder.
        folder: PathBuf,
        /// The file.
        shard: String,
    },
    /// No tokenizer.
    #[error("{path} has no tokenizer.json; fetch it from where the weights come from", path = .0.display())]
    NoTokenizer(PathBuf),
    /// A chat template that cannot be used, which its sentence names.
    #[error("{0}")]
    Template(TextError),
    /// A tokenizer that cannot be used.
    #[error("{folder}: {what}", folder = folder.display())]
    Text {
        /// The folder.
        folder: PathBuf,
        /// What is wrong.
        what: TextError,
    },
    /// Several chat templates, none of which is the default.
    #[error("{path} has the chat templates {names} and no `default`; keep one", path = path.display())]
    Templates {
        /// The file.
        path: PathBuf,
        /// Their names.
        names: String,
    },
    /// Neither the configuration nor the checkpoint's files say an id.
    #[error(
        "{folder} does not say which token is {what}; set `{key}` in [available_models.KEY.tokens] of model_config.toml",
        folder = folder.display()
    )]
    NoToken {
        /// The folder.
        folder: PathBuf,
        /// `the mask` or `the end of text`.
        what: &'static str,
        /// The key to set.
        key: &'static str,
    },
    /// An id that the network has no row for.
    #[error(
        "{folder}: {key} token {id} is beyond the vocabulary of {rows}; correct config.json or the configuration's tokens",
        folder = folder.display()
    )]
    TokenBeyond {
        /// The folder.
        folder: PathBuf,
        /// `mask`, `eos`, `eot` or `bos`.
        key: &'static str,
        /// The id.
        id: u32,
        /// The network's rows.
        rows: usize,
    },
    /// `generation_config.json` says something impossible.
    #[error("{path}: {key}: {what}", path = path.display())]
    Generation {
        /// The file.
        path: PathBuf,
        /// The key.
        key: &'static str,
        /// What is wrong.
        what: String,
    },
}
