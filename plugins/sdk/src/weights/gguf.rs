//! Tensors of GGUF files, by the names and in the shapes of the checkpoints that llama.cpp converts.
//!
//! Its names and what its `convert_hf_to_gguf.py` does to the tensors of LLaDA, LLaDA-MoE and Dream (`conversion/llada.py`,
//! `conversion/dream.py`, `gguf-py/gguf/tensor_mapping.py`): the experts of a layer become one tensor, and for LLaDA alone the
//! rows of each head of queries and keys are put in another order, since llama.cpp turns neighbours there.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use safetensors::Dtype;
use unmask_gguf::{GgmlType, GgufHeader, GgufTensor};

use super::TensorLocation;
use super::file::File;
use super::tensor::StoredForm;
use crate::BackendError;

/// In which order the rows of a tensor lie in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowOrder {
    /// In their own.
    AsNamed,
    /// In heads of so many rows, whose first and second halves take turns.
    Interleaved { head: usize },
}

impl RowOrder {
    /// Where row `row` lies.
    pub(super) fn place(self, row: usize) -> usize {
        match self {
            Self::AsNamed => row,
            Self::Interleaved { head } => {
                let (first, at) = (row / head * head, row % head);
                let half = head / 2;
                first + at % half * 2 + at / half
            }
        }
    }
}

/// What the first file says of all.
pub(super) struct TensorNaming {
    is_llada: bool,
    /// Heads of queries and of keys.
    heads: [usize; 2],
}

impl TensorNaming {
    fn of(header: &GgufHeader<'_>) -> Result<Self, String> {
        let architecture = header.text("general.architecture").unwrap_or_default();
        if !["llada", "llada-moe", "dream"].contains(&architecture) {
            return Err(format!(
                "is of the architecture {architecture:?}, whose tensors are not known; choose another file"
            ));
        }
        let count = |key: &str| {
            let count = header.count(&format!("{architecture}.attention.{key}"));
            count
                .and_then(|it| usize::try_from(it).ok())
                .filter(|it| *it > 0)
        };
        let queries = count("head_count")
            .ok_or("does not say how many heads it has; convert the model again")?;
        Ok(Self {
            is_llada: architecture == "llada",
            heads: [queries, count("head_count_kv").unwrap_or(queries)],
        })
    }

    /// The checkpoint's name for a tensor; the experts' lacks which one it is.
    fn name(&self, name: &str) -> Option<String> {
        let (stem, kind) = name.rsplit_once('.')?;
        let Some((layer, part)) = stem.strip_prefix("blk.").and_then(|it| it.split_once('.'))
        else {
            let name = match (stem, self.is_llada) {
                ("token_embd", true) => "model.transformer.wte",
                ("token_embd", false) => "model.embed_tokens",
                ("output_norm", true) => "model.transformer.ln_f",
                ("output_norm", false) => "model.norm",
                ("output", true) => "model.transformer.ff_out",
                ("output", false) => "lm_head",
                _ => return None,
            };
            return Some(format!("{name}.{kind}"));
        };
        let (_, llada, others) = PARTS.iter().find(|(it, ..)| *it == part)?;
        Some(match self.is_llada {
            true => format!("model.transformer.blocks.{layer}.{llada}.{kind}"),
            false => format!("model.layers.{layer}.{others}.{kind}"),
        })
    }

    /// The order of a tensor's rows.
    fn order(&self, tensor: &GgufTensor<'_>) -> Result<RowOrder, String> {
        let heads = match tensor.name.split('.').nth(2) {
            Some("attn_q") if self.is_llada => self.heads[0],
            Some("attn_k") if self.is_llada => self.heads[1],
            _ => return Ok(RowOrder::AsNamed),
        };
        let rows = tensor.shape[0];
        match rows.is_multiple_of(heads * 2) && rows > 0 {
            true => Ok(RowOrder::Interleaved { head: rows / heads }),
            false => Err(format!(
                "tensor {} has {rows} rows, which {heads} heads do not share evenly; fetch the file again",
                tensor.name
            )),
        }
    }
}

/// What a part of a layer is called: by llama.cpp, in LLaDA, in the others.
const PARTS: [(&str, &str, &str); 15] = [
    ("attn_norm", "attn_norm", "input_layernorm"),
    ("attn_q", "q_proj", "self_attn.q_proj"),
    ("attn_k", "k_proj", "self_attn.k_proj"),
    ("attn_v", "v_proj", "self_attn.v_proj"),
    ("attn_output", "attn_out", "self_attn.o_proj"),
    ("attn_q_norm", "q_norm", "self_attn.q_norm"),
    ("attn_k_norm", "k_norm", "self_attn.k_norm"),
    ("ffn_norm", "ff_norm", "post_attention_layernorm"),
    ("ffn_gate", "ff_proj", "mlp.gate_proj"),
    ("ffn_up", "up_proj", "mlp.up_proj"),
    ("ffn_down", "ff_out", "mlp.down_proj"),
    ("ffn_gate_inp", "gate", "mlp.gate"),
    ("ffn_gate_exps", "gate_exps", "mlp.experts.*.gate_proj"),
    ("ffn_up_exps", "up_exps", "mlp.experts.*.up_proj"),
    ("ffn_down_exps", "down_exps", "mlp.experts.*.down_proj"),
];

/// Adds the tensors of a file to `tensors`; the first file tells how all are named.
///
/// # Errors
/// [`BackendError::Checkpoint`] naming what is wrong.
pub(super) fn add(
    file: &File,
    index: usize,
    header: &GgufHeader<'_>,
    naming: &mut Option<TensorNaming>,
    tensors: &mut BTreeMap<String, TensorLocation>,
) -> Result<(), BackendError> {
    let broken = |what: String| file.broken(what);
    let naming = match naming {
        Some(naming) => naming,
        None => naming.insert(TensorNaming::of(header).map_err(broken)?),
    };
    for tensor in &header.tensors {
        let form = form(tensor).map_err(broken)?;
        let order = naming.order(tensor).map_err(broken)?;
        // What no network here asks for keeps its own name.
        let name = naming.name(tensor.name);
        let name = name.unwrap_or_else(|| tensor.name.to_owned());
        let bytes = tensor.bytes.start as usize..tensor.bytes.end as usize;
        let parts = match (name.split_once('*'), tensor.shape.as_slice()) {
            (Some((before, after)), [experts, shape @ ..]) if shape.len() == 2 => {
                let each = bytes.len() / (*experts).max(1);
                let part = |expert: usize| {
                    let first = bytes.start + expert * each;
                    let name = format!("{before}{expert}{after}");
                    (name, shape.to_vec(), first..first + each)
                };
                (0..*experts).map(part).collect()
            }
            _ => vec![(name, tensor.shape.clone(), bytes)],
        };
        for (name, shape, bytes) in parts {
            let place = TensorLocation {
                file: index,
                form,
                shape,
                bytes,
                order,
            };
            match tensors.entry(name) {
                Entry::Vacant(free) => free.insert(place),
                Entry::Occupied(taken) => {
                    return Err(broken(format!(
                        "tensor {} is there twice; keep the files of one model",
                        taken.key()
                    )));
                }
            };
        }
    }
    Ok(())
}

fn form(tensor: &GgufTensor<'_>) -> Result<StoredForm, String> {
    Ok(match tensor.kind {
        GgmlType::F32 => StoredForm::Each(Dtype::F32),
        GgmlType::F16 => StoredForm::Each(Dtype::F16),
        GgmlType::BF16 => StoredForm::Each(Dtype::BF16),
        kind @ (GgmlType::Q8_0 | GgmlType::Q4K | GgmlType::Q5K | GgmlType::Q6K) => {
            // A row is a number then, and no blocks.
            if tensor.shape.len() < 2 {
                return Err(format!(
                    "tensor {} has one dimension and is stored as {kind}, which no converter does; fetch the file again",
                    tensor.name
                ));
            }
            StoredForm::Blocks(kind)
        }
        GgmlType::Other(_) => {
            return Err(format!(
                "tensor {} is stored as {}; only {} are read, fetch the file in one of them",
                tensor.name,
                tensor.kind,
                GgmlType::READ
            ));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_of_a_head_take_turns() {
        let order = RowOrder::Interleaved { head: 6 };
        let places: Vec<usize> = (0..12).map(|row| order.place(row)).collect();
        assert_eq!(places, [0, 2, 4, 1, 3, 5, 6, 8, 10, 7, 9, 11]);
    }
}
