//! Settings that some families alone have use for.

use super::domain::{NOT_NEGATIVE, SHARE};
use super::words::{Words, meant, word, words};
use super::{
    Bounds, Changes, Counted, Definition, Domain, Flag, OneOf, Setting, SettingValue, Word,
};
use crate::params::{Editing, Transfer};

/// The time before the last step.
const EPS: f64 = 1e-3;

const SCHEDULES: Words<Transfer, 2> = [
    ("linear", "linear", Transfer::Quota),
    ("timesteps", "timesteps", Transfer::Timesteps(EPS)),
];

const SCHEDULE_WORDS: &[Word] = &words(&SCHEDULES);

pub(super) const SCHEDULE: Definition = Definition {
    setting: Setting::Schedule,
    key: "schedule",
    domain: Domain::Choice(SCHEDULE_WORDS),
    flag: Flag::Takes("--schedule", "SCHEDULE"),
    variable: "UNMASK_SCHEDULE",
    label: "schedule",
    help: "How many positions each step commits where no confidence decides",
    remark: "linear · timesteps",
    about: "Even shares of a block's masks, or Dream's shares of what is left; with random remasking \
            the latter is Dream's origin.",
    changes: Changes::Tokens,
    one_of: Some(OneOf::Transfer),
    get: |params, _| {
        SettingValue::Choice(match params.transfer {
            Transfer::Timesteps(_) => word(&SCHEDULES, Transfer::Timesteps(EPS)),
            _ => word(&SCHEDULES, Transfer::Quota),
        })
    },
    set: |params, _, value| match (meant(&SCHEDULES, value), params.transfer) {
        (Transfer::Quota, Transfer::Timesteps(_)) => params.transfer = Transfer::Quota,
        (Transfer::Quota, _) => (),
        (schedule, _) => params.transfer = schedule,
    },
};

pub(super) const EDITING: Definition = Definition {
    setting: Setting::Editing,
    key: "editing",
    domain: SHARE,
    flag: Flag::Takes("--editing", "P"),
    variable: "UNMASK_EDITING",
    label: "token editing",
    help: "Change written tokens where another is surer than this, 0 to 1 (LLaDA2.1)",
    remark: "changes written tokens",
    about: "A token of the open block is changed where another one has more than this confidence \
            (T2T editing). For models that were trained to do so: LLaDA2.1.",
    changes: Changes::Tokens,
    one_of: None,
    get: |params, _| match params.editing {
        Some(editing) => SettingValue::Number(editing.threshold),
        None => SettingValue::Off,
    },
    set: |params, _, value| params.editing = value.number().map(Editing::new),
};

pub(super) const SUB_BLOCK: Definition = Definition {
    setting: Setting::SubBlock,
    key: "sub_block_length",
    domain: Domain::Count(Counted::Block),
    flag: Flag::Takes("--sub-block", "N"),
    variable: "UNMASK_SUB_BLOCK_LENGTH",
    label: "sub-block",
    help: "Length of a part of a block, in tokens (Fast-dLLM v2)",
    remark: "parts of a block, in order",
    about: "Fast-dLLM v2 denoises a block in parts, left to right. Of no matter for other models.",
    changes: Changes::Tokens,
    one_of: None,
    get: |params, _| SettingValue::Count(params.sub_block_length),
    set: |params, _, value| params.sub_block_length = value.count(),
};

pub(super) const TOP_P: Definition = Definition {
    setting: Setting::TopP,
    key: "top_p",
    domain: SHARE,
    flag: Flag::Takes("--top-p", "P"),
    variable: "UNMASK_TOP_P",
    label: "top-p",
    help: "Choose among the fewest tokens whose probabilities reach this, 0 to 1",
    remark: "only likely tokens",
    about: "Tokens beyond the fewest whose probabilities reach this count for nothing, neither in the \
            choice nor in the confidence.",
    changes: Changes::Tokens,
    one_of: None,
    get: |params, _| params.top_p.map_or(SettingValue::Off, SettingValue::Number),
    set: |params, _, value| params.top_p = value.number(),
};

pub(super) const ORDER_TEMPERATURE: Definition = Definition {
    setting: Setting::OrderTemperature,
    key: "alg_temp",
    domain: Domain::Number(Bounds {
        screen_most: 2.0,
        arrows: (0.0, 2.0),
        per_one: 10.0,
        ..NOT_NEGATIVE
    }),
    flag: Flag::Takes("--alg-temp", "T"),
    variable: "UNMASK_ALG_TEMP",
    label: "order noise",
    help: "Noise on which positions go first, 0 and up (Dream's alg_temp)",
    remark: "0 = always the best first",
    about: "Positions are drawn with weights exp(score / this) rather than taken best first (alg_temp). \
            0 always takes the best.",
    changes: Changes::Tokens,
    one_of: None,
    get: |params, _| SettingValue::Number(params.order_temperature),
    set: |params, _, value| params.order_temperature = value.number().unwrap_or(0.0),
};

pub(super) const TOP_K: Definition = Definition {
    setting: Setting::TopK,
    key: "top_k",
    domain: Domain::Optional(Bounds {
        range: "a whole number, 1 or more",
        least: 1.0,
        screen_most: 1000.0,
        arrows: (1.0, 100.0),
        digits: 0,
        ..NOT_NEGATIVE
    }),
    flag: Flag::Takes("--top-k", "N"),
    variable: "UNMASK_TOP_K",
    label: "top-k",
    help: "Choose among so many best tokens, 1 and up",
    remark: "only the best tokens",
    about: "Tokens beyond so many of the best count for nothing, neither in the choice nor in the \
            confidence.",
    changes: Changes::Tokens,
    one_of: None,
    get: |params, _| match params.top_k {
        Some(count) => SettingValue::Number(count as f64),
        None => SettingValue::Off,
    },
    set: |params, _, value| params.top_k = value.number().map(|count| count as usize),
};
