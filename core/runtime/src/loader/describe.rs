//! What a model that was loaded is said to be, and the refusal of one whose tokens its network lacks.

use std::num::NonZeroU32;
use std::sync::Arc;

use unmask_api::{Backend, Model, TokenId, with_causes};

use super::LoadPlan;
use super::choice::running;
use super::text::LoadedText;
use crate::checkpoint::{Checkpoint, CheckpointText};
use crate::config::{Environment, ModelEntry};
use crate::engine::{Failure, FailureKind, Loaded};
use crate::measured::{MeasuredModel, Measurement};
use crate::model_id::ModelId;
use crate::provenance::Provenance;
use crate::settings::Setting;

/// What the world is told of a model that was loaded by `plan`; what was measured of it, and its presets, come later.
pub(super) fn describe(
    entry: &ModelEntry,
    checkpoint: &Checkpoint,
    text: CheckpointText,
    backend: &dyn Backend,
    plan: LoadPlan,
    model: &dyn Model,
) -> Loaded {
    let (mut defaults, mut default_length) = checkpoint.defaults();
    entry.generation.apply(&mut defaults, &mut default_length);
    let mut facts = model.facts();
    let notes = [checkpoint.generation_note(), checkpoint.attention_note()];
    facts.notes.extend(notes.into_iter().flatten());
    let vocabulary = Arc::clone(&text.vocabulary);
    let [tokenizer, template] = text.hashes.clone();
    let provenance = Provenance {
        family: checkpoint.family.name.to_owned(),
        is_carried: matches!(checkpoint.id, ModelId::Builtin(_)),
        hub: match &checkpoint.id {
            id @ ModelId::Hub { .. } => Some(id.to_string()),
            ModelId::Builtin(_) | ModelId::Folder(_) => None,
        },
        config_json: checkpoint.config_json.clone(),
        weights: checkpoint.weights.clone(),
        tokenizer,
        template,
        threads: entry.threads.value.map(NonZeroU32::get),
        ..Provenance::default()
    };
    let text = LoadedText {
        limit: facts.max_positions as usize,
        longest: vocabulary.longest().max(1),
        text,
    };
    Loaded {
        key: entry.key.clone(),
        name: checkpoint.id.short_name(),
        provenance,
        backend: backend.name().to_owned(),
        backend_version: backend.version().to_owned(),
        running: running(entry),
        device: plan.device.id,
        device_name: plan.device.name,
        device_kind: Some(plan.device.kind),
        precision_reason: plan.reason,
        facts,
        special: text.text.special.clone(),
        vocabulary,
        text: Arc::new(text),
        defaults,
        default_length,
        rules: checkpoint.rules(),
        default_seed: (entry.generation.get(Setting::Seed)).map(|seed| seed.value.seed()),
        measured: None,
        presets: Vec::new(),
        text_alone: false,
        is_untold: entry.generation.is_empty(),
    }
}

/// What was measured of a model; a file that cannot be used is as good as none, and said in the log.
pub(super) fn measured(loaded: &Loaded, environment: &Environment) -> Option<Arc<Measurement>> {
    let folder = MeasuredModel::folder(environment).ok()?;
    if !folder.is_dir() {
        // Its identity need not be read then.
        return None;
    }
    let path = MeasuredModel::path(loaded.provenance.identity()?, environment).ok()?;
    match MeasuredModel::read(&path) {
        Ok(file) => {
            let of = file?
                .of(&loaded.backend, &loaded.device, &loaded.facts.precision)?
                .clone();
            Some(Arc::new(of))
        }
        Err(error) => {
            tracing::warn!(error = with_causes(&error), "measurements are left out");
            None
        }
    }
}

/// Refuses a mask or an end of text that the network has no row for: it could never be fed. Other ends that it can never give
/// are forgotten.
pub(super) fn check_special(loaded: &mut Loaded) -> Result<(), Failure> {
    let vocab = loaded.facts.vocab;
    let is_there = |token: &TokenId| token.index() < vocab;
    let special = &mut loaded.special;
    for (what, key, token) in [
        ("mask", "mask", special.mask),
        ("end of text", "eos", special.eos),
    ] {
        if !is_there(&token) {
            return Err(Failure {
                kind: FailureKind::Model,
                text: format!(
                    "the {what} of {} is token {}, but its network has {vocab} tokens",
                    loaded.name, token.0
                ),
                hint: format!(
                    "correct {key}_token_id in its config.json, or set tokens.{key} in the configuration"
                ),
            });
        }
    }
    special.eot = special.eot.filter(is_there);
    special.other_ends.retain(is_there);
    Ok(())
}
