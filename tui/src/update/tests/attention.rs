//! Calls to a user who looks elsewhere.

use super::*;
use crate::state::{Call, Gaze};

/// What is called when a turn of this many seconds ends.
fn called(gaze: Gaze, call: Call, seconds: u64) -> Vec<Effect> {
    let mut driver = Driver::denoising();
    driver.state.attention.call = call;
    driver.act(Action::Gaze(gaze));
    driver.wait(seconds * 1000);
    let mut effects = driver.finish("hi", FinishReason::Complete);
    effects.retain(|effect| matches!(effect, Effect::Call(_)));
    effects
}

#[test]
fn a_long_turn_that_ends_unseen_calls_once() {
    for call in [Call::Bell, Call::Osc9] {
        assert_eq!(called(Gaze::Elsewhere, call, 11), [Effect::Call(call)]);
    }
}

#[test]
fn a_short_turn_or_one_that_is_seen_to_end_does_not_call() {
    assert_eq!(called(Gaze::Elsewhere, Call::Bell, 9), []);
    assert_eq!(called(Gaze::Here, Call::Bell, 60), []);
}

#[test]
fn nobody_is_called_who_does_not_want_it() {
    assert_eq!(called(Gaze::Elsewhere, Call::Off, 60), []);
}
