//! All families that a backend runs: what it does not run, it refuses.

use std::num::NonZeroU32;

use serde_json::{Value, json};

use super::{
    Precisions, Subject, TestCheckpoint, TestRow, check_close, forward, logits, relative_error,
    session, tokens,
};
use crate::decoder::FAMILIES;
use crate::{Attention, Cell, ErrorCode, Model};

/// The `config.json` of a family: heads of another width than an even share, where the family allows it.
pub(super) fn config(family: &str) -> Value {
    let common = json!({
        "hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2,
        "vocab_size": 40, "max_position_embeddings": 512, "rope_theta": 10000.0, "rms_norm_eps": 1e-6,
        "intermediate_size": 96, "tie_word_embeddings": false, "hidden_act": "silu"
    });
    let more = match family {
        "illada" => {
            json!({"attention_bias": true, "tie_word_embeddings": true, "layer_norm_eps": null})
        }
        "sdar" => json!({"head_dim": 24, "attention_bias": true}),
        "llada_moe" => json!({
            "dense_intermediate_size": 96, "expert_intermediate_size": 32, "shared_expert_intermediate_size": 48,
            "num_experts": 6, "num_experts_per_tok": 2, "moe_layer_freq": [0, 1, 1], "qk_layernorm": true,
            "moe_router_enable_expert_bias": true
        }),
        "llada2" => json!({
            "head_dim": 24, "partial_rotary_factor": 0.5, "moe_intermediate_size": 32, "num_shared_experts": 2,
            "num_experts": 8, "num_experts_per_tok": 3, "n_group": 4, "topk_group": 2, "first_k_dense_replace": 1,
            "routed_scaling_factor": 1.5, "use_qkv_bias": true
        }),
        _ => json!({}),
    };
    let mut config = common;
    let keys = config.as_object_mut().expect("it is an object");
    keys.extend(more.as_object().expect("it is an object").clone());
    config
}

/// The models of all families that the backend runs, with blocks of four.
fn models(subject: &Subject, precision: &str) -> Vec<(&'static str, Box<dyn Model>)> {
    let mut models = Vec::new();
    for family in FAMILIES {
        let checkpoint = TestCheckpoint::of_family(family).save();
        let mut spec = checkpoint.spec(subject.device, precision);
        spec.attention = Attention::BlockCausal(BLOCK);
        match subject.backend.check(&spec) {
            Ok(_) => models.push((family, subject.load(&spec))),
            Err(error) => assert_eq!(error.code(), ErrorCode::Unsupported, "{family}: {error}"),
        }
    }
    assert!(!models.is_empty(), "a backend has a network");
    models
}

const BLOCK: NonZeroU32 = NonZeroU32::new(4).expect("4 is not 0");

/// Blocks that are final are computed once: each is fed alone, first as a canvas that leaves no trace.
pub fn blocks_fed_one_by_one_give_what_the_whole_gives(subject: &Subject) {
    let (ids, canvas) = (tokens(1, 14), tokens(5, 14));
    for (family, model) in models(subject, subject.precision) {
        let whole = forward(&mut *session(&*model), &[TestRow::whole(0, &ids)]);
        let mut session = session(&*model);
        for first in (0..ids.len()).step_by(4) {
            let block = first..(first + 4).min(ids.len());
            let mut passing = TestRow::part(0, &canvas, block.clone());
            passing.cells.fill(Cell::NONE);
            passing.context = 0..first as u32;
            forward(&mut *session, &[passing]);
            let mut last = TestRow::part(0, &ids, block.clone());
            last.context = 0..block.end as u32;
            let got = forward(&mut *session, &[last]);
            for (got, right) in got.iter().zip(&whole[block]) {
                let error = relative_error(std::slice::from_ref(got), std::slice::from_ref(right));
                assert!(
                    error <= subject.rounding,
                    "{family}, block {first}: {error}"
                );
            }
        }
    }
}

pub fn rows_of_every_family_give_what_they_give_alone(subject: &Subject) {
    let (ids, other) = (tokens(1, 9), tokens(2, 5));
    for (_, model) in models(subject, subject.precision) {
        let rows = [TestRow::whole(0, &ids), TestRow::whole(1, &other)];
        let both = forward(&mut *session(&*model), &rows);
        let alone = |row: &TestRow| {
            forward(
                &mut *session(&*model),
                &[TestRow {
                    slot: 0,
                    ..row.clone()
                }],
            )
        };
        let right: Vec<Vec<f32>> = rows.iter().flat_map(alone).collect();
        check_close(&both, &right, subject.rounding);
    }
}

pub fn every_family_loses_little_in_fewer_bits(subject: &Subject, precisions: &Precisions) {
    let right = models(subject, "f32");
    for (precision, most) in precisions.inexact.iter().copied() {
        for ((family, model), (_, exact)) in models(subject, precision).iter().zip(&right) {
            let error = relative_error(&logits(&**model), &logits(&**exact));
            // Narrow layers lose more than those the bound is for, and a choice of experts may fall otherwise.
            assert!(
                error > 0.0 && error < (2.5 * most).min(0.7),
                "{family}, {precision}: {error}"
            );
        }
    }
}
