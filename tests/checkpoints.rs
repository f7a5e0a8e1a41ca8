//! Checkpoints that are missing or damaged, met as a user would: which file is named, and with which exit code.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use unmask_tests::program::{Home, Said, refused};
use unmask_tests::root;

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

    fn ask(&self) -> Said {
        let folder = self.folder.to_str().expect("a plain name");
        self.home.run(
            &[
                "generate", "-q", "-m", folder, "--len", "8", "--block", "8", "--steps", "8", "hi",
            ],
            "",
        )
    }
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
    refused(&absent, 3, &["GSAI-ML/LLaDA-8B-Instruct", "hf download"]);
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
    refused(&copy.ask(), 3, &["config.json", "gpt2", "llada"]);
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
