use serde_json::{Value, json};
use unmask_core::config::Config;
use unmask_core::engine::{Failure, FailureKind, Loaded};
use unmask_core::settings::object;
use unmask_core::wire::{BackendLine, MeasureSettings, ModelLine, TokenizerLine};

use crate::command::score::{PairScore, TextScore};

/// The version of the lines.
const VERSION: u32 = 1;

/// What the worker is: its first line.
pub(super) fn hello(loaded: &Loaded, config: &Config, settings: &MeasureSettings) -> Value {
    json!({
        "event": "hello",
        "v": VERSION,
        "program": concat!("unmask ", env!("CARGO_PKG_VERSION")),
        "model": ModelLine::of(loaded),
        "tokenizer": TokenizerLine::of(loaded),
        "backend": BackendLine::of(loaded),
        "context": loaded.facts.max_positions,
        "vocabulary": loaded.facts.vocab,
        "preset": config.preset.as_ref().map(|it| &it.name),
        "settings": object(&loaded.defaults, loaded.default_length),
        "measure": settings,
        "capabilities": [
            "loglikelihood", "rolling", "generate", "render", "tokenize", "detokenize", "info", "cancel"
        ],
    })
}

/// A request, or an item of it, that cannot be carried out.
pub(super) fn refused(id: &Value, index: Option<usize>, failure: &Failure) -> Value {
    match index {
        Some(index) => json!({"id": id, "index": index, "error": failure}),
        None => json!({"id": id, "error": failure}),
    }
}

/// What the other program has to say otherwise.
pub(super) fn usage(text: String) -> Failure {
    Failure {
        kind: FailureKind::Usage,
        text,
        hint: String::new(),
    }
}

pub(super) fn pair(id: &Value, index: usize, context_tokens: usize, pair: &PairScore) -> Value {
    json!({
        "id": id,
        "index": index,
        "ll": pair.ll,
        "se": pair.se,
        "greedy": pair.greedy,
        "context_tokens": context_tokens,
        "continuation_tokens": pair.tokens,
        "nfe": pair.nfe,
    })
}

pub(super) fn text(id: &Value, index: usize, text: &TextScore) -> Value {
    json!({
        "id": id,
        "index": index,
        "ll": text.sum.ll,
        "se": text.sum.se,
        "tokens": text.sum.tokens,
        "bytes": text.bytes,
        "windows": text.windows,
        "nfe": text.sum.nfe,
    })
}
