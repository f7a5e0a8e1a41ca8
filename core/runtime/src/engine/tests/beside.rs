//! Turns and measurements beside one another where there is memory for one session alone.

use std::num::NonZeroUsize;

use super::*;
use crate::concurrency::BatchLimit;
use crate::likelihood::{Masking, Samples};

/// With room for one slot.
fn narrow() -> (Bench, Sender<()>) {
    let (fake, permit) = gated();
    let fake = Fake {
        most_slots: Some(1),
        ..fake
    };
    let concurrency = Concurrency {
        turns: NonZeroUsize::new(2),
        batch: BatchLimit::Most(NonZeroUsize::MIN),
    };
    let mut bench = Bench::concurrent(fake, concurrency);
    bench.load("a");
    assert!(matches!(bench.next(), EngineEvent::Loading { .. }));
    assert!(matches!(bench.next(), EngineEvent::Loaded(_)));
    (bench, permit)
}

/// Of two pairs, a forward each.
fn measure(bench: &mut Bench) -> MeasureHandle {
    let pair = Pair {
        context: vec![TokenId(1)],
        continuation: vec![TokenId(2)],
    };
    bench.engine.measure(MeasureRequest {
        measure: MeasureId(3),
        pairs: vec![pair; 2],
        samples: Samples::Exact,
        cfg_scale: 0.0,
        masking: Masking::default(),
        rows: Some(NonZeroUsize::MIN),
        greedy: false,
    })
}

/// What has ended, in order.
fn ended(bench: &Bench) -> Vec<&'static str> {
    let mut ended = Vec::new();
    while ended.len() < 2 {
        match bench.next() {
            EngineEvent::Turn(_, TurnEvent::Finished(outcome)) => {
                assert_eq!(outcome.text, "23");
                ended.push("turn");
            }
            EngineEvent::Measure(_, MeasureEvent::Finished) => ended.push("measurement"),
            EngineEvent::Turn(_, TurnEvent::Failed(failure))
            | EngineEvent::Measure(_, MeasureEvent::Failed(failure)) => panic!("{failure}"),
            _ => (),
        }
    }
    ended
}

#[test]
fn a_turn_waits_for_the_memory_of_a_measurement() {
    let (mut bench, permit) = narrow();
    let _measured = measure(&mut bench);
    bench.begin(prompt(2), 2);
    (0..4).for_each(|_| permit.send(()).expect("the session waits"));
    assert_eq!(ended(&bench), ["measurement", "turn"]);
}

#[test]
fn a_measurement_waits_for_the_memory_of_a_turn() {
    let (mut bench, permit) = narrow();
    bench.begin(prompt(2), 2);
    let _measured = measure(&mut bench);
    (0..4).for_each(|_| permit.send(()).expect("the session waits"));
    assert_eq!(ended(&bench), ["turn", "measurement"]);
}

#[test]
fn a_measurement_takes_the_memory_of_a_session_that_is_kept_for_a_later_turn() {
    let (mut fake, permit) = gated();
    (fake.most_slots, fake.attention) = (Some(1), Some(Attention::Causal));
    let mut bench = Bench::loaded(fake);
    (0..4).for_each(|_| permit.send(()).expect("the session waits"));
    bench.begin(prompt(2), 2);
    assert_eq!(bench.outcome().text, "23");
    let _measured = measure(&mut bench);
    loop {
        match bench.next() {
            EngineEvent::Measure(_, MeasureEvent::Finished) => break,
            EngineEvent::Measure(_, MeasureEvent::Failed(failure)) => panic!("{failure}"),
            _ => (),
        }
    }
}
