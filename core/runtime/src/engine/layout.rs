//! From what a turn is asked to denoise to its canvas, refused before anything large is made.

use unmask_api::{Position, TokenId};

use super::model::ReadyModel;
use super::{Failure, FailureKind, Message, Pin, Role, TurnInput};
use crate::Canvas;
use crate::text::history::next_prompt;

/// The canvas of a turn, whose tokens and length `ready` can take.
pub(super) fn lay_out(ready: &ReadyModel, input: TurnInput) -> Result<Canvas, Failure> {
    match input {
        TurnInput::Canvas(canvas) => {
            check_mask(ready, &canvas)?;
            check_context(ready, canvas.answer_start(), canvas.answer().len())?;
            check_tokens(ready, canvas.tokens())?;
            Ok(canvas)
        }
        TurnInput::Tokens { prompt, length } => masks_after(ready, &prompt, &[], length),
        TurnInput::FollowUp {
            previous,
            message,
            length,
        } => {
            let prompt = follow_up(ready, previous, message)?;
            masks_after(ready, &prompt, &[], length)
        }
        TurnInput::Chat {
            messages,
            pins,
            length,
        } => {
            let prompt = ready.text.prompt(&messages)?;
            masks_after(ready, &prompt, &pins, length)
        }
    }
}

fn masks_after(
    ready: &ReadyModel,
    prompt: &[TokenId],
    pins: &[Pin],
    length: usize,
) -> Result<Canvas, Failure> {
    check_context(ready, prompt.len(), length)?;
    check_tokens(ready, prompt)?;
    let mut canvas = Canvas::new(prompt, length, ready.loaded.special.mask);
    for (at, token) in ready.text.place(pins, length)? {
        check_tokens(ready, &[token])?;
        canvas.pin(Position(at.0 + prompt.len() as u32), token);
    }
    Ok(canvas)
}

fn follow_up(
    ready: &ReadyModel,
    mut previous: Vec<TokenId>,
    message: String,
) -> Result<Vec<TokenId>, Failure> {
    let special = ready.loaded.special;
    let templated = ready.text.prompt(&[Message {
        role: Role::User,
        content: message,
    }])?;
    previous.retain(|&token| token != special.mask);
    Ok(match previous.is_empty() {
        true => templated,
        false => next_prompt(&previous, &templated, special.eos),
    })
}

fn check_context(ready: &ReadyModel, prompt: usize, length: usize) -> Result<(), Failure> {
    let limit = ready.loaded.facts.max_positions as usize;
    let total = prompt.saturating_add(length);
    if total <= limit {
        return Ok(());
    }
    let hint = match limit.saturating_sub(prompt) {
        0 => "shorten it, or begin a new conversation".to_owned(),
        room => {
            format!("shorten it, begin a new conversation, or set the length to {room} or less")
        }
    };
    Err(Failure {
        kind: FailureKind::Usage,
        text: format!(
            "prompt and answer have {total} tokens, the limit is {limit}: {} too many",
            total - limit
        ),
        hint,
    })
}

/// A canvas may be older than the model that is loaded now.
fn check_mask(ready: &ReadyModel, canvas: &Canvas) -> Result<(), Failure> {
    if canvas.mask() == ready.loaded.special.mask {
        return Ok(());
    }
    Err(Failure {
        kind: FailureKind::Usage,
        text: format!(
            "the unfinished answer is of another model: its mask is token {}, that of {} is {}",
            canvas.mask().0,
            ready.loaded.name,
            ready.loaded.special.mask.0
        ),
        hint: "ask again, or load the model that began it".to_owned(),
    })
}

/// A tokenizer may know more tokens than the network has rows for.
fn check_tokens(ready: &ReadyModel, tokens: &[TokenId]) -> Result<(), Failure> {
    let vocab = ready.loaded.facts.vocab;
    let Some(beyond) = tokens.iter().find(|token| token.index() >= vocab) else {
        return Ok(());
    };
    Err(Failure {
        kind: FailureKind::Model,
        text: format!(
            "the text holds token {}, but the network of {} has {vocab} tokens",
            beyond.0, ready.loaded.name
        ),
        hint: "fetch tokenizer.json and the weights from the same place".to_owned(),
    })
}
