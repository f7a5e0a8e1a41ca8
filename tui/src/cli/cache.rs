use clap::{Args, Subcommand};

use super::ListArguments;

/// What can be done with what is kept.
#[derive(Debug, Subcommand)]
pub(crate) enum CacheAction {
    /// List it, the largest first
    Ls(ListArguments),
    /// Remove some of it, or all; what a program has open stays
    Rm(CacheRmArguments),
}

#[derive(Debug, Args)]
pub(crate) struct CacheRmArguments {
    /// As `unmask cache ls` lists it, or the beginning of that
    #[arg(value_name = "NAME", required_unless_present = "all")]
    pub(crate) names: Vec<String>,
    /// Everything that no program has open
    #[arg(long, conflicts_with = "names")]
    pub(crate) all: bool,
}
