//! The samplers that are ways to say how many positions a step commits, each by its leading threshold; the other numbers of
//! each are those of its paper.

use super::domain::SHARE;
use super::{Changes, Definition, Flag, OneOf, Setting, SettingValue};
use crate::Params;
use crate::params::{Credit, Hierarchy, Klass, LocalLeap, SlowFast, Transfer, Wino};

/// Writes a leading threshold, or takes the sampler away if it is the one that is used.
fn put(params: &mut Params, value: SettingValue, with: fn(f64) -> Transfer) {
    let is_same = |it: &Transfer| std::mem::discriminant(it) == std::mem::discriminant(&with(0.0));
    match value.number() {
        Some(at) => params.transfer = with(at),
        None if is_same(&params.transfer) => params.transfer = Transfer::Quota,
        None => (),
    }
}

/// The number, or off.
fn shown(number: Option<f64>) -> SettingValue {
    number.map_or(SettingValue::Off, SettingValue::Number)
}

pub(super) const KLASS: Definition = Definition {
    setting: Setting::Klass,
    key: "klass",
    domain: SHARE,
    flag: Flag::Takes("--klass", "P"),
    variable: "UNMASK_KLASS",
    label: "klass",
    help: "Commit confident tokens whose predictions have settled, from this confidence (KLASS, approximate)",
    remark: "confident and settled",
    about: "KLASS: each step commits every token of more than this confidence whose prediction has not changed for two steps. Tokens may differ. Reads whole rows of logits.",
    changes: Changes::TokensForSpeed,
    one_of: Some(OneOf::Transfer),
    get: |params, _| {
        shown(match params.transfer {
            Transfer::Klass(it) => Some(it.threshold),
            _ => None,
        })
    },
    set: |params, _, value| {
        put(params, value, |at| {
            Transfer::Klass(Klass {
                threshold: at,
                ..Klass::default()
            })
        });
    },
};

pub(super) const LOCAL_LEAP: Definition = Definition {
    setting: Setting::LocalLeap,
    key: "local_leap",
    domain: SHARE,
    flag: Flag::Takes("--local-leap", "P"),
    variable: "UNMASK_LOCAL_LEAP",
    label: "local leap",
    help: "Commit tokens of this confidence, and less sure ones near them (LocalLeap, from its formula, approximate)",
    remark: "more near confident tokens",
    about: "LocalLeap: each step commits its share, every token of at least this confidence, and within four positions of one those of 0.75. Tokens may differ. From its paper's formula: its code was not at hand to compare with.",
    changes: Changes::TokensForSpeed,
    one_of: Some(OneOf::Transfer),
    get: |params, _| {
        shown(match params.transfer {
            Transfer::LocalLeap(it) => Some(it.anchor),
            _ => None,
        })
    },
    set: |params, _, value| {
        put(params, value, |at| {
            Transfer::LocalLeap(LocalLeap {
                anchor: at,
                ..LocalLeap::default()
            })
        });
    },
};

pub(super) const SLOW_FAST: Definition = Definition {
    setting: Setting::SlowFast,
    key: "slow_fast",
    domain: SHARE,
    flag: Flag::Takes("--slow-fast", "P"),
    variable: "UNMASK_SLOW_FAST",
    label: "slow-fast",
    help: "Commit as far as confidence reaches, from this confidence (SlowFast, from its formula, approximate)",
    remark: "slow, then all at once",
    about: "SlowFast: slow steps until it shows how far confidence reaches, then every token of at least this confidence up to there. Tokens may differ. From its paper's formula: there is no reference case of it.",
    changes: Changes::TokensForSpeed,
    one_of: Some(OneOf::Transfer),
    get: |params, _| {
        shown(match params.transfer {
            Transfer::SlowFast(it) => Some(it.high),
            _ => None,
        })
    },
    set: |params, _, value| {
        put(params, value, |at| {
            Transfer::SlowFast(SlowFast {
                high: at,
                ..SlowFast::default()
            })
        });
    },
};

pub(super) const WINO: Definition = Definition {
    setting: Setting::Wino,
    key: "wino",
    domain: SHARE,
    flag: Flag::Takes("--wino", "P"),
    variable: "UNMASK_WINO",
    label: "draft + verify",
    help: "Commit drafts above this confidence and mask again what does not hold (WINO, approximate)",
    remark: "may mask tokens again",
    about: "WINO: each step writes every token above this confidence and masks those again that their context does not bear out. A forward has a second copy of the block. Tokens may differ.",
    changes: Changes::TokensForSpeed,
    one_of: Some(OneOf::Transfer),
    get: |params, _| {
        shown(match params.transfer {
            Transfer::Wino(it) => Some(it.draft),
            _ => None,
        })
    },
    set: |params, _, value| {
        put(params, value, |at| {
            Transfer::Wino(Wino {
                draft: at,
                ..Wino::default()
            })
        });
    },
};

pub(super) const HIERARCHY: Definition = Definition {
    setting: Setting::Hierarchy,
    key: "hierarchy",
    domain: SHARE,
    flag: Flag::Takes("--hierarchy", "P"),
    variable: "UNMASK_HIERARCHY",
    label: "hierarchy",
    help: "Commit the best of each run of masks, and all above this confidence (dInfer, approximate)",
    remark: "the best of every run",
    about: "dInfer's hierarchical decoding: each step commits every token above this confidence, and the best of each run of masks if it is above 0.4. Tokens may differ.",
    changes: Changes::TokensForSpeed,
    one_of: Some(OneOf::Transfer),
    get: |params, _| {
        shown(match params.transfer {
            Transfer::Hierarchy(it) => it.threshold,
            _ => None,
        })
    },
    set: |params, _, value| {
        put(params, value, |at| {
            Transfer::Hierarchy(Hierarchy {
                threshold: Some(at),
                ..Hierarchy::default()
            })
        });
    },
};

pub(super) const CREDIT: Definition = Definition {
    setting: Setting::Credit,
    key: "credit",
    domain: SHARE,
    flag: Flag::Takes("--credit", "P"),
    variable: "UNMASK_CREDIT",
    label: "credit",
    help: "Commit from this confidence, steady predictions counting more (dInfer, approximate)",
    remark: "steady predictions count more",
    about: "dInfer's credit decoding: a token that has led at its place before is raised, then every one of at least this confidence is committed. Tokens may differ. Reads whole rows of logits.",
    changes: Changes::TokensForSpeed,
    one_of: Some(OneOf::Transfer),
    get: |params, _| {
        shown(match params.transfer {
            Transfer::Credit(it) => Some(it.threshold),
            _ => None,
        })
    },
    set: |params, _, value| {
        put(params, value, |at| {
            Transfer::Credit(Credit {
                threshold: at,
                ..Credit::default()
            })
        });
    },
};

pub(super) const DYNAMIC: Definition = Definition {
    setting: Setting::Dynamic,
    key: "dynamic",
    domain: SHARE,
    flag: Flag::Takes("--dynamic", "P"),
    variable: "UNMASK_DYNAMIC",
    label: "dynamic",
    help: "Commit the step's share, or every token above this confidence if they are more (approximate)",
    remark: "more where it is sure",
    about: "Each step commits its share of the block, or every token above this confidence if they \
            are as many: the rule of LLaDA2 and SDAR. Tokens may differ from the share alone.",
    changes: Changes::TokensForSpeed,
    one_of: Some(OneOf::Transfer),
    get: |params, _| {
        shown(match params.transfer {
            Transfer::Dynamic(at) => Some(at),
            _ => None,
        })
    },
    set: |params, _, value| put(params, value, Transfer::Dynamic),
};
