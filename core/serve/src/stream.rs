//! An answer as server-sent events: `data:` lines alone, since comments and named events break clients.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};
use unmask_core::engine::{Loaded, TurnEvent};

use super::answer::{TokenUsage, TurnAnswer, joined};
use super::chunk::AnswerHead;
use super::error::ApiError;
use super::run::{AnswerRun, RunNews};
use super::unmask_member::StreamDetail;

/// Turns the news of a run into chunks.
struct ChunkStream {
    run: AnswerRun,
    head: AnswerHead,
    loaded: Option<Arc<Loaded>>,
    answer: Option<TurnAnswer>,
    /// Characters of text that were sent of the present answer.
    sent: usize,
    usage: TokenUsage,
    pending: VecDeque<Bytes>,
    /// What the present attempt at an answer would send.
    attempt: VecDeque<Bytes>,
    /// The best attempt so far at the present answer.
    best: Option<BestAttempt>,
    last_sent: Instant,
    is_over: bool,
}

/// An attempt at an answer, and what it would send.
struct BestAttempt {
    answer: TurnAnswer,
    chunks: VecDeque<Bytes>,
}

/// The response that streams a run.
pub(crate) fn respond(run: AnswerRun, model: &str) -> Response {
    let head = AnswerHead::new(run.asked(), &run.id, model);
    let chunks = ChunkStream {
        run,
        head,
        loaded: None,
        answer: None,
        sent: 0,
        usage: TokenUsage::default(),
        pending: VecDeque::new(),
        attempt: VecDeque::new(),
        best: None,
        last_sent: Instant::now(),
        is_over: false,
    };
    let body = stream::unfold(chunks, |mut chunks| async {
        let chunk = chunks.next().await?;
        Some((Ok::<_, Infallible>(chunk), chunks))
    });
    events(Body::from_stream(body))
}

/// A response that is read as it comes.
pub(crate) fn events(body: Body) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache"),
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

impl ChunkStream {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(chunk) = self.pending.pop_front() {
                self.last_sent = Instant::now();
                return Some(chunk);
            }
            if self.is_over {
                return None;
            }
            let quiet = self.run.app().patience.quiet;
            let told = match timeout_at(self.last_sent + quiet, self.run.next()).await {
                Err(_) => self.quiet(),
                Ok(None) => {
                    self.end();
                    Ok(())
                }
                Ok(Some(news)) => news.and_then(|it| self.news(it)),
            };
            if let Err(error) = told {
                self.fail(&error);
            }
        }
    }

    fn news(&mut self, news: RunNews) -> Result<(), ApiError> {
        match news {
            RunNews::Queued { ahead, seconds } => {
                return self
                    .aside(|| json!({"event": "queued", "ahead": ahead, "seconds": seconds}));
            }
            RunNews::Loading(at) => {
                return self.aside(|| {
                    json!({"event": "loading", "model": at.key, "stage": at.stage, "done": at.done, "total": at.total})
                });
            }
            RunNews::Admitted(loaded) => {
                self.head.on(&loaded);
                self.loaded = Some(loaded);
            }
            RunNews::Begun(prepared, handle) => {
                let Some(loaded) = &self.loaded else {
                    return Ok(());
                };
                let app = self.run.app();
                let answer = TurnAnswer::new(app, loaded, Arc::clone(&prepared), handle);
                (self.answer, self.sent) = (Some(answer), 0);
                if prepared.attempt.is_none_or(|it| it.place == 0) {
                    self.take_best();
                    for &index in &prepared.indexes {
                        let role = self.chunk(self.head.role(index), None)?;
                        self.pending.push_back(role);
                    }
                }
            }
            RunNews::Turn(event) => return self.event(&event),
        }
        Ok(())
    }

    fn event(&mut self, event: &TurnEvent) -> Result<(), ApiError> {
        let Some(mut answer) = self.answer.take() else {
            return Ok(());
        };
        let delta = answer.event(event)?;
        self.head.note_passes(answer.ran_in());
        let asked = self.run.asked();
        let member = match (asked.generation.unmask.detail, event) {
            (StreamDetail::Text, _) | (_, TurnEvent::Finished(_)) => None,
            (StreamDetail::Steps, _) => Some(answer.line(event, &self.run.id, asked)?),
        };
        if self.head.is_worth(&delta) || member.is_some() {
            let logprobs = self.head.logprobs(&answer, &delta.tokens, self.sent);
            let choice = |&index| self.head.more(index, &delta.text, logprobs.clone());
            let choices: Vec<Value> = answer.prepared.indexes.iter().map(choice).collect();
            self.sent += delta.text.chars().count();
            self.send_each(&answer, choices, member.as_deref())?;
        }
        if answer.is_over() {
            return self.finish(answer);
        }
        self.answer = Some(answer);
        Ok(())
    }

    fn finish(&mut self, answer: TurnAnswer) -> Result<(), ApiError> {
        let done = answer.done(self.run.asked(), self.run.times)?;
        let reason = answer.finish_reason();
        let indexes = answer.prepared.indexes.iter();
        let choices: Vec<Value> = indexes.map(|&index| self.head.end(index, reason)).collect();
        self.send_each(&answer, choices, Some(&done))?;
        let Some(attempt) = answer.prepared.attempt else {
            self.usage.add(&answer);
            return Ok(());
        };
        let chunks = std::mem::take(&mut self.attempt);
        let before = self.best.take();
        let best = match before {
            Some(before) if before.answer.sureness() >= answer.sureness() => before,
            _ => BestAttempt { answer, chunks },
        };
        self.best = Some(best);
        if attempt.is_last() {
            self.take_best();
        }
        Ok(())
    }

    /// The best attempt is the answer: none comes after the last, or after one that was stopped.
    fn take_best(&mut self) {
        if let Some(best) = self.best.take() {
            self.usage.add(&best.answer);
            self.pending.extend(best.chunks);
        }
    }

    /// What belongs to no answer, to those who want every step.
    fn aside(&mut self, member: impl FnOnce() -> Value) -> Result<(), ApiError> {
        if self.run.asked().generation.unmask.detail == StreamDetail::Text {
            return Ok(());
        }
        let choice = self.head.more(0, "", Value::Null);
        let chunk = self.chunk(choice, Some(&member().to_string()))?;
        self.pending.push_back(chunk);
        Ok(())
    }

    fn quiet(&mut self) -> Result<(), ApiError> {
        let index = self
            .answer
            .as_ref()
            .and_then(|it| it.prepared.indexes.first());
        let choice = self.head.more(index.copied().unwrap_or(0), "", Value::Null);
        let chunk = self.chunk(choice, None)?;
        self.pending.push_back(chunk);
        Ok(())
    }

    fn end(&mut self) {
        self.take_best();
        self.usage.log(&self.run);
        if self.run.asked().generation.include_usage {
            let mut chunk = self.head.chunk(Vec::new());
            chunk["usage"] = self.usage.json();
            self.push(&chunk.to_string());
        }
        self.push("[DONE]");
        self.is_over = true;
    }

    /// What both SDKs raise: an error and no end.
    fn fail(&mut self, error: &ApiError) {
        self.push(&error.json().to_string());
        self.is_over = true;
    }

    /// A chunk for each choice, since clients look at the first alone; of an attempt, kept until it is known to be the best.
    fn send_each(
        &mut self,
        answer: &TurnAnswer,
        choices: Vec<Value>,
        member: Option<&str>,
    ) -> Result<(), ApiError> {
        for choice in choices {
            let chunk = self.chunk(choice, member)?;
            match answer.prepared.attempt {
                None => self.pending.push_back(chunk),
                Some(_) => self.attempt.push_back(chunk),
            }
        }
        Ok(())
    }

    fn chunk(&self, choice: Value, member: Option<&str>) -> Result<Bytes, ApiError> {
        let mut chunk = self.head.chunk(vec![choice]);
        if self.run.asked().generation.include_usage {
            chunk["usage"] = Value::Null;
        }
        let mut chunk = chunk.to_string();
        if let Some(member) = member {
            chunk = joined(&chunk, &format!("{{\"unmask\":{member}}}"))?;
        }
        Ok(data_line(&chunk))
    }

    fn push(&mut self, data: &str) {
        self.pending.push_back(data_line(data));
    }
}

fn data_line(data: &str) -> Bytes {
    format!("data: {data}\n\n").into()
}
