use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct ExportArguments {
    #[command(subcommand)]
    pub(crate) what: Option<ExportWhat>,
    /// The backend whose files are wanted
    #[arg(required = true)]
    pub(crate) name: Option<String>,
    /// The folder to write into; it is made, or empty
    #[arg(required = true)]
    pub(crate) folder: Option<PathBuf>,
    /// Write into a folder that is not empty, and replace files of the same names
    #[arg(long)]
    pub(crate) force: bool,
    /// No progress on stderr
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// What is exported that is no model.
#[derive(Debug, Subcommand)]
pub(crate) enum ExportWhat {
    /// Write a run that `generate --trace` recorded as a page to play it, as text or as one JSON object
    Trace(ExportTraceArguments),
}

#[derive(Debug, Args)]
pub(crate) struct ExportTraceArguments {
    /// The recorded run
    pub(crate) file: PathBuf,
    /// What to write: a page, the answer or a line a commit, one JSON object
    #[arg(long, value_name = "FORMAT")]
    pub(crate) to: TraceFormat,
    /// Where to write it; stdout if it is not said
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Which run of the file, counted from 1; the last one if it is not said
    #[arg(long, value_name = "N")]
    pub(crate) run: Option<usize>,
    /// For text: the answer after this many steps, or `all` for a line a commit
    #[arg(long, value_name = "N|last|all", default_value = "last")]
    pub(crate) step: TraceStep,
    /// Replace a file that is there
    #[arg(long)]
    pub(crate) force: bool,
}

/// What a recorded run becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TraceFormat {
    Html,
    Text,
    Json,
}

/// How much of a run is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TraceStep {
    /// Its end.
    Last,
    /// After this many steps.
    After(usize),
    /// Every commit.
    All,
}

impl FromStr for TraceStep {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "last" => Ok(Self::Last),
            "all" => Ok(Self::All),
            number => {
                (number.parse().map(Self::After)).map_err(|_| "a number of steps, `last` or `all`")
            }
        }
    }
}
