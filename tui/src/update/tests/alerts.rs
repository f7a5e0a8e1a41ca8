//! Alerts while another window has the focus.

use super::*;
use crate::state::{AlertMethod, TerminalFocus};

/// The alerts when a turn of this many seconds ends.
fn alerts(focus: TerminalFocus, method: AlertMethod, seconds: u64) -> Vec<Effect> {
    let mut driver = Driver::denoising();
    driver.state.alerts.method = method;
    driver.act(Action::TerminalFocus(focus));
    driver.wait(seconds * 1000);
    let mut effects = driver.finish("hi", FinishReason::Complete);
    effects.retain(|effect| matches!(effect, Effect::Alert(_)));
    effects
}

#[test]
fn a_long_turn_that_ends_unseen_alerts_once() {
    for method in [AlertMethod::Bell, AlertMethod::Osc9] {
        assert_eq!(
            alerts(TerminalFocus::Unfocused, method, 11),
            [Effect::Alert(method)]
        );
    }
}

#[test]
fn a_short_turn_or_one_that_is_seen_to_end_does_not_alert() {
    assert_eq!(alerts(TerminalFocus::Unfocused, AlertMethod::Bell, 9), []);
    assert_eq!(alerts(TerminalFocus::Focused, AlertMethod::Bell, 60), []);
}

#[test]
fn nobody_is_alerted_who_does_not_want_it() {
    assert_eq!(alerts(TerminalFocus::Unfocused, AlertMethod::Off, 60), []);
}
