//! Mutated files of a checkpoint: whatever they say, it opens or a sentence says why not, and neither takes long.
//!
//! `PROPTEST_CASES` asks for more than a few cases.

use proptest::prelude::*;
use serde_json::{Value, json};
use unmask_api::{TokenId, with_causes};

use super::Fake;
use crate::config::TokenOverrides;
use crate::mutation::{byte_changes, cases, change, in_time, mutate};

/// Small files with everything in them that is looked at, and their names.
fn files() -> [(&'static str, Value); 5] {
    let token = |id: u32, content: &str| {
        json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": true,
            "normalized": false, "special": true})
    };
    let regex = |pattern: &str| json!({"Regex": pattern});
    let models = json!([
        {"type": "BPE", "dropout": null, "unk_token": "<unk>", "continuing_subword_prefix": "##",
         "end_of_word_suffix": "</w>", "fuse_unk": true, "byte_fallback": true, "ignore_merges": false,
         "vocab": {"<unk>": 0, "a": 1, "##b": 2, "ab": 3, "c": 4}, "merges": [["a", "##b"]]}
    ]);
    let tokenizer = json!({
        "version": "1.0",
        "truncation": {"direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0},
        "padding": {"strategy": {"Fixed": 8}, "direction": "Right", "pad_to_multiple_of": 8, "pad_id": 0,
                    "pad_type_id": 0, "pad_token": "a"},
        "added_tokens": [token(5, "<|mdm_mask|>"), token(6, "<|endoftext|>")],
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "NFC"}, {"type": "Prepend", "prepend": "▁"},
            {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
            {"type": "Replace", "pattern": regex(" {2,}"), "content": "▁"},
            {"type": "Strip", "strip_left": true, "strip_right": true},
            {"type": "Precompiled", "precompiled_charsmap": charsmap()}]},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": regex(r"\p{N}{1,3}|\s+(?!\S)"), "behavior": "Isolated", "invert": false},
            {"type": "FixedLength", "length": 5}, {"type": "Digits", "individual_digits": true},
            {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true},
            {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true}]},
        "post_processor": {"type": "TemplateProcessing", "single": [{"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}], "special_tokens": {}},
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
            {"type": "Strip", "content": " ", "start": 1, "stop": 1}, {"type": "WordPiece", "prefix": "##", "cleanup": true},
            {"type": "CTC", "pad_token": "a", "word_delimiter_token": "|", "cleanup": true},
            {"type": "BPEDecoder", "suffix": "</w>"}]},
        "model": models[0]
    });
    [
        (
            "config.json",
            json!({"model_type": "llada", "architectures": ["LLaDAModelLM"], "embedding_size": 3072, "vocab_size": 3072,
                "mask_token_id": 5, "eos_token_id": [6, 1], "bos_token_id": 0, "d_model": 64, "n_layers": 2}),
        ),
        (
            "generation_config.json",
            json!({"steps": 64, "gen_length": 64, "block_length": 32, "temperature": 0.5, "cfg_scale": 1.0,
                "remasking": "random", "eos_token_id": [6]}),
        ),
        ("tokenizer.json", tokenizer),
        (
            "tokenizer_config.json",
            json!({"bos_token": {"content": "a"}, "eos_token": "<|endoftext|>", "clean_up_tokenization_spaces": true,
                "added_tokens_decoder": {"7": {"content": "<x>", "special": true, "lstrip": false}},
                "chat_template": [{"name": "default", "template": "{{ messages[0]['content'] }}"}]}),
        ),
        (
            "special_tokens_map.json",
            json!({"bos_token": {"content": "a"}, "mask_token": "<|mdm_mask|>", "additional_special_tokens": ["c"]}),
        ),
    ]
}

/// 256 entries of a trie that knows nothing, and `a` as the only replacement.
fn charsmap() -> String {
    ["AAQA", &"AAAA".repeat(341), "AABh", "AA=="].concat()
}

/// Opens a checkpoint whose files are small ones but `changed`, and uses its text.
fn open(changed: &str, bytes: &[u8]) {
    let fake = Fake::new();
    for (name, value) in files() {
        fake.write(name, &value.to_string());
    }
    std::fs::write(fake.path(changed), bytes).expect("a file can be written");
    in_time(changed, || {
        let opened = fake.open().and_then(|checkpoint| {
            drop(checkpoint.defaults());
            drop(checkpoint.generation_note());
            checkpoint.text(&TokenOverrides::default())
        });
        match opened {
            Ok(text) => {
                let prompt = "a ab  c 12345 日本 <|mdm_mask|> ".repeat(20);
                // An error is an answer as well.
                let encoded = text.tokenizer.encode(&prompt).unwrap_or_default();
                for token in encoded.iter().copied().chain((0..12).map(TokenId)) {
                    text.tokenizer.decode(&[token]).ok();
                    text.tokenizer.decode_plain(&[token]).ok();
                }
                text.tokenizer.decode_plain(&encoded).ok();
            }
            Err(error) => assert!(with_causes(&error).len() > 20, "{error}"),
        }
    });
}

#[test]
fn the_files_that_are_changed_are_whole() {
    let fake = Fake::new();
    for (name, value) in files() {
        fake.write(name, &value.to_string());
    }
    let text = fake
        .open()
        .and_then(|checkpoint| checkpoint.text(&TokenOverrides::default()));
    let text = text
        .map_err(|error| with_causes(&error))
        .expect("they are whole");
    assert!(text.tokenizer.encode("a ab c").is_ok());
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn a_file_with_other_values_opens_or_is_refused(
        which in 0_usize..5,
        draws in prop::collection::vec(prop::collection::vec(any::<usize>(), 24), 1..4),
    ) {
        let (name, mut value) = files()[which].clone();
        for draws in draws {
            mutate(&mut value, &mut draws.into_iter());
        }
        open(name, value.to_string().as_bytes());
    }

    #[test]
    fn a_file_with_other_bytes_opens_or_is_refused(
        which in 0_usize..5,
        changes in byte_changes(),
    ) {
        let (name, value) = files()[which].clone();
        let mut bytes = value.to_string().into_bytes();
        change(&mut bytes, changes);
        open(name, &bytes);
    }

    #[test]
    fn an_index_with_other_values_opens_or_is_refused(
        draws in prop::collection::vec(any::<usize>(), 24),
    ) {
        let fake = Fake::new();
        fake.remove("model.safetensors");
        let mut index = json!({"metadata": {"total_size": 4}, "weight_map": {"a": "1.safetensors", "b": "2.safetensors"}});
        mutate(&mut index, &mut draws.into_iter());
        fake.write("model.safetensors.index.json", &index.to_string());
        fake.write("1.safetensors", "x");
        match fake.open() {
            Ok(checkpoint) => prop_assert!(!checkpoint.weights.is_empty()),
            Err(error) => prop_assert!(with_causes(&error).len() > 20),
        }
    }
}
