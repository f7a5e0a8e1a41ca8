//! From what a turn is asked to denoise to its canvas, refused before anything large is made.

use unmask_api::{Position, TokenId, with_causes};

use super::model::ReadyModel;
use super::{Failure, FailureKind, Message, Overflow, Pin, Role, TurnInput};
use crate::Canvas;
use crate::text::history::next_prompt;
use crate::text::pins::PinPlaceError;

/// What a turn begins with.
#[derive(Debug)]
pub(super) struct LaidOut {
    pub(super) canvas: Canvas,
    /// Messages that are not in it.
    pub(super) left_out: usize,
}

/// The canvas of a turn, whose tokens and length `ready` can take.
pub(super) fn lay_out(ready: &ReadyModel, input: TurnInput) -> Result<LaidOut, Failure> {
    let mut left_out = 0;
    let canvas = match input {
        TurnInput::Canvas(canvas) => {
            check_mask(ready, &canvas)?;
            check_context(ready, canvas.answer_start(), canvas.answer().len())?;
            check_tokens(ready, canvas.tokens())?;
            canvas
        }
        TurnInput::Tokens { prompt, length } => masks_after(ready, &prompt, &[], length)?,
        TurnInput::FollowUp {
            previous,
            message,
            length,
        } => {
            let prompt = follow_up(ready, previous, message)?;
            masks_after(ready, &prompt, &[], length)?
        }
        TurnInput::Chat {
            messages,
            pins,
            length,
            overflow,
        } => {
            let prompt = match overflow {
                Overflow::Refuse => ready.text.prompt(&messages)?,
                Overflow::DropOldest => {
                    let (prompt, dropped) = prompt_that_fits(ready, &messages, length)?;
                    left_out = dropped;
                    prompt
                }
            };
            masks_after(ready, &prompt, &pins, length)?
        }
    };
    Ok(LaidOut { canvas, left_out })
}

/// The prompt of as many of the latest messages as fit, and how many are left out. A question goes with its answer; if even
/// the last question does not fit, the prompt is of that alone.
fn prompt_that_fits(
    ready: &ReadyModel,
    messages: &[Message],
    length: usize,
) -> Result<(Vec<TokenId>, usize), Failure> {
    let whole = ready.text.prompt(messages)?;
    let system = messages.iter().take_while(|it| it.role == Role::System);
    let (system, rest) = messages.split_at(system.count());
    let questions = (1..rest.len()).filter(|&at| rest[at].role == Role::User);
    let starts: Vec<usize> = questions.collect();
    if fits(ready, whole.len(), length) || starts.is_empty() {
        return Ok((whole, 0));
    }
    let prompt = |start: usize| ready.text.prompt(&[system, &rest[start..]].concat());
    // Long conversations have many starts and a prompt takes a while. Fewer messages are never longer.
    let (mut low, mut high) = (0, starts.len() - 1);
    while low < high {
        let middle = low.midpoint(high);
        match fits(ready, prompt(starts[middle])?.len(), length) {
            true => high = middle,
            false => low = middle + 1,
        }
    }
    Ok((prompt(starts[low])?, starts[low]))
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
    let placed = (ready.text.place(pins, length)).map_err(|error| misplaced(&error))?;
    for (pin, tokens) in pins.iter().zip(placed) {
        check_tokens(ready, &tokens)?;
        let first = pin.at.0 + prompt.len() as u32;
        for (at, token) in (first..).zip(tokens) {
            canvas.pin(Position(at), token);
        }
    }
    Ok(canvas)
}

fn misplaced(error: &PinPlaceError) -> Failure {
    Failure {
        kind: FailureKind::Usage,
        text: with_causes(error),
        hint: String::new(),
    }
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

fn limit(ready: &ReadyModel) -> usize {
    ready.loaded.facts.max_positions as usize
}

fn fits(ready: &ReadyModel, prompt: usize, length: usize) -> bool {
    prompt.saturating_add(length) <= limit(ready)
}

fn check_context(ready: &ReadyModel, prompt: usize, length: usize) -> Result<(), Failure> {
    if fits(ready, prompt, length) {
        return Ok(());
    }
    let (limit, tokens) = (limit(ready), prompt.saturating_add(length));
    let room = limit.saturating_sub(prompt);
    let hint = match room {
        0 => "shorten it, or begin a new conversation".to_owned(),
        room => {
            format!("shorten it, begin a new conversation, or set the length to {room} or less")
        }
    };
    Err(Failure {
        kind: FailureKind::Context {
            tokens,
            limit,
            room,
        },
        text: format!(
            "prompt and answer have {tokens} tokens, the limit is {limit}: {} too many",
            tokens - limit
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
