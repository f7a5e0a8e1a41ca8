use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use unmask_core::concurrency::BatchLimit;

use super::denoising::DenoisingArguments;

#[derive(Debug, Args)]
pub(crate) struct ServeArguments {
    /// The address to listen on; off this machine only with --key-file
    #[arg(long, value_name = "ADDRESS", help_heading = "Server")]
    pub(crate) host: Option<IpAddr>,
    /// The port; 0 takes a free one
    #[arg(long, value_name = "PORT", help_heading = "Server")]
    pub(crate) port: Option<u16>,
    /// Who may ask: lines of a name, a blank and a key of 24 characters or more
    #[arg(long, value_name = "FILE", help_heading = "Server")]
    pub(crate) key_file: Option<PathBuf>,
    /// Answer to everybody who reaches an address off this machine, without keys
    #[arg(long, conflicts_with = "key_file", help_heading = "Server")]
    pub(crate) no_key_on_network: bool,
    /// The keys of the configuration to answer with; the active one if left out
    #[arg(
        long,
        value_name = "KEY,…|all",
        value_delimiter = ',',
        help_heading = "Server"
    )]
    pub(crate) models: Vec<String>,
    /// Turns that run at once, by turns, so that nobody waits for a whole answer of somebody else; as many as --batch says if
    /// left out
    #[arg(long, value_name = "N", help_heading = "Server")]
    pub(crate) parallel: Option<NonZeroUsize>,
    /// How many of them one pass computes; auto is 1 on a processor, where a pass of several takes as long as a pass each, and
    /// 8 elsewhere
    #[arg(long, value_name = "auto|N", help_heading = "Server")]
    pub(crate) batch: Option<BatchLimit>,
    /// Requests that may wait; more are told to come back
    #[arg(long, value_name = "N", help_heading = "Server")]
    pub(crate) queue: Option<usize>,
    /// Positions of an answer at most; four times the model's usual length if left out
    #[arg(long, value_name = "N", help_heading = "Server")]
    pub(crate) max_length: Option<NonZeroUsize>,
    /// How long an idle model stays loaded: 90s, 30m, 2h, or 0 for ever
    #[arg(long, value_name = "TIME", value_parser = time, help_heading = "Server")]
    pub(crate) keep_alive: Option<Duration>,
    /// A further name that the server answers to, such as that of a proxy before it; may be repeated
    #[arg(long = "allow-host", value_name = "NAME", help_heading = "Server")]
    pub(crate) allow_hosts: Vec<String>,
    /// A further page that may ask, such as https://chat.lan; may be repeated
    #[arg(long = "allow-origin", value_name = "ORIGIN", help_heading = "Server")]
    pub(crate) allow_origins: Vec<String>,
    /// Leave out the page at /
    #[arg(long, help_heading = "Server")]
    pub(crate) no_page: bool,
    /// Open the page in the browser, with a key of its own
    #[arg(long, conflicts_with = "no_page", help_heading = "Server")]
    pub(crate) open: bool,
    /// Write what is asked into the log too
    #[arg(long, help_heading = "Server")]
    pub(crate) log_prompts: bool,
    #[command(flatten)]
    pub(super) generation: DenoisingArguments,
}

/// A number of seconds, or one with `s`, `m` or `h` behind it.
pub(crate) fn time(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let (number, seconds) = match text.char_indices().next_back() {
        Some((at, 's')) => (&text[..at], 1),
        Some((at, 'm')) => (&text[..at], 60),
        Some((at, 'h')) => (&text[..at], 3600),
        _ => (text, 1),
    };
    let number: u64 = number
        .parse()
        .map_err(|_| "write a time such as 90s, 30m or 2h".to_owned())?;
    let seconds = number.checked_mul(seconds);
    let time = seconds.map(Duration::from_secs);
    time.ok_or_else(|| "the time is too long".to_owned())
}
