//! The short form as a device makes it, computed on the processor, against that of whole rows.

use ort::value::Tensor;
use unmask_sdk::{RowSummary, TokenId, TopRequest, TopRows};

use super::*;
use crate::device::ComputeDevice;
use crate::runner::SessionPlan;
use crate::short_form::{self, DeviceShortForm};

fn form(vocab: usize) -> DeviceShortForm {
    let plan = SessionPlan {
        device: ComputeDevice::Cpu,
        threads: 1,
        spin: false,
        is_prepacked: false,
        allow_cpu_fallback: false,
        file: None,
    };
    let environment = crate::runtime::environment(None).expect("it starts");
    let graph = short_form::graph(vocab);
    let prepared = plan.prepare(&environment, &graph, &|_| {
        std::ops::ControlFlow::Continue(())
    });
    DeviceShortForm::new(prepared.expect("it is taken").runner, graph, vocab)
}

/// Numbers that are all different, in no order.
fn rows(count: usize, vocab: usize) -> Vec<f32> {
    let numbers = (0..count * vocab).map(|at| (at * 7919 % 104_729) as f32 / 104_729.0);
    numbers.map(|it| 20.0 * it - 12.0).collect()
}

fn read(
    form: &DeviceShortForm,
    logits: &[f32],
    vocab: usize,
    request: &TopRequest<'_>,
    k: usize,
) -> Option<TopRows> {
    let shape = [logits.len() / vocab, vocab];
    let tensor = Tensor::from_array((shape, logits.to_vec())).expect("it has a shape");
    let mut top = TopRows::default();
    top.reset(request, k);
    let done = form.read(&tensor.upcast(), request, &mut top.view());
    let told = done.expect("it is computed")?;
    told.into_iter().all(|told| told).then_some(top)
}

#[test]
fn the_short_form_of_a_device_is_that_of_whole_rows() {
    let Some(_) = subject() else { return };
    for vocab in [9, 258, 512, 515, 3072] {
        let form = form(vocab);
        let logits = rows(4, vocab);
        let last = TokenId(vocab as u32 - 1);
        let banned = [TokenId(1), TokenId(4), last];
        let asked = [TokenId(0), last, TokenId(4), TokenId(2)];
        let request = TopRequest {
            rows: &[1, 3],
            banned: &banned,
            asked: &asked,
            divergence: false,
        };
        let top = read(&form, &logits, vocab, &request, 5).expect("no two are equal");
        for (index, row) in [1_usize, 3].into_iter().enumerate() {
            let whole = &logits[row * vocab..][..vocab];
            let own = RowSummary::of(whole, &banned, 5);
            let best = top
                .ids(index)
                .iter()
                .copied()
                .zip(top.logits(index).iter().copied());
            assert_eq!(best.collect::<Vec<_>>(), own.best, "{vocab}");
            let near = |one: f64, other: f64| (one - other).abs() <= 1e-5 * other.abs() + 1e-6;
            assert!(
                near(top.tail(index), own.tail),
                "{vocab}: {} {}",
                top.tail(index),
                own.tail
            );
            assert!(near(top.entropy(index), own.entropy), "{vocab}");
            for (id, got) in asked[2 * index..][..2].iter().zip(top.asked(index)) {
                assert_eq!(*got, whole[id.index()]);
            }
        }
    }
}

#[test]
fn a_tail_beside_a_sure_token_is_not_lost_and_equals_are_left_to_whole_rows() {
    let Some(_) = subject() else { return };
    let vocab = 512;
    let form = form(vocab);
    let request = TopRequest {
        rows: &[0],
        ..TopRequest::default()
    };
    let mut sure = rows(1, vocab);
    sure[300] = 20.0;
    let own = RowSummary::of(&sure, &[], 5);
    let top = read(&form, &sure, vocab, &request, 5).expect("no two are equal");
    // In a sum with the token's own 1 it would be off by 4e-4.
    let off = top.tail(0) / own.tail - 1.0;
    assert!(own.tail < 1e-3 && off.abs() < 2e-5, "{off}");
    // The fifth and the sixth, then all.
    let order = RowSummary::best(&sure, &[], 6);
    sure[order[5].0.index()] = order[4].1;
    assert_eq!(read(&form, &sure, vocab, &request, 5), None);
    assert_eq!(read(&form, &vec![1.0; vocab], vocab, &request, 2), None);
    // Two that are the best: told, the lower id first.
    let mut twins = rows(1, vocab);
    (twins[7], twins[400]) = (30.0, 30.0);
    let top = read(&form, &twins, vocab, &request, 2).expect("the third is less");
    assert_eq!(top.ids(0), [TokenId(7), TokenId(400)]);
    assert!((top.tail(0) - RowSummary::of(&twins, &[], 2).tail).abs() < 1e-6);
    assert_eq!(read(&form, &[f32::NAN; 512], vocab, &request, 2), None);
}
