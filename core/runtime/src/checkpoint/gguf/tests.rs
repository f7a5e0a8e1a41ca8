mod found;

use std::fs;

use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;
use unmask_api::{TokenId, with_causes};
use unmask_gguf::TestFile;

use super::*;
use crate::checkpoint::{CheckpointText, Locations, ModelLocation};
use crate::config::{Config, ConfigSource, Environment, Overrides, TokenOverrides};
use crate::mutation::{byte_changes, cases, change, in_time};
use crate::text::Tokenizer;

const DEMO: &str = include_str!("../../../demo-model/tokenizer.json");
const TEMPLATE: &str = "{{ bos_token }}{% for it in messages %}{{ it['content'] }}{% endfor %}";

/// A LLaDA of one layer with the tokenizer of the demo, as llama.cpp writes it; `change` may add to it.
fn llada(change: impl FnOnce(TestFile) -> TestFile) -> Vec<u8> {
    let file = keys(TestFile::default(), "llada");
    let row = [0_u8; 34];
    change(tokens(file, "qwen2"))
        .tensor("token_embd.weight", &[3072, 32], 8, &row.repeat(3072))
        .tensor("output.weight", &[1, 32], 8, &row)
        .bytes()
}

fn keys(file: TestFile, architecture: &str) -> TestFile {
    let key = |name: &str| format!("{architecture}.{name}");
    file.text("general.architecture", architecture)
        .count(&key("context_length"), 256)
        .count(&key("embedding_length"), 32)
        .count(&key("block_count"), 1)
        .count(&key("feed_forward_length"), 64)
        .count(&key("attention.head_count"), 2)
        .float(&key("attention.layer_norm_rms_epsilon"), 1e-5)
        .float(&key("rope.freq_base"), 5e5)
        .flag(&key("attention.causal"), false)
        .flag("diffusion.shift_logits", architecture == "dream")
}

fn tokens(file: TestFile, pre: &str) -> TestFile {
    let demo: Value = serde_json::from_str(DEMO).expect("it is JSON");
    let vocab = demo["model"]["vocab"].as_object().expect("it has tokens");
    let mut names = vec![""; vocab.len()];
    for (name, id) in vocab {
        names[id.as_u64().expect("a number") as usize] = name;
    }
    let added = demo["added_tokens"].as_array().expect("it has some").len();
    let mut types = vec![1; names.len()];
    types[..added].fill(3);
    let merges = demo["model"]["merges"].as_array().expect("it has some");
    let word = |it: &Value| it.as_str().expect("a text").to_owned();
    let merges: Vec<String> = merges
        .iter()
        .map(|it| word(&it[0]) + " " + &word(&it[1]))
        .collect();
    file.text("tokenizer.ggml.model", "gpt2")
        .text("tokenizer.ggml.pre", pre)
        .texts("tokenizer.ggml.tokens", names)
        .integers("tokenizer.ggml.token_type", &types)
        .texts("tokenizer.ggml.merges", merges.iter().map(String::as_str))
        .count("tokenizer.ggml.bos_token_id", 0)
        .count("tokenizer.ggml.eos_token_id", 1)
        .count("tokenizer.ggml.mask_token_id", 2)
        .text("tokenizer.chat_template", TEMPLATE)
}

struct Saved(TempDir);

impl Saved {
    fn new(files: &[(&str, &[u8])]) -> Self {
        let this = Self(tempfile::tempdir().expect("a folder can be made"));
        for (name, bytes) in files {
            fs::write(this.0.path().join(name), bytes).expect("there is room");
        }
        this
    }

    fn open(&self, name: &str) -> Result<(Checkpoint, CheckpointText), CheckpointError> {
        let id = ModelId::Folder(self.0.path().join(name));
        let checkpoint = Checkpoint::open(&id, &Locations::default())?;
        let text = checkpoint.text(&TokenOverrides::default())?;
        Ok((checkpoint, text))
    }

    /// Opening it must fail; the folder's path is left out.
    #[track_caller]
    fn refused(&self, name: &str, expected: &str) {
        let error = self.open(name).expect_err("it is refused");
        let folder = self.0.path().display().to_string();
        let told = with_causes(&error)
            .replace(&folder, "FOLDER")
            .replace("FOLDER\\", "FOLDER/");
        assert!(told.contains(expected), "{told}");
    }
}

#[test]
fn a_file_is_what_a_folder_would_be() {
    let saved = Saved::new(&[("model.gguf", &llada(|it| it))]);
    for name in ["model.gguf", ""] {
        let (checkpoint, text) = saved.open(name).expect("it is whole");
        assert_eq!(checkpoint.family.name, "llada");
        assert_eq!(checkpoint.rows(), Some(3072));
        assert_eq!(checkpoint.folder(), saved.0.path());
        let config = &checkpoint.config;
        let said = |key: &str| config[key].clone();
        assert_eq!(said("n_kv_heads"), json!(2));
        assert_eq!(said("weight_tying"), json!(false));
        assert_eq!(said("rope_theta"), json!(5e5));
        let special = &text.special;
        assert_eq!((special.mask, special.eos), (TokenId(2), TokenId(1)));
        assert_eq!(special.bos, Some(TokenId(0)));
        // By its name alone.
        assert_eq!(special.eot, Some(TokenId(5)));
        let message = crate::engine::Message {
            role: crate::engine::Role::User,
            content: "hi".to_owned(),
        };
        let now = std::time::SystemTime::UNIX_EPOCH;
        let prompt = text.template.render(&[message], now).expect("it renders");
        assert_eq!(prompt, "<|startoftext|>hi");
    }
}

#[test]
fn the_tokenizer_gives_the_tokens_of_the_one_that_was_converted() {
    let saved = Saved::new(&[("model.gguf", &llada(|it| it))]);
    let (_, text) = saved.open("model.gguf").expect("it is whole");
    let demo = Tokenizer::new(DEMO.as_bytes(), "{}").expect("it is whole");
    let texts = [
        "What is the capital of France?",
        "I'll, don't; 1234 + 5 = 日本 🙂\n\n  two  spaces\t\ttabs\r\n",
        "<|startoftext|>a<|eot_id|><|mdm_mask|>\n\n",
        "",
    ];
    for it in texts {
        let ids = text.tokenizer.encode(it).expect("it has tokens");
        assert_eq!(ids, demo.encode(it).expect("it has tokens"), "{it:?}");
        assert_eq!(text.tokenizer.decode(&ids).ok(), demo.decode(&ids).ok());
        let plain = (
            text.tokenizer.encode_names_as_text(it),
            demo.encode_names_as_text(it),
        );
        assert_eq!(plain.0.ok(), plain.1.ok());
    }
    assert_eq!(text.tokenizer.rows(), demo.rows());
}

#[test]
fn other_families_are_read_or_named() {
    let dream = keys(TestFile::default(), "dream").text("dream.rope.scaling.type", "yarn");
    let dream = tokens(dream, "qwen2").tensor("token_embd.weight", &[3072, 8], 0, &[0; 3072 * 32]);
    let moe = keys(TestFile::default(), "llada-moe")
        .count("llada-moe.expert_count", 4)
        .count("llada-moe.expert_used_count", 2)
        .count("llada-moe.expert_feed_forward_length", 16);
    let moe = tokens(moe, "llada-moe").tensor("token_embd.weight", &[3072, 8], 0, &[0; 3072 * 32]);
    let saved = Saved::new(&[("dream.gguf", &dream.bytes()), ("moe.gguf", &moe.bytes())]);
    let (dream, _) = saved.open("dream.gguf").expect("it is whole");
    assert_eq!(dream.family.name, "dream");
    assert_eq!(dream.config["tie_word_embeddings"], json!(true));
    assert_eq!(dream.config["rope_scaling"]["rope_type"], json!("yarn"));
    let (moe, _) = saved.open("moe.gguf").expect("it is whole");
    assert_eq!(
        (moe.family.name, &moe.config["num_experts"]),
        ("llada_moe", &json!(4))
    );
    saved.refused(
        "",
        "holds several GGUF files: dream.gguf, moe.gguf; name the one",
    );
    for (architecture, told) in [
        ("rnd1", "it is a model of the family RND1"),
        (
            "sdar",
            "it is SDAR in GGUF, of which only LLaDA, LLaDA-MoE, Dream are read",
        ),
        ("llama", "`llama` is an autoregressive model"),
    ] {
        let other = TestFile::default().text("general.architecture", architecture);
        let saved = Saved::new(&[("x.gguf", &other.bytes())]);
        saved.refused("x.gguf", told);
        saved.refused("", told);
    }
}

#[test]
fn what_is_missing_or_not_read_is_named() {
    let refused =
        |bytes: &[u8], told: &str| Saved::new(&[("x.gguf", bytes)]).refused("x.gguf", told);
    refused(b"", "FOLDER/x.gguf is not a GGUF file");
    refused(
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
        "FOLDER/x.gguf is a Git LFS pointer, not the file itself; run `git lfs pull`",
    );
    refused(
        &TestFile::default().bytes(),
        "FOLDER/x.gguf does not say general.architecture",
    );
    refused(
        &llada(|it| it)[..5000],
        "FOLDER/x.gguf ends inside its header",
    );
    let bytes = llada(|it| it);
    refused(&bytes[..bytes.len() - 64], "the download is incomplete");
    let none = TestFile::default().text("general.architecture", "llada");
    refused(
        &none.bytes(),
        "FOLDER/x.gguf does not say llada.embedding_length",
    );
    let keys_alone = keys(TestFile::default(), "llada");
    refused(&keys_alone.bytes(), "has no tensor token_embd.weight");
    let with = |change: fn(TestFile) -> TestFile| llada(change);
    let other = with(|it| it.tensor("blk.0.attn_q.weight", &[32, 32], 2, &[0; 32 * 18]));
    refused(
        &other,
        "keeps blk.0.attn_q.weight as Q4_0, and only F32, F16",
    );
    let dims = with(|it| it.count("llada.rope.dimension_count", 8));
    refused(&dims, "llada.rope.dimension_count is 8, not the 16");
    let split = with(|it| it.count("split.count", 2));
    refused(&split, "says that it is one of 2 files");
    let embedding = |it: TestFile| it.tensor("token_embd.weight", &[3072, 8], 0, &[0; 3072 * 32]);
    let pre = embedding(tokens(keys(TestFile::default(), "llada"), "falcon"));
    refused(&pre.bytes(), "tokenizer.ggml.pre is \"falcon\", whose rule");
    let kind = keys(TestFile::default(), "llada").text("tokenizer.ggml.model", "llama");
    refused(
        &embedding(kind).bytes(),
        "has a tokenizer of the kind \"llama\"",
    );
    let few = keys(TestFile::default(), "llada")
        .text("tokenizer.ggml.model", "gpt2")
        .text("tokenizer.ggml.pre", "qwen2")
        .texts("tokenizer.ggml.tokens", ["a", "b"])
        .integers("tokenizer.ggml.token_type", &[3]);
    refused(&embedding(few).bytes(), "but 1 types of tokens");
    let adapter = TestFile::default()
        .text("general.architecture", "llada")
        .text("general.type", "adapter");
    refused(&adapter.bytes(), "FOLDER/x.gguf holds an adapter");
    let shifts = TestFile::default()
        .text("general.architecture", "llada")
        .flag("diffusion.shift_logits", true);
    refused(
        &shifts.bytes(),
        "diffusion.shift_logits is true, which no LLaDA does",
    );
}

#[test]
fn a_model_that_was_cut_is_read_whole_or_names_what_is_missing() {
    let first = tokens(keys(TestFile::default(), "llada"), "qwen2").count("split.count", 2);
    let row = [0_u8; 34];
    let second = TestFile::default().count("split.count", 2).tensor(
        "token_embd.weight",
        &[3072, 32],
        8,
        &row.repeat(3072),
    );
    let names = ["m-00001-of-00002.gguf", "m-00002-of-00002.gguf"];
    let saved = Saved::new(&[(names[0], &first.bytes()), (names[1], &second.bytes())]);
    for name in ["", names[0], names[1]] {
        let (checkpoint, _) = saved.open(name).expect("it is whole");
        assert_eq!(checkpoint.weights.len(), 2);
        assert_eq!(checkpoint.rows(), Some(3072));
    }
    fs::remove_file(saved.0.path().join(names[1])).expect("it is there");
    let told =
        "m-00001-of-00002.gguf is one of several files, and m-00002-of-00002.gguf is not beside it";
    saved.refused(names[0], told);
    saved.refused("", told);
}

#[test]
fn a_list_of_models_tells_what_a_file_is() {
    let saved = Saved::new(&[("model.gguf", &llada(|it| it)), ("cut.gguf", b"GGUF")]);
    let survey = |name: &str| {
        let path = saved.0.path().join(name);
        let text = format!(
            "active_model_key = \"x\"\n[available_models.x]\nmodel_id = '{}'\nframework = \"candle\"\n",
            path.display()
        );
        let config = Config::from_text(
            &text,
            ConfigSource::Embedded,
            &Overrides::default(),
            &Environment::default(),
        );
        let config = config.expect("it is a configuration");
        Locations::default().survey(&config).remove(0)
    };
    let found = survey("model.gguf");
    assert!(matches!(found.location, ModelLocation::OnDisk { bytes, .. } if bytes > 3072 * 34));
    assert_eq!(found.kind.family, Some("LLaDA"));
    let found = survey("cut.gguf");
    assert!(matches!(found.location, ModelLocation::Damaged { .. }));
    assert!(
        found.advice.contains("ends inside its header"),
        "{}",
        found.advice
    );
}

#[test]
fn the_identity_of_a_file_is_its_header_and_samples() {
    let saved = Saved::new(&[
        ("a.gguf", &llada(|it| it)),
        ("b.gguf", &llada(|it| it.count("more", 1))),
    ]);
    let identity_with = |name: &str, config_json: Option<&str>| {
        let (checkpoint, _) = saved.open(name).expect("it is whole");
        let provenance = crate::provenance::Provenance {
            config_json: config_json.map_or(checkpoint.config_json, str::to_owned),
            weights: checkpoint.weights,
            ..Default::default()
        };
        provenance
            .identity()
            .map(str::to_owned)
            .expect("it has one")
    };
    let identity = |name: &str| identity_with(name, None);
    assert_ne!(identity("a.gguf"), identity("b.gguf"));
    // What this program makes of the header may change.
    assert_eq!(identity("a.gguf"), identity_with("a.gguf", Some("{}")));
    assert_eq!(identity("a.gguf"), identity("a.gguf"));
}

/// A file of few tokens, so that changes meet what is looked at.
fn small() -> Vec<u8> {
    keys(TestFile::default(), "llada")
        .text("tokenizer.ggml.model", "gpt2")
        .text("tokenizer.ggml.pre", "qwen2")
        .texts(
            "tokenizer.ggml.tokens",
            ["a", "b", "ab", "<|endoftext|>", "<|mdm_mask|>", "Ġ"],
        )
        .integers("tokenizer.ggml.token_type", &[1, 1, 1, 3, 3, 1])
        .texts("tokenizer.ggml.merges", ["a b"])
        .count("tokenizer.ggml.eos_token_id", 3)
        .count("tokenizer.ggml.mask_token_id", 4)
        .text("tokenizer.chat_template", TEMPLATE)
        .tensor("token_embd.weight", &[6, 32], 8, &[0; 6 * 34])
        .bytes()
}

#[test]
fn the_file_that_is_changed_is_whole() {
    let saved = Saved::new(&[("x.gguf", &small())]);
    let (_, text) = saved.open("x.gguf").expect("it is whole");
    let ids = text
        .tokenizer
        .encode("ab<|mdm_mask|>b")
        .expect("it has tokens");
    assert_eq!(ids, [2, 4, 1].map(TokenId));
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn a_file_with_other_bytes_opens_or_is_refused(changes in byte_changes()) {
        let mut bytes = small();
        change(&mut bytes, changes);
        let saved = Saved::new(&[("x.gguf", &bytes)]);
        in_time("x.gguf", || match saved.open("x.gguf") {
            Ok((checkpoint, text)) => {
                drop(checkpoint.defaults());
                for token in text.tokenizer.encode("a ab <|mdm_mask|>").unwrap_or_default() {
                    text.tokenizer.decode(&[token]).ok();
                }
            }
            Err(error) => assert!(with_causes(&error).len() > 20, "{error}"),
        });
    }
}
