//! Checkpoints that are missing or damaged, met as a user would: which file is named, and with which exit code.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use unmask_tests::program::{Home, Said, refused};
use unmask_tests::{root, tool_required_by};

/// A copy of the tiny reference model, to be damaged.
struct Copy {
    home: Home,
    folder: PathBuf,
}

impl Copy {
    fn new() -> Self {
        let home = Home::default();
        let folder = home.path().join("model");
        fs::create_dir(&folder).expect("a folder can be made");
        let source = root().join("tests/golden/models/tiny-llada-a");
        for entry in fs::read_dir(source).expect("the reference model is there") {
            let entry = entry.expect("a folder can be read");
            fs::copy(entry.path(), folder.join(entry.file_name())).expect("a file can be copied");
        }
        Self { home, folder }
    }

    fn edit(&self, file: &str, change: impl FnOnce(&mut Value)) {
        let path = self.folder.join(file);
        let text = fs::read_to_string(&path).expect("it is there");
        let mut json: Value = serde_json::from_str(&text).expect("it is JSON");
        change(&mut json);
        fs::write(path, json.to_string()).expect("it can be written");
    }

    fn weights(&self) -> PathBuf {
        self.folder.join("model.safetensors")
    }

    /// Rewrites the header of the weights; offsets stay, so the new text must not be longer.
    fn edit_header(&self, from: &str, to: &str) {
        let mut bytes = fs::read(self.weights()).expect("it is there");
        let length = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes")) as usize;
        let header = String::from_utf8(bytes[8..8 + length].to_vec()).expect("a header is text");
        assert!(header.contains(from), "{header}");
        let header = format!("{:<length$}", header.replacen(from, to, 1));
        bytes.splice(8..8 + length, header.into_bytes());
        fs::write(self.weights(), bytes).expect("it can be written");
    }

    /// Takes `config.json` of a folder of `tests/cases`.
    fn take_config(&self, case: &str) {
        let config = self.folder.join("config.json");
        fs::copy(cases().join(case).join("config.json"), config).expect("a file can be copied");
    }

    fn ask(&self) -> Said {
        self.ask_with(&[])
    }

    fn ask_with(&self, more: &[&str]) -> Said {
        let folder = self.folder.to_str().expect("a plain name");
        let usual = [
            "generate", "-q", "-m", folder, "--len", "8", "--block", "8", "--steps", "8", "hi",
        ];
        self.home.run(&[&usual, more].concat(), "")
    }
}

/// Small inputs that somebody met, a folder each.
fn cases() -> PathBuf {
    root().join("tests/cases")
}

#[test]
fn the_tiny_reference_model_answers() {
    let said = Copy::new().ask();
    assert_eq!(said.code, Some(0), "{said:?}");
}

#[test]
fn a_missing_folder_is_named() {
    let said = Home::default().run(&["generate", "-q", "-m", "./nowhere", "hi"], "");
    refused(&said, 3, &["nowhere"]);
    let absent = Home::default().run(&["generate", "-q", "-m", "llada-8b-instruct", "hi"], "");
    refused(&absent, 3, &["GSAI-ML/LLaDA-8B-Instruct", "unmask pull"]);
}

#[test]
fn cut_off_weights_are_named_with_the_sizes() {
    let copy = Copy::new();
    let whole = fs::read(copy.weights()).expect("it is there");
    fs::write(copy.weights(), &whole[..whole.len() / 2]).expect("it can be written");
    let half = (whole.len() / 2).to_string();
    refused(&copy.ask(), 3, &["model.safetensors", &half]);
}

#[test]
fn weights_of_a_wrong_type_or_shape_are_named() {
    let copy = Copy::new();
    copy.edit_header("\"F32\"", "\"I32\"");
    refused(&copy.ask(), 3, &["model.safetensors", "I32"]);
    let copy = Copy::new();
    copy.edit("config.json", |config| {
        config["mlp_hidden_size"] = 999.into()
    });
    refused(&copy.ask(), 3, &["model.safetensors", "999"]);
}

#[test]
fn a_configuration_that_lacks_a_key_is_named() {
    let copy = Copy::new();
    copy.edit("config.json", |config| {
        config.as_object_mut().expect("an object").remove("n_heads");
    });
    refused(&copy.ask(), 3, &["config.json", "n_heads"]);
}

#[test]
fn an_unknown_family_is_named_with_those_that_are_known() {
    let copy = Copy::new();
    copy.edit("config.json", |config| {
        config["model_type"] = "gpt2".into();
        config["architectures"] = serde_json::json!(["GPT2LMHeadModel"]);
    });
    refused(
        &copy.ask(),
        3,
        &["config.json", "GPT2LMHeadModel", "autoregressive", "LLaDA"],
    );
}

#[test]
fn a_tokenizer_without_a_mask_is_named() {
    let copy = Copy::new();
    copy.edit("config.json", |config| {
        config
            .as_object_mut()
            .expect("an object")
            .remove("mask_token_id");
    });
    copy.edit("tokenizer.json", |tokenizer| {
        for token in tokenizer["added_tokens"]
            .as_array_mut()
            .into_iter()
            .flatten()
        {
            if token["content"] == "<|mdm_mask|>" {
                token["content"] = "<|other|>".into();
            }
        }
    });
    copy.edit("tokenizer_config.json", |config| {
        config
            .as_object_mut()
            .expect("an object")
            .remove("mask_token");
    });
    refused(&copy.ask(), 3, &["mask"]);
    let copy = Copy::new();
    fs::remove_file(copy.folder.join("tokenizer.json")).expect("it is there");
    refused(&copy.ask(), 3, &["tokenizer.json"]);
}

#[test]
fn a_size_that_the_weights_do_not_bear_out_is_named_with_its_bound() {
    let copy = Copy::new();
    copy.take_config("config-embedding-size");
    let words = [
        "config.json",
        "embedding_size",
        "9007199254740992",
        "model.safetensors is 512",
    ];
    refused(&copy.ask(), 3, &words);
    for (key, bound) in [
        ("d_model", "model.safetensors is 512"),
        ("n_layers", "21 tensors, enough for 2"),
        ("mlp_hidden_size", "model.safetensors is 512"),
        ("max_sequence_length", "more than any model has"),
    ] {
        let copy = Copy::new();
        copy.edit("config.json", |config| config[key] = (1_u64 << 50).into());
        refused(
            &copy.ask(),
            3,
            &["config.json", key, "1125899906842624", bound],
        );
    }
}

#[test]
fn a_llada_moe_is_known_by_its_architecture() {
    let copy = Copy::new();
    copy.take_config("llada-moe-type");
    // The copy's tokenizer has no name for it that the family knows.
    copy.edit("config.json", |config| config["mask_token_id"] = 1.into());
    refused(
        &copy.ask(),
        3,
        &[
            "config.json",
            "hidden_size is 2048",
            "the longest side of a tensor",
        ],
    );
}

#[test]
fn weights_that_mlx_quantised_are_named_as_such() {
    let copy = Copy::new();
    let extra = fs::read_to_string(cases().join("mlx-4bit-on-candle/config-extra.json"));
    let extra: Value = serde_json::from_str(&extra.expect("it is there")).expect("it is JSON");
    copy.edit("config.json", |config| {
        config["quantization"] = extra["quantization"].clone()
    });
    refused(
        &copy.ask(),
        3,
        &[
            "config.json",
            "quantised for MLX, to 4 bits in groups of 64",
            "mlx",
        ],
    );
    let copy = Copy::new();
    copy.edit_header("q_proj.weight", "q_proj.scales");
    refused(&copy.ask(), 3, &["config.json", "quantised for MLX", "mlx"]);
}

#[test]
fn weights_that_others_quantised_are_named_with_what_to_fetch() {
    for (method, told) in [
        ("gptq", "quantised by GPTQ, to 4 bits in groups of 128"),
        ("awq", "quantised by AWQ"),
    ] {
        let copy = Copy::new();
        let said = serde_json::json!({"quant_method": method, "bits": 4, "group_size": 128});
        copy.edit("config.json", |config| config["quantization_config"] = said);
        for backend in ["candle", "onnx", "mlx"] {
            let said = copy.ask_with(&["--backend", backend]);
            // Where the backend cannot be used at all, that is said first.
            if said.stderr.contains("quantised") || backend == "candle" {
                refused(&said, 2, &["config.json", told, "GGUF"]);
            }
        }
    }
    let copy = Copy::new();
    copy.edit_header("q_proj.weight", "q_pro.qweight");
    refused(&copy.ask(), 2, &["quantised by GPTQ or AWQ"]);
}

#[test]
fn a_gguf_file_that_is_damaged_is_named_as_such() {
    let home = Home::default();
    let folder = cases().join("gguf");
    for model in [folder.join("x.gguf"), folder] {
        let model = model.to_str().expect("a plain name").to_owned();
        let said = home.run(&["generate", "-q", "-m", &model, "hi"], "");
        refused(&said, 3, &["x.gguf is not a GGUF file", "fetch it again"]);
    }
}

#[test]
fn bytes_behind_the_tensors_are_told_from_a_download_that_is_incomplete() {
    let copy = Copy::new();
    let mut bytes = fs::read(copy.weights()).expect("it is there");
    bytes.extend(b"more");
    fs::write(copy.weights(), bytes).expect("it can be written");
    refused(
        &copy.ask(),
        3,
        &[
            "model.safetensors",
            "something was added behind the tensors",
        ],
    );
}

#[test]
fn weights_that_are_not_finite_give_no_answer_in_any_precision() {
    let copy = Copy::new();
    let mut bytes = fs::read(copy.weights()).expect("it is there");
    let header = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes")) as usize;
    bytes[8 + header..][..4].copy_from_slice(&f32::NAN.to_le_bytes());
    fs::write(copy.weights(), bytes).expect("it can be written");
    for precision in ["f32", "int8", "int4", "q8_0", "q4k"] {
        let said = copy.ask_with(&["--precision", precision]);
        refused(
            &said,
            3,
            &[
                "model.safetensors",
                "holds NaN or infinity",
                "fetch the checkpoint again",
            ],
        );
    }
}

#[test]
fn steps_alone_in_the_generation_config_do_not_refuse_a_run() {
    let copy = Copy::new();
    fs::write(
        copy.folder.join("generation_config.json"),
        r#"{"steps": 512}"#,
    )
    .expect("it can be written");
    let folder = copy.folder.to_str().expect("a plain name");
    let said = copy.home.run(&["generate", "-q", "-m", folder, "hi"], "");
    assert_eq!(said.code, Some(0), "{said:?}");
}

#[cfg(unix)]
#[test]
fn a_pipe_where_a_file_is_expected_is_named_and_not_waited_for() {
    for name in ["config.json", "tokenizer.json", "model.safetensors"] {
        let copy = Copy::new();
        let path = copy.folder.join(name);
        fs::remove_file(&path).expect("it is there");
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.is_ok_and(|status| status.success()));
        refused(&copy.ask(), 3, &[name, "it is a named pipe, not a file"]);
    }
}

#[test]
fn a_tokenizer_that_fails_at_its_first_text_is_named() {
    let copy = Copy::new();
    copy.edit("tokenizer.json", |tokenizer| {
        tokenizer["pre_tokenizer"] = serde_json::json!({"type": "FixedLength", "length": 0});
    });
    let said = copy.ask();
    refused(&said, 3, &["tokenizer.json cannot be read"]);
    assert!(!said.stderr.contains("panicked at"), "{said:?}");
}

#[test]
fn every_shape_of_random_weights_loads_quantised_and_answers() {
    let Some(python) = tool_required_by("UNMASK_REQUIRE_PYTHON", &["python3"]) else {
        return;
    };
    let home = Home::default();
    let folder = home.path().join("shapes");
    let script = root().join("tests/make_checkpoint.py");
    let made = std::process::Command::new(python)
        .args([script.as_os_str(), folder.as_os_str(), "--small".as_ref()])
        .output()
        .expect("Python starts");
    let told = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success(), "{told}");
    let shapes = fs::read_dir(&folder).expect("a folder was made");
    let mut shapes: Vec<PathBuf> = shapes
        .map(|entry| entry.expect("a folder can be read").path())
        .collect();
    shapes.sort();
    assert!(shapes.len() >= 10, "{shapes:?}");
    for shape in shapes {
        let model = shape.to_str().expect("a plain name");
        for precision in ["int8", "int4"] {
            let said = home.run(
                &[
                    "generate",
                    "-q",
                    "-m",
                    model,
                    "--precision",
                    precision,
                    "--len",
                    "8",
                    "--format",
                    "jsonl",
                    "Hello",
                ],
                "",
            );
            assert_eq!(
                said.code,
                Some(0),
                "{model} in {precision}: {}",
                said.stderr
            );
            let is_quantised = said
                .stdout
                .contains(&format!("\"precision\":\"{precision}\""));
            let is_written = said.stdout.contains("\"commits\":[{");
            assert!(
                is_quantised && is_written,
                "{model} in {precision}: {}",
                said.stdout
            );
        }
    }
}
