//! Low-rank adapters (LoRA, arXiv:2106.09685) as PEFT saves them, added to the weights as they are read:
//! `W + B A · alpha / r`, or `/ sqrt(r)` (rsLoRA, arXiv:2312.03732). What `modules_to_save` names takes a tensor's place.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use safetensors::Dtype;
use serde_json::Value;

use super::file::File;
use super::tensor::{StoredForm, decode};
use super::{TensorLocation, nearest};
use crate::BackendError;

/// What PEFT calls the file of an adapter's tensors; its rules stand beside it.
const FILE: &str = "adapter_model.safetensors";
const CONFIG: &str = "adapter_config.json";
/// What PEFT puts in front of the base model's own names.
const PREFIX: &str = "base_model.model.";

/// What is added to a matrix.
#[derive(Debug)]
pub(super) struct Delta {
    /// `[rank, columns]`
    a: TensorLocation,
    a_dtype: Dtype,
    /// `[rows, rank]`
    b: TensorLocation,
    b_dtype: Dtype,
    pub(super) scale: f32,
}

/// A [`Delta`] with its bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Update<'a> {
    a: &'a [u8],
    a_dtype: Dtype,
    b: &'a [u8],
    b_dtype: Dtype,
    rank: usize,
    scale: f32,
    pub(super) file: &'a File,
}

impl Delta {
    pub(super) fn of<'a>(&self, files: &'a [File]) -> Update<'a> {
        let file = &files[self.a.file];
        Update {
            a: &file.bytes()[self.a.bytes.clone()],
            a_dtype: self.a_dtype,
            b: &file.bytes()[self.b.bytes.clone()],
            b_dtype: self.b_dtype,
            rank: self.a.shape[0],
            scale: self.scale,
            file,
        }
    }
}

impl Update<'_> {
    /// Adds its rows `rows` to `out`, `[rows, columns]`.
    pub(super) fn add(&self, rows: Range<usize>, columns: usize, out: &mut [f32]) {
        let mut a = vec![0.0; self.rank * columns];
        decode(self.a_dtype, self.a, &mut a);
        let row_bytes = self.rank * self.b_dtype.bitsize() / 8;
        let mut b = vec![0.0; self.rank];
        for (row, out) in rows.zip(out.chunks_exact_mut(columns)) {
            decode(
                self.b_dtype,
                &self.b[row * row_bytes..][..row_bytes],
                &mut b,
            );
            for (b, a) in b.iter().zip(a.chunks_exact(columns)) {
                let factor = b * self.scale;
                for (out, a) in out.iter_mut().zip(a) {
                    *out += factor * a;
                }
            }
        }
    }
}

pub(super) fn is_adapter(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == FILE)
}

/// Merges the tensors of an adapter's file, which are `own`, into a checkpoint's.
pub(super) fn merge(
    files: &[File],
    mut own: BTreeMap<String, TensorLocation>,
    base: &mut BTreeMap<String, TensorLocation>,
) -> Result<BTreeMap<String, Delta>, BackendError> {
    let Some(file) = own.values().next().map(|it| &files[it.file]) else {
        return Ok(BTreeMap::new());
    };
    let rule = Rule::read(&file.path.with_file_name(CONFIG))?;
    let names: Vec<String> = own.keys().cloned().collect();
    let mut deltas = BTreeMap::new();
    for name in &names {
        let Some(location) = own.remove(name) else {
            continue; // The other half of a pair.
        };
        let broken = |what: String| file.broken(format!("tensor {name} {what}"));
        let short = name.strip_prefix(PREFIX);
        let short = short.ok_or_else(|| {
            broken(format!(
                "does not begin with {PREFIX}, as PEFT's do; save the adapter with PEFT"
            ))
        })?;
        let target = match short.find(".lora_") {
            Some(at) => format!("{}.weight", &short[..at]),
            None => short.to_owned(),
        };
        let Some(replaced) = base.get_mut(&target) else {
            let near = nearest::nearest(&target, base.keys().map(String::as_str));
            let near = near.map_or(String::new(), |near| format!("; the nearest is {near}"));
            return Err(broken(format!(
                "is for {target}, which the base model does not have{near}; the adapter is for another model"
            )));
        };
        let kind = short.split(".lora_").nth(1);
        match kind.map(|kind| kind.replace(".default", "")).as_deref() {
            None => {
                if location.shape != replaced.shape {
                    return Err(broken(format!(
                        "has shape {:?}, but the base model's has {:?}; the adapter is for another model",
                        location.shape, replaced.shape
                    )));
                }
                *replaced = location;
            }
            Some("A.weight") => {
                let other = name.replace(".lora_A.", ".lora_B.");
                let b = own
                    .remove(&other)
                    .ok_or_else(|| broken(format!("has no {other}; fetch the adapter again")))?;
                let delta = rule.delta(location, b, &replaced.shape).map_err(broken)?;
                deltas.insert(target, delta);
            }
            Some("B.weight") => {
                return Err(broken(
                    "has no other half; fetch the adapter again".to_owned(),
                ));
            }
            Some(other) => {
                return Err(broken(format!(
                    "is a `lora_{other}`, which is not merged; merge it with PEFT's merge_and_unload and load the result"
                )));
            }
        }
    }
    Ok(deltas)
}

/// What `adapter_config.json` says.
struct Rule {
    alpha: f32,
    /// Of all matrices, unless some have ranks of their own.
    rank: Option<usize>,
    is_rank_stable: bool,
}

impl Rule {
    fn read(path: &Path) -> Result<Self, BackendError> {
        let text = std::fs::read_to_string(path).map_err(|source| BackendError::Io {
            path: path.to_owned(),
            source,
        })?;
        let broken = |what: String| BackendError::Checkpoint {
            path: path.to_owned(),
            what: format!("{what}; fetch the adapter again"),
        };
        let config: Value =
            serde_json::from_str(&text).map_err(|error| broken(error.to_string()))?;
        if let Some(what) = unsupported(&config) {
            return Err(BackendError::Unsupported(format!(
                "{}: {what}, which is not merged; merge it with PEFT's merge_and_unload and load the result",
                path.display()
            )));
        }
        let alpha = config["lora_alpha"].as_f64().map(|alpha| alpha as f32);
        let rank = config["r"].as_u64().and_then(|r| usize::try_from(r).ok());
        Ok(Self {
            alpha: (alpha.filter(|alpha| alpha.is_finite()))
                .ok_or_else(|| broken(format!("lora_alpha is {}", config["lora_alpha"])))?,
            rank: match is_empty(&config["rank_pattern"]) {
                true => Some(rank.ok_or_else(|| broken(format!("r is {}", config["r"])))?),
                false => None,
            },
            is_rank_stable: config["use_rslora"] == true,
        })
    }

    fn delta(&self, a: TensorLocation, b: TensorLocation, base: &[usize]) -> Result<Delta, String> {
        let rank = a.shape.first().copied().unwrap_or(0);
        let fits =
            base.len() == 2 && a.shape == [rank, base[1]] && b.shape == [base[0], rank] && rank > 0;
        if !fits {
            return Err(format!(
                "and its other half have shapes {:?} and {:?}, which do not go with the base model's {base:?}; the adapter is \
                 for another model",
                a.shape, b.shape
            ));
        }
        if let Some(said) = self.rank.filter(|said| *said != rank) {
            return Err(format!(
                "has rank {rank}, but r of {CONFIG} is {said}; fetch both from the same place"
            ));
        }
        let dtype = |form| match form {
            StoredForm::Each(dtype @ (Dtype::F32 | Dtype::F16 | Dtype::BF16)) => Ok(dtype),
            other => Err(format!(
                "is stored as {other:?}; only F32, F16 and BF16 can be read"
            )),
        };
        let divisor = match self.is_rank_stable {
            true => (rank as f32).sqrt(),
            false => rank as f32,
        };
        Ok(Delta {
            a_dtype: dtype(a.form)?,
            b_dtype: dtype(b.form)?,
            a,
            b,
            scale: self.alpha / divisor,
        })
    }
}

/// What gives other numbers than the sum that is computed here.
fn unsupported(config: &Value) -> Option<String> {
    let kind = config["peft_type"].as_str().unwrap_or("LORA");
    if !kind.eq_ignore_ascii_case("lora") {
        return Some(format!("peft_type is {kind}"));
    }
    let bias = &config["bias"];
    if !(bias.is_null() || bias == "none") {
        return Some(format!("bias is {bias}"));
    }
    // These begin from a base that they have changed.
    let start = config["init_lora_weights"].as_str().unwrap_or_default();
    let changes = ["pissa", "olora", "loftq", "corda"];
    if changes.iter().any(|it| start.starts_with(it)) {
        return Some(format!("init_lora_weights is {start}"));
    }
    const OTHERS: [&str; 10] = [
        "use_dora",
        "use_qalora",
        "lora_bias",
        "fan_in_fan_out",
        "alpha_pattern",
        "layer_replication",
        "target_parameters",
        "trainable_token_indices",
        "arrow_config",
        // Added behind certain tokens alone.
        "alora_invocation_tokens",
    ];
    let said = OTHERS.iter().find(|key| !is_empty(&config[**key]));
    said.map(|key| format!("{key} is {}", config[*key]))
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(true) | Value::Number(_) | Value::String(_) => false,
    }
}

#[cfg(test)]
mod tests;
