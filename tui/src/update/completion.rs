use crate::slash::Slash;
use crate::state::State;

/// Moves the choice among the commands that fit; false if no list is open.
pub(super) fn step(state: &mut State, rows: isize) -> bool {
    let Some(found) = state.completions() else {
        return false;
    };
    let last = found.len().saturating_sub(1);
    let chosen = match (state.completion.chosen, rows) {
        (None, 1..) => 0,
        (None, _) => last,
        (Some(chosen), rows) => chosen.min(last).saturating_add_signed(rows).min(last),
    };
    state.completion.chosen = Some(chosen);
    true
}

/// Writes the chosen command, or the best, into the composer; false if no list is open.
pub(super) fn complete(state: &mut State) -> bool {
    let Some(found) = state.completions() else {
        return false;
    };
    let chosen = state.completion.chosen.unwrap_or(0);
    if let Some(slash) = found.get(chosen).or(found.last()) {
        write(state, slash);
    }
    true
}

fn write(state: &mut State, slash: &Slash) {
    let text = match slash.argument {
        "" => format!("/{}", slash.name),
        _ => format!("/{} ", slash.name),
    };
    state.composer.replace(&text);
    state.completion.chosen = None;
    state.completion.closed_for = Some(text);
}

/// Before Enter: a command that was chosen with a key is completed; one that was typed stays as it was typed.
pub(super) fn settle(state: &mut State) {
    if state.completion.chosen.is_some() {
        complete(state);
    }
}

/// Closes the list until the draft changes; false if none is open.
pub(super) fn close(state: &mut State) -> bool {
    if state.completions().is_none() {
        return false;
    }
    state.completion.chosen = None;
    state.completion.closed_for = Some(state.composer.text());
    true
}
