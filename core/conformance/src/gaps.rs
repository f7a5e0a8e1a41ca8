//! What backends are known not to do, as data.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// One failure that is expected; when the case begins to pass, the suite fails until the line is deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gap {
    /// The backend's name.
    pub backend: Cow<'static, str>,
    /// The precision that it fails in.
    pub precision: Cow<'static, str>,
    /// The name of the case.
    pub case: Cow<'static, str>,
    /// The reason.
    pub why: Cow<'static, str>,
}

/// Every known failure of the backends of this repository, one line each.
pub const KNOWN: &[Gap] = &[];

/// [`KNOWN`] with `more` behind it.
#[must_use]
pub fn all_known(more: impl IntoIterator<Item = Gap>) -> Vec<Gap> {
    KNOWN.iter().cloned().chain(more).collect()
}

/// Why `backend` is known to fail `case`.
pub(crate) fn reason<'a>(
    known: &'a [Gap],
    backend: &str,
    precision: &str,
    case: &str,
) -> Option<&'a str> {
    let is_it =
        |gap: &&Gap| [&*gap.backend, &gap.precision, &gap.case] == [backend, precision, case];
    known.iter().find(is_it).map(|gap| &*gap.why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Grid;

    #[test]
    fn every_gap_names_a_case() {
        for gap in KNOWN {
            assert!(Grid::has(&gap.case), "{} is no case", gap.case);
            assert!(!gap.why.is_empty(), "a gap has a reason");
        }
    }

    #[test]
    fn a_gap_is_of_one_backend_precision_and_case() {
        let known = [Gap {
            backend: "x".into(),
            precision: "f16".into(),
            case: "c".into(),
            why: "it rounds".into(),
        }];
        assert_eq!(reason(&known, "x", "f16", "c"), Some("it rounds"));
        for [backend, precision, case] in [["y", "f16", "c"], ["x", "f32", "c"], ["x", "f16", "d"]]
        {
            assert_eq!(reason(&known, backend, precision, case), None);
        }
    }
}
