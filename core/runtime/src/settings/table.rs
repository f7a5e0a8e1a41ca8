use super::domain::NOT_NEGATIVE;
use super::value::AUTO;
use super::words::{Words, meant, word, words};
use super::{
    Bounds, Changes, Counted, Definition, Domain, Flag, OneOf, Setting, SettingValue, Word,
    families, samplers,
};
use crate::params::{CacheMode, EntropyOrder, Growth, Remasking, Transfer};

/// Every setting, in the order of [`Setting`], which is that of the panel.
pub const TABLE: &[Definition] = &[
    Definition {
        setting: Setting::Length,
        key: "length",
        domain: Domain::Count(Counted::Answer),
        flag: Flag::Takes("--len", "N"),
        variable: "UNMASK_LENGTH",
        label: "answer length",
        help: "Length of the answer, in tokens, or auto",
        remark: "tokens on the canvas",
        about: "Positions of the answer, all masked at first. A short answer ends early and leaves \
                the rest unused; a longer one costs more per forward. auto: it finds its length.",
        changes: Changes::Tokens,
        one_of: None,
        get: |params, length| match params.growth {
            Growth::Fixed => SettingValue::Count(length),
            Growth::Auto | Growth::Blocks { .. } | Growth::Daedal(_) => SettingValue::Choice(AUTO),
        },
        set: |params, length, value| match value {
            SettingValue::Choice(_) => params.growth = Growth::Auto,
            value => (params.growth, *length) = (Growth::Fixed, value.count()),
        },
    },
    Definition {
        setting: Setting::BlockLength,
        key: "block_length",
        domain: Domain::Count(Counted::Block),
        flag: Flag::Takes("--block", "N"),
        variable: "UNMASK_BLOCK_LENGTH",
        label: "block length",
        help: "Length of a block, in tokens",
        remark: "1 block, in any order",
        about: "The answer is unmasked block by block, left to right; within a block in any order. \
                As long as the answer: no blocks.",
        changes: Changes::Tokens,
        one_of: None,
        get: |params, _| SettingValue::Count(params.block_length),
        set: |params, _, value| params.block_length = value.count(),
    },
    Definition {
        setting: Setting::Steps,
        key: "steps",
        domain: Domain::Count(Counted::Steps),
        flag: Flag::Takes("--steps", "N"),
        variable: "UNMASK_STEPS",
        label: "steps",
        help: "Steps over all blocks",
        remark: "of no matter: the model decides",
        about: "Forward passes for the whole answer, shared evenly among its blocks. Fewer are \
                faster and commit more tokens at a time, with less care.",
        changes: Changes::Tokens,
        one_of: None,
        get: |params, _| SettingValue::Count(params.steps),
        set: |params, _, value| params.steps = value.count(),
    },
    Definition {
        setting: Setting::Threshold,
        key: "threshold",
        domain: Domain::Optional(Bounds {
            range: "0 to 1",
            most: 1.0,
            screen_most: 1.0,
            arrows: (0.5, 0.99),
            per_one: 20.0,
            digits: 2,
            ..NOT_NEGATIVE
        }),
        flag: Flag::Takes("--threshold", "P"),
        variable: "UNMASK_THRESHOLD",
        label: "threshold",
        help: "Commit every token of at least this confidence, 0 to 1 (approximate)",
        remark: "commit every token above it",
        about: "Each step commits every token of at least this confidence, and one at least. Far \
                fewer forwards; tokens may differ from the exact schedule's.",
        changes: Changes::TokensForSpeed,
        one_of: Some(OneOf::Transfer),
        get: |params, _| match params.transfer {
            Transfer::Threshold(at) => SettingValue::Number(at),
            _ => SettingValue::Off,
        },
        set: |params, _, value| match (value.number(), params.transfer) {
            (Some(at), _) => params.transfer = Transfer::Threshold(at),
            (None, Transfer::Threshold(_)) => params.transfer = Transfer::Quota,
            (None, _) => (),
        },
    },
    Definition {
        setting: Setting::Temperature,
        key: "temperature",
        domain: Domain::Number(Bounds {
            screen_most: 2.0,
            arrows: (0.0, 2.0),
            per_one: 10.0,
            ..NOT_NEGATIVE
        }),
        flag: Flag::Takes("--temp", "T"),
        variable: "UNMASK_TEMPERATURE",
        label: "temperature",
        help: "Gumbel temperature, 0 and up; 0 takes the best token",
        remark: "0 = always the top token",
        about: "Gumbel noise on the choice of tokens. 0 always takes the best one, so that the \
                seed has no say.",
        changes: Changes::Tokens,
        one_of: None,
        get: |params, _| SettingValue::Number(params.temperature),
        set: |params, _, value| params.temperature = value.number().unwrap_or(0.0),
    },
    Definition {
        setting: Setting::CfgScale,
        key: "cfg_scale",
        domain: Domain::Number(Bounds {
            // It is computed with as f32.
            most: f32::MAX as f64,
            screen_most: 4.0,
            arrows: (0.0, 4.0),
            per_one: 2.0,
            ..NOT_NEGATIVE
        }),
        flag: Flag::Takes("--cfg", "SCALE"),
        variable: "UNMASK_CFG_SCALE",
        label: "guidance (CFG)",
        help: "Classifier-free guidance, 0 and up; above 0 doubles the work",
        remark: "above 0 doubles the work",
        about: "Classifier-free guidance pushes the answer towards the prompt. Each forward then \
                has two rows and takes about twice as long.",
        changes: Changes::Tokens,
        one_of: None,
        get: |params, _| SettingValue::Number(shortest(params.cfg_scale)),
        set: |params, _, value| params.cfg_scale = value.number().unwrap_or(0.0) as f32,
    },
    Definition {
        setting: Setting::Remasking,
        key: "remasking",
        domain: Domain::Choice(REMASKING_WORDS),
        flag: Flag::Takes("--remasking", "REMASKING"),
        variable: "UNMASK_REMASKING",
        label: "remasking",
        help: "Which positions stay masked",
        remark: "what goes first",
        about: "Which tokens stay masked for later steps: those of least confidence, highest entropy \
                or smallest lead of the best token over the second, any, or the last ones.",
        changes: Changes::Tokens,
        one_of: None,
        get: |params, _| SettingValue::Choice(word(&REMASKING, params.remasking)),
        set: |params, _, value| params.remasking = meant(&REMASKING, value),
    },
    Definition {
        setting: Setting::Seed,
        key: "seed",
        domain: Domain::Seed,
        flag: Flag::Takes("--seed", "N"),
        variable: "UNMASK_SEED",
        label: "seed",
        help: "Seed for temperature and random remasking",
        remark: "number or random",
        about: "Where noise and random remasking come from. random draws another one for each \
                answer; /retry seed=N repeats one exactly.",
        changes: Changes::Tokens,
        one_of: None,
        get: |params, _| SettingValue::Seed(params.seed),
        set: |params, _, value| params.seed = value.seed(),
    },
    Definition {
        setting: Setting::EndLast,
        key: "confidence_eos_eot_inf",
        domain: Domain::Switch,
        flag: Flag::TurnsOn("--confidence-eos-eot-inf"),
        variable: "UNMASK_CONFIDENCE_EOS_EOT_INF",
        label: "end tokens last",
        help: "Commit end tokens last",
        remark: "decided after all words",
        about: "End tokens are committed last, so that an answer does not end before it has been \
                written (confidence_eos_eot_inf).",
        changes: Changes::Tokens,
        one_of: None,
        get: |params, _| SettingValue::Switch(params.confidence_eos_eot_inf),
        set: |params, _, value| params.confidence_eos_eot_inf = value.is_on(),
    },
    Definition {
        setting: Setting::Factor,
        key: "factor",
        domain: Domain::Optional(Bounds {
            range: "above 0",
            has_least: false,
            screen_most: 10.0,
            arrows: (0.5, 10.0),
            per_one: 2.0,
            ..NOT_NEGATIVE
        }),
        flag: Flag::Takes("--factor", "F"),
        variable: "UNMASK_FACTOR",
        label: "factor",
        help: "Commit by Fast-dLLM's factor, above 0 (approximate)",
        remark: "commit by confidence and rank",
        about: "As the threshold, but it asks less of a token that leads by rank. Tokens may differ \
                from the exact schedule's. Excludes the threshold.",
        changes: Changes::TokensForSpeed,
        one_of: Some(OneOf::Transfer),
        get: |params, _| match params.transfer {
            Transfer::Factor(factor) => SettingValue::Number(factor),
            _ => SettingValue::Off,
        },
        set: |params, _, value| match (value.number(), params.transfer) {
            (Some(factor), _) => params.transfer = Transfer::Factor(factor),
            (None, Transfer::Factor(_)) => params.transfer = Transfer::Quota,
            (None, _) => (),
        },
    },
    Definition {
        setting: Setting::EntropyBound,
        key: "entropy_bound",
        domain: Domain::Optional(Bounds {
            screen_most: 10.0,
            arrows: (0.0, 2.0),
            per_one: 10.0,
            ..NOT_NEGATIVE
        }),
        flag: Flag::Takes("--entropy-bound", "NAT"),
        variable: "UNMASK_ENTROPY_BOUND",
        label: "entropy bound",
        help: "Commit tokens as long as their entropies stay within this sum, 0 and up (approximate)",
        remark: "commit while entropy allows",
        about: "The EB sampler: each step commits tokens as long as the entropies of all but the \
                last sum to this. Tokens may differ. Excludes threshold and factor.",
        changes: Changes::TokensForSpeed,
        one_of: Some(OneOf::Transfer),
        get: |params, _| match params.transfer {
            Transfer::EntropyBound(bound) => SettingValue::Number(bound),
            _ => SettingValue::Off,
        },
        set: |params, _, value| match (value.number(), params.transfer) {
            (Some(bound), _) => params.transfer = Transfer::EntropyBound(bound),
            (None, Transfer::EntropyBound(_)) => params.transfer = Transfer::Quota,
            (None, _) => (),
        },
    },
    Definition {
        setting: Setting::EntropyOrder,
        key: "entropy_order",
        domain: Domain::Choice(ORDER_WORDS),
        flag: Flag::Takes("--entropy-order", "ORDER"),
        variable: "UNMASK_ENTROPY_ORDER",
        label: "entropy order",
        help: "What an entropy bound takes first",
        remark: "entropy · confidence",
        about: "In which order an entropy bound takes tokens: those of the lowest entropy first, or \
                those of the highest confidence. Of no matter without a bound.",
        changes: Changes::Tokens,
        one_of: None,
        get: |params, _| SettingValue::Choice(word(&ORDER, params.entropy_order)),
        set: |params, _, value| params.entropy_order = meant(&ORDER, value),
    },
    Definition {
        setting: Setting::Cache,
        key: "cache",
        domain: Domain::Choice(CACHE_WORDS),
        flag: Flag::Takes("--cache", "CACHE"),
        variable: "UNMASK_CACHE",
        label: "cache",
        help: "Reuse K/V between steps (approximate unless off)",
        remark: "off · prefix · dual",
        about: "Reuses keys and values of other blocks between steps: prefix those before, dual \
                those after as well. Faster; tokens may differ.",
        changes: Changes::TokensForSpeed,
        one_of: None,
        get: |params, _| SettingValue::Choice(word(&CACHE, params.cache)),
        set: |params, _, value| params.cache = meant(&CACHE, value),
    },
    Definition {
        setting: Setting::EarlyStop,
        key: "early_stop",
        domain: Domain::Switch,
        flag: Flag::TurnsOff("--no-early-stop"),
        variable: "UNMASK_EARLY_STOP",
        label: "stop at the end",
        help: "Denoise every block, also after the answer has ended",
        remark: "as soon as the end is settled",
        about: "Ends the turn once an end token is settled and no mask stands before it. The \
                visible text is the same.",
        changes: Changes::Speed,
        one_of: None,
        get: |params, _| SettingValue::Switch(params.early_stop),
        set: |params, _, value| params.early_stop = value.is_on(),
    },
    Definition {
        setting: Setting::NoEnd,
        key: "logits_eos_inf",
        domain: Domain::Switch,
        flag: Flag::TurnsOn("--logits-eos-inf"),
        variable: "UNMASK_LOGITS_EOS_INF",
        label: "no end token",
        help: "Never predict the end of text",
        remark: "the answer fills its length",
        about: "The end-of-text token is never predicted (logits_eos_inf): the answer fills its \
                whole length.",
        changes: Changes::Tokens,
        one_of: None,
        get: |params, _| SettingValue::Switch(params.logits_eos_inf),
        set: |params, _, value| params.logits_eos_inf = value.is_on(),
    },
    samplers::KLASS,
    samplers::LOCAL_LEAP,
    samplers::SLOW_FAST,
    samplers::WINO,
    samplers::HIERARCHY,
    samplers::CREDIT,
    samplers::DYNAMIC,
    families::SCHEDULE,
    families::EDITING,
    families::SUB_BLOCK,
    families::TOP_P,
    families::ORDER_TEMPERATURE,
    families::TOP_K,
];

const REMASKING: Words<Remasking, 5> = [
    ("low_confidence", "low_conf", Remasking::LowConfidence),
    ("random", "random", Remasking::Random),
    ("entropy", "entropy", Remasking::Entropy),
    ("margin", "margin", Remasking::Margin),
    ("sequential", "left_right", Remasking::Sequential),
];

const CACHE: Words<CacheMode, 3> = [
    ("off", "off", CacheMode::Off),
    ("prefix", "prefix", CacheMode::Prefix),
    ("dual", "dual", CacheMode::Dual),
];

const ORDER: Words<EntropyOrder, 2> = [
    ("entropy", "entropy", EntropyOrder::Entropy),
    ("confidence", "confidence", EntropyOrder::Confidence),
];

const ORDER_WORDS: &[Word] = &words(&ORDER);
const REMASKING_WORDS: &[Word] = &words(&REMASKING);
const CACHE_WORDS: &[Word] = &words(&CACHE);

/// The decimal that a person wrote: 0.1 as `f64`, not 0.10000000149.
fn shortest(number: f32) -> f64 {
    number.to_string().parse().unwrap_or(f64::from(number))
}

impl Setting {
    /// All that is known of it.
    #[must_use]
    pub fn definition(self) -> &'static Definition {
        &TABLE[self as usize]
    }

    /// The setting of this key.
    #[must_use]
    pub fn of_key(key: &str) -> Option<Self> {
        TABLE.iter().find(|it| it.key == key).map(|it| it.setting)
    }
}

impl Definition {
    /// The other ways to do the same: none of them can be used beside it.
    pub fn others(&self) -> impl Iterator<Item = &'static Self> {
        let (setting, one_of) = (self.setting, self.one_of);
        let is_other = move |it: &&Self| it.one_of == one_of && it.setting != setting;
        TABLE
            .iter()
            .filter(move |it| one_of.is_some() && is_other(it))
    }
}
