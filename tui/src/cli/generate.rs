//! What `generate` and `chat` understand.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Saving;
use super::denoising::DenoisingArguments;

#[derive(Debug, Args)]
pub(crate) struct GenerateArguments {
    /// The prompt; `-` reads stdin, which is also appended to a prompt if it is not a terminal
    pub(crate) prompt: Option<String>,
    /// Instructions before the prompt
    #[arg(long, value_name = "TEXT")]
    pub(crate) system: Option<String>,
    /// Words fixed at positions of the answer: `9:Clara`
    #[arg(long, value_name = "POS:WORD,…")]
    pub(crate) pin: Option<String>,
    /// What stdout holds: the answer, one object with all figures, or an object a step
    #[arg(long, default_value = "text")]
    pub(crate) format: Format,
    /// Write every step to this file, a JSON object a line; `-` is stdout, in the place of the answer
    #[arg(long, value_name = "FILE")]
    pub(crate) trace: Option<PathBuf>,
    /// Write also what each step would put in the place of the masks that it leaves
    #[arg(long, requires = "trace")]
    pub(crate) trace_guesses: bool,
    /// Replace the file of --trace, whatever it holds
    #[arg(long, requires = "trace")]
    pub(crate) force: bool,
    /// No progress and no notes on stderr
    #[arg(short, long)]
    pub(crate) quiet: bool,
    #[command(flatten)]
    pub(super) generation: DenoisingArguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
    Jsonl,
}

#[derive(Debug, Args)]
pub(crate) struct ChatArguments {
    /// Line by line, for screen readers and logs; always so where there is no screen
    #[arg(long)]
    pub(crate) plain: bool,
    #[command(flatten)]
    pub(crate) saving: Saving,
    #[command(flatten)]
    pub(super) generation: DenoisingArguments,
}
