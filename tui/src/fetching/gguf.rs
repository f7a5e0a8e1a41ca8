//! Which GGUF file of a repository is fetched.

use unmask_core::checkpoint::GgufModel;
use unmask_core::engine::{Failure, FailureKind};
use unmask_download::hub::{Hub, HubFile, Listing, missing};

use crate::amount::bytes;

/// A model as GGUF that may be fetched.
pub(super) struct GgufCandidate {
    /// What tells it from the others of its repository, such as `Q4_K_M`.
    pub(super) name: String,
    pub(super) files: Vec<HubFile>,
}

impl GgufCandidate {
    pub(super) fn bytes(&self) -> u64 {
        self.files.iter().map(|it| it.bytes).sum()
    }

    /// `ORG/NAME:Q4_K_M`, which means just this one.
    pub(super) fn id(&self, listing: &Listing, revision: Option<&str>) -> String {
        let revision = revision.map_or(String::new(), |it| format!("@{it}"));
        format!("{}{revision}:{}", listing.model.id(), self.name)
    }
}

/// What may be fetched, the largest first: the one that is `wanted`, one that is here already, or all that can be read as far
/// as their names tell. None where the repository has safetensors and nobody asks for something else.
///
/// # Errors
/// A [`Failure`] naming what there is, if what is wanted is not.
pub(super) fn candidates(
    hub: &Hub,
    listing: &Listing,
    wanted: Option<&str>,
) -> Result<Vec<GgufCandidate>, Failure> {
    let has_safetensors = || {
        listing
            .files
            .iter()
            .any(|it| it.path.ends_with(".safetensors"))
    };
    if wanted.is_none() && has_safetensors() {
        return Ok(Vec::new());
    }
    let models = GgufModel::all(listing.files.iter().map(|it| it.path.as_str()));
    let candidate = |model: &GgufModel| candidate(model, &models, listing);
    if let Some(wanted) = wanted {
        let found = GgufModel::called(&models, wanted);
        return match found {
            Some(model) => Ok(vec![candidate(model)]),
            None => Err(no_such(listing, wanted, models.iter().map(candidate))),
        };
    }
    let readable = models.iter().filter(|it| it.may_be_read());
    let mut all: Vec<GgufCandidate> = readable.map(candidate).collect();
    if all.is_empty() {
        all = models.iter().map(candidate).collect();
    }
    all.sort_by_key(|it| std::cmp::Reverse(it.bytes()));
    let is_here = |it: &GgufCandidate| missing(hub, listing, &it.files) == 0;
    if let Some(here) = all.iter().position(is_here) {
        all = vec![all.swap_remove(here)];
    }
    Ok(all)
}

fn candidate(model: &GgufModel, all: &[GgufModel], listing: &Listing) -> GgufCandidate {
    let short = model.quantisation().filter(|it| {
        let meant = GgufModel::called(all, it);
        meant.is_some_and(|it| it == model)
    });
    let files = model.files.iter().flat_map(|path| {
        let mut files = listing.files.iter();
        files.find(|it| it.path == *path).cloned()
    });
    GgufCandidate {
        name: short.unwrap_or(&model.name).to_owned(),
        files: files.collect(),
    }
}

fn no_such(listing: &Listing, wanted: &str, there: impl Iterator<Item = GgufCandidate>) -> Failure {
    let id = listing.model.id();
    let names: Vec<String> = there.map(|it| it.name).collect();
    let text = match names.is_empty() {
        true => format!("{id} holds no GGUF files, and so none that is called `{wanted}`"),
        false => format!(
            "{id} holds no single GGUF file called `{wanted}`; it has {}",
            names.join(", ")
        ),
    };
    Failure {
        kind: FailureKind::Model,
        text,
        hint: String::new(),
    }
}

/// That `chosen` was, and what `others` there are.
pub(super) fn choice_text(chosen: &GgufCandidate, others: &[GgufCandidate], id: &str) -> String {
    if others.is_empty() {
        return format!("  {}, as GGUF\n", chosen.name);
    }
    let others: Vec<String> = (others.iter())
        .map(|it| format!("{} {}", it.name, bytes(it.bytes())))
        .collect();
    format!(
        "  {}, the largest GGUF that fits; {id}:NAME is another: {}\n",
        chosen.name,
        others.join(", ")
    )
}
