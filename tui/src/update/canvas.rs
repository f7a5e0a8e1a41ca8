use crate::effect::Effect;
use crate::state::{
    Anchor, EntryRow, Focus, FocusedBy, Ghosts, Pending, ScrollMove, SelectedMessage, Stage, State,
    View,
};

/// From the composer to the canvas and back.
pub(super) fn change_focus(state: &mut State) {
    match state.focus {
        Focus::Composer => enter(state, FocusedBy::Key),
        Focus::Canvas => leave(state),
    }
}

/// Gives the keys to the canvas; the latest message is selected.
pub(super) fn enter(state: &mut State, focused_by: FocusedBy) {
    state.focus = Focus::Canvas;
    state.selected_message = SelectedMessage {
        part: None,
        focused_by,
    };
}

/// Gives the keys back to the composer.
pub(super) fn leave(state: &mut State) {
    state.focus = Focus::Composer;
    state.selected_message = SelectedMessage::default();
}

/// The turn ends, before its answer becomes an entry: a view held in it stays at its words, whose places are bytes of the
/// text from now on, and not tokens.
pub(super) fn turn_ends(state: &mut State) {
    end_pause(state);
    let block = state.transcript.entries.len();
    let View::Held(anchor) = state.transcript.view else {
        return;
    };
    if let (Some(turn), EntryRow::Body(token)) = (state.running(), anchor.row)
        && anchor.block == block
    {
        let row = EntryRow::Body(turn.byte_of(token));
        state.transcript.view = View::Held(Anchor { block, row });
    }
}

/// A pause is over: the focus that came with it goes.
pub(super) fn end_pause(state: &mut State) {
    if (state.focus, state.selected_message.focused_by) == (Focus::Canvas, FocusedBy::Pause) {
        leave(state);
    }
}

/// Pauses a running turn, or lets a paused one go on.
pub(super) fn pause_or_resume(state: &mut State) -> Vec<Effect> {
    let since = state.now.since_start;
    let Some(turn) = state.running_mut() else {
        state.notify("No answer is being written");
        return Vec::new();
    };
    match turn.stage {
        Stage::Denoising => {
            turn.stage = Stage::Pausing { since };
            vec![Effect::Pause]
        }
        Stage::Paused => resume(state),
        Stage::Pausing { .. } | Stage::Stopping { .. } => Vec::new(),
    }
}

/// Lets a paused turn go on as it was.
pub(super) fn resume(state: &mut State) -> Vec<Effect> {
    match state.running_mut() {
        Some(turn) if turn.stage == Stage::Paused => {
            turn.stage = Stage::Denoising;
            end_pause(state);
            vec![Effect::Resume]
        }
        Some(_) | None => Vec::new(),
    }
}

/// Shows the blocks that wait as masks, or as one row again.
pub(super) fn unfold(state: &mut State) {
    let Some(turn) = state.running_mut() else {
        state.notify("No blocks are pending");
        return;
    };
    turn.pending = match turn.pending {
        Pending::Folded => Pending::Unfolded,
        Pending::Unfolded => Pending::Folded,
    };
    turn.version += 1;
}

/// Writes guesses on masks, or draws shades again.
pub(super) fn toggle_ghosts(state: &mut State) {
    state.ghosts = match state.ghosts {
        Ghosts::Hidden => Ghosts::Shown,
        Ghosts::Shown => Ghosts::Hidden,
    };
    if let Some(turn) = state.running_mut() {
        turn.version += 1;
    }
}

/// Selects the message before.
pub(super) fn previous(state: &mut State) {
    let selected = state.selected();
    let messages = state.message_parts().into_iter();
    let before = messages.rev().find(|at| Some(*at) < selected);
    select(state, before);
}

/// Selects the message after.
pub(super) fn next(state: &mut State) {
    let selected = state.selected();
    let mut messages = state.message_parts().into_iter();
    let after = messages.find(|at| Some(*at) > selected);
    select(state, after);
}

/// Gives the keys to the canvas and selects the message that was pointed at, if it is one.
pub(super) fn point_at(state: &mut State, pointed: Option<usize>) {
    enter(state, FocusedBy::Key);
    state.selected_message.part = pointed.filter(|at| state.message_parts().contains(at));
}

fn select(state: &mut State, message: Option<usize>) {
    let Some(message) = message else {
        return;
    };
    state.focus = Focus::Canvas;
    state.selected_message.part = Some(message);
    state.transcript.moves.push(ScrollMove::Reveal(message));
}
