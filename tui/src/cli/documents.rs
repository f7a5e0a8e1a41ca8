use std::path::PathBuf;

use clap::{Args, ValueEnum};
use clap_complete::Shell;

/// What `unmask completions` takes.
#[derive(Debug, Args)]
#[command(
    after_help = "For bash: unmask completions bash > ~/.local/share/bash-completion/completions/unmask"
)]
pub(crate) struct CompletionsArguments {
    /// The shell
    pub(crate) shell: Shell,
}

/// What `unmask man` takes.
#[derive(Debug, Args)]
pub(crate) struct ManArguments {
    /// Where unmask.1 and a page for each command are put; made if it is not there
    #[arg(value_name = "FOLDER")]
    pub(crate) folder: PathBuf,
}

/// What `unmask config schema` takes.
#[derive(Debug, Clone, Copy, Args)]
#[command(
    after_help = "A file whose first line is `#:schema PATH` is held against the schema at PATH by editors that know TOML."
)]
pub(crate) struct SchemaArguments {
    /// Of which file
    #[arg(default_value = "models")]
    pub(crate) of: SchemaOf,
}

/// A file of the configuration.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum SchemaOf {
    /// model_config.toml
    Models,
    /// config.toml
    Screen,
}
