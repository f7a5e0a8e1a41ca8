use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{ListArguments, TableFormat};

/// The list of backends, or what is done with one of them.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct BackendsArguments {
    #[command(subcommand)]
    pub(crate) action: Option<BackendsAction>,
    #[command(flatten)]
    pub(crate) listing: ListArguments,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BackendsAction {
    /// Fetch the libraries that a backend needs, or take them from a file or folder
    Install(InstallArguments),
    /// Hold a backend against what the contract promises
    ///
    /// That is partial forwards and batches, claims, bad files, cancelling, threads, memory, and the reference's numbers where
    /// they are known; with the demo model or that of --model, in every precision or that of --precision. It happens in a
    /// process of its own, so that a backend that crashes or hangs is a line of the report. Ends with 1 if a promise is broken.
    ///
    /// Example: unmask backends verify ./target/release/libunmask_backend_mine.so
    Verify(VerifyArguments),
    /// Let a library of others run here, as it is now
    Approve(Library),
    /// Let it run no more
    Revoke(Library),
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArguments {
    /// Its name, as `unmask backends` lists it, or the path of a library, which may run by that
    #[arg(value_name = "NAME|PATH")]
    pub(crate) what: String,
    /// What stdout holds: a text or JSON
    #[arg(long, default_value = "text")]
    pub(crate) format: TableFormat,
    /// Failures that are expected: [[gap]] with backend, precision, case and why, in TOML
    #[arg(long, value_name = "FILE")]
    pub(crate) known: Option<PathBuf>,
    /// Seconds for which nothing may be heard of a case before its process is ended
    #[arg(long, value_name = "SECONDS", default_value_t = PATIENCE, value_parser = patience)]
    pub(crate) patience: f64,
}

/// A backend that computes on a slow machine is heard of between passes.
pub(super) const PATIENCE: f64 = 120.0;

fn patience(text: &str) -> Result<f64, String> {
    let seconds = text.parse().ok().filter(|it| (0.1..1e6).contains(it));
    seconds.ok_or_else(|| "write seconds, 0.1 or more".to_owned())
}

#[derive(Debug, Args)]
pub(crate) struct Library {
    /// Its name, as `unmask backends` lists it, or its path
    #[arg(value_name = "NAME|PATH")]
    pub(crate) what: String,
}

#[derive(Debug, Args)]
pub(crate) struct InstallArguments {
    /// The backend, as `unmask backends` lists it
    pub(crate) name: String,
    /// The flavour for a GPU, such as cuda or directml
    #[arg(long, value_name = "FLAVOUR")]
    pub(crate) gpu: Option<String>,
    /// Take them from this wheel, zip archive or folder, and fetch nothing
    #[arg(long, value_name = "PATH")]
    pub(crate) from: Option<PathBuf>,
    /// The Python package index to ask instead of pip; without pip, PIP_INDEX_URL or UV_DEFAULT_INDEX say it
    #[arg(long, value_name = "URL", conflicts_with = "from")]
    pub(crate) index: Option<String>,
    /// No progress and no notes on stderr
    #[arg(short, long)]
    pub(crate) quiet: bool,
}
