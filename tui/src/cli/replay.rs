use std::path::PathBuf;

use clap::Args;

use super::ReportFormat;

#[derive(Debug, Args)]
pub(crate) struct ReplayArguments {
    /// The recorded run, packed by gzip or not
    pub(crate) file: PathBuf,
    /// Another recorded run, to be shown beside it
    #[arg(conflicts_with_all = ["plain", "verify", "run"])]
    pub(crate) other: Option<PathBuf>,
    /// Which run of the file, counted from 1; the last one if it is not said
    #[arg(long, value_name = "N")]
    pub(crate) run: Option<usize>,
    /// A line a commit on stdout instead of the screen
    #[arg(long)]
    pub(crate) plain: bool,
    /// Make the run again by its own model, or that of -m, and say where it differs; exit 1 if it does
    #[arg(long, conflicts_with = "plain")]
    pub(crate) verify: bool,
    /// Let the new run go its own way; else its canvas follows the recorded one, so that one near tie is one difference
    #[arg(long, requires = "verify")]
    pub(crate) free: bool,
    /// Lines for people, or one JSON object with every step
    #[arg(long, default_value = "text", requires = "verify")]
    pub(crate) format: ReportFormat,
    /// No progress on stderr
    #[arg(short, long, requires = "verify")]
    pub(crate) quiet: bool,
}
