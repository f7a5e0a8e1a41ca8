//! What the world may know of a model that `unmask serve` has.

use std::sync::Arc;

use serde_json::Value;
use unmask_core::Params;
use unmask_core::api::{Capabilities, ModelFacts};
use unmask_core::config::{ModelEntry, REMOTE};
use unmask_core::engine::Loaded;
use unmask_core::family::FamilyRules;
use unmask_core::plugin::Running;
use unmask_core::precision::PrecisionReason;
use unmask_core::provenance::Provenance;
use unmask_core::settings::GenerationPatch;

use crate::client::RemoteClient;
use crate::text_model::ServedText;
use crate::vocabulary::RemoteVocabulary;

/// What a server says of a loaded model and its tokens, as of one of this machine.
///
/// # Errors
/// What is missing.
pub(super) fn loaded(
    entry: &ModelEntry,
    client: &RemoteClient,
    model: &str,
    said: RemoteVocabulary,
    state: &Value,
) -> Result<Loaded, String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let context = state["context"]
        .as_u64()
        .and_then(|it| u32::try_from(it).ok());
    let context = context
        .filter(|&it| it > 0)
        .ok_or("its context is missing")?;
    let Value::Object(settings) = state["settings"].clone() else {
        return Err("its settings are missing".to_owned());
    };
    let (mut defaults, mut default_length) = (Params::default(), 0);
    GenerationPatch::known(settings).apply(&mut defaults, &mut default_length);
    entry.generation.apply(&mut defaults, &mut default_length);
    let backend = &state["backend"];
    let host = client
        .root()
        .split("://")
        .nth(1)
        .unwrap_or_default()
        .to_owned();
    let computes = format!("{} {}", text(&backend["name"]), text(&backend["device"]));
    let vocabulary = Arc::new(said.vocabulary);
    let mut provenance = Provenance::default();
    provenance.family = text(&state["family"]);
    provenance.hub = state["model"]["hub"].as_str().map(str::to_owned);
    provenance.tokenizer = text(&state["tokenizer"]["sha256"]);
    provenance.template = text(&state["tokenizer"]["template"]);
    Ok(Loaded {
        key: entry.key.clone(),
        name: text(&state["model"]["name"]),
        provenance,
        backend: REMOTE.to_owned(),
        backend_version: text(&backend["version"]),
        running: Running::Here,
        device: host,
        device_name: computes.clone(),
        device_kind: None,
        precision_reason: PrecisionReason::Named,
        facts: ModelFacts {
            vocab: vocabulary.len(),
            max_positions: context,
            memory_bytes: 0,
            cell_bytes: 0,
            precision: text(&backend["precision"]),
            capabilities: Capabilities::KV_CACHE,
            notes: vec![format!("answers at {} on {computes}", client.root())],
        },
        rules: FamilyRules::default(),
        text: Arc::new(ServedText {
            client: client.clone(),
            model: model.to_owned(),
            special: said.special.clone(),
        }),
        special: said.special,
        vocabulary,
        defaults,
        default_length: default_length.max(1),
        default_seed: None,
        measured: None,
        presets: Vec::new(),
        text_alone: false,
        is_untold: true,
    })
}
