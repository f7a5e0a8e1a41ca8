//! Wishes that come early, late or one upon another.

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
    for wish in [Engine::stop, Engine::abandon] {
        let (fake, permit) = gated();
        let mut bench = two_turns(fake);
        wish(&mut bench.engine);
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
    let mut paused = two_turns(fake);
    paused.engine.pause();
    (0..2).for_each(|_| permit.send(()).expect("the session waits"));
    assert_eq!(paused.outcome().text, "23");
    assert!(matches!(paused.next_turn(), TurnEvent::Started { .. }));
    assert_eq!(paused.next_turn(), TurnEvent::Paused(0));
    paused.engine.resume();
    assert_eq!(paused.next_turn(), TurnEvent::Resumed);
    (0..2).for_each(|_| permit.send(()).expect("the session waits"));
    assert_eq!(paused.outcome().text, "23");
}

#[test]
fn a_turn_begun_right_after_an_abandoned_one_runs_whole() {
    let (fake, permit) = gated();
    let mut bench = Bench::loaded(fake);
    bench.begin(prompt(2), 2);
    bench.engine.abandon();
    bench.begin(prompt(2), 2);
    (0..3).for_each(|_| permit.send(()).expect("the session waits"));
    assert_eq!(bench.outcome().reason, FinishReason::Stopped);
    // An abandoned turn may have used a permit.
    permit.send(()).expect("the session waits");
    assert_eq!(bench.outcome().text, "23");
}

#[test]
fn dropping_the_handle_ends_the_turns_that_wait_too() {
    let (fake, permit) = gated();
    let Bench { engine, news } = two_turns(fake);
    drop(engine);
    // The first forward is let go, and hears that it is not wanted; no other asks for a permit.
    permit.send(()).expect("the session waits");
    let ended = loop {
        match news.recv_timeout(std::time::Duration::from_secs(20)) {
            Ok(_) => (),
            Err(error) => break error,
        }
    };
    assert_eq!(ended, RecvTimeoutError::Disconnected);
}

#[test]
fn a_listener_that_panics_ends_neither_turn_nor_thread() {
    let (tell, news) = channel();
    let listener = move |event: EngineEvent| {
        let finished = matches!(event, EngineEvent::Turn(_, TurnEvent::Finished(_)));
        drop(tell.send(event));
        assert!(finished, "a listener's own bug");
    };
    let engine = Engine::start(Box::new(Fake::default()), listener);
    let mut bench = Bench {
        engine: engine.expect("a thread can be had"),
        news,
    };
    bench.load("a");
    assert!(matches!(bench.next(), EngineEvent::Loading { .. }));
    assert!(matches!(bench.next(), EngineEvent::Loaded(_)));
    for _ in 0..2 {
        bench.begin(prompt(2), 2);
        assert_eq!(bench.outcome().text, "23");
    }
}
