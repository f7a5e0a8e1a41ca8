//! One turn's answer while it comes: its text, its tokens, why it ended. Streams and whole answers are made of the same parts.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Value, json};
use unmask_core::engine::{Loaded, Outcome, Passes, TurnEvent, TurnHandle};
use unmask_core::event::{FinishReason, Stats};
use unmask_core::settings::{self, Forwards};
use unmask_core::wire::{Event, RunLabel, TokenText};
use unmask_core::{Params, TokenId};

use super::app::App;
use super::error::{ApiError, bug};
use super::prefix::{AnswerText, SureToken, TextCut, TextDelta};
use super::prepare::{AskedAnswers, PreparedTurn};
use super::run::{AnswerRun, RunTimes};
use super::unmask_member::StreamDetail;

/// An answer that is coming.
pub(crate) struct TurnAnswer {
    pub(crate) prepared: Arc<PreparedTurn>,
    handle: Arc<TurnHandle>,
    loaded: Arc<Loaded>,
    app: Arc<App>,
    text: Option<AnswerText>,
    params: Option<Params>,
    began: Instant,
    time_to_first_text: Option<Duration>,
    prompt_tokens: usize,
    left_out: usize,
    outcome: Option<Outcome>,
}

/// How a turn ended, for the member `unmask` of its last object.
#[derive(Serialize)]
struct TurnDone<'a> {
    event: &'static str,
    reason: FinishReason,
    seed: Option<u64>,
    ignored: &'a [String],
    notes: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    holes: &'a [String],
    /// What `logprobs` are the logarithms of, if they were asked for: no likelihood of the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    /// Of the whole answer, where no steps tell them.
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens: Option<Vec<u32>>,
    stats: TurnStats,
}

#[derive(Serialize)]
struct TurnStats {
    #[serde(flatten)]
    run: Stats,
    canvas_tokens: usize,
    queue_ms: f64,
    load_ms: f64,
    ms_to_first_text: Option<f64>,
    exact: bool,
    approximation: Option<String>,
}

/// Tokens that were read and written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct TokenUsage {
    prompt: usize,
    completion: usize,
    /// The prompt that was counted last: several answers have it in common.
    counted: Option<usize>,
}

impl TokenUsage {
    pub(crate) fn add(&mut self, answer: &TurnAnswer) {
        self.completion += answer.completion_tokens() * answer.prepared.indexes.len();
        if self.counted != Some(answer.prepared.prompt) {
            self.counted = Some(answer.prepared.prompt);
            self.prompt += answer.prompt_tokens;
        }
    }

    /// Writes into the log what an answer has come to, but nothing of what was said.
    pub(crate) fn log(self, run: &AnswerRun) {
        tracing::info!(
            answer = run.id,
            client = run.client(),
            prompt_tokens = self.prompt,
            completion_tokens = self.completion,
            "answered"
        );
    }

    pub(crate) fn json(self) -> Value {
        json!({
            "prompt_tokens": self.prompt,
            "completion_tokens": self.completion,
            "total_tokens": self.prompt + self.completion,
        })
    }
}

impl TurnAnswer {
    pub(crate) fn new(
        app: &Arc<App>,
        loaded: &Arc<Loaded>,
        prepared: Arc<PreparedTurn>,
        handle: Arc<TurnHandle>,
    ) -> Self {
        Self {
            prepared,
            handle,
            loaded: Arc::clone(loaded),
            app: Arc::clone(app),
            text: None,
            params: None,
            began: Instant::now(),
            time_to_first_text: None,
            prompt_tokens: 0,
            left_out: 0,
            outcome: None,
        }
    }

    /// What an event adds to the text; the turn is ended once nothing more of it is wanted.
    pub(crate) fn event(&mut self, event: &TurnEvent) -> Result<TextDelta, ApiError> {
        let shows_all = self.app.limits.shows_all;
        let refused = |failure| ApiError::of(&failure, shows_all);
        let delta = match event {
            TurnEvent::Started {
                canvas,
                params,
                left_out,
            } => {
                self.prompt_tokens = canvas.answer_start() - canvas.padding();
                self.left_out = *left_out;
                self.params = Some((**params).clone());
                let rule = self.prepared.rule.clone();
                self.text = Some(AnswerText::new(&self.loaded, canvas, params, rule));
                TextDelta {
                    text: self.prepared.echo.clone(),
                    tokens: Vec::new(),
                }
            }
            TurnEvent::Step(step) => match &mut self.text {
                Some(text) => text.step(step).map_err(refused)?,
                None => TextDelta::default(),
            },
            TurnEvent::Finished(outcome) => {
                let delta = match &mut self.text {
                    Some(text) => text.finish(outcome).map_err(refused)?,
                    // It was stopped before it began.
                    None => TextDelta::default(),
                };
                if let Some(params) = &self.params {
                    let positions = outcome.canvas.len();
                    (self.app).ran(&self.loaded.key, params, &outcome.stats, positions);
                }
                self.outcome = Some(outcome.clone());
                delta
            }
            TurnEvent::Failed(failure) => return Err(refused(failure.clone())),
            TurnEvent::Paused(_) | TurnEvent::Resumed => TextDelta::default(),
        };
        if !delta.text.is_empty() {
            let elapsed = || self.began.elapsed();
            self.time_to_first_text.get_or_insert_with(elapsed);
        }
        if self.text.as_ref().is_some_and(|it| it.cut().is_some()) && self.outcome.is_none() {
            self.handle.stop();
        }
        Ok(delta)
    }

    /// Which passes have computed it so far.
    pub(crate) fn ran_in(&self) -> Passes {
        self.handle.ran_in()
    }

    pub(crate) fn is_over(&self) -> bool {
        self.outcome.is_some()
    }

    /// How good an attempt it was; one that was stopped is none.
    pub(crate) fn sureness(&self) -> f64 {
        let is_stopped = (self.outcome.as_ref())
            .is_some_and(|it| it.reason == FinishReason::Stopped)
            && self.text.as_ref().is_none_or(|it| it.cut().is_none());
        let mean = self.text.as_ref().and_then(AnswerText::mean_log_confidence);
        mean.filter(|_| !is_stopped).unwrap_or(f64::NEG_INFINITY)
    }

    fn completion_tokens(&self) -> usize {
        self.text.as_ref().map_or(0, AnswerText::n_tokens)
    }

    /// `stop` if the answer has an end of its own, `length` if it is full or was cut.
    pub(crate) fn finish_reason(&self) -> &'static str {
        let cut = self.text.as_ref().and_then(AnswerText::cut);
        let reason = self.outcome.as_ref().map(|it| it.reason);
        match (cut, reason) {
            (Some(TextCut::Ceiling), _) => "length",
            (Some(TextCut::Stop), _) => "stop",
            (None, Some(FinishReason::EndToken | FinishReason::Stopped) | None) => "stop",
            (None, Some(FinishReason::Complete | FinishReason::MasksLeft)) => {
                match self.has_end() || self.prepared.rule.shown.is_some() {
                    true => "stop",
                    false => "length",
                }
            }
        }
    }

    fn has_end(&self) -> bool {
        let canvas = self.outcome.as_ref().map(|it| &it.canvas);
        canvas.is_some_and(|it| it.answer().iter().any(|&token| self.loaded.is_end(token)))
    }

    /// The event of the turn as `generate --format jsonl` has it, at its beginning with what only a server knows.
    pub(crate) fn line(
        &self,
        event: &TurnEvent,
        id: &str,
        asked: &AskedAnswers,
    ) -> Result<String, ApiError> {
        let prompt = asked.prompts.get(self.prepared.prompt);
        let label = RunLabel {
            id: id.to_owned(),
            at: jiff::Timestamp::now().to_string(),
            program: concat!("unmask ", env!("CARGO_PKG_VERSION")).to_owned(),
            messages: match (event, prompt) {
                (TurnEvent::Started { .. }, Some(prompt)) => prompt.messages().to_vec(),
                _ => Vec::new(),
            },
        };
        let mut line = Event::of(event, &self.loaded, &label);
        if let Event::Step(step) = &mut line {
            let top = asked.generation.unmask.top;
            step.commits.iter_mut().for_each(|it| it.top.truncate(top));
        }
        let line = line.line();
        let TurnEvent::Started { canvas, params, .. } = event else {
            return Ok(line);
        };
        let fit = settings::fit(canvas.answer().len(), params);
        let (Forwards::Planned(forwards) | Forwards::AtMost(forwards)) = Forwards::of(&fit);
        let more = json!({
            "turn": id,
            "notes": self.prepared.notes,
            "ignored": asked.generation.ignored,
            "left_out": self.left_out,
            "predicted": {
                "forwards": forwards,
                "seconds": self.app.seconds(&self.loaded, forwards * self.app.passes_a_step(&self.loaded), canvas.len()),
            },
        });
        joined(&line, &more.to_string())
    }

    /// The end of the turn, as JSON.
    pub(crate) fn done(&self, asked: &AskedAnswers, times: RunTimes) -> Result<String, ApiError> {
        let Some(outcome) = &self.outcome else {
            return Err(bug("a turn that has not ended has no end"));
        };
        let params = self.params.as_ref();
        let approximation = params.and_then(settings::approximation);
        let milliseconds = |time: Duration| (time.as_secs_f64() * 1e6).round() / 1e3;
        let done = TurnDone {
            event: "done",
            reason: outcome.reason,
            seed: params.map(|it| it.seed),
            ignored: &asked.generation.ignored,
            notes: &self.prepared.notes,
            holes: &outcome.holes,
            logprobs: (asked.generation.logprobs).map(|_| "confidence_at_commit"),
            text: match asked.generation.unmask.detail {
                StreamDetail::Steps => Some(&outcome.text),
                StreamDetail::Text => None,
            },
            tokens: match (asked.generation.unmask.detail, asked.generation.stream) {
                (StreamDetail::Steps, false) => {
                    let answer = outcome.canvas.answer();
                    Some(answer.iter().map(|it| it.0).collect())
                }
                (StreamDetail::Steps, true) | (StreamDetail::Text, _) => None,
            },
            stats: TurnStats {
                run: outcome.stats,
                canvas_tokens: outcome.canvas.len(),
                queue_ms: milliseconds(times.queued),
                load_ms: milliseconds(times.loading),
                ms_to_first_text: self.time_to_first_text.map(milliseconds),
                exact: approximation.is_none(),
                approximation,
            },
        };
        serde_json::to_string(&done).map_err(|error| bug(&error.to_string()))
    }

    /// Tokens with the logarithms of their confidences, as chats have them.
    pub(crate) fn chat_logprobs(&self, tokens: &[SureToken], top: usize) -> Value {
        let token = |token: TokenId, p: f32| {
            let text = self.token_text(token);
            json!({"token": text, "logprob": ln(p), "bytes": text.as_bytes()})
        };
        let content = tokens.iter().map(|it| {
            let mut value = token(it.token, it.confidence);
            let best = it.top.iter().take(top);
            value["top_logprobs"] = best.map(|&(id, p)| token(id, p)).collect();
            value
        });
        json!({"content": content.collect::<Vec<_>>(), "refusal": null})
    }

    /// The same as completions have them; `offset` is where the tokens begin in the text.
    pub(crate) fn completion_logprobs(
        &self,
        tokens: &[SureToken],
        top: usize,
        mut offset: usize,
    ) -> Value {
        let texts: Vec<String> = tokens.iter().map(|it| self.token_text(it.token)).collect();
        let logprobs: Vec<f32> = tokens.iter().map(|it| ln(it.confidence)).collect();
        let best = |it: &SureToken| -> Value {
            let best = it.top.iter().take(top);
            let best = best.map(|&(id, p)| (self.token_text(id), json!(ln(p))));
            Value::Object(best.collect())
        };
        let offsets = texts.iter().map(|text| {
            let at = offset;
            offset += text.chars().count();
            at
        });
        let offsets: Vec<usize> = offsets.collect();
        json!({
            "tokens": texts,
            "token_logprobs": logprobs,
            "top_logprobs": tokens.iter().map(best).collect::<Vec<_>>(),
            "text_offset": offsets,
        })
    }

    fn token_text(&self, token: TokenId) -> String {
        let text = TokenText::of(&self.loaded.vocabulary, token);
        text.map_or_else(String::new, |it| it.shown())
    }
}

/// The logarithm of a probability; of nothing, the least that such a number can say.
fn ln(probability: f32) -> f32 {
    match probability {
        p if p > 0.0 => p.ln(),
        _ => -9999.0,
    }
}

/// Two objects of JSON as one. Floats keep the fewest digits that give the same number again, which a tree of values would
/// write out as if they were longer ones.
pub(crate) fn joined(object: &str, more: &str) -> Result<String, ApiError> {
    let open = object.strip_suffix('}').zip(more.strip_prefix('{'));
    let (object, more) = open.ok_or_else(|| bug("what is joined is no object"))?;
    Ok(format!("{object},{more}"))
}
