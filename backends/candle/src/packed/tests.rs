//! What only these precisions have.

use std::num::NonZeroU32;

use unmask_sdk::decoder::FAMILIES;
use unmask_sdk::llada::tensor_name;
use unmask_sdk::testing::{Batch, TestCheckpoint, TestRow, WIDE, logits, relative_error, tokens};
use unmask_sdk::{
    Attention, Backend, CancelFlag, LoadSpec, Logits, Model, SessionSpec, TopRequest, TopRows,
};

use crate::Candle;

fn load(checkpoint: &TestCheckpoint, precision: &str) -> Box<dyn Model> {
    let saved = checkpoint.save();
    let model = Candle.load(&saved.spec("cpu", precision), &|_| {
        std::ops::ControlFlow::Continue(())
    });
    model.expect("the checkpoint is whole")
}

/// Repeats a pass of `lines` and asserts that from the third on nothing is allocated but `lists` small lists; on one thread, as
/// counts are a thread's.
#[track_caller]
fn check_allocations(
    checkpoint: &TestCheckpoint,
    attention: Attention,
    cells: u32,
    lines: &[TestRow],
    wanted: &[u32],
    lists: u64,
) {
    let saved = checkpoint.save();
    for precision in ["int8", "int4"] {
        let mut spec = saved.spec("cpu", precision);
        spec.attention = attention;
        spec.threads = NonZeroU32::new(1);
        let model = Candle.load(&spec, &|_| std::ops::ControlFlow::Continue(()));
        let model = model.expect("the checkpoint is whole");
        let mut session = model
            .session(SessionSpec { cells, slots: 2 })
            .expect("there is room");
        let mut batch = Batch::new(lines);
        batch.wanted = wanted.to_vec();
        let cancel = CancelFlag::new();
        let pass = batch.pass(&cancel);
        let rows: Vec<u32> = (0..wanted.len() as u32).collect();
        let request = TopRequest {
            rows: &rows,
            ..TopRequest::default()
        };
        let (mut out, mut short) = (Logits::default(), TopRows::default());
        out.reset(rows.len(), model.facts().vocab);
        short.reset(&request, 5);
        let mut run = || {
            session.forward(&pass).expect("the pass is computed");
            session
                .read_logits(&rows, out.view())
                .expect("the pass has these rows");
        };
        run();
        run();
        let counted = allocation_counter::measure(&mut run);
        let is_in = counted.count_total <= lists && counted.bytes_total <= 1024 * lists;
        assert!(is_in, "{}, {precision}: {counted:?}", spec.family);
        let mut read = || {
            session
                .read_top(&request, short.view())
                .expect("the pass has these rows");
        };
        read();
        let counted = allocation_counter::measure(read);
        // A list of the rows, and of each what is best and what counts for nothing.
        let most = 1 + 2 * rows.len() as u64;
        assert!(
            counted.count_total <= most,
            "{}, {precision}: {counted:?}",
            spec.family
        );
    }
}

#[test]
fn a_pass_like_the_one_before_allocates_nothing() {
    let (ids, other) = (tokens(1, 70), tokens(2, 9));
    let all: Vec<u32> = (0..79).collect();
    let whole = [TestRow::whole(0, &ids), TestRow::whole(1, &other)];
    let wide = TestCheckpoint::new(WIDE);
    check_allocations(&wide, Attention::Bidirectional, 0, &whole, &all, 0);
    let kept = [TestRow::kept(0, &ids), TestRow::kept(1, &other)];
    check_allocations(&wide, Attention::Bidirectional, 80, &kept, &[3, 7], 0);
    check_allocations(&wide, Attention::Causal, 80, &kept, &[3, 7], 0);
    let part = [TestRow::part(0, &ids, 8..20).with_shadows(&other, 8..17)];
    check_allocations(&wide, Attention::Bidirectional, 80, &part, &[0, 12, 20], 0);
}

#[test]
fn a_pass_of_any_family_allocates_nothing_but_a_list_of_experts_a_layer_of_them() {
    let ids = tokens(1, 20);
    let kept = [TestRow::kept(0, &ids)];
    let blocks = Attention::BlockCausal(NonZeroU32::new(4).expect("4 is not 0"));
    for family in FAMILIES {
        let checkpoint = TestCheckpoint::of_family(family);
        let layers_of_experts = match family {
            "llada_moe" | "llada2" => 2,
            _ => 0,
        };
        check_allocations(&checkpoint, blocks, 80, &kept, &[3, 7], layers_of_experts);
    }
}

#[test]
fn layers_with_outlier_channels_lose_little_one_by_one() {
    for layers in 1..=3 {
        let checkpoint = TestCheckpoint::with_outliers(layers);
        let right = logits(&*load(&checkpoint, "f32"));
        for (precision, most) in [("int8", 0.08), ("int4", 0.4)] {
            let model = load(&checkpoint, precision);
            assert!(model.facts().notes.is_empty(), "{:?}", model.facts().notes);
            let error = relative_error(&logits(&*model), &right);
            assert!(error < most, "{precision}, {layers} layers: {error}");
        }
    }
}

/// A checkpoint in which one number of each stretch of `every` in a matrix governs the others' scale.
fn governed(name: &str, every: usize, by: f32) -> TestCheckpoint {
    let mut checkpoint = TestCheckpoint::new(WIDE);
    let tensor = checkpoint.tensors.get_mut(&tensor_name(name));
    let (_, numbers) = tensor.expect("every checkpoint has it");
    // The others are up to 0.108.
    numbers.iter_mut().step_by(every).for_each(|it| *it = by);
    checkpoint
}

#[track_caller]
fn check_fallback(name: &str, by: f32, precision: &str, most: f32, notes: &[&str]) {
    let checkpoint = governed(name, 128, by);
    let model = load(&checkpoint, precision);
    let found = model.facts().notes;
    assert_eq!(found.len(), notes.len(), "{found:?}");
    for (found, note) in found.iter().zip(notes) {
        assert!(
            found.starts_with(note.split('…').next().unwrap_or_default()),
            "{found}"
        );
        assert!(
            found.ends_with(note.rsplit('…').next().unwrap_or_default()),
            "{found}"
        );
    }
    let error = relative_error(&logits(&*model), &logits(&*load(&checkpoint, "f32")));
    assert!(error < most, "{precision}: {error}");
}

#[test]
fn a_matrix_that_loses_too_much_is_kept_otherwise_and_named() {
    check_fallback(
        "blocks.1.q_proj.weight",
        0.6,
        "int4",
        0.3,
        &["blocks.1.q (q_proj) loses …% in 4 bits: kept as int8"],
    );
    // 3.3 % with one scale for groups of activations that are alike, which makes their rounding error 1.15 times as large.
    check_fallback("blocks.1.q_proj.weight", 0.6, "int8", 0.035, &[]);
    for gated in ["blocks.1.ff_out.weight", "blocks.0.up_proj.weight"] {
        let note = match gated.contains("up") {
            true => "blocks.0.gate_up (ff_proj+up_proj) loses …",
            false => "blocks.1.down (ff_out) loses …",
        };
        let [in_4, in_8] = ["% in 4 bits: kept as int8", "% in 8 bits: kept as f32"]
            .map(|it| format!("{note}{it}"));
        check_fallback(gated, 40.0, "int4", 0.8, &[&in_4, &in_8]);
        check_fallback(gated, 40.0, "int8", 0.2, &[&in_8]);
    }
}

#[test]
fn what_is_kept_otherwise_is_kept_on_the_disk_too() {
    let saved = governed("blocks.1.q_proj.weight", 128, 0.6).save();
    let folder = tempfile::TempDir::new().expect("there is room for a folder");
    let mut spec = saved.spec("cpu", "int4");
    let load = |spec: &LoadSpec| {
        Candle
            .load(spec, &|_| std::ops::ControlFlow::Continue(()))
            .expect("it is whole")
    };
    let right = logits(&*load(&spec));
    spec.cache_folder = Some(folder.path().to_owned());
    for _ in 0..2 {
        assert_eq!(logits(&*load(&spec)), right);
        assert_eq!(
            std::fs::read_dir(folder.path())
                .expect("it is there")
                .count(),
            2
        );
    }
}

#[test]
fn long_rows_of_keys_give_what_f32_gives() {
    let checkpoint = TestCheckpoint::new(WIDE);
    let ids: Vec<u32> = (0..700).map(|at| at * 7 % 40).collect();
    let last = |precision: &str| {
        let model = load(&checkpoint, precision);
        let mut session = model
            .session(SessionSpec {
                cells: 700,
                slots: 1,
            })
            .expect("there is room");
        let mut batch = Batch::new(&[TestRow::kept(0, &ids)]);
        batch.wanted = vec![0, 350, 699];
        let cancel = CancelFlag::new();
        session
            .forward(&batch.pass(&cancel))
            .expect("the pass is computed");
        unmask_sdk::testing::read(&mut *session, &[0, 1, 2])
    };
    let right = last("f32");
    assert!(relative_error(&last("int8"), &right) < 0.03);
}
