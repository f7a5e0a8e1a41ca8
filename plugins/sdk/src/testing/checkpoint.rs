//! Small checkpoints of random numbers, the same at every run.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::decoder::Decoder;
use crate::llada::tensor_name;
use crate::{Attention, LoadSpec};

/// Sizes of a network.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Of the residual stream.
    pub width: usize,
    /// Blocks.
    pub layers: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads.
    pub key_heads: usize,
    /// Width of the gated layer.
    pub mlp: usize,
    /// Columns of the logits.
    pub vocab: usize,
}

/// A checkpoint that can be changed before it is saved.
#[derive(Debug, Clone)]
pub struct TestCheckpoint {
    /// See `LoadSpec::family`.
    pub family: &'static str,
    /// `config.json`
    pub config: Value,
    /// Shape and numbers by name.
    pub tensors: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
}

/// A saved checkpoint; deleted when dropped.
#[derive(Debug)]
pub struct SavedCheckpoint {
    /// Holds `model.safetensors`.
    pub folder: TempDir,
    config_json: String,
    family: &'static str,
}

impl TestCheckpoint {
    /// A whole one without biases.
    #[must_use]
    pub fn new(shape: Shape) -> Self {
        let Shape {
            width, mlp, vocab, ..
        } = shape;
        let keys = width / shape.heads * shape.key_heads;
        let config = json!({
            "d_model": width, "n_layers": shape.layers, "n_heads": shape.heads, "n_kv_heads": shape.key_heads,
            "mlp_hidden_size": mlp, "vocab_size": vocab, "embedding_size": vocab, "max_sequence_length": 512,
            "rope_theta": 10000.0, "rms_norm_eps": 1e-5, "weight_tying": false, "activation_type": "silu",
            "block_type": "llama", "alibi": false, "rope": true, "layer_norm_type": "rms"
        });
        let mut checkpoint = Self {
            family: "llada",
            config,
            tensors: BTreeMap::new(),
        };
        for layer in 0..shape.layers {
            let matrices = [
                ("q_proj", width, width),
                ("k_proj", keys, width),
                ("v_proj", keys, width),
                ("attn_out", width, width),
                ("ff_proj", mlp, width),
                ("up_proj", mlp, width),
                ("ff_out", width, mlp),
            ];
            for (name, rows, columns) in matrices {
                checkpoint.add(&format!("blocks.{layer}.{name}.weight"), &[rows, columns]);
            }
            checkpoint.add(&format!("blocks.{layer}.attn_norm.weight"), &[width]);
            checkpoint.add(&format!("blocks.{layer}.ff_norm.weight"), &[width]);
        }
        checkpoint.add("wte.weight", &[vocab, width]);
        checkpoint.add("ln_f.weight", &[width]);
        checkpoint.add("ff_out.weight", &[vocab, width]);
        checkpoint
    }

    /// LLaDA's layers whose residual stream has two channels that are far larger than the rest, as language models have
    /// (LLM.int8(), arXiv:2208.07339).
    ///
    /// # Panics
    /// Never: the tensors that it changes are its own.
    #[must_use]
    pub fn with_outliers(layers: usize) -> Self {
        let shape = Shape {
            width: 512,
            layers,
            ..super::WIDE
        };
        let mut checkpoint = Self::new(shape);
        for channel in [3, 77] {
            let (_, numbers) = checkpoint.tensor("wte.weight");
            let column = numbers.iter_mut().skip(channel).step_by(shape.width);
            column.for_each(|it| *it *= 20.0);
            for layer in 0..layers {
                for (name, columns) in [("attn_out", shape.width), ("ff_out", shape.mlp)] {
                    let (_, numbers) = checkpoint.tensor(&format!("blocks.{layer}.{name}.weight"));
                    let row = &mut numbers[channel * columns..][..columns];
                    row.iter_mut().for_each(|it| *it *= 20.0);
                }
            }
        }
        checkpoint
    }

    fn tensor(&mut self, name: &str) -> &mut (Vec<usize>, Vec<f32>) {
        let tensor = self.tensors.get_mut(&tensor_name(name));
        tensor.expect("every checkpoint of LLaDA's has it")
    }

    /// One of a family of [`FAMILIES`](crate::decoder::FAMILIES), with the vocabulary of [`TINY`](super::TINY).
    ///
    /// # Panics
    /// If it is another family.
    #[must_use]
    pub fn of_family(family: &'static str) -> Self {
        if family == "llada" {
            // Wide enough for the groups of every format.
            return Self::new(super::WIDE);
        }
        let mut checkpoint = Self {
            family,
            config: super::families::config(family),
            tensors: BTreeMap::new(),
        };
        // What there is without weights: names and shapes.
        let mut spec = checkpoint.save().spec("", "");
        spec.weights.clear();
        let decoder = Decoder::read(&spec).expect("the configuration is whole");
        for (name, shape) in decoder.tensors() {
            checkpoint.add_named(name, &shape);
        }
        checkpoint
    }

    /// Adds a random tensor of LLaDA's: a matrix around 0 that keeps its input's size, or a vector around 1.
    pub fn add(&mut self, name: &str, shape: &[usize]) {
        self.add_named(&tensor_name(name), shape);
    }

    /// As [`add`](Self::add), by its whole name; biases are around 0.
    pub(super) fn add_named(&mut self, name: &str, shape: &[usize]) {
        let short = name.strip_prefix(&tensor_name("")).unwrap_or(name);
        let mut state = short
            .bytes()
            .fold(7_u64, |hash, byte| hash * 31 + u64::from(byte));
        let (middle, spread) = match shape {
            [_, columns] => (0.0, (3.0 / *columns as f32).sqrt()),
            _ if name.ends_with("bias") && self.family != "llada" => (0.0, 0.2),
            _ => (1.0, 0.2),
        };
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let uniform = (state >> 40) as f32 / (1 << 23) as f32 - 1.0;
            middle + spread * uniform
        };
        let numbers = (0..shape.iter().product()).map(|_| next()).collect();
        self.tensors
            .insert(name.to_owned(), (shape.to_vec(), numbers));
    }

    /// Writes the checkpoint to a folder of its own.
    ///
    /// # Panics
    /// If there is no room for it.
    #[must_use]
    pub fn save(&self) -> SavedCheckpoint {
        let mut header = serde_json::Map::new();
        let mut data: Vec<u8> = Vec::new();
        for (name, (shape, numbers)) in &self.tensors {
            let start = data.len();
            data.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
            let entry =
                json!({ "dtype": "F32", "shape": shape, "data_offsets": [start, data.len()] });
            header.insert(name.clone(), entry);
        }
        let mut header = Value::from(header).to_string();
        // As other writers do, so that numbers are aligned.
        while !header.len().is_multiple_of(8) {
            header.push(' ');
        }
        let length = (header.len() as u64).to_le_bytes();
        let file = [&length, header.as_bytes(), &data].concat();
        let folder = TempDir::new().expect("there is room for a small folder");
        fs::write(folder.path().join("model.safetensors"), file)
            .expect("there is room for a small file");
        SavedCheckpoint {
            family: self.family,
            folder,
            config_json: self.config.to_string(),
        }
    }
}

impl SavedCheckpoint {
    /// How to load it, without a cache folder.
    #[must_use]
    pub fn spec(&self, device: &str, precision: &str) -> LoadSpec {
        LoadSpec {
            family: self.family.to_owned(),
            folder: self.folder.path().to_owned(),
            weights: vec![self.folder.path().join("model.safetensors")],
            config_json: self.config_json.clone(),
            device: device.to_owned(),
            precision: precision.to_owned(),
            threads: None,
            attention: Attention::Bidirectional,
            cache_folder: None,
            options_json: "{}".to_owned(),
        }
    }
}
