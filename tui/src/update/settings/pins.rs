//! Pins are taken as they are typed, and read by the model's tokenizer on a thread of its own; what does not fit is withdrawn.

use std::ops::Range;
use std::sync::Arc;

use unmask_core::TokenId;
use unmask_core::api::with_causes;
use unmask_core::engine::Pin;
use unmask_core::text::pins::PinPlaceError;

use super::{panel, refuse, report, which_answer};
use crate::effect::Effect;
use crate::state::{Composer, Field, PinQuestion, Pins, Refusal, State, Toast, pins_text};

/// Has the pins read, if they, the answer's length or the model are others than before.
pub(in crate::update) fn have_pins_read(state: &mut State) -> Option<Effect> {
    if state.settings.pins.is_empty() {
        state.pins = Pins::default();
        return None;
    }
    let loaded = state.model.as_ref()?;
    let pins = &state.settings.pins;
    let length = state.settings.fit().length;
    let asked = state.pins.asked.as_ref();
    if asked.is_some_and(|asked| asked.is_of(loaded, pins, length)) {
        return None;
    }
    let question = PinQuestion {
        loaded: Arc::clone(loaded),
        pins: pins.clone(),
        length,
    };
    state.pins.ask(question.clone());
    Some(Effect::Place(question))
}

/// The tokenizer has read pins: new ones show their tokens, or are refused and the ones before stand again.
pub(in crate::update) fn placed(
    state: &mut State,
    question: &PinQuestion,
    tokens: &Result<Vec<Vec<TokenId>>, PinPlaceError>,
) {
    let pins = &question.pins;
    // A late answer about pins, a length or a model that are no more.
    if state.pins.asked.as_ref() != Some(question) || state.settings.pins != *pins {
        return;
    }
    let is_new = state.pins.fitting != *pins;
    match tokens {
        Ok(tokens) => {
            state.pins.fit(tokens);
            if let Some(labels) = state.pins.text(pins).filter(|_| is_new) {
                let which = which_answer(state);
                state.notify(format!("Pins {labels}{which}"));
            }
        }
        Err(error) if is_new => withdraw(state, pins, error),
        // They fitted another model or a longer answer: the user says what gives way. A turn would be refused.
        Err(error) => {
            let title = "The pins do not fit the next answer".to_owned();
            state.toast = Some(toast(title, &refusal(pins, error)));
        }
    }
}

fn withdraw(state: &mut State, pins: &[Pin], error: &PinPlaceError) {
    state.settings.pins.clone_from(&state.pins.fitting);
    let (text, refusal) = (pins_text(pins), refusal(pins, error));
    let waits = |panel: &&mut _| is_at_pins(panel);
    match panel(state).filter(waits) {
        Some(panel) => {
            let mut input = Composer::default();
            input.insert(&text);
            panel.input = Some(input);
            report(state, Err(refusal));
        }
        None => refuse(state, Field::Pins, &text, refusal),
    }
}

/// True if the pins were typed here and nothing else is.
fn is_at_pins(panel: &crate::state::SettingsPanel) -> bool {
    panel.chosen == Field::Pins && panel.input.is_none()
}

fn refusal(pins: &[Pin], error: &PinPlaceError) -> Refusal {
    Refusal {
        what: with_causes(error),
        part: Some((pins_text(pins), span(pins, error.pin()))),
    }
}

/// Where a pin stands among the pins as they are written.
fn span(pins: &[Pin], at: usize) -> Range<usize> {
    let end = pins_text(&pins[..=at]).len();
    end - pins_text(&pins[at..=at]).len()..end
}

/// A refusal in the corner.
pub(super) fn toast(title: String, refusal: &Refusal) -> Toast {
    let mut lines = Vec::new();
    if let Some((text, span)) = &refusal.part {
        lines.extend(crate::layout::with_carets(text, span, Toast::CELLS));
    }
    lines.push(refusal.what.clone());
    Toast { title, lines }
}
