//! From what a turn is asked to denoise to its canvas, refused before anything large is made.

use unmask_api::{Position, TokenId, with_causes};

use super::{
    Failure, FailureKind, LaidOut, Loaded, Message, Overflow, Pin, Planned, Role, TurnInput,
    TurnRequest,
};
use crate::params::{Daedal, Growth};
use crate::text::history::next_prompt;
use crate::text::pins::PinPlaceError;
use crate::{Canvas, Params};

impl TurnRequest {
    /// The request with its text as tokens, its pins placed and its settings as they run: what can be refused of it
    /// without a forward is refused here, on the caller's thread. Renders and encodes text, which may take milliseconds.
    ///
    /// # Errors
    /// A [`Failure`] that says what cannot be done and what to do instead.
    pub fn laid_out(self, loaded: &Loaded) -> Result<TurnRequest<LaidOut>, Failure> {
        let Self {
            turn,
            input,
            mut params,
        } = self;
        Ok(TurnRequest {
            turn,
            input: lay_out(loaded, input, &mut params)?,
            params,
        })
    }
}

/// The canvas of a turn, whose tokens and length the model can take; `params` become those that it runs with.
pub(super) fn lay_out(
    loaded: &Loaded,
    input: TurnInput,
    params: &mut Params,
) -> Result<LaidOut, Failure> {
    if let Some(block) = loaded.rules.attention_block {
        // The network's own, whatever the settings say.
        params.block_length = block.get() as usize;
    }
    let canvas = match input {
        TurnInput::Canvas(canvas) => {
            check_canvas(loaded, &canvas)?;
            grow(loaded, canvas.answer_start(), params);
            canvas
        }
        TurnInput::LaidOut(laid_out) => {
            check_canvas(loaded, &laid_out.canvas)?;
            return Ok(laid_out);
        }
        TurnInput::Infill(canvas) => return infill(loaded, canvas, params),
        TurnInput::Fill(fill) => return fill.lay_out(loaded, params),
        TurnInput::Tokens { prompt, length } => {
            let length = first_length(loaded, params, length);
            masks_after(loaded, &prompt, &[], length, params)?
        }
        TurnInput::FollowUp {
            previous,
            message,
            length,
        } => {
            let prompt = follow_up(loaded, previous, message)?;
            let length = first_length(loaded, params, length);
            masks_after(loaded, &prompt, &[], length, params)?
        }
        TurnInput::Chat {
            messages,
            pins,
            length,
            overflow,
        } => {
            let length = first_length(loaded, params, length);
            let (prompt, left_out) = chat_prompt(loaded, &messages, length, overflow)?;
            return Ok(LaidOut {
                canvas: masks_after(loaded, &prompt, &pins, length, params)?,
                left_out,
                holes: Vec::new(),
                planned: Planned::Answer,
                recorded: Vec::new(),
            });
        }
    };
    Ok(LaidOut {
        canvas,
        left_out: 0,
        holes: Vec::new(),
        planned: Planned::Answer,
        recorded: Vec::new(),
    })
}

/// Only its masks, in the positions that there are.
fn infill(loaded: &Loaded, canvas: Canvas, params: &mut Params) -> Result<LaidOut, Failure> {
    check_canvas(loaded, &canvas)?;
    let masks = canvas
        .masked_in(canvas.answer_start()..canvas.len())
        .count();
    if masks == 0 {
        return Err(Failure::usage(
            "nothing of the answer is masked".to_owned(),
            "mark what is to be written anew",
        ));
    }
    in_one_block(loaded, canvas.answer().len(), masks, params);
    Ok(LaidOut {
        canvas,
        left_out: 0,
        holes: Vec::new(),
        planned: Planned::Masks,
        recorded: Vec::new(),
    })
}

/// Plans one block of so many positions, with a step for each of its masks at the most; attention in blocks keeps its own, which
/// see none behind them. The answer keeps its length.
pub(super) fn in_one_block(loaded: &Loaded, length: usize, masks: usize, params: &mut Params) {
    params.growth = Growth::Fixed;
    if loaded.rules.attention_block.is_none() {
        params.block_length = length;
        params.steps = params.steps.clamp(1, masks.max(1));
    }
}

/// A canvas may be older than the model that is loaded now.
fn check_canvas(loaded: &Loaded, canvas: &Canvas) -> Result<(), Failure> {
    check_mask(loaded, canvas)?;
    check_context(loaded, canvas.answer_start(), canvas.answer().len())?;
    check_tokens(loaded, canvas.tokens())
}

/// The prompt for an answer of `length` positions, and how many messages are left out of it.
pub(super) fn chat_prompt(
    loaded: &Loaded,
    messages: &[Message],
    length: usize,
    overflow: Overflow,
) -> Result<(Vec<TokenId>, usize), Failure> {
    match overflow {
        Overflow::Refuse => Ok((loaded.text.prompt(messages)?, 0)),
        Overflow::DropOldest => prompt_that_fits(loaded, messages, length),
    }
}

/// The prompt of as many of the latest messages as fit, and how many are left out. A question goes with its answer; if even
/// the last question does not fit, the prompt is of that alone.
fn prompt_that_fits(
    loaded: &Loaded,
    messages: &[Message],
    length: usize,
) -> Result<(Vec<TokenId>, usize), Failure> {
    let system = messages.iter().take_while(|it| it.role == Role::System);
    let (system, rest) = messages.split_at(system.count());
    let questions = (1..rest.len()).filter(|&at| rest[at].role == Role::User);
    let starts: Vec<usize> = questions.collect();
    match loaded.text.prompt(messages) {
        Ok(whole) if fits(loaded, whole.len(), length) || starts.is_empty() => {
            return Ok((whole, 0));
        }
        Err(failure) if starts.is_empty() || !is_too_long(&failure) => return Err(failure),
        Ok(_) | Err(_) => (),
    }
    let prompt = |start: usize| loaded.text.prompt(&[system, &rest[start..]].concat());
    let prompt_fits = |start: usize| match prompt(start) {
        Ok(prompt) => Ok(fits(loaded, prompt.len(), length)),
        Err(failure) if is_too_long(&failure) => Ok(false),
        Err(failure) => Err(failure),
    };
    // Long conversations have many starts and a prompt takes a while. Fewer messages are never longer.
    let (mut low, mut high) = (0, starts.len() - 1);
    while low < high {
        let middle = low.midpoint(high);
        match prompt_fits(starts[middle])? {
            true => high = middle,
            false => low = middle + 1,
        }
    }
    Ok((prompt(starts[low])?, starts[low]))
}

fn is_too_long(failure: &Failure) -> bool {
    matches!(failure.kind, FailureKind::Context { .. })
}

/// Positions that an answer begins with: those that are asked for, unless it finds its length itself.
fn first_length(loaded: &Loaded, params: &Params, length: usize) -> usize {
    match (params.growth, loaded.rules.attention_block) {
        (Growth::Fixed, _) => length,
        (_, Some(block)) => block.get() as usize,
        (_, None) => Daedal::INITIAL,
    }
}

/// Says how an answer behind so many positions grows, if it finds its length itself.
fn grow(loaded: &Loaded, prompt: usize, params: &mut Params) {
    if params.growth != Growth::Auto {
        return;
    }
    let ceiling = limit(loaded).saturating_sub(prompt).min(Daedal::CEILING);
    params.growth = match loaded.rules.attention_block {
        Some(_) => Growth::Blocks { ceiling },
        None => Growth::Daedal(Daedal::new(loaded.special.eos, ceiling)),
    };
}

/// The length with which an answer behind a prompt ends where a block of attention does, if that is within the context: the
/// last block then is whole, as the reference has it.
fn to_block_end(loaded: &Loaded, prompt: usize, length: usize, params: &Params) -> usize {
    let Some(block) = loaded.rules.attention_block else {
        return length;
    };
    let block = block.get() as usize;
    let end = match params.growth {
        Growth::Fixed => prompt
            .saturating_add(length)
            .div_ceil(block)
            .saturating_mul(block),
        // The block that the prompt ends in, or the one behind it.
        Growth::Auto | Growth::Blocks { .. } | Growth::Daedal(_) => prompt / block * block + block,
    };
    end.min(limit(loaded)).saturating_sub(prompt).max(1)
}

fn masks_after(
    loaded: &Loaded,
    prompt: &[TokenId],
    pins: &[Pin],
    length: usize,
    params: &mut Params,
) -> Result<Canvas, Failure> {
    check_context(loaded, prompt.len(), length)?;
    check_tokens(loaded, prompt)?;
    let length = to_block_end(loaded, prompt.len(), length, params);
    grow(loaded, prompt.len(), params);
    let mut canvas = Canvas::new(prompt, length, loaded.special.mask);
    let placed = (loaded.text.place(pins, length)).map_err(|error| misplaced(&error))?;
    for (pin, tokens) in pins.iter().zip(placed) {
        check_tokens(loaded, &tokens)?;
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
    loaded: &Loaded,
    mut previous: Vec<TokenId>,
    message: String,
) -> Result<Vec<TokenId>, Failure> {
    let special = &loaded.special;
    let templated = loaded.text.prompt(&[Message {
        role: Role::User,
        content: message,
    }])?;
    previous.retain(|&token| token != special.mask);
    Ok(match previous.is_empty() {
        true => templated,
        false => next_prompt(&previous, &templated, special.eos),
    })
}

fn limit(loaded: &Loaded) -> usize {
    loaded.facts.max_positions as usize
}

fn fits(loaded: &Loaded, prompt: usize, length: usize) -> bool {
    prompt.saturating_add(length) <= limit(loaded)
}

pub(super) fn check_context(loaded: &Loaded, prompt: usize, length: usize) -> Result<(), Failure> {
    if fits(loaded, prompt, length) {
        return Ok(());
    }
    let (limit, tokens) = (limit(loaded), prompt.saturating_add(length));
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

fn check_mask(loaded: &Loaded, canvas: &Canvas) -> Result<(), Failure> {
    if canvas.mask() == loaded.special.mask {
        return Ok(());
    }
    Err(Failure {
        kind: FailureKind::Usage,
        text: format!(
            "the unfinished answer is of another model: its mask is token {}, that of {} is {}",
            canvas.mask().0,
            loaded.name,
            loaded.special.mask.0
        ),
        hint: "ask again, or load the model that began it".to_owned(),
    })
}

/// A tokenizer may know more tokens than the network has rows for.
pub(super) fn check_tokens(loaded: &Loaded, tokens: &[TokenId]) -> Result<(), Failure> {
    let vocab = loaded.facts.vocab;
    let Some(beyond) = tokens.iter().find(|token| token.index() >= vocab) else {
        return Ok(());
    };
    Err(Failure {
        kind: FailureKind::Model,
        text: format!(
            "the text holds token {}, but the network of {} has {vocab} tokens",
            beyond.0, loaded.name
        ),
        hint: "fetch tokenizer.json and the weights from the same place".to_owned(),
    })
}
