//! Requests that come early, late or one upon another.

use std::sync::mpsc::RecvTimeoutError;

use super::*;

/// Two turns, the first of which rests in a forward.
fn two_turns(fake: Fake) -> Bench {
    let mut bench = Bench::loaded(fake);
    bench.begin(prompt(2), 2);
    assert!(matches!(bench.next_turn(), TurnEvent::Started { .. }));
    bench.begin(prompt(2), 2);
    bench
}

#[test]
fn a_turn_stopped_or_abandoned_before_it_starts_makes_no_step() {
    for request in [TurnHandle::stop, TurnHandle::abandon] {
        let (fake, permit) = gated();
        let bench = two_turns(fake);
        request(bench.turn());
        (0..2).for_each(|_| permit.send(()).expect("the session waits"));
        assert_eq!(bench.outcome().text, "23");
        let second = bench.outcome();
        assert_eq!(
            (second.reason, second.stats.nfe),
            (FinishReason::Stopped, 0)
        );
    }
}

#[test]
fn a_turn_paused_before_it_starts_rests_at_once() {
    let (fake, permit) = gated();
    let paused = two_turns(fake);
    paused.turn().pause();
    (0..2).for_each(|_| permit.send(()).expect("the session waits"));
    assert_eq!(paused.outcome().text, "23");
    assert!(matches!(paused.next_turn(), TurnEvent::Started { .. }));
    assert_eq!(paused.next_turn(), TurnEvent::Paused(0));
    paused.turn().resume();
    assert_eq!(paused.next_turn(), TurnEvent::Resumed);
    (0..2).for_each(|_| permit.send(()).expect("the session waits"));
    assert_eq!(paused.outcome().text, "23");
}

#[test]
fn a_turn_begun_right_after_an_abandoned_one_runs_whole() {
    let (fake, permit) = gated();
    let mut bench = Bench::loaded(fake);
    bench.begin(prompt(2), 2);
    bench.turn().abandon();
    bench.begin(prompt(2), 2);
    (0..3).for_each(|_| permit.send(()).expect("the session waits"));
    assert_eq!(bench.outcome().reason, FinishReason::Stopped);
    // An abandoned turn may have used a permit.
    permit.send(()).expect("the session waits");
    assert_eq!(bench.outcome().text, "23");
}

#[test]
fn a_request_reaches_the_turn_of_its_handle_and_no_other() {
    let (fake, permit) = gated();
    let mut bench = two_turns(fake);
    bench.begin(prompt(2), 2);
    bench.turns[1].stop();
    (0..2).for_each(|_| permit.send(()).expect("the session waits"));
    assert_eq!(bench.outcome().text, "23");
    assert_eq!(bench.outcome().reason, FinishReason::Stopped);
    // The first has ended, the second is stopped: neither can be anything else.
    bench.turns[0].abandon();
    bench.turns[1].pause();
    (0..2).for_each(|_| permit.send(()).expect("the session waits"));
    assert_eq!(bench.outcome().text, "23");
}

#[test]
fn dropping_a_handle_abandons_its_turn_and_no_other() {
    let (fake, permit) = gated();
    let mut bench = two_turns(fake);
    drop(bench.turns.remove(0));
    permit.send(()).expect("the session waits");
    let first = bench.outcome();
    assert_eq!(
        (first.reason, first.stats.committed),
        (FinishReason::Stopped, 0)
    );
    (0..2).for_each(|_| permit.send(()).expect("the session waits"));
    assert_eq!(bench.outcome().text, "23");
}

#[test]
fn dropping_the_engine_ends_the_turns_that_wait_too() {
    let (fake, permit) = gated();
    let Bench {
        engine,
        events,
        turns,
    } = two_turns(fake);
    drop(engine);
    // The first forward is let go, and sees that it is not wanted; no other asks for a permit.
    permit.send(()).expect("the session waits");
    let ended = loop {
        match events.recv_timeout(std::time::Duration::from_secs(20)) {
            Ok(_) => (),
            Err(error) => break error,
        }
    };
    assert_eq!(ended, RecvTimeoutError::Disconnected);
    drop(turns);
}

#[test]
fn a_receiver_that_panics_ends_neither_turn_nor_thread() {
    let (sender, events) = channel();
    let on_event = move |event: EngineEvent| {
        let finished = matches!(event, EngineEvent::Turn(_, TurnEvent::Finished(_)));
        drop(sender.send(event));
        assert!(finished, "a receiver's own bug");
    };
    let engine = Engine::start(Box::new(Fake::default()), on_event);
    let mut bench = Bench {
        engine: engine.expect("a thread can be had"),
        events,
        turns: Vec::new(),
    };
    bench.load("a");
    assert!(matches!(bench.next(), EngineEvent::Loading { .. }));
    assert!(matches!(bench.next(), EngineEvent::Loaded(_)));
    for _ in 0..2 {
        bench.begin(prompt(2), 2);
        assert_eq!(bench.outcome().text, "23");
    }
}
