//! Several turns at once: by turns, in passes of several, and what becomes of the others when one ends otherwise.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use super::*;
use crate::concurrency::BatchLimit;
use crate::likelihood::{Masking, Samples};

/// So many turns at once, so many in a pass.
fn at_once(turns: usize, batch: usize) -> Concurrency {
    Concurrency {
        turns: NonZeroUsize::new(turns),
        batch: BatchLimit::Most(NonZeroUsize::new(batch).expect("it is not 0")),
    }
}

/// Turns that are all begun before the first pass is made, and the permits of the passes.
struct Several {
    bench: Bench,
    permit: Option<Sender<()>>,
    passes: Arc<Mutex<Vec<usize>>>,
}

fn sharing(client: &str, passes: Passes) -> Sharing {
    Sharing {
        client: client.to_owned(),
        passes,
    }
}

impl Several {
    fn new(fake: Fake, concurrency: Concurrency) -> Self {
        let (permit, gate) = channel();
        let fake = Fake {
            gate: Some(Arc::new(Mutex::new(gate))),
            ..fake
        };
        let passes = Arc::clone(&fake.passes);
        let mut bench = Bench::concurrent(fake, concurrency);
        bench.load("a");
        assert!(matches!(bench.next(), EngineEvent::Loading { .. }));
        assert!(matches!(bench.next(), EngineEvent::Loaded(_)));
        Self {
            bench,
            permit: Some(permit),
            passes,
        }
    }

    /// Begins a turn of a client with an answer of so many tokens, a step each.
    fn begin(&mut self, turn: u64, sharing: Sharing, length: usize, cfg_scale: f32) {
        let request = TurnRequest {
            turn: TurnId(turn),
            input: prompt(length),
            params: Params {
                steps: length,
                block_length: length,
                cfg_scale,
                ..Params::default()
            },
        };
        let handle = self.bench.engine.begin_for(sharing, request);
        self.bench.turns.push(handle);
    }

    fn permit(&self, passes: usize) {
        let permit = self.permit.as_ref().expect("the gate is open");
        (0..passes).for_each(|_| permit.send(()).expect("the session waits"));
    }

    fn next_turn(&self) -> (u64, TurnEvent) {
        match self.bench.next() {
            EngineEvent::Turn(turn, event) => (turn.0, event),
            other => panic!("no event of a turn: {other:?}"),
        }
    }

    /// Whose events come, in order, until so many turns have ended; and what they came to.
    fn ended(&self, turns: usize) -> (Vec<u64>, BTreeMap<u64, Result<Outcome, Failure>>) {
        let (mut order, mut ends) = (Vec::new(), BTreeMap::new());
        while ends.len() < turns {
            let (turn, event) = self.next_turn();
            order.push(turn);
            match event {
                TurnEvent::Finished(outcome) => drop(ends.insert(turn, Ok(outcome))),
                TurnEvent::Failed(failure) => drop(ends.insert(turn, Err(failure))),
                _ => (),
            }
        }
        (order, ends)
    }

    fn passes(&self) -> Vec<usize> {
        self.passes.lock().expect("nobody panics").clone()
    }
}

fn texts(ends: &BTreeMap<u64, Result<Outcome, Failure>>) -> Vec<&str> {
    let ends = ends.values();
    ends.map(|end| match end {
        Ok(outcome) => outcome.text.as_str(),
        Err(failure) => panic!("{failure:?}"),
    })
    .collect()
}

#[test]
fn a_short_turn_does_not_wait_for_a_long_one() {
    let mut several = Several::new(Fake::default(), at_once(2, 1));
    several.begin(1, sharing("a", Passes::Together), 9, 0.0);
    several.begin(2, sharing("b", Passes::Together), 2, 0.0);
    several.permit(11);
    let (order, ends) = several.ended(2);
    assert_eq!(texts(&ends), ["23456789a", "23"]);
    assert_eq!(order.last(), Some(&1), "{order:?}");
    assert_eq!(several.passes(), [1; 11]);
}

#[test]
fn no_more_turns_run_than_may() {
    let mut several = Several::new(Fake::default(), at_once(2, 1));
    for turn in 1..=3 {
        several.begin(turn, sharing("a", Passes::Together), 2, 0.0);
    }
    several.permit(6);
    let (order, ends) = several.ended(3);
    assert_eq!(texts(&ends), ["23", "23", "23"]);
    let third = order.iter().position(|&turn| turn == 3);
    // Until one of the first two has ended: begun, two steps and the end.
    assert!(third >= Some(4 + 2), "{order:?}");
}

#[test]
fn one_pass_computes_several_turns() {
    for cfg_scale in [0.0, 1.0] {
        let mut several = Several::new(Fake::default(), at_once(8, 3));
        for turn in 1..=3 {
            several.begin(turn, sharing("a", Passes::Together), 4, cfg_scale);
        }
        several.permit(12);
        let (_, ends) = several.ended(3);
        assert_eq!(texts(&ends), ["2345"; 3]);
        let rows = if cfg_scale > 0.0 { 2 } else { 1 };
        let passes = several.passes();
        assert_eq!(passes.iter().sum::<usize>(), 12 * rows, "{passes:?}");
        for handle in &several.bench.turns {
            assert_eq!(handle.ran_in(), Passes::Together);
        }
        // The first may have made passes before the others came.
        assert_eq!(passes.iter().max(), Some(&(3 * rows)), "{passes:?}");
    }
}

#[test]
fn a_turn_that_is_to_be_alone_shares_no_pass() {
    let mut several = Several::new(Fake::default(), at_once(3, 3));
    several.begin(1, sharing("a", Passes::Together), 2, 0.0);
    several.begin(2, sharing("b", Passes::Alone), 2, 0.0);
    several.begin(3, sharing("c", Passes::Alone), 2, 0.0);
    several.permit(6);
    let (_, ends) = several.ended(3);
    assert_eq!(texts(&ends), ["23"; 3]);
    assert_eq!(several.passes(), [1; 6]);
    for handle in &several.bench.turns {
        assert_eq!(handle.ran_in(), Passes::Alone);
    }
}

#[test]
fn a_turn_that_rests_lets_the_others_go_on() {
    for batch in [1, 2] {
        let mut several = Several::new(Fake::default(), at_once(2, batch));
        several.begin(1, sharing("a", Passes::Together), 4, 0.0);
        several.begin(2, sharing("b", Passes::Together), 4, 0.0);
        several.bench.turns[0].pause();
        several.permit(5);
        let (_, ends) = several.ended(1);
        assert_eq!(ends.keys().collect::<Vec<_>>(), [&2]);
        several.bench.turns[0].resume();
        several.permit(4);
        let (_, ends) = several.ended(1);
        assert_eq!(texts(&ends), ["2345"]);
    }
}

#[test]
fn a_turn_that_is_abandoned_leaves_the_pass_to_the_others() {
    let mut several = Several::new(Fake::default(), at_once(2, 2));
    several.begin(1, sharing("a", Passes::Together), 4, 0.0);
    several.begin(2, sharing("b", Passes::Together), 4, 0.0);
    several.permit(1);
    // Both are in the second pass then, which waits for its permit.
    while !matches!(several.next_turn(), (2, TurnEvent::Started { .. })) {}
    several.bench.turns[0].abandon();
    several.permit(4);
    let (_, ends) = several.ended(2);
    let outcome = |turn| ends[&turn].as_ref().expect("it did not fail");
    assert_eq!(outcome(1).reason, FinishReason::Stopped);
    assert_eq!(outcome(2).text, "2345");
}

#[test]
fn a_pass_that_nobody_wants_any_more_is_broken_off() {
    let mut several = Several::new(Fake::default(), at_once(2, 2));
    several.begin(1, sharing("a", Passes::Together), 4, 0.0);
    several.begin(2, sharing("b", Passes::Together), 4, 0.0);
    several.permit(1);
    while !matches!(several.next_turn(), (2, TurnEvent::Started { .. })) {}
    several.bench.turns.clear();
    several.permit(1);
    let (_, ends) = several.ended(2);
    for end in ends.values() {
        let outcome = end.as_ref().expect("it did not fail");
        assert_eq!(outcome.reason, FinishReason::Stopped);
        assert!(outcome.stats.nfe <= 1);
    }
    assert!(several.passes().len() <= 1, "{:?}", several.passes());
}

#[test]
fn a_process_that_ends_fails_every_turn_and_is_told_once() {
    for batch in [1, 2] {
        let fake = Fake {
            is_mortal: true,
            ..Fake::default()
        };
        let mut several = Several::new(fake, at_once(2, batch));
        several.begin(1, sharing("a", Passes::Together), 4, 0.0);
        several.begin(2, sharing("b", Passes::Together), 4, 0.0);
        several.permit(2);
        while !matches!(several.next_turn(), (2, TurnEvent::Started { .. })) {}
        several.permit = None;
        let (_, ends) = several.ended(2);
        for end in ends.values() {
            let failure = end.as_ref().expect_err("the process is gone");
            assert_eq!(failure.text, "the process of fake ended");
        }
        assert!(matches!(several.bench.next(), EngineEvent::Lost { .. }));
        several.begin(3, sharing("a", Passes::Together), 1, 0.0);
        let (_, ends) = several.ended(1);
        let failure = ends[&3].as_ref().expect_err("there is no model");
        assert_eq!(failure.text, "no model is loaded");
    }
}

#[test]
fn a_load_waits_for_every_turn_and_turns_behind_it_are_of_its_model() {
    let mut several = Several::new(Fake::default(), at_once(2, 1));
    several.begin(1, sharing("a", Passes::Together), 3, 0.0);
    several.begin(2, sharing("b", Passes::Together), 1, 0.0);
    several.bench.load("b");
    several.begin(3, sharing("b", Passes::Together), 1, 0.0);
    several.permit(5);
    let (order, _) = several.ended(2);
    assert!(!order.contains(&3), "{order:?}");
    assert!(matches!(several.bench.next(), EngineEvent::Loading { .. }));
    assert!(matches!(several.bench.next(), EngineEvent::Loaded(loaded) if loaded.key == "b"));
    let (_, ends) = several.ended(1);
    assert_eq!(texts(&ends), ["2"]);
}

#[test]
fn a_turn_that_there_is_no_memory_for_waits_until_another_has_ended() {
    let fake = Fake {
        most_slots: Some(1),
        ..Fake::default()
    };
    let mut several = Several::new(fake, at_once(2, 1));
    several.begin(1, sharing("a", Passes::Together), 2, 0.0);
    several.begin(2, sharing("b", Passes::Together), 2, 0.0);
    several.permit(4);
    let (order, ends) = several.ended(2);
    assert_eq!(texts(&ends), ["23", "23"]);
    assert_eq!(order, [1, 1, 1, 1, 2, 2, 2, 2]);
}

#[test]
fn a_session_of_several_has_as_many_slots_as_there_is_memory_for() {
    let fake = Fake {
        most_slots: Some(3),
        ..Fake::default()
    };
    let mut several = Several::new(fake, at_once(4, 4));
    for turn in 1..=4 {
        several.begin(turn, sharing("a", Passes::Together), 2, 0.0);
    }
    several.permit(8);
    let (_, ends) = several.ended(4);
    assert_eq!(texts(&ends), ["23"; 4]);
    // Two sit in the session of two slots, one has its own, and one waits.
    let passes = several.passes();
    assert!(
        passes.contains(&2) && passes.iter().all(|&rows| rows <= 2),
        "{passes:?}"
    );
}

#[test]
fn turns_go_on_between_the_forwards_of_a_measurement() {
    let mut several = Several::new(Fake::default(), at_once(2, 1));
    let pair = Pair {
        context: vec![TokenId(1)],
        continuation: vec![TokenId(2)],
    };
    let request = MeasureRequest {
        measure: MeasureId(3),
        pairs: vec![pair; 40],
        samples: Samples::Exact,
        cfg_scale: 0.0,
        masking: Masking::default(),
        rows: None,
        greedy: true,
    };
    let engine = &mut several.bench.engine;
    let measure = engine.measure_for(sharing("a", Passes::Together), request);
    several.begin(1, sharing("b", Passes::Together), 4, 0.0);
    several.permit(84);
    let mut steps_before = None;
    let mut steps = 0;
    loop {
        match several.bench.next() {
            EngineEvent::Turn(_, TurnEvent::Step(_)) => steps += 1,
            EngineEvent::Turn(_, TurnEvent::Finished(outcome)) => {
                assert_eq!(outcome.text, "2345");
                break;
            }
            EngineEvent::Measure(_, MeasureEvent::Finished) => steps_before = Some(steps),
            EngineEvent::Measure(_, MeasureEvent::Failed(failure)) => panic!("{failure}"),
            _ => (),
        }
    }
    // Whoever is new has had as little of the engine's time as anybody else, and so comes after the first forward.
    assert!(steps_before != Some(0), "it has waited for the measurement");
    drop(measure);
}
