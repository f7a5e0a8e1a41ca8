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
    pub(crate) format: ReportFormat,
    /// Write a page here that plays both side by side
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Replace the file of --html, whatever it holds
    #[arg(long, requires = "html")]
    pub(crate) force: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    Text,
    Json,
}
