//! What a model takes, before it is fetched.

use std::ops::ControlFlow;
use std::path::Path;

use unmask_core::catalogue::{Catalogue, MemoryFit, ModelChoice, memory};
use unmask_core::checkpoint::{Checkpoint, Locations, is_gguf_header_cut};
use unmask_core::config::{Config, Environment};
use unmask_core::leftovers::temporary_folder;
use unmask_core::loader::discover;
use unmask_core::model_id::ModelId;
use unmask_core::plugin::Registry;
use unmask_download::hub::{Hub, HubFile, Listing, missing, preview};

use super::gguf::{GgufCandidate, choice_text};
use super::{Fetch, FetchError};
use crate::amount::{bytes, counted, free, needed};
use crate::precision::with_reason;

/// Less than this is not left free on a disk.
const SPARE: u64 = 256 << 20;

/// What a model takes, as far as it can be known before it is fetched.
pub struct FetchPlan {
    /// For people.
    pub text: String,
    /// Why it should not be fetched.
    pub obstacle: Option<String>,
    /// What `-m` calls it.
    pub name: String,
}

impl FetchPlan {
    /// Fetches the small files and the headers of the weights, and asks the backends. `told` may end it. Of several GGUF files
    /// `fetch` then has the largest that fits, or the smallest.
    ///
    /// # Errors
    /// [`FetchError`].
    pub fn make(
        config: &Config,
        environment: &Environment,
        fetch: &mut Fetch,
        told: &mut dyn FnMut() -> ControlFlow<()>,
    ) -> Result<Self, FetchError> {
        let registry = discover(config, environment);
        let look = Look {
            config,
            environment,
            registry: &registry,
        };
        if fetch.gguf.is_empty() {
            return look.at(fetch, told);
        }
        // Their headers are of megabytes: what is larger than all memory need not be looked at.
        let pools = memory(registry.rows());
        let free = pools.iter().map(|it| it.free_bytes).max();
        let last = fetch.gguf.len() - 1;
        let is_small = |it: &GgufCandidate| free.is_none_or(|free| it.bytes() <= free);
        let mut index = fetch.gguf.iter().position(is_small).unwrap_or(last);
        loop {
            fetch.files = fetch.gguf[index].files.clone();
            let plan = look.at(fetch, told)?;
            if plan.obstacle.is_some() && index < last {
                index += 1;
                continue;
            }
            let chosen = fetch.gguf.remove(index);
            let id = fetch.listing.model.id();
            let text = plan.text + &choice_text(&chosen, &fetch.gguf, &id);
            let name = chosen.id(&fetch.listing, revision(config));
            fetch.gguf.clear();
            return Ok(Self { text, name, ..plan });
        }
    }
}

/// The revision that the id itself names.
fn revision(config: &Config) -> Option<&str> {
    match &config.active_model().model_id.value {
        ModelId::Hub { revision, .. } => revision.as_deref(),
        ModelId::Builtin(_) | ModelId::Folder(_) => None,
    }
}

/// Who asks, and whom.
struct Look<'a> {
    config: &'a Config,
    environment: &'a Environment,
    registry: &'a Registry,
}

impl Look<'_> {
    /// What the files that `fetch` has chosen take.
    fn at(
        &self,
        fetch: &Fetch,
        told: &mut dyn FnMut() -> ControlFlow<()>,
    ) -> Result<FetchPlan, FetchError> {
        let kept = temporary_folder(self.environment, "preview");
        let kept = kept.map_err(FetchError::Folder)?;
        let Fetch {
            hub,
            listing,
            files,
            agent,
            ..
        } = fetch;
        // By its own name, which tells some models from others.
        let folder = kept.path().join(&listing.model.name);
        std::fs::create_dir(&folder).map_err(FetchError::Folder)?;
        preview(
            hub,
            agent,
            listing,
            files,
            &folder,
            &is_gguf_header_cut,
            told,
        )?;
        let entry = self.config.active_model();
        let name = entry.key.clone();
        let mut text = disk_text(hub, listing, files);
        let mut obstacle = lacks_room(hub, listing, files);
        let mut seen = self.config.clone();
        seen.models.retain(|it| it.key == name);
        for it in &mut seen.models {
            it.model_id.value = ModelId::Folder(folder.clone());
        }
        let locations = Locations::new(&seen, self.environment);
        match Checkpoint::open(&seen.active_model().model_id.value, &locations) {
            Ok(_) => {
                let catalogue = Catalogue::of(&seen, self.environment, self.registry);
                let (rows, fits) = memory_text(&catalogue);
                text.push_str(&rows);
                obstacle = obstacle.or(fits);
            }
            Err(error) => {
                let said = error.to_string();
                // It speaks of a folder that will be gone.
                let said = said.replace(&folder.display().to_string(), &listing.model.id());
                obstacle = obstacle.or(Some(said));
            }
        }
        Ok(FetchPlan {
            text,
            obstacle,
            name,
        })
    }
}

fn disk_text(hub: &Hub, listing: &Listing, files: &[HubFile]) -> String {
    let total: u64 = files.iter().map(|it| it.bytes).sum();
    let lacks = missing(hub, listing, files);
    let here = match total - lacks {
        0 => String::new(),
        here => format!(", {} of it is here", bytes(here)),
    };
    let room = free_disk(&hub.cache).map_or(String::new(), |room| {
        format!(", {} free on the disk", free(room))
    });
    format!(
        "{} at {}: {}, {}{here}{room}\n",
        listing.model.id(),
        &listing.commit[..7],
        counted(files.len(), "file"),
        bytes(total)
    )
}

fn lacks_room(hub: &Hub, listing: &Listing, files: &[HubFile]) -> Option<String> {
    let lacks = missing(hub, listing, files);
    let room = free_disk(&hub.cache)?;
    (lacks > 0 && lacks.saturating_add(SPARE) > room).then(|| {
        format!(
            "{} are to be fetched and {} to stay free, and {} has {} free; make room, or name another place in HF_HUB_CACHE",
            needed(lacks),
            bytes(SPARE),
            hub.cache.display(),
            free(room)
        )
    })
}

/// What every backend would need, and why none can have it.
fn memory_text(catalogue: &Catalogue) -> (String, Option<String>) {
    let mut text = String::new();
    let mut fits = false;
    let mut tells = false;
    for choice in &catalogue.choices {
        let place = place(choice);
        if let Some(reason) = choice.obstacle() {
            text.push_str(&format!("  {place}: {reason}\n"));
            continue;
        }
        let (Some(bytes), fit) = (choice.needs_bytes, catalogue.fit(choice, None)) else {
            continue;
        };
        tells = true;
        let says = match fit {
            MemoryFit::Beside | MemoryFit::Alone | MemoryFit::Unknown => {
                fits = true;
                "fits".to_owned()
            }
            MemoryFit::TooLarge { free_bytes } => {
                format!("does not fit the {} free", free(free_bytes))
            }
        };
        text.push_str(&format!("  {place}: needs {}, {says}\n", needed(bytes)));
    }
    let obstacle = (tells && !fits).then(|| {
        "its weights fit the free memory in no precision; end other programs, or take a smaller model".to_owned()
    });
    (text, obstacle)
}

fn place(choice: &ModelChoice) -> String {
    let device = match choice.device.as_str() {
        "" | "cpu" => String::new(),
        device => format!(" on {device}"),
    };
    let precision = with_reason(&choice.precision, choice.precision_reason);
    format!("{}{device} {precision}", choice.framework)
}

/// Of the disk where `folder` is, or will be.
fn free_disk(folder: &Path) -> Option<u64> {
    let there = folder.ancestors().find(|it| it.exists())?;
    fs4::available_space(there).ok()
}
