//! Loads that fail, that are stopped, that come during a turn, and that need the room of the model before.

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
fn a_load_that_is_ready_when_it_sees_the_stop_does_not_replace_the_model() {
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

/// The events of loading up to and with the `n`th end of a load, a word each.
fn words(bench: &Bench, n: usize) -> Vec<String> {
    let mut words = Vec::new();
    let mut ended = 0;
    while ended < n {
        words.push(match bench.next() {
            EngineEvent::Unloaded(loaded) => format!("unloaded {}", loaded.key),
            EngineEvent::Lost { loaded, .. } => format!("lost {}", loaded.key),
            EngineEvent::Loading { key, .. } => format!("loading {key}"),
            EngineEvent::Loaded(loaded) => {
                ended += 1;
                format!("loaded {}", loaded.key)
            }
            EngineEvent::LoadFailed { key, .. } => {
                ended += 1;
                format!("failed {key}")
            }
            EngineEvent::Turn(..) => "turn".to_owned(),
            EngineEvent::Measure(..) => "measure".to_owned(),
        });
    }
    words
}

fn load_alone(bench: &mut Bench, key: &str) {
    bench.engine.load(LoadRequest {
        key: key.to_owned(),
        old: OldModel::UnloadedFirst,
        ..LoadRequest::default()
    });
}

#[test]
fn a_model_that_makes_room_is_gone_before_the_new_one_is_read() {
    let mut bench = Bench::loaded(Fake::default());
    load_alone(&mut bench, "b");
    assert_eq!(words(&bench, 1), ["unloaded a", "loading b", "loaded b"]);
    // Without a model there is nothing to unload.
    let mut bench = Bench::new(Fake::default());
    load_alone(&mut bench, "b");
    assert_eq!(words(&bench, 1), ["loading b", "loaded b"]);
}

#[test]
fn a_model_that_made_room_comes_back_if_the_new_one_fails() {
    let mut bench = Bench::loaded(Fake::default());
    for key in ["missing", "panic"] {
        load_alone(&mut bench, key);
        let failed = format!("failed {key}");
        assert_eq!(
            words(&bench, 2),
            ["unloaded a", &failed, "loading a", "loaded a"]
        );
    }
    bench.begin(prompt(2), 2);
    assert_eq!(bench.outcome().text, "23");
}

#[test]
fn a_model_that_made_room_comes_back_if_the_load_is_stopped() {
    let (fake, permit) = gated();
    let mut bench = Bench::loaded(fake);
    load_alone(&mut bench, "deaf");
    assert!(matches!(bench.next(), EngineEvent::Unloaded(_)));
    assert!(matches!(bench.next(), EngineEvent::Loading { .. }));
    bench.engine.cancel_load();
    permit.send(()).expect("the loader waits");
    assert_eq!(words(&bench, 2), ["failed deaf", "loading a", "loaded a"]);
}

#[test]
fn the_return_of_a_model_is_stopped_by_a_second_request() {
    let (fake, permit) = gated();
    let mut bench = Bench::new(fake);
    bench.load("deaf");
    permit.send(()).expect("the loader waits");
    assert_eq!(words(&bench, 1), ["loading deaf", "loaded deaf"]);
    load_alone(&mut bench, "missing");
    assert!(matches!(bench.next(), EngineEvent::Unloaded(_)));
    assert_eq!(words(&bench, 1), ["failed missing"]);
    assert!(matches!(bench.next(), EngineEvent::Loading { .. }));
    bench.engine.cancel_load();
    permit.send(()).expect("the loader waits");
    assert_eq!(words(&bench, 1), ["failed deaf"]);
    bench.begin(prompt(2), 2);
    assert_eq!(bench.failure().text, "no model is loaded");
}

#[test]
fn a_load_stopped_before_it_begins_leaves_the_model_where_it_is() {
    let (fake, permit) = gated();
    let mut bench = Bench::loaded(fake);
    bench.begin(prompt(1), 1);
    load_alone(&mut bench, "b");
    bench.engine.cancel_load();
    permit.send(()).expect("the session waits");
    assert_eq!(bench.outcome().text, "2");
    assert_eq!(words(&bench, 1), ["failed b"]);
}

#[test]
fn a_model_whose_process_has_ended_is_let_go_of_and_can_be_loaded_again() {
    let (mut fake, permit) = gated();
    fake.is_mortal = true;
    let mut bench = Bench::loaded(fake);
    bench.begin(prompt(4), 4);
    assert!(matches!(bench.next_turn(), TurnEvent::Started { .. }));
    permit.send(()).expect("the session waits");
    assert!(matches!(bench.next_turn(), TurnEvent::Step(_)));
    drop(permit);
    let failure = bench.failure();
    assert_eq!(failure.text, "the process of fake ended");
    assert!(failure.hint.contains("log"), "{failure}");
    let EngineEvent::Lost { loaded, again, .. } = bench.next() else {
        panic!("the model still counts as loaded");
    };
    assert_eq!((loaded.key.as_str(), again.key.as_str()), ("a", "a"));
    bench.begin(prompt(2), 2);
    assert_eq!(bench.failure().text, "no model is loaded");
    bench.engine.load(again);
    assert_eq!(words(&bench, 1), ["loading a", "loaded a"]);
}

#[test]
fn a_process_that_ends_while_nothing_is_asked_is_noticed() {
    let fake = Fake {
        is_mortal: true,
        ..Fake::default()
    };
    let has_ended = std::sync::Arc::clone(&fake.has_ended);
    let bench = Bench::loaded(fake);
    has_ended.store(true, std::sync::atomic::Ordering::Relaxed);
    let EngineEvent::Lost {
        loaded, failure, ..
    } = bench.next()
    else {
        panic!("nobody looked after the process");
    };
    assert_eq!(loaded.key, "a");
    assert_eq!(failure.text, "the process of fake ended");
}
