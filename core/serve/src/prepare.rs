//! From a request to the turns that answer it, with what can be refused refused: on a thread that may take its time.

use std::sync::Arc;

use axum::http::StatusCode;
use std::num::NonZeroUsize;
use unmask_core::engine::{
    Failure, FailureKind, Fill, FillBefore, FillBlocks, FillEnds, FillPart, LaidOut, Loaded, Pin,
    TurnId, TurnInput, TurnRequest,
};
use unmask_core::settings::Setting;

use super::bounds::bound;
use super::error::ApiError;
use super::generation::{FittedGeneration, GenerationFields, most};
use super::prefix::TextRule;
use super::prompt::Prompt;
use super::unmask_member::AnswerForm;

/// Positions of a hole whose length nobody says.
const HOLE: usize = 16;
/// Positions that are tried for a hole that is to be as long as the model is surest of.
const HOLE_LENGTHS: [usize; 10] = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32];

/// A request that was read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AskedAnswers {
    pub(crate) kind: AnswerKind,
    pub(crate) prompts: Vec<Prompt>,
    pub(crate) generation: GenerationFields,
    /// Whether prompts are repeated before their answers.
    pub(crate) echo: bool,
}

/// Whose objects the answer is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AnswerKind {
    Chat,
    Completion,
    /// A completion whose choices say their text as a chat's too: editors look for it there.
    FillIn,
}

/// A turn that is ready to begin.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PreparedTurn {
    pub(crate) request: TurnRequest<LaidOut>,
    pub(crate) rule: TextRule,
    /// Which of the answers it is; several, if nothing in them is random.
    pub(crate) indexes: Vec<usize>,
    /// Which of the prompts it answers.
    pub(crate) prompt: usize,
    pub(crate) notes: Vec<String>,
    /// What stands before its text.
    pub(crate) echo: String,
    /// Of several turns of which the surest is the answer; `None` if it is the answer itself.
    pub(crate) attempt: Option<HoleAttempt>,
}

/// One of the turns that fill a hole of any length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HoleAttempt {
    /// Counted from 0.
    pub(crate) place: usize,
    /// Attempts at the same answer.
    pub(crate) of: usize,
}

impl HoleAttempt {
    pub(crate) fn is_last(self) -> bool {
        self.place + 1 == self.of
    }
}

/// What the server allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AnswerLimits {
    /// Positions of an answer; `None` for a multiple of the model's usual one.
    pub(crate) max_length: Option<usize>,
    /// Whether clients may read paths and what backends say.
    pub(crate) shows_all: bool,
}

impl AskedAnswers {
    /// The turns of all answers, in order.
    pub(crate) fn prepare(
        &self,
        loaded: &Arc<Loaded>,
        limits: AnswerLimits,
    ) -> Result<Vec<PreparedTurn>, ApiError> {
        let mut turns = Vec::new();
        let n = self.generation.n;
        let seed = self.generation.seed(loaded);
        for (at, prompt) in self.prompts.iter().enumerate() {
            let mut attempts = self.attempts(prompt, loaded, limits, seed)?;
            attempts.iter_mut().for_each(|it| it.prompt = at);
            let indexes = at * n..(at + 1) * n;
            if !attempts.iter().any(|it| it.request.params.draws()) {
                for mut turn in attempts {
                    turn.indexes = indexes.clone().collect();
                    turns.push(turn);
                }
                continue;
            }
            for (more, index) in indexes.enumerate() {
                for mut turn in attempts.iter().cloned() {
                    turn.indexes = vec![index];
                    turn.request.params.seed = seed.wrapping_add(more as u64);
                    turns.push(turn);
                }
            }
        }
        Ok(turns)
    }

    /// The turns of which one answers a prompt: one, or one for each length that its hole may have and the context has room
    /// for.
    fn attempts(
        &self,
        prompt: &Prompt,
        loaded: &Arc<Loaded>,
        limits: AnswerLimits,
        seed: u64,
    ) -> Result<Vec<PreparedTurn>, ApiError> {
        let any_length = matches!(self.generation.unmask.form, AnswerForm::AnyLength(..));
        if !any_length {
            return Ok(vec![self.turn(prompt, loaded, limits, seed, None)?]);
        }
        let most = self.generation.max_tokens.unwrap_or(usize::MAX);
        let mut attempts: Vec<PreparedTurn> = Vec::new();
        let lengths = HOLE_LENGTHS.into_iter().filter(|&it| it <= most);
        for length in lengths.filter_map(NonZeroUsize::new) {
            match self.turn(prompt, loaded, limits, seed, Some(length)) {
                Ok(turn) => attempts.push(turn),
                // Nor would a longer one.
                Err(error) if error.code == "context_length_exceeded" && !attempts.is_empty() => {
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        let of = attempts.len();
        for (place, (turn, length)) in attempts.iter_mut().zip(HOLE_LENGTHS).enumerate() {
            turn.attempt = Some(HoleAttempt { place, of });
            turn.notes.push(format!(
                "the hole has {length}, of 1 to {} the number of positions that the model is surest of",
                HOLE_LENGTHS[of - 1]
            ));
        }
        Ok(attempts)
    }

    /// The turn that answers a prompt. A length that nobody said gives way where the context has less room.
    fn turn(
        &self,
        prompt: &Prompt,
        loaded: &Arc<Loaded>,
        limits: AnswerLimits,
        seed: u64,
        any_length: Option<NonZeroUsize>,
    ) -> Result<PreparedTurn, ApiError> {
        let refused = |failure: Failure| ApiError::of_request(&failure, limits.shows_all);
        let mut fitted = self.generation.fit(loaded, limits.max_length)?;
        fitted.fit.params.seed = seed;
        let mut hole = any_length.map_or_else(|| self.hole(&fitted), NonZeroUsize::get);
        let (input, rule) = self.input(prompt, loaded, &fitted, hole, limits)?;
        let laid_out = lay_out(input, &fitted, loaded);
        let (mut request, rule) = match laid_out {
            Ok(request) => (request, rule),
            Err(failure) => {
                let room = shorter(&failure, fitted.fit.length, hole, prompt);
                let room = room.filter(|_| !fitted.is_length_said && any_length.is_none());
                let Some(room) = room else {
                    return Err(refused(failure));
                };
                fitted = self.generation.fit(loaded, Some(room))?;
                fitted.fit.params.seed = seed;
                hole = hole.min(room);
                let (input, rule) = self.input(prompt, loaded, &fitted, hole, limits)?;
                let request = lay_out(input, &fitted, loaded).map_err(refused)?;
                (request, rule)
            }
        };
        let most = most(loaded, limits.max_length);
        bound(&mut request, &self.generation.unmask.form, most)?;
        Ok(PreparedTurn {
            request,
            rule,
            indexes: Vec::new(),
            prompt: 0,
            notes: fitted.fit.notes,
            echo: match (self.echo, prompt) {
                (true, Prompt::Text(text)) => text.clone(),
                _ => String::new(),
            },
            attempt: None,
        })
    }

    /// Positions of the hole before a suffix.
    fn hole(&self, fitted: &FittedGeneration) -> usize {
        match self.generation.max_tokens {
            Some(_) => fitted.fit.length,
            None if fitted.is_length_said => fitted.fit.length,
            None => HOLE,
        }
    }

    fn input(
        &self,
        prompt: &Prompt,
        loaded: &Loaded,
        fitted: &FittedGeneration,
        hole: usize,
        limits: AnswerLimits,
    ) -> Result<(TurnInput, TextRule), ApiError> {
        let member = &self.generation.unmask;
        let rule = TextRule {
            shown: None,
            ceiling: self.generation.max_tokens,
            stops: self.generation.stops.clone(),
        };
        let refused = |failure: Failure| ApiError::of_request(&failure, limits.shows_all);
        let length = fitted.fit.length;
        let input = match (&member.form, prompt) {
            (AnswerForm::Canvas(given), _) => {
                let canvas = given.canvas(loaded.special.mask)?;
                match given.infill {
                    true => TurnInput::Infill(canvas),
                    false => TurnInput::Canvas(canvas),
                }
            }
            (AnswerForm::Masks, Prompt::Around(before, suffix)) => {
                let before = before_hole(before, loaded).map_err(refused)?;
                let hole = NonZeroUsize::new(hole).unwrap_or(NonZeroUsize::MIN);
                let parts = vec![FillPart::Hole(hole), FillPart::Text(suffix.clone())];
                let shown = Some(0..hole.get());
                let input = TurnInput::Fill(self.fill(before, parts));
                return Ok((input, TextRule { shown, ..rule }));
            }
            (AnswerForm::Masks, Prompt::Chat(messages)) => self.chat(messages, &[], length),
            (AnswerForm::Pins(pins), Prompt::Chat(messages)) => self.chat(messages, pins, length),
            (AnswerForm::Masks, Prompt::Canvas) => {
                let message = "`messages` or `prompt` is missing, and there is no `unmask.canvas`";
                return Err(ApiError::invalid("prompt", message));
            }
            (AnswerForm::Masks, prompt) => TurnInput::Tokens {
                prompt: tokens(prompt, loaded).map_err(refused)?,
                length,
            },
            (AnswerForm::Parts(parts), prompt) => {
                // The parts say how long it is.
                let rule = TextRule {
                    ceiling: None,
                    ..rule
                };
                let before = before_parts(prompt, loaded, limits)?;
                return Ok((TurnInput::Fill(self.fill(before, parts.clone())), rule));
            }
            (AnswerForm::AnyLength(first, behind), prompt) => {
                let rule = TextRule {
                    ceiling: None,
                    ..rule
                };
                let before = before_parts(prompt, loaded, limits)?;
                let hole = FillPart::Hole(NonZeroUsize::new(hole).unwrap_or(NonZeroUsize::MIN));
                let parts = [first, &vec![hole], behind].map(Vec::as_slice).concat();
                return Ok((TurnInput::Fill(self.fill(before, parts)), rule));
            }
            (AnswerForm::Pins(_), _) => {
                let message = "pins stand in the answer to messages that end with the user's; use `unmask.parts` elsewhere";
                return Err(ApiError::unsupported("unmask.pins", message));
            }
        };
        Ok((input, rule))
    }

    fn chat(
        &self,
        messages: &[unmask_core::engine::Message],
        pins: &[Pin],
        length: usize,
    ) -> TurnInput {
        TurnInput::Chat {
            messages: messages.to_vec(),
            pins: pins.to_vec(),
            length,
            overflow: self.generation.unmask.overflow,
        }
    }

    fn fill(&self, before: FillBefore, parts: Vec<FillPart>) -> Fill {
        let said = &self.generation.unmask.settings;
        Fill {
            before,
            parts,
            overflow: self.generation.unmask.overflow,
            blocks: match said.get(Setting::BlockLength) {
                Some(_) => FillBlocks::AsSet,
                None => FillBlocks::One,
            },
            ends: match said.get(Setting::NoEnd) {
                Some(_) => FillEnds::AsSet,
                None => FillEnds::Never,
            },
        }
    }
}

fn lay_out(
    input: TurnInput,
    fitted: &FittedGeneration,
    loaded: &Loaded,
) -> Result<TurnRequest<LaidOut>, Failure> {
    let request = TurnRequest {
        turn: TurnId::default(),
        input,
        params: fitted.fit.params.clone(),
    };
    request.laid_out(loaded)
}

/// The length that would have fitted; `None` if that is not what is wrong, or there is no room at all.
fn shorter(failure: &Failure, length: usize, hole: usize, prompt: &Prompt) -> Option<usize> {
    let FailureKind::Context { tokens, limit, .. } = failure.kind else {
        return None;
    };
    let asked = match prompt {
        Prompt::Around(..) => hole,
        _ => length,
    };
    let room = asked.checked_sub(tokens.saturating_sub(limit))?;
    (room > 0).then_some(room)
}

/// What stands before an answer of parts.
fn before_parts(
    prompt: &Prompt,
    loaded: &Loaded,
    limits: AnswerLimits,
) -> Result<FillBefore, ApiError> {
    match prompt {
        Prompt::Chat(messages) => Ok(FillBefore::Chat(messages.clone())),
        Prompt::Begun(..) | Prompt::Text(_) | Prompt::Tokens(_) => before_hole(prompt, loaded)
            .map_err(|failure| ApiError::of_request(&failure, limits.shows_all)),
        Prompt::Around(..) | Prompt::Canvas => {
            let message = "`suffix` is a part itself; write it as the last of `unmask.parts`";
            Err(ApiError::invalid("suffix", message))
        }
    }
}

fn before_hole(prompt: &Prompt, loaded: &Loaded) -> Result<FillBefore, Failure> {
    Ok(match prompt {
        Prompt::Text(text) => FillBefore::Text(text.clone()),
        Prompt::Tokens(tokens) => FillBefore::Tokens(tokens.clone()),
        other => FillBefore::Tokens(tokens(other, loaded)?),
    })
}

/// The tokens of a prompt. The templates of these models end as the answer begins, so that a begun answer goes on behind the
/// prompt for it.
pub(crate) fn tokens(
    prompt: &Prompt,
    loaded: &Loaded,
) -> Result<Vec<unmask_core::TokenId>, Failure> {
    match prompt {
        Prompt::Chat(messages) => loaded.text.prompt(messages),
        Prompt::Begun(messages, begun) => {
            (loaded.text).encode(&(loaded.text.render(messages)? + begun))
        }
        Prompt::Text(text) => loaded.text.encode(text),
        Prompt::Tokens(tokens) => Ok(tokens.clone()),
        Prompt::Around(before, _) => tokens(before, loaded),
        Prompt::Canvas => Ok(Vec::new()),
    }
}

/// What is asked of a model that is not served.
pub(crate) fn no_such_model(asked: &str, served: &[String]) -> ApiError {
    let advice = unmask_core::config::nearest(asked, served.iter().map(String::as_str));
    let message = format!("this server has no model `{asked}`; {advice}");
    ApiError {
        param: Some("model".to_owned()),
        ..ApiError::new(StatusCode::NOT_FOUND, "model_not_found", message)
    }
}
