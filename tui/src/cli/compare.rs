use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub(crate) struct CompareArguments {
    /// A recorded run
    pub(crate) first: PathBuf,
    /// Another one
    pub(crate) second: PathBuf,
    /// Lines for people, or one JSON object
    #[arg(long, default_value = "text")]
    pub(crate) format: CompareFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CompareFormat {
    Text,
    Json,
}
