use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::json::unreadable;
use super::{CheckpointError, demo, gguf};
use crate::config::{Config, Environment};
use crate::model_id::{ModelId, is_gguf};
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

    /// The folder of a model, or its GGUF file; unpacks a carried one.
    ///
    /// # Errors
    /// [`CheckpointError::Absent`] with what to do, [`CheckpointError::NoFolder`] and what else a path may be,
    /// [`CheckpointError::Demo`], [`CheckpointError::Unreadable`].
    pub fn find(&self, id: &ModelId) -> Result<PathBuf, CheckpointError> {
        match id {
            ModelId::Folder(folder) if folder.is_dir() => Ok(folder.clone()),
            ModelId::Folder(file) if file.is_file() && is_gguf(file) => Ok(file.clone()),
            ModelId::Folder(path) => Err(no_folder(path)),
            ModelId::Builtin(name) if name == demo::NAME => {
                Ok(demo::unpack(self.cache.as_deref())?)
            }
            ModelId::Builtin(name) => Err(CheckpointError::UnknownBuiltin(name.clone())),
            ModelId::Hub {
                org,
                name,
                revision,
                quantisation,
            } => {
                let found = self.downloaded(org, name, revision.as_deref());
                let found = match (found, quantisation) {
                    (Some(folder), Some(wanted)) => gguf::called(&folder, wanted)?,
                    (found, _) => found,
                };
                found.ok_or_else(|| self.no_model(id, org, name))
            }
        }
    }

    /// That a model of the hub is not on this machine.
    pub(super) fn no_model(&self, id: &ModelId, org: &str, name: &str) -> CheckpointError {
        CheckpointError::Absent {
            id: id.to_string(),
            advice: self.advice(id, org, name),
        }
    }

    /// How to get a model of the hub.
    fn advice(&self, id: &ModelId, org: &str, name: &str) -> String {
        let download = format!("run `unmask pull {id}`");
        match self.models.first() {
            Some(folder) => {
                let folder = folder.join(org).join(name);
                format!("{download}, or put its files into {}", folder.display())
            }
            None => download,
        }
    }

    fn downloaded(&self, org: &str, name: &str, revision: Option<&str>) -> Option<PathBuf> {
        let places = |folder: &PathBuf| [folder.join(org).join(name), folder.join(name)];
        let own = self
            .models
            .iter()
            .flat_map(places)
            // What was put there has no revision.
            .find(|folder| revision.is_none() && folder.is_dir());
        own.or_else(|| snapshot(self.hub.as_ref()?, org, name, revision))
    }
}

/// Why a path is no folder.
fn no_folder(path: &Path) -> CheckpointError {
    match path.metadata() {
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

/// The snapshot of a revision: a reference of that name, or the commit itself, or the only one that begins so. If none is asked
/// for: that of `main`, or, where that is missing or leads nowhere, the one that came last.
fn snapshot(hub: &Path, org: &str, name: &str, revision: Option<&str>) -> Option<PathBuf> {
    let repository = hub.join(hub_folder(org, name));
    let snapshots = repository.join("snapshots");
    let asked = revision.unwrap_or("main");
    let reference = read_text(&repository.join("refs").join(asked), SMALL).ok();
    let commit = reference.as_deref().map(str::trim).or(revision);
    let named = commit.and_then(|commit| beginning_with(&snapshots, commit));
    match revision {
        Some(_) => named,
        None => named.or_else(|| newest(&snapshots)),
    }
}

/// The folder called `start`, or the only one that is called so further on.
fn beginning_with(snapshots: &Path, start: &str) -> Option<PathBuf> {
    let whole = snapshots.join(start);
    if !start.is_empty() && !start.contains('/') && whole.is_dir() {
        return Some(whole);
    }
    // Shorter ones name anything.
    let mut found = folders(snapshots)
        .filter(|it| start.len() >= 4 && it.file_name().is_some_and(|name| begins(name, start)));
    let only = found.next()?;
    found.next().is_none().then_some(only)
}

fn begins(name: &OsStr, start: &str) -> bool {
    name.to_str().is_some_and(|name| name.starts_with(start))
}

fn newest(snapshots: &Path) -> Option<PathBuf> {
    let when = |it: &PathBuf| it.metadata().and_then(|data| data.modified()).ok();
    folders(snapshots).max_by_key(|it| (when(it), it.clone()))
}

fn folders(place: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = std::fs::read_dir(place).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|it| it.is_dir())
}

/// Hugging Face's own folder, with its cache and the user's token.
#[must_use]
pub fn hugging_face_folder(environment: &Environment) -> Option<PathBuf> {
    environment.path("HF_HOME").or_else(|| {
        let home = || Some(environment.home()?.join(".cache"));
        let cache = environment.path("XDG_CACHE_HOME").or_else(home)?;
        Some(cache.join("huggingface"))
    })
}

fn hub_cache(environment: &Environment) -> Option<PathBuf> {
    // The second is what the first was called before.
    let named = ["HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"];
    let named = named.iter().find_map(|name| environment.path(name));
    named.or_else(|| Some(hugging_face_folder(environment)?.join("hub")))
}
