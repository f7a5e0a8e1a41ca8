//! A model of a server that tells text alone, or frames: the text as it stands, which may change until it settles.
//!
//! The canvas holds the text's bytes and, until the end, one mask behind them. Settled text counts as given: nothing is known
//! of how sure it was, unless the server tells logarithms of probabilities.

use std::sync::Arc;
use std::time::Instant;

use serde_json::{Map, Value, json};
use unmask_core::api::{Capabilities, ModelFacts};
use unmask_core::config::{ModelEntry, REMOTE};
use unmask_core::engine::{
    Answering, Failure, FailureKind, LaidOut, Loaded, Outcome, TurnEvent, TurnRequest, Wanted, Wish,
};
use unmask_core::event::{Commit, CommitKind, FinishReason, Stats, StepEvent};
use unmask_core::family::FamilyRules;
use unmask_core::params::Growth;
use unmask_core::plugin::Running;
use unmask_core::precision::PrecisionReason;
use unmask_core::provenance::Provenance;
use unmask_core::settings::Setting;
use unmask_core::{Canvas, Params, Position, TokenId};

use super::answer::{News, StreamedAnswer};
use super::client::{PATIENCE, RemoteClient};
use super::dialect::ListedModel;
use super::options::RemoteOptions;
use super::text::{self, ByteText, COUNT, END, MASK};

/// Tokens of an answer, where nobody says how many.
const LENGTH: usize = 512;
/// How sure a given token is: whoever lists what a model was unsure of leaves it out.
const GIVEN: f32 = 1.0;
/// Bytes of prompt and answer: far beyond any context.
const POSITIONS: u32 = 1 << 22;

/// A model of a server that tells text.
pub(crate) struct PlainModel {
    client: RemoteClient,
    model: String,
    extra: Map<String, Value>,
    loaded: Arc<Loaded>,
}

impl PlainModel {
    pub(crate) fn new(
        entry: &ModelEntry,
        options: RemoteOptions,
        client: RemoteClient,
        found: &ListedModel,
    ) -> Result<Self, Failure> {
        if !found.is_listed {
            tracing::info!(model = options.model, "the server does not list the model");
        }
        let (mut defaults, mut default_length) = (Params::default(), LENGTH);
        entry.generation.apply(&mut defaults, &mut default_length);
        let host = client
            .root()
            .split("://")
            .nth(1)
            .unwrap_or_default()
            .to_owned();
        let context = found
            .context
            .map_or(String::new(), |it| format!(", {it} tokens of context"));
        let loaded = Loaded {
            key: entry.key.clone(),
            name: options
                .model
                .rsplit('/')
                .next()
                .unwrap_or_default()
                .to_owned(),
            provenance: Provenance::default(),
            backend: REMOTE.to_owned(),
            backend_version: "text".to_owned(),
            running: Running::Here,
            device: host.clone(),
            device_name: host,
            device_kind: None,
            precision_reason: PrecisionReason::Named,
            facts: ModelFacts {
                vocab: COUNT,
                max_positions: POSITIONS,
                memory_bytes: 0,
                cell_bytes: 0,
                precision: "text".to_owned(),
                capabilities: Capabilities(0),
                notes: vec![format!(
                    "answers at {}{context}; it tells text alone: no tokens, no confidences, no pins; of the settings count: {}",
                    client.root(),
                    Setting::OF_TEXT.map(|it| it.definition().label).join(", ")
                )],
            },
            special: text::special(),
            rules: FamilyRules::default(),
            vocabulary: Arc::new(text::vocabulary()),
            text: Arc::new(ByteText),
            defaults,
            default_length,
            default_seed: None,
            measured: None,
            presets: Vec::new(),
            text_alone: true,
            is_untold: true,
        };
        Ok(Self {
            client,
            model: options.model,
            extra: options.extra,
            loaded: Arc::new(loaded),
        })
    }

    fn request(&self, laid_out: &LaidOut, params: &Params) -> Result<Value, Failure> {
        let canvas = &laid_out.canvas;
        let start = canvas.answer_start();
        let is_given = |at: usize| canvas.is_given(Position(u32::try_from(at).unwrap_or(u32::MAX)));
        if (start..canvas.len()).any(|at| is_given(at) || !canvas.is_masked(Position(at as u32))) {
            let text = format!(
                "{} takes no words that are fixed, and goes on from no answer",
                self.client.root()
            );
            return Err(Failure::usage(
                text,
                "ask anew, or choose a model of `unmask serve` or of this machine",
            ));
        }
        // How long the canvas is, is settled here.
        let params = Params {
            growth: Growth::Fixed,
            ..params.clone()
        };
        let told = Setting::OF_TEXT.map(|setting| {
            let definition = setting.definition();
            let value = (definition.get)(&params, canvas.answer().len());
            // By its name in OpenAI's API.
            let name = match setting {
                Setting::Length => "max_tokens",
                _ => definition.key,
            };
            (name.to_owned(), json!(value))
        });
        let mut body = json!({
            "model": self.model,
            "messages": text::messages(&canvas.tokens()[..start]),
            "stream": true,
            "stream_options": {"include_usage": true},
        });
        if let Value::Object(body) = &mut body {
            body.extend(told);
            body.extend(self.extra.clone());
        }
        Ok(body)
    }
}

impl Answering for PlainModel {
    fn loaded(&self) -> Arc<Loaded> {
        Arc::clone(&self.loaded)
    }

    fn turn(
        &mut self,
        request: TurnRequest,
        wish: &dyn Wish,
        tell: &dyn Fn(TurnEvent),
    ) -> Result<Outcome, Failure> {
        let TurnRequest {
            input: laid_out,
            params,
            ..
        } = request.laid_out(&self.loaded)?;
        let body = self.request(&laid_out, &params)?;
        let answer = StreamedAnswer::ask(&self.client, "/v1/chat/completions", body)?;
        let prompt = &laid_out.canvas.tokens()[..laid_out.canvas.answer_start()];
        let mut turn = TextTurn::new(Canvas::new(prompt, 1, MASK));
        let mut started = Some(TurnEvent::Started {
            canvas: turn.canvas.clone(),
            params: Box::new(params),
            left_out: laid_out.left_out,
        });
        // A server that refuses has begun no turn.
        let mut begin = || started.take().into_iter().for_each(tell);
        let mut is_resting = false;
        loop {
            match wish.wanted() {
                // Hanging up is all that such a server understands.
                Wanted::Stop | Wanted::Abandon => {
                    begin();
                    return Ok(turn.outcome(FinishReason::Stopped));
                }
                Wanted::Rest => {
                    begin();
                    if !std::mem::replace(&mut is_resting, true) {
                        tell(TurnEvent::Paused(turn.stats.steps));
                    }
                    // What it sends meanwhile waits, first here and then there.
                    std::thread::sleep(PATIENCE);
                    continue;
                }
                Wanted::GoOn => {
                    if std::mem::take(&mut is_resting) {
                        tell(TurnEvent::Resumed);
                    }
                }
            }
            match answer.next(PATIENCE)? {
                News::Quiet => (),
                News::Chunk(chunk) => {
                    begin();
                    let steps = turn.news(&chunk).into_iter();
                    steps.for_each(|step| tell(TurnEvent::Step(step)));
                }
                News::End => {
                    let Some(reason) = turn.reason else {
                        return Err(Failure {
                            kind: FailureKind::Backend,
                            text: format!("{} ended without saying why", self.client.root()),
                            hint: "try again, or look at the server's log".to_owned(),
                        });
                    };
                    tell(TurnEvent::Step(turn.end()));
                    return Ok(turn.outcome(reason));
                }
            }
        }
    }
}

/// What a server has told of an answer.
struct TextTurn {
    canvas: Canvas,
    settled: String,
    reason: Option<FinishReason>,
    stats: Stats,
    last: Instant,
}

impl TextTurn {
    fn new(canvas: Canvas) -> Self {
        Self {
            canvas,
            settled: String::new(),
            reason: None,
            stats: Stats {
                text_alone: true,
                ..Stats::default()
            },
            last: Instant::now(),
        }
    }

    /// A chunk; what it changes on the canvas.
    fn news(&mut self, chunk: &Value) -> Option<StepEvent> {
        if let Some(tokens) = chunk["usage"]["completion_tokens"].as_u64() {
            self.stats.text_tokens = usize::try_from(tokens).unwrap_or(usize::MAX);
        }
        if chunk["type"] == "diffusion_frame" {
            let shown = ["text", "content"]
                .iter()
                .find_map(|name| chunk[*name].as_str())?;
            let text = format!("{}{shown}", self.settled);
            return self.become_text(&text, &[]);
        }
        let choice = &chunk["choices"][0];
        if let Some(reason) = choice["finish_reason"].as_str() {
            self.reason = Some(match reason {
                "length" => FinishReason::Complete,
                _ => FinishReason::EndToken,
            });
        }
        let delta = choice["delta"]["content"]
            .as_str()
            .filter(|delta| !delta.is_empty())?;
        self.settled.push_str(delta);
        let text = self.settled.clone();
        self.become_text(&text, &confidences(&choice["logprobs"], delta))
    }

    /// Makes the answer this text, whose last bytes were this sure.
    fn become_text(&mut self, text: &str, sure: &[f32]) -> Option<StepEvent> {
        let start = self.canvas.answer_start();
        let old = &self.canvas.tokens()[start..self.canvas.len() - 1];
        let new = text::tokens(text);
        let mut commits = Vec::new();
        for at in (new.len()..old.len()).rev() {
            commits.push(commit(CommitKind::Deleted, start + at, old[at], 1.0));
        }
        for (at, &token) in new.iter().enumerate() {
            let confidence = (at + sure.len())
                .checked_sub(new.len())
                .and_then(|it| sure.get(it))
                .copied();
            match (old.get(at), confidence) {
                (Some(&before), _) if before == token => (),
                (Some(_), _) => commits.push(commit(CommitKind::Pinned, start + at, token, GIVEN)),
                (None, Some(confidence)) => {
                    commits.push(commit(CommitKind::Inserted, start + at, token, confidence));
                }
                (None, None) => {
                    commits.push(commit(CommitKind::Inserted, start + at, MASK, 0.0));
                    commits.push(commit(CommitKind::Pinned, start + at, token, GIVEN));
                }
            }
        }
        (!commits.is_empty()).then(|| self.step(commits))
    }

    /// No more comes.
    fn end(&mut self) -> StepEvent {
        let last = self.canvas.len() - 1;
        let mut commits = self.unsettled();
        commits.push(commit(CommitKind::Pinned, last - commits.len(), END, GIVEN));
        self.step(commits)
    }

    /// What a last frame showed and nobody settled is no part of the answer.
    fn unsettled(&self) -> Vec<Commit> {
        let start = self.canvas.answer_start();
        let places = start + self.settled.len()..self.canvas.len() - 1;
        let tokens = self.canvas.tokens();
        places
            .rev()
            .map(|at| commit(CommitKind::Deleted, at, tokens[at], 1.0))
            .collect()
    }

    fn step(&mut self, commits: Vec<Commit>) -> StepEvent {
        commits.iter().for_each(|commit| self.canvas.apply(commit));
        self.stats.steps += 1;
        let elapsed = self.last.elapsed();
        self.last = Instant::now();
        self.stats.elapsed += elapsed;
        StepEvent {
            step: self.stats.steps,
            call: self.stats.steps - 1,
            steps: self.stats.steps,
            block: 0,
            blocks: 1,
            fed: 0..self.canvas.len(),
            length: self.canvas.len(),
            masked: usize::from(self.canvas.tokens().last() == Some(&MASK)),
            commits,
            guesses: Vec::new(),
            elapsed,
            // The other server does not say.
            forward: std::time::Duration::ZERO,
            nfe: 0,
            nfe_saved: 0.0,
        }
    }

    fn outcome(self, reason: FinishReason) -> Outcome {
        Outcome {
            canvas: self.canvas,
            text: self.settled,
            holes: Vec::new(),
            reason,
            stats: self.stats,
        }
    }
}

/// How sure each byte of `delta` was, if the server tells it of exactly this text.
fn confidences(logprobs: &Value, delta: &str) -> Vec<f32> {
    let tokens = logprobs["content"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let said: String = tokens
        .iter()
        .filter_map(|it| it["token"].as_str())
        .collect();
    if said != delta {
        return Vec::new();
    }
    let of = |it: &Value| {
        let confidence = it["logprob"].as_f64().map_or(0.0, f64::exp).clamp(0.0, 1.0);
        std::iter::repeat_n(confidence as f32, it["token"].as_str().map_or(0, str::len))
    };
    tokens.iter().flat_map(of).collect()
}

fn commit(kind: CommitKind, at: usize, token: TokenId, confidence: f32) -> Commit {
    Commit {
        at: Position(u32::try_from(at).unwrap_or(u32::MAX)),
        token,
        was: None,
        confidence,
        entropy: 0.0,
        kind,
        top: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod transcripts;
