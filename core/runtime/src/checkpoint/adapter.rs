//! Low-rank adapters as PEFT saves them: beside a model's own files, or in a folder of their own that names the model.

use std::path::{Path, PathBuf};

use super::json::{is_there, read_json};
use super::weights::{self, ADAPTER};
use super::{CheckpointError, Locations, gguf};
use crate::model_id::ModelId;

const CONFIG: &str = "adapter_config.json";

/// The folders of a checkpoint.
pub(super) struct Found {
    /// Of the model.
    pub(super) folder: PathBuf,
    /// What the model is called, where an adapter names it.
    pub(super) base: Option<ModelId>,
    /// The adapter's weights, if there is one.
    pub(super) adapter: Option<PathBuf>,
}

impl Found {
    /// What is in `folder`, and where its base model is if it holds an adapter alone.
    pub(super) fn of(folder: PathBuf, locations: &Locations) -> Result<Self, CheckpointError> {
        let path = folder.join(CONFIG);
        if !is_there(&path)? {
            return Ok(Self {
                folder,
                base: None,
                adapter: None,
            });
        }
        let broken = |what: String| CheckpointError::Adapter {
            path: path.clone(),
            what,
        };
        let adapter = folder.join(ADAPTER);
        if !is_there(&adapter)? {
            let what = match is_there(&folder.join("adapter_model.bin"))? {
                true => format!(
                    "adapter_model.bin is a Python pickle, which can run code and is not read; save the adapter as {ADAPTER}"
                ),
                false => format!(
                    "there is no {ADAPTER} beside it; fetch the adapter again, or remove {CONFIG} if it is merged already"
                ),
            };
            return Err(broken(what));
        }
        let adapter = Some(adapter);
        if is_there(&folder.join("config.json"))? {
            return Ok(Self {
                folder,
                base: None,
                adapter,
            });
        }
        let (_, config) = read_json(&path)?;
        let named = config["base_model_name_or_path"].as_str().unwrap_or("");
        let base = base(named, &folder).ok_or_else(|| {
            broken(format!(
                "base_model_name_or_path is {named:?}, which names no model; put the adapter's two files beside the files of \
                 the model that it is for"
            ))
        })?;
        let found = locations.find(&base).map_err(|error| {
            broken(format!(
                "it is for {base}: {error}; or put the adapter's two files beside the files of that model"
            ))
        })?;
        if gguf::in_place(&found)?.is_some() {
            return Err(broken(format!(
                "it is for {base}, which is a GGUF file here, into which no adapter is merged; fetch that model as safetensors"
            )));
        }
        if is_there(&found.join(CONFIG))? {
            return Err(broken(format!(
                "it is for {base}, which is an adapter itself; merge that first"
            )));
        }
        Ok(Self {
            folder: found,
            base: Some(base),
            adapter,
        })
    }

    /// The files of the weights, the adapter's last.
    pub(super) fn weights(&self) -> Result<Vec<PathBuf>, CheckpointError> {
        let mut files = weights::files(&self.folder)?;
        files.extend(self.adapter.clone());
        Ok(files)
    }
}

/// The model that an adapter in `folder` names; a folder's name without a slash in front may be meant too.
fn base(named: &str, folder: &Path) -> Option<ModelId> {
    let relative = folder.join(named);
    if !named.is_empty() && relative.is_dir() {
        return Some(ModelId::Folder(relative));
    }
    // Nothing is fetched from there, so a mirror's address says as much as the hub's.
    let host = named.split_inclusive('/').take(3).collect::<String>();
    let host = named.contains("://").then_some(&*host);
    ModelId::parse(named, folder, None, host).ok()
}
