use std::path::PathBuf;

use clap::Args;
use unmask::state::PlaySpeed;

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
    /// Begin after this many steps; with --plain the answer as it was then
    #[arg(long, value_name = "N", conflicts_with_all = ["verify", "other"])]
    pub(crate) step: Option<usize>,
    /// Play it from its beginning, or from --step on, this many times as fast: 0.25, 0.5, 1, 2, 4 or 8
    #[arg(long, value_name = "X", value_parser = speed, conflicts_with_all = ["plain", "verify", "other"])]
    pub(crate) speed: Option<PlaySpeed>,
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

fn speed(text: &str) -> Result<PlaySpeed, String> {
    let factor = text.trim_end_matches('×').parse().ok();
    let speed = factor.and_then(PlaySpeed::of);
    speed.ok_or_else(|| "it is 0.25, 0.5, 1, 2, 4 or 8".to_owned())
}
