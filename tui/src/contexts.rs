//! Which keys mean something now.

use crossterm::event::KeyEvent;

use crate::commands::Command;
use crate::keymap::{Chord, Context};
use crate::state::{Focus, Overlay, SettingsPanel, State};

/// The places that apply, the most particular first.
#[must_use]
pub fn contexts(state: &State) -> Vec<Context> {
    match state.overlays.last() {
        Some(Overlay::Settings(panel)) => of_settings(panel).to_vec(),
        Some(overlay) => {
            let is_list = overlay.pick().is_some() || matches!(overlay, Overlay::TokenEdit(_));
            let list = is_list.then_some(Context::List);
            let places = own(overlay).into_iter().chain(list);
            places.chain([Context::Overlay]).collect()
        }
        None => of_chat(state),
    }
}

/// The place of a panel that has keys of its own, beside those of every list and every panel.
fn own(overlay: &Overlay) -> Option<Context> {
    match overlay {
        Overlay::Help(help) if help.filter.is_some() => None,
        Overlay::Help(_) | Overlay::Info(_) => Some(Context::Help),
        Overlay::Menu { .. } => Some(Context::Menu),
        Overlay::List(list) => list.kind.context,
        Overlay::Confirm(_) => Some(Context::Confirm),
        _ => None,
    }
}

/// The places of the settings, whatever is over them.
#[must_use]
pub fn of_settings(panel: &SettingsPanel) -> &'static [Context] {
    match panel.input {
        Some(_) => &[Context::List, Context::Composer, Context::Overlay],
        None => &[Context::Settings, Context::List, Context::Overlay],
    }
}

/// The places of the chat, whatever is over it.
pub(crate) fn of_chat(state: &State) -> Vec<Context> {
    if state.compared().is_some() {
        return vec![Context::Compare, Context::Anywhere];
    }
    if state.replay.is_some() {
        return vec![Context::Replay, Context::Anywhere];
    }
    let is_empty = state.composer.is_empty();
    let mut contexts = Vec::new();
    if is_empty && state.is_paused() {
        contexts.push(Context::Paused);
    }
    match state.focus {
        Focus::Canvas => {
            if state.find.is_some() {
                contexts.push(Context::Find);
            }
            contexts.push(Context::Canvas);
        }
        Focus::Composer if is_empty => {
            if state.is_first_run() && state.queue.is_empty() {
                contexts.push(Context::FirstRun);
            }
            if state.welcomed().is_some() {
                contexts.push(Context::Welcome);
            }
            contexts.extend([Context::Empty, Context::Composer]);
        }
        Focus::Composer if state.completions().is_some() => {
            contexts.extend([Context::Completion, Context::Composer]);
        }
        Focus::Composer => contexts.push(Context::Composer),
    }
    contexts.push(Context::Anywhere);
    contexts
}

/// What a key does now; `None` for one that only writes.
#[must_use]
pub fn lookup(state: &State, event: KeyEvent) -> Option<Command> {
    let chord = Chord::of(event);
    contexts(state)
        .into_iter()
        .find_map(|context| state.keymap.command(context, chord).cloned())
}
