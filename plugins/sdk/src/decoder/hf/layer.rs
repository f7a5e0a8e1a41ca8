//! The tensors of a layer.

use super::{Config, Experts, Variant};
use crate::decoder::{
    DecoderLayer, ExpertsSpec, GatedSpec, MatrixSpec, MlpSpec, NormSpec, RouterSpec,
};

impl Config {
    pub(super) fn layer(&self, layer: usize) -> DecoderLayer {
        let prefix = format!("model.layers.{layer}");
        let is_llada2 = self.variant == Variant::Llada2;
        let norm = |name: &str, width| NormSpec {
            weight: format!("{prefix}.{name}.weight"),
            bias: None,
            width,
        };
        let attention = match is_llada2 {
            true => "attention",
            false => "self_attn",
        };
        let head_norm = |name: &str| norm(&format!("{attention}.{name}"), self.heads.dim);
        let (query_norm, key_norm, out) = match is_llada2 {
            true => ("query_layernorm", "key_layernorm", "dense"),
            false => ("q_norm", "k_norm", "o_proj"),
        };
        let attended = self.heads.queries * self.heads.dim;
        let name = format!("{prefix}.{attention}.{out}");
        let bias = self.out_bias.then(|| format!("{name}.bias"));
        let out = MatrixSpec::whole(format!("{name}.weight"), out, self.width, attended);
        let [q, k, v] = self.projections(&format!("{prefix}.{attention}"));
        let experts = self.experts.as_ref().filter(|it| it.layers[layer]);
        DecoderLayer {
            attn_norm: norm("input_layernorm", self.width),
            k,
            v,
            q,
            head_norms: (self.has_head_norms).then(|| (head_norm(query_norm), head_norm(key_norm))),
            out: out.with_bias(bias),
            mlp_norm: norm("post_attention_layernorm", self.width),
            mlp: match experts {
                Some(experts) => MlpSpec::Experts(self.experts(&prefix, experts)),
                None => {
                    let hidden = self.dense.expect("layers without experts have a width");
                    MlpSpec::Dense(self.gated(&format!("{prefix}.mlp"), hidden))
                }
            },
        }
    }

    /// Queries, keys and values: three tensors, or one with the rows of all.
    fn projections(&self, prefix: &str) -> [MatrixSpec; 3] {
        let queries = self.heads.queries * self.heads.dim;
        let keys = self.heads.keys * self.heads.dim;
        let labels = ["q_proj", "k_proj", "v_proj"];
        let parts = [(0, queries), (queries, keys), (queries + keys, keys)];
        let of_rows = queries + 2 * keys;
        let mut parts = labels.into_iter().zip(parts);
        std::array::from_fn(|_| {
            let (label, (first_row, rows)) = parts.next().expect("there are three");
            let is_fused = self.variant == Variant::Llada2;
            let name = match is_fused {
                true => format!("{prefix}.query_key_value"),
                false => format!("{prefix}.{label}"),
            };
            let bias = self.qkv_bias.then(|| format!("{name}.bias"));
            let whole = MatrixSpec::whole(format!("{name}.weight"), label, rows, self.width);
            let whole = whole.with_bias(bias);
            match is_fused {
                true => MatrixSpec {
                    first_row,
                    of_rows,
                    ..whole
                },
                false => whole,
            }
        })
    }

    fn experts(&self, prefix: &str, experts: &Experts) -> ExpertsSpec {
        let is_llada2 = self.variant == Variant::Llada2;
        let bias = match is_llada2 {
            true => "mlp.gate.expert_bias",
            false => "mlp.expert_bias",
        };
        let shared = match is_llada2 {
            true => "mlp.shared_experts",
            false => "shared_expert",
        };
        let expert = |expert| self.gated(&format!("{prefix}.mlp.experts.{expert}"), experts.width);
        ExpertsSpec {
            router: RouterSpec {
                weight: format!("{prefix}.mlp.gate.weight"),
                bias: experts.has_bias.then(|| format!("{prefix}.{bias}")),
                score: experts.score,
                bias_chooses_only: is_llada2,
                groups: experts.groups,
                chosen: experts.chosen,
                is_normalised: experts.is_normalised,
                scale: experts.scale,
            },
            experts: (0..experts.count).map(expert).collect(),
            shared: (experts.shared)
                .map(|hidden| self.gated(&format!("{prefix}.{shared}"), hidden)),
        }
    }

    fn gated(&self, prefix: &str, hidden: usize) -> GatedSpec {
        let matrix = |name, rows, columns| {
            MatrixSpec::whole(format!("{prefix}.{name}.weight"), name, rows, columns)
        };
        GatedSpec {
            gate: matrix("gate_proj", hidden, self.width),
            up: matrix("up_proj", hidden, self.width),
            down: matrix("down_proj", self.width, hidden),
        }
    }
}
