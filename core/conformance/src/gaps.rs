//! What backends are known not to do, as data.

/// One failure that is expected; when the case begins to pass, the suite fails until the line is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// The backend's name.
    pub backend: &'static str,
    /// The precision that it fails in.
    pub precision: &'static str,
    /// The name of the case.
    pub case: &'static str,
    /// The reason.
    pub why: &'static str,
}

/// Every known failure, one line each.
pub const KNOWN: &[Gap] = &[];

/// Why `backend` is known to fail `case`.
pub(crate) fn reason(
    known: &[Gap],
    backend: &str,
    precision: &str,
    case: &str,
) -> Option<&'static str> {
    let is_it = |gap: &&Gap| [gap.backend, gap.precision, gap.case] == [backend, precision, case];
    known.iter().find(is_it).map(|gap| gap.why)
}
