//! The shapes of what is answered.

use serde_json::{Value, json};

use super::{object, reference, tokens, whole};

/// Answers, and refusals.
pub(super) fn answers() -> Value {
    json!({
        "Error": object(&["error"], json!({"error": object(&["message", "type", "code"], json!({
            "message": {"type": "string"}, "type": {"type": "string"},
            "param": {"type": ["string", "null"]}, "code": {"type": "string"},
        }))})),
        "Answer": object(&["id", "object", "choices", "usage", "unmask"], json!({
            "id": {"type": "string"}, "object": {"type": "string"}, "created": {"type": "integer"}, "model": {"type": "string"},
            "system_fingerprint": {"type": ["string", "null"]}, "choices": {"type": "array", "minItems": 1, "items": reference("Choice")},
            "usage": reference("Usage"), "unmask": {"type": ["object", "array"]},
        })),
        "Choice": object(&["index", "finish_reason"], json!({
            "index": whole(), "finish_reason": {"enum": ["stop", "length"]}, "logprobs": {"type": ["object", "null"]},
            "text": {"type": "string"}, "message": object(&["role", "content"], json!({"role": {"const": "assistant"}, "content": {"type": "string"}})),
        })),
        "Usage": object(&["prompt_tokens", "completion_tokens", "total_tokens"], json!({
            "prompt_tokens": whole(), "completion_tokens": whole(), "total_tokens": whole(),
        })),
    })
}

/// What the native routes find out.
pub(super) fn measures() -> Value {
    json!({
        "Piece": {"oneOf": [
            object(&["text"], json!({"text": {"type": "string"}})),
            object(&["bytes"], json!({"bytes": {"type": "array", "items": whole()}})),
            object(&["special"], json!({"special": {"type": "string"}})),
            {"type": "null"},
        ]},
        "Tokens": object(&["tokens", "pieces", "count"], json!({"tokens": tokens(), "pieces": pieces(), "count": whole()})),
        "Text": object(&["text", "pieces"], json!({"text": {"type": "string"}, "pieces": pieces()})),
        "Likelihoods": object(&["object", "data"], json!({"object": {"const": "list"}, "data": {"type": "array", "items": object(
            &["index", "ll", "se", "greedy", "context_tokens", "continuation_tokens", "nfe"], json!({
                "index": whole(), "ll": {"type": "number"}, "se": {"type": ["number", "null"]}, "greedy": {"type": ["boolean", "null"]},
                "context_tokens": whole(), "continuation_tokens": whole(), "nfe": whole(),
            }),
        )}})),
        "Plan": object(&["length", "steps", "forwards", "exact", "fits"], json!({
            "length": whole(), "steps": whole(), "block_length": whole(), "prompt_tokens": {"type": ["integer", "null"]},
            "notes": {"type": "array", "items": {"type": "string"}}, "forwards": whole(), "forwards_are_most": {"type": "boolean"},
            "seconds": {"type": ["number", "null"]}, "exact": {"type": "boolean"}, "approximation": {"type": ["string", "null"]},
            "fits": {"type": "boolean"}, "why_not": {"type": ["string", "null"]},
        })),
        "TurnHeard": object(&["id", "ok"], json!({"id": {"type": "string"}, "ok": {"const": true}})),
    })
}

/// What the server tells of itself.
pub(super) fn states() -> Value {
    json!({
        "Health": object(&["status"], json!({"status": {"enum": ["ok", "loading"]}})),
        "Model": object(&["id", "object"], json!({"id": {"type": "string"}, "object": {"const": "model"}, "unmask": {"type": "object"}})),
        "ModelList": object(&["data"], json!({"object": {"const": "list"}, "data": {"type": "array", "items": reference("Model")}})),
        "State": object(&["program", "active", "models", "loaded", "loading", "failed", "running", "waiting", "parallel"], json!({
            "program": {"type": "string"}, "active": {"type": "string"}, "models": {"type": "array", "items": reference("Model")},
            "loaded": {"type": ["object", "null"]}, "loading": {"type": ["object", "null"]}, "failed": {"type": ["object", "null"]},
            "running": whole(), "waiting": whole(), "parallel": whole(),
        })),
        "Vocabulary": object(&["model", "sha256", "pieces", "special"], json!({
            "model": {"type": "string"}, "sha256": {"type": "string"}, "pieces": pieces(),
            "special": object(&["mask", "eos", "eot", "bos", "ends"], json!({
                "mask": whole(), "eos": whole(), "eot": {"type": ["integer", "null"]}, "bos": {"type": ["integer", "null"]}, "ends": tokens(),
            })),
        })),
    })
}

fn pieces() -> Value {
    json!({"type": "array", "items": reference("Piece")})
}
