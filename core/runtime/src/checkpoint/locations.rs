use std::path::{Path, PathBuf};

use super::json::unreadable;
use super::{CheckpointError, demo};
use crate::config::{Config, Environment};
use crate::model_id::ModelId;
use crate::regular_file::{SMALL, read_text};

/// Where checkpoints are looked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Locations {
    /// Folders that hold models as `ORG/NAME` or `NAME`, in the order they are looked at.
    pub models: Vec<PathBuf>,
    /// The Hugging Face hub's cache.
    pub hub: Option<PathBuf>,
    /// Where the carried model is unpacked to and derived files are kept: `unmask` in the user's cache folder.
    pub cache: Option<PathBuf>,
}

impl Locations {
    /// Those of the configuration, then the usual ones.
    #[must_use]
    pub fn new(config: &Config, environment: &Environment) -> Self {
        let folders = environment.folders.as_ref();
        let own = folders.map(|folders| folders.data.join("unmask").join("models"));
        Self {
            models: config
                .models_folder
                .value
                .iter()
                .cloned()
                .chain(own)
                .collect(),
            hub: hub_cache(environment),
            cache: folders.map(|folders| folders.cache.join("unmask")),
        }
    }

    /// The folder of a model; unpacks a carried one.
    ///
    /// # Errors
    /// [`CheckpointError::Absent`] with what to do, [`CheckpointError::NoFolder`] and what else a path may be,
    /// [`CheckpointError::Demo`].
    pub fn find(&self, id: &ModelId) -> Result<PathBuf, CheckpointError> {
        match id {
            ModelId::Folder(folder) if folder.is_dir() => Ok(folder.clone()),
            ModelId::Folder(path) => Err(no_folder(path)),
            ModelId::Builtin(name) if name == demo::NAME => {
                Ok(demo::unpack(self.cache.as_deref())?)
            }
            ModelId::Builtin(name) => Err(CheckpointError::UnknownBuiltin(name.clone())),
            ModelId::Hub { org, name } => {
                let found = self.downloaded(org, name);
                found.ok_or_else(|| self.no_model(org, name))
            }
        }
    }

    /// That a model of the hub is not on this machine.
    pub(super) fn no_model(&self, org: &str, name: &str) -> CheckpointError {
        CheckpointError::Absent {
            id: format!("{org}/{name}"),
            advice: self.advice(org, name),
        }
    }

    /// How to get a model of the hub.
    #[must_use]
    pub fn advice(&self, org: &str, name: &str) -> String {
        let download = format!("run `hf download {org}/{name}`");
        match self.models.first() {
            Some(folder) => {
                let folder = folder.join(org).join(name);
                format!("{download}, or put its files into {}", folder.display())
            }
            None => download,
        }
    }

    fn downloaded(&self, org: &str, name: &str) -> Option<PathBuf> {
        let places = |folder: &PathBuf| [folder.join(org).join(name), folder.join(name)];
        let own = self
            .models
            .iter()
            .flat_map(places)
            .find(|folder| folder.is_dir());
        own.or_else(|| snapshot(self.hub.as_ref()?, org, name))
    }
}

/// Why a path is no folder.
fn no_folder(path: &Path) -> CheckpointError {
    let is_gguf = || (path.extension()).is_some_and(|it| it.eq_ignore_ascii_case("gguf"));
    match path.metadata() {
        Ok(data) if data.is_file() && is_gguf() => CheckpointError::Gguf(path.to_owned()),
        Ok(_) => CheckpointError::NotFolder(path.to_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            CheckpointError::NoFolder(path.to_owned())
        }
        Err(source) => unreadable(path, source),
    }
}

/// What the hub's cache calls the folder of a model.
pub(super) fn hub_folder(org: &str, name: &str) -> String {
    format!("models--{org}--{name}")
}

/// The snapshot that `main` names, or the only one.
fn snapshot(hub: &Path, org: &str, name: &str) -> Option<PathBuf> {
    let repository = hub.join(hub_folder(org, name));
    let snapshots = repository.join("snapshots");
    if let Ok(revision) = read_text(&repository.join("refs").join("main"), SMALL) {
        let folder = snapshots.join(revision.trim());
        return folder.is_dir().then_some(folder);
    }
    let mut folders = std::fs::read_dir(snapshots)
        .ok()?
        .flatten()
        .map(|entry| entry.path());
    let only = folders.next()?;
    folders.next().is_none().then_some(only)
}

fn hub_cache(environment: &Environment) -> Option<PathBuf> {
    let home = || Some(environment.home()?.join(".cache"));
    environment.path("HF_HUB_CACHE").or_else(|| {
        let hugging_face = environment.path("HF_HOME").or_else(|| {
            let cache = environment.path("XDG_CACHE_HOME").or_else(home)?;
            Some(cache.join("huggingface"))
        })?;
        Some(hugging_face.join("hub"))
    })
}
