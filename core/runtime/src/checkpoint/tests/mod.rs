use std::fs;

use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::config::TokenOverrides;
use crate::engine::{Message, Role};
use crate::params::Remasking;
use unmask_api::TokenId;

mod families;
mod fuzz;
mod hostile;
mod places;

const TOKENIZER: &str = include_str!("../../../demo-model/tokenizer.json");

/// A checkpoint of the demo's tokenizer and no weights to speak of.
struct Fake {
    root: TempDir,
}

impl Fake {
    fn new() -> Self {
        let this = Self {
            root: tempfile::tempdir().expect("a folder can be made"),
        };
        let config = json!({
            "model_type": "llada", "embedding_size": 3072, "mask_token_id": 2, "eos_token_id": 1
        });
        this.write("config.json", &config.to_string());
        this.write("tokenizer.json", TOKENIZER);
        this.write("model.safetensors", "\x02\0\0\0\0\0\0\0{}");
        this
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.root.path().join(name), text).expect("a file can be written");
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.root.path().join(name)
    }

    fn remove(&self, name: &str) {
        fs::remove_file(self.root.path().join(name)).expect("the file is there");
    }

    fn open(&self) -> Result<Checkpoint, CheckpointError> {
        let id = ModelId::Folder(self.root.path().to_owned());
        Checkpoint::open(&id, &Locations::default())
    }

    /// Opening it and reading its text must fail; the path is left out.
    #[track_caller]
    fn refused(&self, expected: &str) {
        let opened = self.open();
        let error = match opened.and_then(|checkpoint| checkpoint.text(&TokenOverrides::default()))
        {
            Ok(_) => panic!("it is accepted, but should be refused: {expected}"),
            Err(error) => unmask_api::with_causes(&error),
        };
        let root = self.root.path().display().to_string();
        let error = error
            .replace(&root, "FOLDER")
            .replace("FOLDER\\", "FOLDER/");
        assert_eq!(error, expected);
    }
}

#[test]
fn missing_files_are_named_with_what_to_do() {
    let fake = Fake::new();
    fake.remove("tokenizer.json");
    fake.refused("FOLDER has no tokenizer.json; fetch it from where the weights come from");
    fake.remove("model.safetensors");
    fake.refused(
        "FOLDER has no weights: there is no .safetensors file; fetch the checkpoint again",
    );
    fake.write("pytorch_model.bin", "");
    fake.refused(
        "FOLDER has no weights: pytorch_model.bin is a Python pickle, which can run code and is not read; \
         fetch the .safetensors files",
    );
    fake.remove("config.json");
    fake.refused(
        "FOLDER has no config.json; name the folder that holds it, or fetch the checkpoint again",
    );
    let nowhere = ModelId::Folder(fake.root.path().join("none"));
    let error = Checkpoint::open(&nowhere, &Locations::default())
        .expect_err("there is none")
        .to_string();
    assert!(
        error.ends_with("none; name one that holds a checkpoint"),
        "{error}"
    );
}

#[test]
fn shards_come_in_the_order_of_the_index_and_a_missing_one_is_named() {
    let fake = Fake::new();
    fake.remove("model.safetensors");
    let index =
        json!({"weight_map": {"a": "2.safetensors", "b": "1.safetensors", "c": "2.safetensors"}});
    fake.write("model.safetensors.index.json", &index.to_string());
    fake.write("2.safetensors", "xx");
    fake.refused("FOLDER lacks the weight file 1.safetensors that its index names; fetch the checkpoint again");
    fake.write("1.safetensors", "x");
    let checkpoint = fake.open().expect("it is whole");
    let names: Vec<_> = checkpoint
        .weights
        .iter()
        .filter_map(|path| path.file_name())
        .collect();
    assert_eq!(names, ["2.safetensors", "1.safetensors"]);
    assert_eq!(checkpoint.weight_bytes, 3);
    fake.write(
        "model.safetensors.index.json",
        r#"{"weight_map": {"a": "../2.safetensors"}}"#,
    );
    fake.refused("FOLDER lacks the weight file ../2.safetensors that its index names; fetch the checkpoint again");
    for (index, what) in [
        ("{}", "`weight_map` is missing"),
        (r#"{"weight_map": {}}"#, "`weight_map` names no file"),
        (
            r#"{"weight_map": {"a": 1}}"#,
            "`weight_map` names something that is no file",
        ),
        ("[]", "it is no object"),
    ] {
        fake.write("model.safetensors.index.json", index);
        fake.refused(&format!(
            "FOLDER/model.safetensors.index.json:1: {what}; fetch the file again"
        ));
    }
    fake.write("model.safetensors", "x");
    let checkpoint = fake
        .open()
        .expect("the single file counts before an index that was left");
    assert_eq!(checkpoint.weight_bytes, 1);
}

#[test]
fn an_adapter_beside_a_model_is_one_of_its_files() {
    let fake = Fake::new();
    fake.write("adapter_config.json", r#"{"peft_type": "LORA"}"#);
    fake.refused(
        "FOLDER/adapter_config.json says that the folder holds an adapter: there is no adapter_model.safetensors beside it; \
         fetch the adapter again, or remove adapter_config.json if it is merged already",
    );
    fake.write("adapter_model.bin", "");
    fake.refused(
        "FOLDER/adapter_config.json says that the folder holds an adapter: adapter_model.bin is a Python pickle, which can run \
         code and is not read; save the adapter as adapter_model.safetensors",
    );
    fake.write("adapter_model.safetensors", "x");
    let files = ["model.safetensors", "adapter_model.safetensors"].map(|name| fake.path(name));
    assert_eq!(fake.open().expect("it is whole").weights, files);
    // Without a name of its own it would be among the model's.
    fs::rename(
        fake.path("model.safetensors"),
        fake.path("weights.safetensors"),
    )
    .expect("it is there");
    let files = ["weights.safetensors", "adapter_model.safetensors"].map(|name| fake.path(name));
    assert_eq!(fake.open().expect("it is whole").weights, files);
}

#[test]
fn an_adapter_of_its_own_folder_is_for_the_model_that_it_names() {
    let base = Fake::new();
    let fake = Fake::new();
    for name in ["config.json", "tokenizer.json", "model.safetensors"] {
        fake.remove(name);
    }
    fake.write("adapter_model.safetensors", "x");
    let name = |base: &str| {
        let config = json!({ "base_model_name_or_path": base });
        fake.write("adapter_config.json", &config.to_string());
    };
    name(&base.root.path().display().to_string());
    let opened = fake.open().expect("both are whole");
    assert_eq!(opened.folder(), base.root.path());
    let files = [
        base.path("model.safetensors"),
        fake.path("adapter_model.safetensors"),
    ];
    assert_eq!(opened.weights, files);
    name("a base");
    fake.refused(
        "FOLDER/adapter_config.json says that the folder holds an adapter: base_model_name_or_path is \"a base\", which names \
         no model; put the adapter's two files beside the files of the model that it is for",
    );
    for of_hub in ["org/base", "https://mirror.example/org/base"] {
        name(of_hub);
        fake.refused(
            "FOLDER/adapter_config.json says that the folder holds an adapter: it is for org/base: org/base is not on this \
             machine; run `unmask pull org/base`; or put the adapter's two files beside the files of that model",
        );
    }
    name(&base.root.path().display().to_string());
    base.write("adapter_config.json", "{}");
    let told = fake.open().expect_err("adapters do not add up").to_string();
    assert!(
        told.ends_with("which is an adapter itself; merge that first"),
        "{told}"
    );
}

#[test]
fn damaged_files_are_named_with_their_line() {
    let fake = Fake::new();
    fake.write("config.json", "{\n  \"model_type\": }");
    fake.refused("FOLDER/config.json:2: expected value at column 17; fetch the file again");
    fake.write("config.json", r#"{"model_type": "mmada"}"#);
    fake.refused(
        "FOLDER/config.json: it is a model of the family MMaDA, which this version does not run; it runs LLaDA, iLLaDA, LLaDA-MoE, \
         LLaDA2, Dream, SDAR, Fast-dLLM v2",
    );
    fake.write(
        "config.json",
        r#"{"model_type": "sdar", "block_size": "4"}"#,
    );
    fake.refused(
        "FOLDER/config.json: block_size is \"4\", not the length of a block; fetch the file again",
    );
    let fake = Fake::new();
    fake.write("generation_config.json", r#"{"steps": 0}"#);
    fake.refused("FOLDER/generation_config.json: steps: 0 is too small; it must be 1 or more");
}

#[test]
fn ids_come_from_the_checkpoints_files_or_its_tokenizers_names() {
    let ids = |fake: &Fake, overrides| {
        let text = fake
            .open()
            .and_then(|checkpoint| checkpoint.text(&overrides));
        text.expect("it is whole").special
    };
    let fake = Fake::new();
    fake.write(
        "tokenizer_config.json",
        r#"{"bos_token": {"content": "<|startoftext|>"}}"#,
    );
    let said = ids(&fake, TokenOverrides::default());
    let expected = SpecialIdsOf(2, 1, Some(5), Some(0));
    assert_eq!(
        SpecialIdsOf::from(said),
        expected,
        "the end of turn has no key"
    );
    fake.write(
        "config.json",
        r#"{"model_type": "llada", "eos_token_id": [1, 5]}"#,
    );
    assert_eq!(
        SpecialIdsOf::from(ids(&fake, TokenOverrides::default())),
        expected,
        "an end of turn in the list stays that"
    );
    fake.write(
        "config.json",
        r#"{"model_type": "llada", "eos_token_id": [1, 10, 5, 10]}"#,
    );
    fake.write("generation_config.json", r#"{"eos_token_id": [1, 11]}"#);
    let said = ids(&fake, TokenOverrides::default());
    let ends: Vec<u32> = said.ends().map(|end| end.0).collect();
    assert_eq!(ends, [1, 5, 10, 11]);
    assert!(said.is_end(TokenId(11)) && !said.is_end(TokenId(2)));
    let overrides = TokenOverrides {
        mask: Some(9),
        eot: Some(1),
        ..TokenOverrides::default()
    };
    let said = SpecialIdsOf::from(ids(&fake, overrides));
    assert_eq!(
        said,
        SpecialIdsOf(9, 1, None, Some(0)),
        "an end of turn that is the end of text is none"
    );
}

#[derive(Debug, PartialEq)]
struct SpecialIdsOf(u32, u32, Option<u32>, Option<u32>);

impl From<crate::family::SpecialIds> for SpecialIdsOf {
    fn from(ids: crate::family::SpecialIds) -> Self {
        let number = |id: Option<TokenId>| id.map(|id| id.0);
        Self(ids.mask.0, ids.eos.0, number(ids.eot), number(ids.bos))
    }
}

#[test]
fn an_id_that_is_missing_or_out_of_range_is_named() {
    let fake = Fake::new();
    fake.write(
        "config.json",
        r#"{"model_type": "llada", "vocab_size": 3072, "mask_token_id": 2}"#,
    );
    fake.refused(
        "FOLDER does not say which token is the end of text; set `eos` in [available_models.KEY.tokens] of \
         model_config.toml",
    );
    fake.write(
        "config.json",
        r#"{"model_type": "llada", "vocab_size": 3072, "mask_token_id": 3072, "eos_token_id": 1}"#,
    );
    fake.refused(
        "FOLDER: mask token 3072 is beyond the vocabulary of 3072; correct config.json or the configuration's tokens",
    );
    fake.write(
        "config.json",
        r#"{"model_type": "llada", "eos_token_id": 1}"#,
    );
    fake.write(
        "tokenizer.json",
        &TOKENIZER.replace("<|mdm_mask|>", "<|other|>"),
    );
    fake.refused(
        "FOLDER does not say which token is the mask; set `mask` in [available_models.KEY.tokens] of model_config.toml",
    );
    fake.write("tokenizer.json", "{}");
    let error = fake
        .open()
        .and_then(|checkpoint| checkpoint.text(&TokenOverrides::default()));
    let error = error.map(|_| ()).expect_err("it is damaged").to_string();
    assert!(error.contains("tokenizer.json cannot be read"), "{error}");
}

#[test]
fn leftovers_of_autoregressive_models_do_not_set_the_temperature() {
    let fake = Fake::new();
    fake.write(
        "generation_config.json",
        r#"{"temperature": 0.6, "top_p": 0.9}"#,
    );
    let temperature = || {
        fake.open()
            .map(|checkpoint| checkpoint.defaults().0.temperature)
            .ok()
    };
    assert_eq!(temperature(), Some(0.0));
    fake.write(
        "generation_config.json",
        r#"{"temperature": 0.6, "steps": 64, "remasking": "random"}"#,
    );
    assert_eq!(temperature(), Some(0.6));
    let (params, length) = fake.open().expect("it is whole").defaults();
    assert_eq!(
        (params.steps, params.remasking, length),
        (64, Remasking::Random, 128)
    );
}

#[test]
fn the_chat_template_is_that_of_the_file_then_the_config_then_the_family() {
    let fake = Fake::new();
    let render = || {
        let text = fake
            .open()
            .and_then(|checkpoint| checkpoint.text(&TokenOverrides::default()));
        let message = Message {
            role: Role::User,
            content: " hi ".to_owned(),
        };
        let template = text.map_err(|error| error.to_string())?.template;
        template
            .render(&[message], std::time::SystemTime::UNIX_EPOCH)
            .map_err(|error| error.to_string())
    };
    fake.write("tokenizer_config.json", r#"{"bos_token": "<s>"}"#);
    let header = |role: &str| format!("<|start_header_id|>{role}<|end_header_id|>\n\n");
    let family = format!("<s>{}hi<|eot_id|>{}", header("user"), header("assistant"));
    assert_eq!(render(), Ok(family));
    fake.write("tokenizer_config.json", r#"{"chat_template": [{"name": "other", "template": "o"}, {"name": "default", "template": "d"}]}"#);
    assert_eq!(render(), Ok("d".to_owned()));
    fake.write(
        "tokenizer_config.json",
        r#"{"chat_template": [{"name": "a", "template": "o"}, {"name": "b", "template": "d"}]}"#,
    );
    let error = render().expect_err("none is the default");
    assert!(
        error.ends_with("has the chat templates a, b and no `default`; keep one"),
        "{error}"
    );
    fake.write("chat_template.jinja", "file");
    assert_eq!(render(), Ok("file".to_owned()));
}
