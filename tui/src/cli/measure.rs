use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use unmask_core::likelihood::CountRule;
use unmask_core::wire::SamplesWord;

use super::denoising::DenoisingArguments;
use super::{Format, TableFormat};

#[derive(Debug, Args)]
pub(crate) struct ScoreArguments {
    /// Texts, a JSON object a line: `context` and `continuation`; or `context`, `choices` and perhaps `answer`, the index of
    /// the right one; or `text`. `id` and `task` are repeated. `-` is stdin
    #[arg(required_unless_present_any = ["continuation", "text"])]
    pub(crate) file: Option<PathBuf>,
    /// What stands before the continuations
    #[arg(
        long,
        value_name = "TEXT",
        requires = "continuation",
        conflicts_with_all = ["file", "text"],
        allow_hyphen_values = true
    )]
    pub(crate) context: Option<String>,
    /// How likely is this behind the context? Said more than once: which of them is?
    #[arg(
        long,
        value_name = "TEXT",
        conflicts_with_all = ["file", "text"],
        allow_hyphen_values = true
    )]
    pub(crate) continuation: Vec<String>,
    /// How likely is the text of this file as a whole?
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    pub(crate) text: Option<PathBuf>,
    /// Masks to estimate from: a number of draws (128), `exact` for all of up to 12 tokens, `auto` for all where that is no
    /// more work
    #[arg(long, value_name = "N|exact|auto")]
    pub(crate) samples: Option<SamplesWord>,
    /// Draws whose numbers of masks are spread evenly (16); the reference's batch size
    #[arg(long, value_name = "N")]
    pub(crate) strata: Option<usize>,
    /// Draws computed in one forward at most; changes no number but the time
    #[arg(long, value_name = "N")]
    pub(crate) rows: Option<NonZeroUsize>,
    /// How many tokens a draw masks: as the reference rounds it, or each number equally often
    #[arg(long, default_value = "reference")]
    pub(crate) rule: RuleWord,
    /// Masks of its own for every choice; else choices of one length are compared under the same masks
    #[arg(long, conflicts_with = "text")]
    pub(crate) unpaired: bool,
    /// Classifier-free guidance (0); above 0 doubles the work
    #[arg(long, value_name = "SCALE")]
    pub(crate) cfg: Option<f32>,
    /// Seeds the masks; those of a text follow from it and the text alone
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Also tell whether the model would give the continuation greedily: up to a forward a token
    #[arg(long)]
    pub(crate) greedy: bool,
    /// Put each context into the model's chat template, as what the user says
    #[arg(long, conflicts_with = "text")]
    pub(crate) chat: bool,
    /// Put the beginning of text before each context; the reference does not
    #[arg(long, conflicts_with_all = ["chat", "text"])]
    pub(crate) bos: bool,
    /// Settings by name, for a published score: see `unmask presets`
    #[arg(long, value_name = "NAME")]
    pub(crate) preset: Option<String>,
    /// Keep each result in this file and go on from it next time
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Begin anew, and replace the file of --out, whatever it holds
    #[arg(long, requires = "out")]
    pub(crate) force: bool,
    /// What stdout holds: a table, one object, or an object a text and then one of all
    #[arg(long, default_value = "text")]
    pub(crate) format: Format,
    /// No progress on stderr
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RuleWord {
    Reference,
    Uniform,
}

impl From<RuleWord> for CountRule {
    fn from(word: RuleWord) -> Self {
        match word {
            RuleWord::Reference => Self::Reference,
            RuleWord::Uniform => Self::Uniform,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct WorkerArguments {
    /// Requests from stdin and answers to stdout, a JSON object a line; plugins/lm-eval/README.md describes them
    #[arg(long, required = true)]
    pub(crate) jsonl: bool,
    /// Draws computed in one forward at most; changes no number but the time
    #[arg(long, value_name = "N")]
    pub(crate) rows: Option<NonZeroUsize>,
    #[command(flatten)]
    pub(super) generation: DenoisingArguments,
}

#[derive(Debug, Args)]
pub(crate) struct PresetsArguments {
    /// Only those of this name
    pub(crate) name: Option<String>,
    /// What stdout holds: a table or JSON
    #[arg(long, default_value = "text")]
    pub(crate) format: TableFormat,
}

#[derive(Debug, Args)]
pub(crate) struct StatsArguments {
    /// A file of `eval --out` or `score --out`, of `bench --out` with `@MODE` behind it, or samples of lm-evaluation-harness
    pub(crate) file: PathBuf,
    /// Another one, over the same questions: what the first is compared with
    pub(crate) other: PathBuf,
    /// What stdout holds: a table or JSON
    #[arg(long, default_value = "text")]
    pub(crate) format: TableFormat,
}
