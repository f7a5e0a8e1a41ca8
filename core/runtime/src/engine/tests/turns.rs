//! A turn from its beginning to each of its ends.

use super::*;

#[test]
fn a_turn_runs_to_its_end() {
    let mut bench = Bench::loaded(Fake::default());
    bench.begin(prompt(4), 4);
    let outcome = bench.outcome();
    assert_eq!(
        (outcome.text.as_str(), outcome.reason),
        ("2345", FinishReason::Complete)
    );
    assert_eq!((outcome.stats.nfe, outcome.stats.committed), (4, 4));
}

#[test]
fn an_end_token_ends_the_turn_before_the_last_block() {
    let mut bench = Bench::loaded(Fake::default());
    let params = Params {
        steps: 20,
        block_length: 5,
        ..Params::default()
    };
    bench.begin_with(prompt(20), params);
    let outcome = bench.outcome();
    // Position 11 wants the end token; it stands in the second block of four.
    assert_eq!(
        (outcome.text.as_str(), outcome.reason),
        ("23456789a", FinishReason::EndToken)
    );
    assert_eq!((outcome.stats.nfe, outcome.stats.nfe_saved), (10, 10.0));
}

#[test]
fn a_pause_changes_no_token() {
    let (fake, permit) = gated();
    let mut bench = Bench::loaded(fake);
    bench.begin(prompt(4), 4);
    assert!(matches!(bench.next_turn(), TurnEvent::Started { .. }));
    bench.turn().pause();
    permit.send(()).expect("the session waits");
    let paused = loop {
        match bench.next_turn() {
            TurnEvent::Paused(step) => break step,
            TurnEvent::Step(_) => (),
            other => panic!("{other:?}"),
        }
    };
    assert!(paused <= 1);
    bench.turn().resume();
    (0..4).for_each(|_| permit.send(()).expect("the session waits"));
    assert_eq!(bench.outcome().text, "2345");
}

#[test]
fn a_stopped_turn_keeps_the_text_before_the_first_mask() {
    let (fake, permit) = gated();
    let mut bench = Bench::loaded(fake);
    bench.begin(prompt(4), 4);
    bench.turn().stop();
    permit.send(()).ok();
    let outcome = bench.outcome();
    assert_eq!(
        (outcome.text.as_str(), outcome.reason),
        ("", FinishReason::Stopped)
    );
    assert!(outcome.canvas.masked_in(0..6).count() >= 3);
}

#[test]
fn an_abandoned_turn_ends_inside_a_forward() {
    let (fake, permit) = gated();
    let mut bench = Bench::loaded(fake);
    bench.begin(prompt(4), 4);
    assert!(matches!(bench.next_turn(), TurnEvent::Started { .. }));
    bench.turn().abandon();
    permit.send(()).ok();
    assert_eq!(bench.outcome().stats.committed, 0);
}

#[test]
fn a_turn_without_a_model_says_so() {
    let mut bench = Bench::new(Fake::default());
    bench.begin(prompt(2), 2);
    assert_eq!(bench.failure().text, "no model is loaded");
}

#[test]
fn settings_that_do_not_divide_are_a_usage_failure() {
    let mut bench = Bench::loaded(Fake::default());
    bench.begin(prompt(5), 2);
    assert_eq!(bench.failure().kind, FailureKind::Usage);
}

#[test]
fn a_step_tells_how_much_of_its_time_the_forward_took() {
    let mut bench = Bench::loaded(Fake::default());
    bench.begin(prompt(2), 2);
    let mut steps = 0;
    loop {
        match bench.next_turn() {
            TurnEvent::Step(step) => {
                assert!(!step.forward.is_zero() && step.forward <= step.elapsed);
                steps += 1;
            }
            TurnEvent::Finished(_) => break,
            TurnEvent::Failed(failure) => panic!("{failure:?}"),
            TurnEvent::Started { .. } | TurnEvent::Paused(_) | TurnEvent::Resumed => (),
        }
    }
    assert_eq!(steps, 2);
}
