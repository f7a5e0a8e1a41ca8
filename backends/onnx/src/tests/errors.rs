use serde_json::{Value, json};
use unmask_sdk::{BackendError, ErrorCode};

use super::*;

#[track_caller]
fn check_spec(edit: impl FnOnce(&mut LoadSpec), code: ErrorCode, message: &str) {
    let checkpoint = Checkpoint::new(TINY).save();
    let mut spec = checkpoint.spec("f32");
    edit(&mut spec);
    check_error(&spec, code, message);
}

#[track_caller]
fn check_config(key: &str, value: Value, code: ErrorCode, message: &str) {
    let mut checkpoint = Checkpoint::new(TINY);
    checkpoint.config[key] = value;
    check_error(&checkpoint.save().spec("f32"), code, message);
}

#[track_caller]
fn check_error(spec: &LoadSpec, code: ErrorCode, message: &str) {
    let result: Result<_, BackendError> = Onnx.load(spec, &|_| ControlFlow::Continue(()));
    let error = result.err().expect("the model cannot be loaded");
    assert_eq!(error.code(), code, "{error}");
    assert!(error.to_string().contains(message), "{error}");
}

#[test]
fn what_the_backend_does_not_have_is_named_with_what_it_has() {
    if !has_runtime() {
        return;
    }
    check_spec(
        |spec| spec.family = "dream".to_owned(),
        ErrorCode::Unsupported,
        "onnx has no network for the family \"dream\"; it has llada",
    );
    check_spec(
        |spec| spec.device = "metal".to_owned(),
        ErrorCode::Unsupported,
        "choose device = \"cpu\"",
    );
    check_spec(
        |spec| spec.precision = "bf16".to_owned(),
        ErrorCode::Unsupported,
        "onnx has no precision \"bf16\" on \"cpu\"; it offers int8, f32, int4, f16",
    );
    check_spec(
        |spec| spec.options_json = r#"{"flash": true}"#.to_owned(),
        ErrorCode::Unsupported,
        "unknown field `flash`",
    );
    check_spec(
        |spec| spec.options_json = "[]".to_owned(),
        ErrorCode::Invalid,
        "the options are not a JSON object",
    );
}

#[test]
fn a_provider_that_fails_says_why_and_is_replaced_only_if_that_is_allowed() {
    let lacks_cuda = |found: library::Found| !found.has_beside("onnxruntime_providers_cuda");
    if !library::find().is_ok_and(lacks_cuda) {
        return;
    }
    let on_cuda = |spec: &mut LoadSpec| spec.device = "cuda:0".to_owned();
    for message in [
        "cuda:0 cannot be used",
        "CUDA execution provider is not enabled in this build",
        "unmask backends install onnx --gpu cuda",
    ] {
        check_spec(on_cuda, ErrorCode::Device, message);
    }
    let checkpoint = Checkpoint::new(TINY).save();
    let mut spec = checkpoint.spec("f32");
    let right = forward(&mut *session(&*load(&spec)), &[Line::whole(0, &[1, 2, 3])]);
    on_cuda(&mut spec);
    spec.options_json = r#"{"allow_cpu_fallback": true}"#.to_owned();
    let model = load(&spec);
    let notes = model.facts().notes;
    assert!(
        notes.contains("computes on the processor instead"),
        "{notes}"
    );
    let logits = forward(&mut *session(&*model), &[Line::whole(0, &[1, 2, 3])]);
    check_close(&logits, &right, 0.0);
}

#[test]
fn variants_of_the_architecture_are_refused_by_name() {
    if !has_runtime() {
        return;
    }
    let refuse = |key, value, message| check_config(key, value, ErrorCode::Unsupported, message);
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

#[test]
fn a_broken_configuration_names_file_and_key() {
    if !has_runtime() {
        return;
    }
    let mut checkpoint = Checkpoint::new(TINY);
    let config = checkpoint
        .config
        .as_object_mut()
        .expect("a configuration is an object");
    config.remove("rope_theta");
    let spec = checkpoint.save().spec("f32");
    check_error(&spec, ErrorCode::Checkpoint, "missing field `rope_theta`");
    let file = spec.folder.join("config.json").display().to_string();
    check_error(&spec, ErrorCode::Checkpoint, &file);

    let refuse = |key, value, message| check_config(key, value, ErrorCode::Checkpoint, message);
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

#[test]
fn a_checkpoint_that_does_not_fit_its_configuration_names_the_tensor() {
    if !has_runtime() {
        return;
    }
    check_config(
        "mlp_hidden_size",
        json!(64),
        ErrorCode::Checkpoint,
        "ff_proj.weight has shape [48, 32], but config.json asks for [64, 32]",
    );
    check_config(
        "n_layers",
        json!(4),
        ErrorCode::Checkpoint,
        "tensor model.transformer.blocks.3.attn_norm.weight is missing",
    );
    check_config(
        "include_qkv_bias",
        json!(true),
        ErrorCode::Checkpoint,
        "_proj.bias is missing",
    );
    check_config(
        "embedding_size",
        json!(48),
        ErrorCode::Checkpoint,
        "wte.weight has shape [40, 32], but config.json asks for [48, 32]",
    );
    check_spec(
        |spec| spec.weights = vec![spec.folder.join("absent.safetensors")],
        ErrorCode::Io,
        "absent.safetensors",
    );
}
