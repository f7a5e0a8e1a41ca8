//! A model whose process has ended: what there is of the conversation stays, and the model may come back.

use unmask_core::engine::{Failure, LoadRequest, Loaded};

use super::last_turn;
use crate::action::Command;
use crate::clean::clean_line;
use crate::state::{Confirm, Entry, Overlay, State, Toast};

/// Offers to load it again. Who is typing keeps the keys, and is told in the corner.
pub(super) fn apply(state: &mut State, loaded: &Loaded, failure: Failure, request: LoadRequest) {
    tell_once(state, failure);
    state.model = None;
    let name = clean_line(&loaded.name);
    let ended = format!("The process of {} has ended", clean_line(&loaded.backend));
    let kept = match last_turn::can_go_on(state, loaded) {
        true => "The conversation is kept, and /continue goes on.",
        false => "The conversation is kept.",
    };
    let log = state.machine.log.as_ref();
    let log = log.map(|log| format!("What it wrote: {log}"));
    if state.typing.is_going_on(state.now.since_start) {
        let keys = state.keymap.menu_keys(&Command::Models);
        let how = format!("{keys} loads {name} again.");
        state.toast = Some(Toast {
            title: ended,
            lines: [how, kept.to_owned()].into_iter().chain(log).collect(),
        });
        return;
    }
    state.overlays.push(Overlay::Confirm(Confirm {
        title: format!("Load {name} again?"),
        lines: [ended + ".", kept.to_owned()]
            .into_iter()
            .chain(log)
            .collect(),
        yes: "load".to_owned(),
        letter: 'y',
        command: Command::Load(request),
    }));
}

/// A turn that was abandoned before has told nobody why it failed.
fn tell_once(state: &mut State, failure: Failure) {
    let last = state.transcript.entries.last().map(|item| &item.entry);
    let is_told = matches!(last, Some(Entry::Failure(told)) if told.text == failure.text);
    if !is_told {
        state.transcript.push(Entry::Failure(failure));
    }
}
