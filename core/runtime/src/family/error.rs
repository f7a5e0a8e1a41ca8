/// Why a `config.json` belongs to no family of this build.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FamilyError {
    /// Known, but its network is not written yet.
    #[error(
        "it is a model of the family {name}, which this version does not run yet; it runs {supported}"
    )]
    NotYet {
        /// Its name.
        name: String,
        /// Those that are.
        supported: String,
    },
    /// Not a family that is known.
    #[error("`{name}` is no masked diffusion family that this version knows; it runs {supported}")]
    Unknown {
        /// `model_type`, else an architecture.
        name: String,
        /// Those that are supported.
        supported: String,
    },
    /// The file does not say.
    #[error(
        "neither `model_type` nor `architectures` says which family it is; this version runs {supported}"
    )]
    Unnamed {
        /// Those that are supported.
        supported: String,
    },
}
