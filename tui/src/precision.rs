//! Why a model has its precision, in words.

use unmask_core::precision::PrecisionReason;

use crate::amount;

/// `fits 12.3 GB free`; `None` if nobody but its backend has chosen it, or somebody has named it.
#[must_use]
pub fn why(reason: PrecisionReason) -> Option<String> {
    match reason {
        PrecisionReason::Named | PrecisionReason::First => None,
        PrecisionReason::Small => Some("the model is small".to_owned()),
        PrecisionReason::Fits { free_bytes } => {
            Some(format!("fits {} free", amount::bytes(free_bytes)))
        }
        PrecisionReason::Smallest { free_bytes } => Some(format!(
            "needs the least, for {} free",
            amount::bytes(free_bytes)
        )),
    }
}

/// `int8 (fits 12.3 GB free)`, or the precision alone.
#[must_use]
pub fn with_reason(precision: &str, reason: PrecisionReason) -> String {
    match why(reason) {
        Some(why) => format!("{precision} ({why})"),
        None => precision.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(reason: PrecisionReason, words: &str) {
        assert_eq!(with_reason("int8", reason), words);
    }

    #[test]
    fn what_was_chosen_says_why() {
        check(PrecisionReason::Named, "int8");
        check(PrecisionReason::First, "int8");
        check(PrecisionReason::Small, "int8 (the model is small)");
        let free_bytes = 12_345_000_000;
        check(
            PrecisionReason::Fits { free_bytes },
            "int8 (fits 12.3 GB free)",
        );
        check(
            PrecisionReason::Smallest { free_bytes },
            "int8 (needs the least, for 12.3 GB free)",
        );
    }
}
