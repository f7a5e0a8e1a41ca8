//! What the configuration makes of the network.

use serde_json::json;

use super::{Shape, Subject, TINY, TestCheckpoint, TestRow, check_close, forward, session, tokens};

fn logits(subject: &Subject, checkpoint: &TestCheckpoint) -> Vec<Vec<f32>> {
    let model = subject.load(&subject.spec(&checkpoint.save()));
    forward(&mut *session(&*model), &[TestRow::whole(0, &tokens(1, 15))])
}

fn tensor<'a>(checkpoint: &'a mut TestCheckpoint, name: &str) -> &'a mut (Vec<usize>, Vec<f32>) {
    let name = format!("model.transformer.{name}");
    checkpoint
        .tensors
        .get_mut(&name)
        .expect("the tensor exists")
}

fn scaled(rows: Vec<Vec<f32>>, factor: f32) -> Vec<Vec<f32>> {
    let scale = |row: Vec<f32>| row.into_iter().map(|logit| logit * factor).collect();
    rows.into_iter().map(scale).collect()
}

pub fn query_heads_share_key_heads_in_order(subject: &Subject) {
    let mut grouped = TestCheckpoint::new(TINY);
    let right = logits(subject, &grouped);
    // The same network with every key head written out for each of its query heads.
    let head = 8 * TINY.width;
    for layer in 0..TINY.layers {
        for name in ["k_proj", "v_proj"] {
            let (shape, numbers) = tensor(&mut grouped, &format!("blocks.{layer}.{name}.weight"));
            *numbers = numbers
                .chunks(head)
                .flat_map(|head| [head, head].concat())
                .collect();
            shape[0] *= 2;
        }
    }
    grouped.config["n_kv_heads"] = json!(null);
    check_close(&logits(subject, &grouped), &right, subject.rounding);
}

pub fn one_key_head_is_what_multi_query_means(subject: &Subject) {
    let shape = Shape {
        key_heads: 1,
        ..TINY
    };
    let mut checkpoint = TestCheckpoint::new(shape);
    let right = logits(subject, &checkpoint);
    checkpoint.config["n_kv_heads"] = json!(null);
    checkpoint.config["multi_query_attention"] = json!(true);
    check_close(&logits(subject, &checkpoint), &right, 0.0);
}

pub fn tied_weights_use_the_embedding_as_head(subject: &Subject) {
    let mut checkpoint = TestCheckpoint::new(TINY);
    let embedding = tensor(&mut checkpoint, "wte.weight").clone();
    *tensor(&mut checkpoint, "ff_out.weight") = embedding;
    let right = logits(subject, &checkpoint);
    checkpoint.tensors.remove("model.transformer.ff_out.weight");
    checkpoint.config["weight_tying"] = json!(true);
    check_close(&logits(subject, &checkpoint), &right, 0.0);
}

pub fn scaled_logits_are_divided_by_the_root_of_the_width(subject: &Subject) {
    let mut checkpoint = TestCheckpoint::new(TINY);
    let plain = logits(subject, &checkpoint);
    checkpoint.config["scale_logits"] = json!(true);
    check_close(
        &logits(subject, &checkpoint),
        &scaled(plain, 1.0 / 32_f32.sqrt()),
        1e-6,
    );
}

pub fn a_normed_embedding_is_multiplied_by_the_root_of_the_width(subject: &Subject) {
    let mut checkpoint = TestCheckpoint::new(TINY);
    checkpoint.config["input_emb_norm"] = json!(true);
    let normed = logits(subject, &checkpoint);
    for number in &mut tensor(&mut checkpoint, "wte.weight").1 {
        *number *= 32_f32.sqrt();
    }
    checkpoint.config["input_emb_norm"] = json!(false);
    check_close(&normed, &logits(subject, &checkpoint), subject.rounding);
}

pub fn biases_are_added_where_the_configuration_has_them(subject: &Subject) {
    let mut checkpoint = TestCheckpoint::new(TINY);
    let plain = logits(subject, &checkpoint);
    for name in checkpoint.tensors.keys().cloned().collect::<Vec<_>>() {
        let rows = checkpoint.tensors[&name].0[0];
        let bias = name.replace(".weight", ".bias");
        if !name.contains("wte") {
            checkpoint
                .tensors
                .insert(bias, (vec![rows], vec![0.0; rows]));
        }
    }
    checkpoint.config["include_bias"] = json!(true);
    check_close(&logits(subject, &checkpoint), &plain, subject.rounding);
    tensor(&mut checkpoint, "ff_out.bias").1.fill(0.5);
    let shifted: Vec<Vec<f32>> = plain
        .iter()
        .map(|row| row.iter().map(|logit| logit + 0.5).collect())
        .collect();
    check_close(&logits(subject, &checkpoint), &shifted, subject.rounding);
    for name in [
        "blocks.1.q_proj",
        "blocks.1.v_proj",
        "blocks.0.up_proj",
        "ln_f",
    ] {
        let before = logits(subject, &checkpoint);
        tensor(&mut checkpoint, &format!("{name}.bias")).1[0] = 0.7;
        assert_ne!(logits(subject, &checkpoint), before, "{name}.bias matters");
    }
}

pub fn the_embedding_may_have_more_rows_than_the_vocabulary(subject: &Subject) {
    let mut checkpoint = TestCheckpoint::new(TINY);
    checkpoint.config["vocab_size"] = json!(30);
    let model = subject.load(&subject.spec(&checkpoint.save()));
    assert_eq!(model.facts().vocab, 40);
    checkpoint.config["embedding_size"] = json!(null);
    checkpoint.config["vocab_size"] = json!(40);
    assert_eq!(
        subject
            .load(&subject.spec(&checkpoint.save()))
            .facts()
            .vocab,
        40
    );
}

pub fn the_mlp_is_a_multiple_of_the_width_unless_said_otherwise(subject: &Subject) {
    let mut checkpoint = TestCheckpoint::new(Shape { mlp: 96, ..TINY });
    let right = logits(subject, &checkpoint);
    checkpoint.config["mlp_hidden_size"] = json!(null);
    checkpoint.config["mlp_ratio"] = json!(3);
    check_close(&logits(subject, &checkpoint), &right, 0.0);
}
