//! What a checkpoint that cannot be loaded is answered with.

use std::ops::ControlFlow;

use serde_json::{Value, json};

use super::{
    Batch, SavedCheckpoint, Subject, TINY, TestCheckpoint, TestRow, WIDE, read, session, tokens,
};
use crate::weights::all_finite;
use crate::{CancelFlag, ErrorCode, LoadSpec};

fn changed(key: &str, value: Value) -> SavedCheckpoint {
    let mut checkpoint = TestCheckpoint::new(TINY);
    checkpoint.config[key] = value;
    checkpoint.save()
}

#[track_caller]
fn check_config(subject: &Subject, key: &str, value: Value, code: ErrorCode, message: &str) {
    let checkpoint = changed(key, value);
    subject.check_refused(&subject.spec(&checkpoint), code, message);
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
    let scaled = json!({"rope_type": "yarn", "factor": 4.0});
    refuse("rope_scaling", scaled.clone(), "rope_scaling is {");
    refuse("rope_parameters", scaled, "rope_parameters is {");
    for (key, value) in [("partial_rotary_factor", 0.5), ("attention_factor", 2.0)] {
        let parameters = json!({"rope_type": "default", key: value});
        refuse("rope_parameters", parameters, "rope_parameters is {");
    }
    refuse(
        "quantization_config",
        json!({"quant_method": "gptq"}),
        "the weights are quantised by GPTQ, which is not read",
    );
    refuse("clip_qkv", json!(8.0), "clip_qkv is 8.0");
    refuse(
        "head_dim",
        json!(16),
        "head_dim is 16, not d_model / n_heads",
    );
}

pub fn a_broken_configuration_names_file_and_key(subject: &Subject) {
    let mut checkpoint = TestCheckpoint::new(TINY);
    let config = checkpoint
        .config
        .as_object_mut()
        .expect("a configuration is an object");
    config.remove("d_model");
    let spec = subject.spec(&checkpoint.save());
    subject.check_refused(&spec, ErrorCode::Checkpoint, "d_model is missing");
    let file = spec.folder.join("config.json").display().to_string();
    subject.check_refused(&spec, ErrorCode::Checkpoint, &file);

    let refuse =
        |key, value, message| check_config(subject, key, value, ErrorCode::Checkpoint, message);
    refuse(
        "d_model",
        json!("wide"),
        "d_model is \"wide\", not a whole number",
    );
    refuse(
        "rope_theta",
        json!(null),
        "rope_theta is null, not a number above 0",
    );
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
        let spec = subject.spec(&checkpoint);
        subject.check_error(&spec, ErrorCode::Checkpoint, message);
    };
    refuse(
        "mlp_hidden_size",
        json!(64),
        "mlp_hidden_size is 64, but the longest side of a tensor",
    );
    refuse("n_layers", json!(4), "n_layers is 4, but");
    refuse("include_qkv_bias", json!(true), "_proj.bias is missing");
    refuse(
        "embedding_size",
        json!(48),
        ".weight has shape [40, 32], but config.json asks for [48, 32]",
    );
    refuse(
        "embedding_size",
        json!(1_u64 << 53),
        "embedding_size is 9007199254740992, but the longest side of a tensor",
    );
    let checkpoint = TestCheckpoint::new(TINY).save();
    let mut spec = subject.spec(&checkpoint);
    spec.weights = vec![spec.folder.join("absent.safetensors")];
    subject.check_error(&spec, ErrorCode::Io, "absent.safetensors");
}

pub fn numbers_that_are_not_finite_are_met_in_every_precision(subject: &Subject) {
    let names = [
        "wte.weight",
        "blocks.0.q_proj.weight",
        "blocks.0.ff_norm.weight",
        "ff_out.weight",
    ];
    for precision in subject.precisions() {
        for name in names {
            for number in [f32::NAN, f32::NEG_INFINITY] {
                let checkpoint = spoiled(name, number);
                let spec = checkpoint.spec(subject.device, &precision);
                let met = meets_it(subject, &spec);
                assert!(met, "{name} with {number} gives answers in {precision}");
            }
        }
    }
}

/// A checkpoint with `number` at the beginning of every row of tensor `name`.
fn spoiled(name: &str, number: f32) -> SavedCheckpoint {
    let mut checkpoint = TestCheckpoint::new(WIDE);
    let tensor = checkpoint.tensors.get_mut(&crate::llada::tensor_name(name));
    let (shape, numbers) = tensor.expect("every checkpoint has it");
    let columns = shape.last().copied().unwrap_or(1);
    numbers
        .iter_mut()
        .step_by(columns)
        .for_each(|it| *it = number);
    checkpoint.save()
}

/// Whether loading or a pass fails, or logits show it, which the host then refuses.
fn meets_it(subject: &Subject, spec: &LoadSpec) -> bool {
    let model = subject.backend.load(spec, &|_| ControlFlow::Continue(()));
    let model = match model {
        Ok(model) => model,
        Err(error) => {
            assert_eq!(error.code(), ErrorCode::Checkpoint, "{error}");
            assert!(
                error.to_string().contains("holds NaN or infinity"),
                "{error}"
            );
            return true;
        }
    };
    let mut session = session(&*model);
    let batch = Batch::new(&[TestRow::whole(0, &tokens(1, 15))]);
    let cancel = CancelFlag::new();
    if session.forward(&batch.pass(&cancel)).is_err() {
        return true;
    }
    let logits = read(&mut *session, &[0]);
    !logits.iter().all(|row| all_finite(row))
}

pub fn whatever_a_key_says_a_model_loads_or_is_refused(subject: &Subject) {
    let values = [
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(-1),
        json!(1),
        json!(3),
        json!(u32::MAX),
        json!(1_u64 << 53),
        json!(u64::MAX),
        json!(0.5),
        json!(1e300),
        json!(1e-300),
        json!("NaN"),
        json!([]),
        json!([1]),
        json!({}),
        json!({"rope_type": "default", "rope_theta": 3}),
    ];
    let whole = TestCheckpoint::new(TINY);
    let keys = whole.config.as_object().expect("it is an object").keys();
    let others = [
        "mlp_ratio",
        "multi_query_attention",
        "rope_parameters",
        "head_dim",
    ];
    for key in keys.map(String::as_str).chain(others) {
        for value in &values {
            let checkpoint = changed(key, value.clone());
            let spec = subject.spec(&checkpoint);
            let told = subject.backend.check(&spec).map(|_| ());
            let loaded = subject.backend.load(&spec, &|_| ControlFlow::Continue(()));
            let refused = [told.err(), loaded.err()].into_iter().flatten();
            for error in refused {
                let is_told =
                    matches!(error.code(), ErrorCode::Checkpoint | ErrorCode::Unsupported);
                assert!(is_told, "{key} as {value}: {error}");
            }
        }
    }
}
