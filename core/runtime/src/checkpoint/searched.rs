use std::fs;
use std::path::{Path, PathBuf};

use super::gguf::{self, GgufFiles};
use super::json::read_json;
use super::{CheckpointError, Locations};
use crate::config::{Config, Environment};
use crate::family::detect;

/// A place where models are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Searched {
    /// The folder, or the variable that would name one.
    pub place: String,
    /// What is there.
    pub found: SearchOutcome,
}

/// What a place holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchOutcome {
    /// The variable is not set.
    NotSet,
    /// There is no such folder.
    NoFolder,
    /// So many checkpoints of families that this program runs.
    Models(usize),
}

impl Locations {
    /// Every place where models are looked for, in order, and what is there; reads small files alone.
    #[must_use]
    pub fn searched(&self, config: &Config, environment: &Environment) -> Vec<Searched> {
        let mut searched = Vec::new();
        if config.models_folder.value.is_none() {
            searched.push(Searched {
                place: "$UNMASK_MODELS".to_owned(),
                found: SearchOutcome::NotSet,
            });
        }
        let own = self.models.iter().map(|it| look(it, 2, environment));
        // models--ORG--NAME/snapshots/REVISION
        let hub = self.hub.iter().map(|it| look(it, 3, environment));
        searched.extend(own.chain(hub));
        searched
    }
}

fn look(folder: &Path, depth: usize, environment: &Environment) -> Searched {
    let found = match folder.is_dir() {
        true => SearchOutcome::Models(count(folder, depth)),
        false => SearchOutcome::NoFolder,
    };
    Searched {
        place: environment.short(folder),
        found,
    }
}

/// Checkpoints at most so many folders down.
fn count(folder: &Path, depth: usize) -> usize {
    let folders = fs::read_dir(folder).into_iter().flatten().flatten();
    let folders = folders.map(|entry| entry.path()).filter(|it| it.is_dir());
    let holds = |folder: PathBuf| match is_checkpoint(&folder) {
        true => 1,
        false if depth > 1 => count(&folder, depth - 1),
        false => 0,
    };
    folders.map(holds).sum()
}

fn is_checkpoint(folder: &Path) -> bool {
    let is_ours = || -> Result<bool, CheckpointError> {
        if let Some(file) = gguf::in_place(folder)? {
            return Ok(GgufFiles::open(&file)?.config("").is_ok());
        }
        let (_, config) = read_json(&folder.join("config.json"))?;
        Ok(detect(&config, "").is_ok())
    };
    is_ours().unwrap_or(false)
}
