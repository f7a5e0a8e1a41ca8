use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;

use clap::Args;
use unmask_core::measured::DenoisingMode;

use super::TableFormat;
use super::denoising::DenoisingArguments;

#[derive(Debug, Args)]
pub(crate) struct BenchArguments {
    /// The model, as --model names it
    #[arg(value_name = "MODEL", conflicts_with = "model")]
    pub(super) of: Option<String>,
    /// Questions as `eval` takes them; without them prompts that the program carries, of which no answer is right or wrong
    #[arg(long, value_name = "FILE")]
    pub(crate) questions: Option<PathBuf>,
    /// Modes beside exact: `steps/N`, `prefix`, `dual`, `KEY=VALUE` of any setting, joined by `+`
    #[arg(
        long,
        value_name = "MODE,…",
        value_delimiter = ',',
        default_value = "steps/2,steps/4,threshold=0.95,threshold=0.9,threshold=0.8,threshold=0.7,factor=1,entropy_bound=0.1,prefix,dual,prefix+threshold=0.9,dual+threshold=0.9"
    )]
    pub(crate) modes: Vec<DenoisingMode>,
    /// Ask only so many questions, from the first on
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<NonZeroUsize>,
    /// Answer each question so many times, with a seed more each time: for modes that draw, such as with --temp
    #[arg(long, value_name = "N", default_value = "1")]
    pub(crate) seeds: NonZeroU32,
    /// Names the order of the modes within each question
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) order: u64,
    /// Keep each question's answers in this file and go on from it next time
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Begin anew, and replace the files of --out and --svg, whatever they hold
    #[arg(long)]
    pub(crate) force: bool,
    /// Draw the plot into this file
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
    /// Keep the figures for the speed dial and for estimates of time
    #[arg(long)]
    pub(crate) write: bool,
    /// What stdout holds: tables with a plot, or JSON
    #[arg(long, default_value = "text")]
    pub(crate) format: TableFormat,
    /// No progress on stderr
    #[arg(short, long)]
    pub(crate) quiet: bool,
    #[command(flatten)]
    pub(super) generation: DenoisingArguments,
}
