/// Why a `config.json` belongs to no family of this build.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FamilyError {
    /// Known, but its network or its way to denoise is not written yet.
    #[error(
        "it is a model of the family {name}, which this version does not run; it runs {supported}"
    )]
    NotYet {
        /// Its name.
        name: String,
        /// Those that are.
        supported: String,
    },
    /// Run from other files than these.
    #[error(
        "it is {name} in GGUF, of which only {read} are read; fetch the folder with its .safetensors files"
    )]
    NotAsGguf {
        /// Its name.
        name: &'static str,
        /// Those that are.
        read: String,
    },
    /// A model that writes from left to right.
    #[error(
        "`{name}` is an autoregressive model, which writes a token after the other and has no mask; this program runs masked \
         diffusion models: {supported}"
    )]
    Autoregressive {
        /// Its architecture or `model_type`.
        name: String,
        /// Those that are supported.
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
    /// A block without a length.
    #[error("{key} is {said}, not the length of a block; fetch the file again")]
    Block {
        /// The key.
        key: &'static str,
        /// What it says.
        said: String,
    },
}
