//! Folders as people have them, and files that would end the program or keep it waiting.

#[cfg(unix)]
use std::fs;

use serde_json::{Value, json};
use unmask_api::{TokenId, with_causes};

use super::Fake;
use crate::checkpoint::{Checkpoint, CheckpointText, Locations};
use crate::config::TokenOverrides;
use crate::model_id::ModelId;

/// Everything that is read of a checkpoint besides its weights.
const FILES: [&str; 6] = [
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "chat_template.jinja",
];

fn text(fake: &Fake) -> Result<CheckpointText, String> {
    let text = fake
        .open()
        .and_then(|checkpoint| checkpoint.text(&TokenOverrides::default()));
    text.map_err(|error| with_causes(&error))
}

/// A tokenizer of a few words with `step` at its place, one of `normalizer`, `pre_tokenizer` and `decoder`.
fn tokenizer(place: &str, step: Value) -> Value {
    let mut tokenizer = json!({
        "version": "1.0", "added_tokens": [
            {"id": 2, "content": "<|mdm_mask|>", "single_word": false, "lstrip": false, "rstrip": false,
             "normalized": false, "special": true}],
        "model": {"type": "WordLevel", "unk_token": "a", "vocab": {"a": 0, "b": 1}}
    });
    tokenizer[place] = step;
    tokenizer
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_named_wherever_a_file_is_expected() {
    let others = ["model.safetensors", "model.safetensors.index.json"];
    for name in FILES.into_iter().chain(others) {
        let fake = Fake::new();
        let path = fake.path(name);
        if name == "model.safetensors.index.json" {
            fake.remove("model.safetensors");
        }
        let refused = |what: &str| {
            let error = text(&fake).map(|_| ()).expect_err("it is no file");
            let expected = format!(
                "{}, which has to be a file that you may read: {what}",
                path.display()
            );
            assert!(
                error.starts_with("cannot read ") && error.contains(&expected),
                "{error}"
            );
        };
        fs::remove_file(&path).ok();
        fs::create_dir(&path).expect("a folder can be made");
        refused("it is a folder, not a file");
        fs::remove_dir(&path).expect("it is there");
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.is_ok_and(|status| status.success()));
        refused("it is a named pipe, not a file");
        fs::remove_file(&path).expect("it is there");
        std::os::unix::fs::symlink(&path, &path).expect("a link can be made");
        refused("");
        fs::remove_file(&path).expect("it is there");
        std::os::unix::fs::symlink("/dev/zero", &path).expect("a link can be made");
        refused("it is a device, not a file");
    }
}

#[test]
fn a_pointer_of_git_lfs_is_named_whatever_it_points_to() {
    for name in FILES {
        let fake = Fake::new();
        fake.write(
            name,
            "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
        );
        fake.refused(&format!(
            "FOLDER/{name} is a Git LFS pointer, not the file itself; run `git lfs pull` in its folder"
        ));
    }
}

#[test]
fn a_byte_order_mark_and_numbers_of_python_are_read() {
    let fake = Fake::new();
    fake.write(
        "config.json",
        "\u{FEFF}{\"model_type\": \"llada\", \"vocab_size\": 3072, \"init_std\": NaN, \"mask_token_id\": 2, \
         \"eos_token_id\": 1}",
    );
    fake.write("tokenizer.json", &format!("\u{FEFF}{}", super::TOKENIZER));
    fake.write("generation_config.json", "{\"top_p\": -Infinity}");
    text(&fake).expect("it is read");
    let checkpoint = fake.open().expect("it is read");
    let read: Value = serde_json::from_str(&checkpoint.config_json).expect("backends can read it");
    assert_eq!(read, checkpoint.config);
}

#[test]
fn gguf_and_other_files_are_told_from_what_is_missing() {
    let fake = Fake::new();
    let gguf = "is not a GGUF file; fetch it again";
    fake.write("x.gguf", "");
    let open = |name: &str| {
        let id = ModelId::Folder(fake.path(name));
        let error = Checkpoint::open(&id, &Locations::default()).expect_err("it is no folder");
        with_causes(&error)
            .replace(&fake.root.path().display().to_string(), "FOLDER")
            .replace("FOLDER\\", "FOLDER/")
    };
    assert_eq!(open("x.gguf"), format!("FOLDER/x.gguf {gguf}"));
    assert_eq!(
        open("config.json"),
        "FOLDER/config.json is not a folder; name a GGUF file, or the folder that holds config.json, tokenizer.json and the .safetensors files"
    );
    fake.remove("model.safetensors");
    fake.refused("FOLDER/x.gguf is not a GGUF file; fetch it again");
    fake.remove("config.json");
    fake.refused(&format!("FOLDER/x.gguf {gguf}"));
}

#[test]
fn every_id_of_a_list_ends_an_answer() {
    let fake = Fake::new();
    let config = include_str!("../../../../../tests/cases/eos-list/config.json");
    fake.write("config.json", config);
    let special = text(&fake).expect("it is whole").special;
    assert_eq!((special.mask, special.eos), (TokenId(257), TokenId(256)));
    assert!(special.is_end(TokenId(256)) && special.is_end(TokenId(10)));
}

#[test]
fn names_of_the_special_tokens_map_are_known_where_the_config_is_silent() {
    let fake = Fake::new();
    let map = json!({"bos_token": {"content": "<|startoftext|>"}, "eos_token": "<|endoftext|>", "additional_special_tokens": []});
    fake.write("special_tokens_map.json", &map.to_string());
    let bos = || text(&fake).expect("it is whole").special.bos;
    assert_eq!(bos(), Some(TokenId(0)));
    fake.write("tokenizer_config.json", r#"{"bos_token": "<|eot_id|>"}"#);
    assert_eq!(bos(), Some(TokenId(5)));
}

#[test]
fn numbers_of_the_generation_config_are_made_to_go_together() {
    let check = |file: &str, expected: (usize, usize, usize), note: Option<&str>| {
        let fake = Fake::new();
        fake.write("generation_config.json", file);
        let checkpoint = fake.open().expect("it is whole");
        let (params, length) = checkpoint.defaults();
        assert_eq!(
            (length, params.block_length, params.steps),
            expected,
            "{file}"
        );
        let told = note
            .map(|it| format!("the numbers of generation_config.json do not go together: {it}"));
        assert_eq!(checkpoint.generation_note(), told, "{file}");
    };
    check(
        r#"{"steps": 512}"#,
        (128, 32, 128),
        Some("steps 512 → 128, the length"),
    );
    check(r#"{"steps": 64}"#, (128, 32, 64), None);
    check(
        r#"{"steps": 50}"#,
        (128, 32, 48),
        Some("steps 50 → 48 = 4 × 12"),
    );
    check(r#"{"gen_length": 512}"#, (512, 32, 128), None);
    check(r#"{"gen_length": 100}"#, (100, 100, 100), None);
    check(r#"{"block_length": 8}"#, (128, 8, 128), None);
    check(
        r#"{"block_length": 256}"#,
        (128, 128, 128),
        Some("block length 256 → 128"),
    );
    check(
        r#"{"gen_length": 100, "block_length": 32, "steps": 3}"#,
        (128, 32, 4),
        Some("length 100 → 128 = 4 × 32, steps 3 → 4 = 4 × 1"),
    );
}

#[test]
fn added_tokens_may_leave_out_what_python_has_defaults_for() {
    let fake = Fake::new();
    let config = json!({"added_tokens_decoder": {"3072": {"content": "<|new|>", "special": true}}});
    fake.write("tokenizer_config.json", &config.to_string());
    let text = text(&fake).expect("it is whole");
    assert_eq!(text.tokenizer.encode("<|new|>"), Ok(vec![TokenId(3072)]));
    fake.write(
        "tokenizer_config.json",
        r#"{"added_tokens_decoder": {"x": {}}}"#,
    );
    let error = self::text(&fake).map(|_| ()).expect_err("x is no id");
    assert!(
        error.contains("tokenizer_config.json cannot be read"),
        "{error}"
    );
}

#[test]
fn an_id_that_would_size_a_table_beyond_reason_is_named() {
    let fake = Fake::new();
    let mut json = tokenizer("decoder", Value::Null);
    json["model"]["vocab"]["b"] = json!(4_294_967_295_u32);
    fake.write("tokenizer.json", &json.to_string());
    fake.refused(
        "FOLDER: tokenizer.json cannot be read: token `b` has the id 4294967295, and no vocabulary has more than 4194304 \
         tokens; fetch it again",
    );
}

#[test]
fn a_tokenizer_that_panics_is_an_error_that_names_its_file() {
    let split = |pattern: &str| json!({"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": false});
    let steps = [
        ("pre_tokenizer", json!({"type": "FixedLength", "length": 0})),
        (
            "normalizer",
            json!({"type": "Precompiled", "precompiled_charsmap": ""}),
        ),
        (
            "normalizer",
            json!({"type": "Precompiled", "precompiled_charsmap": "BAAAAAAAAAA="}),
        ),
        (
            "normalizer",
            json!({"type": "Precompiled", "precompiled_charsmap": "AAAAAAAA"}),
        ),
        (
            "normalizer",
            json!({"type": "Precompiled", "precompiled_charsmap": "/////////////w=="}),
        ),
        (
            "normalizer",
            json!({"type": "Replace", "pattern": {"Regex": "("}, "content": ""}),
        ),
        ("pre_tokenizer", split("(?<=a")),
        ("pre_tokenizer", split("(?=((a{1000}){1000}){1000})")),
        (
            "decoder",
            json!({"type": "Replace", "pattern": {"Regex": "["}, "content": ""}),
        ),
    ];
    for (place, step) in steps {
        let fake = Fake::new();
        let json = tokenizer(place, step.clone());
        fake.write("tokenizer.json", &json.to_string());
        let error = text(&fake).map(|_| ()).expect_err("it is damaged");
        assert!(
            error.contains("tokenizer.json cannot be read"),
            "{step}: {error}"
        );
    }
    let fake = Fake::new();
    let mut json = tokenizer(
        "decoder",
        json!({"type": "Strip", "content": "a", "start": 0, "stop": 9}),
    );
    json["model"]["vocab"]["a"] = json!(0);
    fake.write("tokenizer.json", &json.to_string());
    let decoded = text(&fake).map(|text| text.tokenizer.decode(&[TokenId(0)]));
    let error = match decoded {
        Ok(decoded) => decoded.expect_err("it panics").to_string(),
        Err(error) => error,
    };
    assert!(error.contains("tokenizer.json"), "{error}");
}
