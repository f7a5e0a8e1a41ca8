//! Loads that fail, that are stopped, and that come during a turn.

use super::*;

impl Bench {
    fn load_failure(&self) -> Failure {
        loop {
            match self.next() {
                EngineEvent::LoadFailed { failure, .. } => return failure,
                EngineEvent::Loading { .. } => (),
                other => panic!("did not fail: {other:?}"),
            }
        }
    }
}

#[test]
fn a_failed_load_leaves_the_model_before_in_place() {
    let mut bench = Bench::loaded(Fake::default());
    for (key, text) in [
        ("missing", "no model `missing`"),
        ("panic", "the engine met a bug: asked to"),
    ] {
        bench.load(key);
        assert_eq!(bench.load_failure().text, text);
    }
    bench.begin(prompt(2), 2);
    assert_eq!(bench.outcome().text, "23");
}

#[test]
fn loads_that_are_stopped_while_they_wait_are_not_begun() {
    // The turn keeps the thread busy, so that the loads wait and are stopped before they begin.
    let (fake, permit) = gated();
    let mut bench = Bench::loaded(fake);
    bench.begin(prompt(1), 1);
    bench.load("b");
    bench.load("c");
    bench.engine.cancel_load();
    permit.send(()).expect("the session waits");
    assert_eq!(bench.outcome().text, "2");
    for key in ["b", "c"] {
        let failure = bench.load_failure();
        assert_eq!(
            failure.text,
            format!("loading `{key}` was stopped on request")
        );
    }
    bench.load("late");
    assert!(matches!(bench.next(), EngineEvent::Loading { .. }));
    let EngineEvent::Loaded(loaded) = bench.next() else {
        panic!("it is not stopped");
    };
    assert_eq!(loaded.key, "late");
}

#[test]
fn a_load_that_is_ready_when_it_hears_of_the_stop_does_not_replace_the_model() {
    let (fake, permit) = gated();
    let mut bench = Bench::loaded(fake);
    bench.load("deaf");
    assert!(matches!(bench.next(), EngineEvent::Loading { .. }));
    bench.engine.cancel_load();
    permit.send(()).expect("the loader waits");
    let failure = bench.load_failure();
    assert_eq!(failure.text, "loading `deaf` was stopped on request");
}

#[test]
fn a_load_during_a_turn_waits_for_its_end() {
    let (fake, permit) = gated();
    let mut bench = Bench::loaded(fake);
    bench.begin(prompt(2), 2);
    bench.load("b");
    (0..2).for_each(|_| permit.send(()).expect("the session waits"));
    assert_eq!(bench.outcome().text, "23");
    assert!(matches!(bench.next(), EngineEvent::Loading { .. }));
    assert!(matches!(bench.next(), EngineEvent::Loaded(loaded) if loaded.key == "b"));
}
