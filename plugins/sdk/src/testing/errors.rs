//! What a checkpoint that cannot be loaded is answered with.

use serde_json::{Value, json};

use super::{Checkpoint, Saved, Subject, TINY};
use crate::ErrorCode;

fn changed(key: &str, value: Value) -> Saved {
    let mut checkpoint = Checkpoint::new(TINY);
    checkpoint.config[key] = value;
    checkpoint.save()
}

#[track_caller]
fn check_config(subject: &Subject, key: &str, value: Value, code: ErrorCode, message: &str) {
    let checkpoint = changed(key, value);
    subject.check_refused(&checkpoint.spec(subject.device, "f32"), code, message);
}

pub fn variants_of_the_architecture_are_refused_by_name(subject: &Subject) {
    let refuse =
        |key, value, message| check_config(subject, key, value, ErrorCode::Unsupported, message);
    refuse(
        "block_type",
        json!("sequential"),
        "block_type is \"sequential\", not \"llama\"",
    );
    refuse(
        "activation_type",
        json!("swiglu"),
        "activation_type is \"swiglu\", not \"silu\"",
    );
    refuse("alibi", json!(true), "alibi is true");
    refuse("rope", json!(false), "rope is false");
    refuse(
        "layer_norm_type",
        json!("default"),
        "layer_norm_type is \"default\", not \"rms\"",
    );
    refuse(
        "layer_norm_with_affine",
        json!(false),
        "layer_norm_with_affine is false",
    );
    refuse(
        "attention_layer_norm",
        json!(true),
        "attention_layer_norm is true",
    );
    refuse("block_group_size", json!(4), "block_group_size is not 1");
    refuse("alibi", json!(true), "choose another backend");
}

pub fn a_broken_configuration_names_file_and_key(subject: &Subject) {
    let mut checkpoint = Checkpoint::new(TINY);
    let config = checkpoint
        .config
        .as_object_mut()
        .expect("a configuration is an object");
    config.remove("rope_theta");
    let spec = checkpoint.save().spec(subject.device, "f32");
    subject.check_refused(&spec, ErrorCode::Checkpoint, "missing field `rope_theta`");
    let file = spec.folder.join("config.json").display().to_string();
    subject.check_refused(&spec, ErrorCode::Checkpoint, &file);

    let refuse =
        |key, value, message| check_config(subject, key, value, ErrorCode::Checkpoint, message);
    refuse("d_model", json!("wide"), "invalid type: string \"wide\"");
    refuse("n_layers", json!(0), "n_layers is 0");
    refuse("n_heads", json!(0), "n_heads is 0");
    refuse(
        "n_heads",
        json!(5),
        "d_model 32 does not split into 5 heads of even width",
    );
    refuse(
        "n_heads",
        json!(32),
        "d_model 32 does not split into 32 heads of even width",
    );
    refuse(
        "n_kv_heads",
        json!(3),
        "4 n_heads do not share 3 n_kv_heads evenly",
    );
}

pub fn a_checkpoint_that_does_not_fit_its_configuration_names_the_tensor(subject: &Subject) {
    let refuse = |key, value, message| {
        let checkpoint = changed(key, value);
        let spec = checkpoint.spec(subject.device, "f32");
        subject.check_error(&spec, ErrorCode::Checkpoint, message);
    };
    refuse(
        "mlp_hidden_size",
        json!(64),
        "ff_proj.weight has shape [48, 32], but config.json asks for [64, 32]",
    );
    refuse(
        "n_layers",
        json!(4),
        "tensor model.transformer.blocks.3.attn_norm.weight is missing",
    );
    refuse("include_qkv_bias", json!(true), "_proj.bias is missing");
    refuse(
        "embedding_size",
        json!(48),
        "wte.weight has shape [40, 32], but config.json asks for [48, 32]",
    );
    let checkpoint = Checkpoint::new(TINY).save();
    let mut spec = checkpoint.spec(subject.device, "f32");
    spec.weights = vec![spec.folder.join("absent.safetensors")];
    subject.check_error(&spec, ErrorCode::Io, "absent.safetensors");
}
