use clap::{Args, Subcommand, ValueEnum};

use super::ListArguments;

/// What of conversations is kept, and which to go on with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "Conversations")]
pub(crate) struct Saving {
    /// Go on with a conversation: its id, the beginning of one, or `last`
    #[arg(long, value_name = "ID")]
    pub(crate) resume: Option<String>,
    /// Write nothing: no conversation, no history of prompts
    #[arg(long)]
    pub(crate) private: bool,
}

/// What can be done with saved conversations.
#[derive(Debug, Subcommand)]
pub(crate) enum SessionsCommand {
    /// List them, the one written last first
    Ls(ListArguments),
    /// Print one
    Show(Show),
    /// Remove one for good
    Rm(Rm),
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Its id, the beginning of one, or `last`
    pub(crate) id: String,
    /// What stdout holds: the conversation, or the file as it is
    #[arg(long, default_value = "text")]
    pub(crate) format: ShowFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ShowFormat {
    Text,
    Jsonl,
}

#[derive(Debug, Args)]
pub(crate) struct Rm {
    /// Its id, the beginning of one, or `last`
    pub(crate) id: String,
    /// Do not ask
    #[arg(long)]
    pub(crate) force: bool,
}
