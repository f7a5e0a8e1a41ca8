//! GGUF files that candle writes of the same numbers.

use std::collections::BTreeMap;
use std::fs::File;

use candle_core::quantized::gguf_file::{Content, Value, write};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};
use unmask_sdk::testing::{
    SavedCheckpoint, TestCheckpoint, WIDE, check_close, logits, relative_error,
};
use unmask_sdk::{ErrorCode, LoadSpec};

use super::*;

/// What llama.cpp calls a tensor of LLaDA's.
fn renamed(name: &str) -> String {
    let name = name
        .strip_prefix("model.transformer.")
        .expect("all begin so");
    let Some(rest) = name.strip_prefix("blocks.") else {
        let names = [
            ("wte", "token_embd"),
            ("ln_f", "output_norm"),
            ("ff_out", "output"),
        ];
        return names
            .iter()
            .fold(name.to_owned(), |name, (from, to)| name.replace(from, to));
    };
    let mut parts = rest.split('.');
    let (layer, part) = (
        parts.next().expect("a number"),
        parts.next().expect("a name"),
    );
    let part = match part {
        "q_proj" => "attn_q",
        "k_proj" => "attn_k",
        "v_proj" => "attn_v",
        "attn_out" => "attn_output",
        "ff_norm" => "ffn_norm",
        "ff_proj" => "ffn_gate",
        "up_proj" => "ffn_up",
        "ff_out" => "ffn_down",
        other => other,
    };
    format!("blk.{layer}.{part}.weight")
}

/// Rows in the order of llama.cpp's heads.
fn permuted(numbers: &[f32], columns: usize, heads: usize) -> Vec<f32> {
    let rows = numbers.len() / columns;
    let (head, half) = (rows / heads, rows / heads / 2);
    let from = |row: usize| row / head * head + row % head % 2 * half + row % head / 2;
    (0..rows)
        .flat_map(|row| &numbers[from(row) * columns..][..columns])
        .copied()
        .collect()
}

/// `checkpoint` with matrices as `kind`, the embedding and norms in full, as a file; and as safetensors with the numbers that
/// the file holds.
fn both(kind: impl Fn(&str) -> GgmlDType) -> (SavedCheckpoint, LoadSpec, SavedCheckpoint) {
    let mut checkpoint = TestCheckpoint::new(WIDE);
    let saved = checkpoint.save();
    let path = saved.folder.path().join("model.gguf");
    let mut tensors = BTreeMap::new();
    for (name, (shape, numbers)) in &mut checkpoint.tensors {
        let short = renamed(name);
        let of = match shape.len() {
            1 => GgmlDType::F32,
            _ if short.starts_with("token_embd") => GgmlDType::F32,
            _ => kind(&short),
        };
        let heads = match short.split('.').nth(2) {
            Some("attn_q") => Some(WIDE.heads),
            Some("attn_k") => Some(WIDE.key_heads),
            _ => None,
        };
        let columns = *shape.last().expect("it has one");
        let quantised = |numbers: Vec<f32>| {
            let tensor =
                Tensor::from_vec(numbers, shape.as_slice(), &Device::Cpu).expect("it fits");
            QTensor::quantize(&tensor, of).expect("rows are whole blocks")
        };
        let plain = quantised(numbers.clone());
        let stored = match heads {
            Some(heads) => quantised(permuted(numbers, columns, heads)),
            None => quantised(numbers.clone()),
        };
        let read = plain
            .dequantize(&Device::Cpu)
            .and_then(|it| it.flatten_all()?.to_vec1());
        *numbers = read.expect("it can be read");
        tensors.insert(short, stored);
    }
    let metadata = [
        ("general.architecture", Value::String("llada".to_owned())),
        ("llada.attention.head_count", Value::U32(WIDE.heads as u32)),
        (
            "llada.attention.head_count_kv",
            Value::U32(WIDE.key_heads as u32),
        ),
    ];
    let metadata: Vec<(&str, &Value)> = metadata.iter().map(|(key, value)| (*key, value)).collect();
    let tensors: Vec<(&str, &QTensor)> = tensors
        .iter()
        .map(|(name, it)| (name.as_str(), it))
        .collect();
    let mut file = File::create(&path).expect("there is room");
    write(&mut file, &metadata, &tensors).expect("there is room");
    let mut spec = saved.spec("cpu", "f32");
    spec.weights = vec![path];
    (saved, spec, checkpoint.save())
}

const KINDS: [GgmlDType; 7] = [
    GgmlDType::F32,
    GgmlDType::F16,
    GgmlDType::BF16,
    GgmlDType::Q8_0,
    GgmlDType::Q4K,
    GgmlDType::Q5K,
    GgmlDType::Q6K,
];

#[test]
fn a_file_computes_what_its_numbers_compute_as_safetensors() {
    for kind in KINDS {
        let (_saved, spec, plain) = both(|_| kind);
        for precision in ["f32", "int8"] {
            let spec = LoadSpec {
                precision: precision.to_owned(),
                ..spec.clone()
            };
            let right = logits(&*SUBJECT.load(&plain.spec("cpu", precision)));
            check_close(&logits(&*SUBJECT.load(&spec)), &right, 0.0);
        }
    }
}

#[test]
fn blocks_of_a_file_are_multiplied_as_they_are() {
    let whole = TestCheckpoint::new(WIDE).save();
    for (kind, precision) in [
        (GgmlDType::Q8_0, "q8_0"),
        (GgmlDType::Q6K, "q6k"),
        (GgmlDType::Q4K, "q4k"),
    ] {
        let (_saved, mut spec, _) = both(|_| kind);
        spec.precision = "stored".to_owned();
        let model = SUBJECT.load(&spec);
        assert_eq!(model.facts().precision, "stored");
        let estimate = SUBJECT.backend.check(&spec).expect("it can be loaded");
        assert_eq!(estimate.weights_bytes, model.facts().memory_bytes);
        // Candle makes the same blocks of the same numbers.
        let right = logits(&*SUBJECT.load(&whole.spec("cpu", precision)));
        check_close(&logits(&*model), &right, 0.0);
    }
}

#[test]
fn a_file_may_mix_types() {
    let kind = |name: &str| match name.split('.').nth(2) {
        Some("attn_v" | "ffn_down") => GgmlDType::Q6K,
        Some("ffn_up") => GgmlDType::Q5K,
        Some("attn_k") => GgmlDType::Q8_0,
        Some("attn_output") => GgmlDType::F16,
        _ => GgmlDType::Q4K,
    };
    let (_saved, mut spec, plain) = both(kind);
    let right = logits(&*SUBJECT.load(&plain.spec("cpu", "f32")));
    check_close(&logits(&*SUBJECT.load(&spec)), &right, 0.0);
    spec.precision = "stored".to_owned();
    // Candle rounds what it multiplies blocks with to 8 bits.
    let error = relative_error(&logits(&*SUBJECT.load(&spec)), &right);
    assert!(error > 0.0 && error < 0.03, "{error}");
}

#[test]
fn blocks_that_are_not_finite_are_refused() {
    let (_saved, mut spec, _) = both(|_| GgmlDType::Q8_0);
    spec.precision = "stored".to_owned();
    let path = spec.weights[0].clone();
    let mut file = File::open(&path).expect("it is there");
    let content = Content::read(&mut file).expect("it is whole");
    let tensor = &content.tensor_infos["blk.0.attn_v.weight"];
    let mut bytes = std::fs::read(&path).expect("it is there");
    // The scale of its first block, a half.
    let at = (content.tensor_data_offset + tensor.offset) as usize;
    bytes[at..at + 2].copy_from_slice(&0x7e00_u16.to_le_bytes());
    std::fs::write(&path, bytes).expect("there is room");
    SUBJECT.check_error(&spec, ErrorCode::Checkpoint, "holds NaN or infinity");
}

#[test]
fn weights_without_blocks_are_not_stored_in_any() {
    let (_saved, mut spec, plain) = both(|_| GgmlDType::F16);
    spec.precision = "stored".to_owned();
    let told = "takes the blocks of a GGUF file as they are, and these weights are none";
    SUBJECT.check_refused(&spec, ErrorCode::Unsupported, told);
    SUBJECT.check_refused(&plain.spec("cpu", "stored"), ErrorCode::Unsupported, told);
}
