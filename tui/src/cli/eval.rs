use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::TableFormat;
use super::denoising::DenoisingArguments;

#[derive(Debug, Args)]
pub(crate) struct EvalArguments {
    /// Questions: a JSON object a line with `task`, `messages` and `answers`, any of which counts; perhaps `grade` (exact,
    /// contains, number, choice, regex:PATTERN) and `over` (visible, canvas)
    #[arg(required_unless_present = "pairs")]
    pub(crate) file: Option<PathBuf>,
    /// Instead of questions, couplets that are asked about in both directions: a JSON list of `first` and `second`
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    pub(crate) pairs: Option<PathBuf>,
    /// Which lines of --pairs are asked for
    #[arg(
        long,
        value_delimiter = ',',
        requires = "pairs",
        conflicts_with = "file",
        default_value = "next,previous"
    )]
    pub(crate) ask: Vec<AskedLine>,
    /// How --pairs asks: zh (the reference's), en, capitals, or a file with `next` and `previous`
    #[arg(
        long,
        value_name = "NAME|FILE",
        requires = "pairs",
        conflicts_with = "file",
        default_value = "zh"
    )]
    pub(crate) templates: String,
    /// Keep each answer in this file and go on from it next time
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Begin anew, and replace the file of --out, whatever it holds
    #[arg(long, requires = "out")]
    pub(crate) force: bool,
    /// What stdout holds: a table or JSON
    #[arg(long, default_value = "text")]
    pub(crate) format: TableFormat,
    /// No progress on stderr
    #[arg(short, long)]
    pub(crate) quiet: bool,
    #[command(flatten)]
    pub(super) generation: DenoisingArguments,
}

/// A direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AskedLine {
    Next,
    Previous,
}
