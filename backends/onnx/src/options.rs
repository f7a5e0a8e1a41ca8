//! The options of this backend, as the configuration says them.

use std::path::PathBuf;

use serde::Deserialize;
use unmask_sdk::BackendError;

/// Whether the runtime keeps its own rearranged copy of every weight.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Prepack {
    /// Where there is memory for it.
    #[default]
    Auto,
    /// Faster passes.
    On,
    /// Half the memory.
    Off,
}

/// `options.…` of a model's entry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Options {
    pub(crate) prepack: Prepack,
    /// The runtime's library, or its folder.
    pub(crate) library: Option<PathBuf>,
    /// A file in the ONNX format to take the network from, instead of the checkpoint's weights.
    pub(crate) graph: Option<PathBuf>,
    /// Whether threads wait awake for the next piece of a pass: faster on an idle machine, wasteful on a busy one. On unless
    /// said otherwise.
    pub(crate) spin: Option<bool>,
    /// What another device than the processor lacks may be computed on the processor.
    pub(crate) allow_cpu_fallback: bool,
}

impl Options {
    /// Reads a JSON object.
    ///
    /// # Errors
    /// [`BackendError::Unsupported`] for an option or value that does not exist; [`BackendError::Invalid`] for a text that
    /// is no JSON object.
    pub(crate) fn read(json: &str) -> Result<Self, BackendError> {
        let options: serde_json::Map<String, serde_json::Value> = serde_json::from_str(json)
            .map_err(|error| {
                BackendError::Invalid(format!("the options are not a JSON object: {error}"))
            })?;
        serde_json::from_value(options.into()).map_err(|error| {
            BackendError::Unsupported(format!(
                "onnx does not understand the model's options: {error}; it has prepack = \"auto\", \"on\" or \"off\", \
                 library = \"a file or folder\", graph = \"a file\", spin and allow_cpu_fallback = true or false"
            ))
        })
    }
}
