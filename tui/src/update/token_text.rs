//! Other text for tokens of an answer: typed in a panel, made tokens by the model's tokenizer, then pinned.

use unmask_core::TokenId;
use unmask_core::text::Piece;

use crate::action::{Command, LineEdit};
use crate::amount;
use crate::clean::clean_line;
use crate::effect::Effect;
use crate::state::{Overlay, State, TextQuestion, TokenEdit};

/// Opens the panel with the text of the selected span.
pub(super) fn open(state: &mut State) {
    let Some((replay, turn)) = state.replayed() else {
        return;
    };
    let moment = replay.moment(turn);
    let span = replay.span();
    let tokens = span
        .clone()
        .filter_map(|at| moment.fold.canvas().answer().get(at));
    let mut bytes = Vec::new();
    for &token in tokens.filter(|&&token| token != turn.mask()) {
        if let Piece::Bytes(piece) = turn.loaded.vocabulary.piece(token) {
            bytes.extend_from_slice(piece);
        }
    }
    let text = clean_line(&String::from_utf8_lossy(&bytes));
    state
        .overlays
        .push(Overlay::TokenEdit(TokenEdit { span, text }));
}

/// A typed character.
pub(super) fn write(panel: &mut TokenEdit, character: char) {
    panel.text.push(character);
}

/// What the panel makes of a command.
pub(super) fn perform(state: &mut State, command: &Command) -> Option<Vec<Effect>> {
    let Some(Overlay::TokenEdit(panel)) = state.overlays.last_mut() else {
        return None;
    };
    match command {
        Command::Edit(LineEdit::Backspace) => drop(panel.text.pop()),
        Command::Edit(LineEdit::KillToStart) => panel.text.clear(),
        Command::Choose => return Some(have_read(state)),
        Command::Back | Command::Interrupt | Command::Repaint | Command::Suspend => return None,
        _ => (),
    }
    Some(Vec::new())
}

fn have_read(state: &mut State) -> Vec<Effect> {
    let Some(Overlay::TokenEdit(TokenEdit { span, text })) = state.overlays.pop() else {
        return Vec::new();
    };
    let Some((_, turn)) = state.replayed() else {
        return Vec::new();
    };
    let question = TextQuestion {
        loaded: std::sync::Arc::clone(&turn.loaded),
        text,
        span,
    };
    vec![Effect::Encode(question)]
}

/// The tokens of the text: they are pinned from the span's first on. What they leave of the span is masked; where they are
/// more, they take the place of what stands behind it.
pub(super) fn encoded(
    state: &mut State,
    question: &TextQuestion,
    tokens: Result<Vec<TokenId>, String>,
) {
    let tokens = match tokens {
        Ok(tokens) => tokens,
        Err(why) => return state.notify(clean_line(&why)),
    };
    let Some((_, turn)) = state.replayed() else {
        return;
    };
    let length = turn.answer().len();
    let (first, last) = (*question.span.start(), *question.span.end());
    if first + tokens.len() > length {
        return state.notify(format!(
            "This text has {}; the answer ends {} behind there",
            amount::counted(tokens.len(), "token"),
            length - first
        ));
    }
    let size = last + 1 - first;
    let n = tokens.len();
    if let Some(replay) = &mut state.replay {
        let patch = replay.change();
        for (at, token) in (first..).zip(&tokens) {
            patch.pin(at, *token);
        }
        for at in first + n..first + size.max(n) {
            patch.remask(at);
        }
        replay.anchor = None;
        (replay.token, replay.candidate) = (first, 0);
    }
    state.notify(match n.cmp(&size) {
        std::cmp::Ordering::Greater => format!("{n} tokens: they stand in the place of {n}"),
        std::cmp::Ordering::Less => format!("{n} of {size} tokens; the rest is to be refilled"),
        std::cmp::Ordering::Equal => "Pinned; r goes on from here".to_owned(),
    });
}
