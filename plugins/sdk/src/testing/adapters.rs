//! Low-rank adapters: what is merged at load is what was merged before.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::{Subject, TestCheckpoint, logits, relative_error};
use crate::decoder::{Decoder, FAMILIES};
use crate::{ErrorCode, LoadSpec};

const RANK: usize = 3;

/// An adapter of all matrices that are multiplied with, one of another rank's scale, and a norm that takes another's place.
struct Adapter {
    config: Value,
    /// Its own, by PEFT's names.
    tensors: TestCheckpoint,
}

/// The adapter of `base`, and `base` with it.
fn adapted(base: &TestCheckpoint) -> (Adapter, TestCheckpoint) {
    let decoder = Decoder::read(&base.save().spec("", "")).expect("the checkpoint is whole");
    let scale = 5.0 / (RANK as f32).sqrt();
    let (mut own, mut merged) = (base.clone(), base.clone());
    own.tensors.clear();
    let mut targets: Vec<&str> = decoder.matrices().map(|it| it.name.as_str()).collect();
    // Rows of one tensor may be several matrices, and a head the table of embeddings.
    targets.dedup();
    targets.retain(|name| *name != decoder.embedding);
    for name in targets {
        let Some((shape, numbers)) = merged.tensors.get_mut(name) else {
            continue;
        };
        let (rows, columns) = (shape[0], shape[1]);
        let stem = format!("base_model.model.{}", name.trim_end_matches(".weight"));
        let names = ["A", "B"].map(|half| format!("{stem}.lora_{half}.weight"));
        if own.tensors.contains_key(&names[0]) {
            continue;
        }
        own.add_named(&names[0], &[RANK, columns]);
        own.add_named(&names[1], &[rows, RANK]);
        let half = |name: &String| own.tensors[name].1.iter().map(|x| x * 0.3).collect();
        let [a, b]: [Vec<f32>; 2] = [half(&names[0]), half(&names[1])];
        for (row, numbers) in numbers.chunks_exact_mut(columns).enumerate() {
            for (column, number) in numbers.iter_mut().enumerate() {
                let pairs = (0..RANK).map(|k| b[row * RANK + k] * a[k * columns + column]);
                *number += pairs.sum::<f32>() * scale;
            }
        }
        own.tensors
            .insert(names[0].clone(), (vec![RANK, columns], a));
        own.tensors.insert(names[1].clone(), (vec![rows, RANK], b));
    }
    let norm = merged
        .tensors
        .get_mut(&decoder.norm.weight)
        .expect("it has one");
    norm.1.reverse();
    let name = format!("base_model.model.{}", decoder.norm.weight);
    own.tensors.insert(name, norm.clone());
    let config = json!({
        "peft_type": "LORA", "r": RANK, "lora_alpha": 5, "use_rslora": true, "bias": "none",
        "target_modules": "all-linear", "modules_to_save": ["norm"]
    });
    let tensors = own;
    (Adapter { config, tensors }, merged)
}

impl Adapter {
    /// Puts its files into `folder` and among those of `spec`.
    fn add_to(&self, folder: &Path, spec: &mut LoadSpec) {
        let saved = self.tensors.save();
        let path = folder.join("adapter_model.safetensors");
        fs::copy(saved.folder.path().join("model.safetensors"), &path).expect("there is room");
        fs::write(folder.join("adapter_config.json"), self.config.to_string())
            .expect("there is room");
        spec.weights.push(path);
    }
}

pub fn an_adapter_gives_what_its_merged_weights_give(subject: &Subject) {
    let mut count = 0;
    for family in FAMILIES {
        let base = TestCheckpoint::of_family(family);
        let (adapter, merged) = adapted(&base);
        let (plain, merged) = (base.save(), merged.save());
        let mut spec = subject.spec(&plain);
        if subject.backend.check(&spec).is_err() {
            continue;
        }
        count += 1;
        let without = logits(&*subject.load(&spec));
        adapter.add_to(plain.folder.path(), &mut spec);
        let right = logits(&*subject.load(&subject.spec(&merged)));
        let got = logits(&*subject.load(&spec));
        let error = relative_error(&got, &right);
        assert!(error <= 10.0 * subject.rounding, "{family}: {error}");
        assert!(relative_error(&without, &right) > 0.1, "{family}");
    }
    assert!(count > 0, "a backend has a network");
}

#[track_caller]
fn check(subject: &Subject, edit: impl FnOnce(&mut Adapter), code: ErrorCode, message: &str) {
    let base = TestCheckpoint::of_family("llada");
    let (mut adapter, _) = adapted(&base);
    edit(&mut adapter);
    let plain = base.save();
    let mut spec = subject.spec(&plain);
    adapter.add_to(plain.folder.path(), &mut spec);
    subject.check_error(&spec, code, message);
}

pub fn adapters_that_cannot_be_merged_are_refused_by_name(subject: &Subject) {
    let says = |key: &'static str, value: Value, message: &str| {
        let edit = |adapter: &mut Adapter| adapter.config[key] = value;
        check(subject, edit, ErrorCode::Unsupported, message);
    };
    says(
        "peft_type",
        json!("VERA"),
        "adapter_config.json: peft_type is VERA, which is not merged",
    );
    says("use_dora", json!(true), "use_dora is true");
    says("bias", json!("all"), "bias is \"all\"");
    says(
        "init_lora_weights",
        json!("pissa_niter_4"),
        "init_lora_weights is pissa_niter_4",
    );
    says("alpha_pattern", json!({"q_proj": 4}), "alpha_pattern is {");
    says(
        "alora_invocation_tokens",
        json!([7, 8]),
        "alora_invocation_tokens is [7,8]",
    );
    let q = "model.transformer.blocks.0.q_proj";
    let broken = |edit: &dyn Fn(&mut Adapter), message: &str| {
        check(subject, edit, ErrorCode::Checkpoint, message);
    };
    broken(
        &|it| it.config["r"] = json!(8),
        "has rank 3, but r of adapter_config.json is 8",
    );
    broken(
        &|it| it.config["lora_alpha"] = json!("8"),
        "lora_alpha is \"8\"",
    );
    let a = format!("base_model.model.{q}.lora_A.weight");
    let b = format!("base_model.model.{q}.lora_B.weight");
    let missing = format!("tensor {a} has no {b}; fetch the adapter again");
    broken(&|it| drop(it.tensors.tensors.remove(&b)), &missing);
    let renamed = |it: &mut Adapter| {
        for name in [&a, &b] {
            let tensor = it.tensors.tensors.remove(name).expect("it is there");
            let name = name.replace("q_proj", "z_proj");
            it.tensors.tensors.insert(name, tensor);
        }
    };
    broken(
        &renamed,
        "blocks.0.z_proj.weight, which the base model does not have; the nearest is ",
    );
    let wider = |it: &mut Adapter| {
        let tensor = it.tensors.tensors.get_mut(&a).expect("it is there");
        tensor.0[1] += 1;
        tensor.1.extend([0.0; RANK]);
    };
    broken(&wider, "which do not go with the base model's");
}
