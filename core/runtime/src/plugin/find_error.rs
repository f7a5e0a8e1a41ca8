/// Why a name gives no backend.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum FindError {
    /// Nobody is called that.
    #[error("there is no backend `{name}`; {hint}")]
    Unknown {
        /// The name that was asked for.
        name: String,
        /// The nearest name, or where backends are looked for.
        hint: String,
    },
    /// It is there, but cannot be used here.
    #[error("backend `{name}` cannot be used here: {reason}{}{remedy}", if remedy.is_empty() { "" } else { "; " })]
    Unusable {
        /// Its name.
        name: String,
        /// Why not.
        reason: String,
        /// What to do; may be empty.
        remedy: String,
    },
    /// It is there, but nobody has approved it.
    #[error("backend `{name}` is {reason}; {remedy}")]
    Unapproved {
        /// Its name, as its file says it.
        name: String,
        /// That it never was, or is another now.
        reason: &'static str,
        /// How to.
        remedy: String,
    },
    /// It is there, but does not work.
    #[error("backend `{name}` does not work: {reason}")]
    Broken {
        /// Its name.
        name: String,
        /// Why not, and what to do.
        reason: String,
    },
}
