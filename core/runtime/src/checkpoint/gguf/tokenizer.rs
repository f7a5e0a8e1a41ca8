//! What `tokenizer.json` and `tokenizer_config.json` of the same model say, out of the metadata.

use std::collections::HashSet;

use serde_json::{Map, Value, json};
use unmask_gguf::GgufHeader;

/// Types of tokens.
const CONTROL: i64 = 3;
const USER_DEFINED: i64 = 4;
/// Fills the table of embeddings, and is no token.
const UNUSED: i64 = 5;

/// How a text is cut before its bytes are merged.
struct Words {
    /// What llama.cpp calls the rule.
    names: &'static [&'static str],
    pattern: &'static str,
    /// Whether accents are put onto their letters first.
    is_composed: bool,
    /// Whether a word that is a token is not merged.
    ignores_merges: bool,
}

/// As the models' own `tokenizer.json` have them; which model has which name stands in `convert_hf_to_gguf_update.py`.
const WORDS: [Words; 4] = [
    // LLaDA's tokenizer is that of Ling, under whose name it is converted.
    Words {
        names: &["bailingmoe", "bailingmoe2", "llada-moe"],
        pattern: r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+",
        is_composed: false,
        ignores_merges: false,
    },
    Words {
        names: &["qwen2", "deepseek-r1-qwen"],
        pattern: r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        is_composed: true,
        ignores_merges: false,
    },
    Words {
        names: &["gpt-2"],
        pattern: r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
        is_composed: false,
        ignores_merges: false,
    },
    Words {
        names: &["llama-bpe", "llama3", "llama-v3"],
        pattern: r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        is_composed: false,
        ignores_merges: true,
    },
];

/// # Errors
/// What is missing, or cannot be read.
pub(super) fn tokenizer_json(header: &GgufHeader<'_>) -> Result<String, String> {
    let model = header.text("tokenizer.ggml.model").unwrap_or_default();
    if model != "gpt2" {
        return Err(format!(
            "has a tokenizer of the kind {model:?}, and only gpt2's is read; fetch the model as safetensors"
        ));
    }
    let words = words(header.text("tokenizer.ggml.pre").unwrap_or_default())?;
    let (vocab, added) = tokens(header)?;
    let merges = header.list("tokenizer.ggml.merges");
    let merges = merges.as_ref().and_then(|it| it.texts());
    let merges = merges.ok_or_else(|| lacks("tokenizer.ggml.merges"))?;
    let pair = |text: &str| {
        let (left, right) = text.split_once(' ')?;
        Some(json!([left, right]))
    };
    let merges: Option<Vec<Value>> = merges.map(pair).collect();
    let merges = merges.ok_or("has a merge that is no pair of tokens; fetch it again")?;
    let tokenizer = json!({
        "version": "1.0",
        "added_tokens": added,
        "normalizer": words.is_composed.then(|| json!({"type": "NFC"})),
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": words.pattern}, "behavior": "Isolated", "invert": false},
            {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false},
        ]},
        "post_processor": null,
        "decoder": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false},
        "model": {"type": "BPE", "vocab": vocab, "merges": merges, "ignore_merges": words.ignores_merges},
    });
    Ok(tokenizer.to_string())
}

fn words(name: &str) -> Result<&'static Words, String> {
    let found = WORDS.iter().find(|it| it.names.contains(&name));
    found.ok_or_else(|| {
        let known: Vec<&str> = WORDS.iter().flat_map(|it| it.names).copied().collect();
        format!(
            "says that tokenizer.ggml.pre is {name:?}, whose rule for words is not known; known are {}; fetch the model as \
             safetensors",
            known.join(", ")
        )
    })
}

fn lacks(key: &str) -> String {
    format!("does not say {key}; fetch it again")
}

/// All tokens by their names, and those that are found before a text is cut into words.
fn tokens(header: &GgufHeader<'_>) -> Result<(Map<String, Value>, Vec<Value>), String> {
    let key = "tokenizer.ggml.tokens";
    let names = header.list(key);
    let names = names.as_ref().and_then(|it| it.texts());
    let names: Vec<&str> = names.ok_or_else(|| lacks(key))?.collect();
    let key = "tokenizer.ggml.token_type";
    let types = header.list(key);
    let types = types.as_ref().and_then(|it| it.integers());
    let types: Vec<_> = types.ok_or_else(|| lacks(key))?.collect();
    if names.len() != types.len() {
        return Err(format!(
            "has {} tokens, but {} types of tokens; fetch it again",
            names.len(),
            types.len()
        ));
    }
    let (mut vocab, mut added, mut seen) = (Map::new(), Vec::new(), HashSet::new());
    for (id, (name, kind)) in names.into_iter().zip(types).enumerate() {
        if kind == UNUSED {
            continue;
        }
        if !seen.insert(name) {
            return Err(format!("has the token {name:?} twice; fetch it again"));
        }
        vocab.insert(name.to_owned(), id.into());
        if [CONTROL, USER_DEFINED].contains(&kind) {
            added.push(json!({
                "id": id, "content": name, "special": kind == CONTROL, "single_word": false, "lstrip": false,
                "rstrip": false, "normalized": false,
            }));
        }
    }
    Ok((vocab, added))
}

/// Names of tokens and the chat template, as `tokenizer_config.json` keeps them.
pub(super) fn tokenizer_config(header: &GgufHeader<'_>) -> Value {
    let mut config = Map::new();
    let names = header.list("tokenizer.ggml.tokens");
    for (name, key) in [
        ("bos", "bos"),
        ("eos", "eos"),
        ("pad", "padding"),
        ("mask", "mask"),
        ("unk", "unknown"),
    ] {
        let id = header.count(&format!("tokenizer.ggml.{key}_token_id"));
        let at = id.and_then(|id| usize::try_from(id).ok());
        let token = at.and_then(|at| names.as_ref()?.texts()?.nth(at));
        if let Some(token) = token {
            config.insert(format!("{name}_token"), token.into());
        }
    }
    if let Some(template) = header.text("tokenizer.chat_template") {
        config.insert("chat_template".to_owned(), template.into());
    }
    Value::Object(config)
}
