/// Why a `config.json` belongs to no family of this build.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FamilyError {
    /// Known, but its network is not written yet.
    #[error("model family {name} is not supported yet; this build runs {supported}")]
    NotYet {
        /// Its name.
        name: String,
        /// Those that are.
        supported: String,
    },
    /// Not a family that is known.
    #[error(
        "model_type `{model_type}` is no masked diffusion family that this build knows; it runs {supported}"
    )]
    Unknown {
        /// What the file says.
        model_type: String,
        /// Those that are supported.
        supported: String,
    },
    /// The file does not say.
    #[error(
        "neither `model_type` nor `architectures` says which family it is; this build runs {supported}"
    )]
    Unnamed {
        /// Those that are supported.
        supported: String,
    },
}
