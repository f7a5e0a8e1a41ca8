//! An answer as one object. One that takes long begins with blanks, which JSON does not mind: clients give up on a silent
//! connection and ask again.

use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::answer::{TokenUsage, TurnAnswer, joined};
use super::chunk::AnswerHead;
use super::error::ApiError;
use super::patience::Patience;
use super::prefix::SureToken;
use super::run::{AnswerRun, RunNews};

/// A task that ends with whoever waits for it.
pub(crate) struct OwnedTask<T>(pub(crate) JoinHandle<T>);

impl<T> Drop for OwnedTask<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The response that a run comes to.
pub(crate) async fn respond(run: AnswerRun, model: &str) -> Response {
    let head = AnswerHead::new(run.asked(), &run.id, model);
    let patience = run.app().patience;
    patient(collect(run, head), patience).await
}

/// The response that is an object of JSON which may take long.
pub(crate) async fn patient(
    object: impl Future<Output = Result<String, ApiError>> + Send + 'static,
    patience: Patience,
) -> Response {
    let mut task = OwnedTask(tokio::spawn(object));
    match timeout(patience.whole, &mut task.0).await {
        Ok(ended) => match super::run::finished(ended) {
            Ok(answer) => json(Body::from(answer)),
            Err(error) => error.into_response(),
        },
        Err(_) => slow(task, patience.blanks),
    }
}

/// Blanks, then the answer. A failure leaves the body unfinished, which is all that can be said by then.
fn slow(task: OwnedTask<Result<String, ApiError>>, blanks: Duration) -> Response {
    let body = stream::unfold(Some(task), move |task| async move {
        let mut task = task?;
        Some(match timeout(blanks, &mut task.0).await {
            Err(_) => (Ok(Bytes::from_static(b" ")), Some(task)),
            Ok(ended) => match super::run::finished(ended) {
                Ok(answer) => (Ok(answer.into()), None),
                Err(error) => (Err(io::Error::other(error.message)), None),
            },
        })
    });
    json(Body::from_stream(body))
}

fn json(body: Body) -> Response {
    let mut response = body.into_response();
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// What has come of a turn.
#[derive(Default)]
struct Collected {
    text: String,
    tokens: Vec<SureToken>,
}

/// What has come of the turns that are an answer.
#[derive(Default)]
struct WholeAnswer {
    choices: Vec<Value>,
    usage: TokenUsage,
    dones: Vec<String>,
}

impl WholeAnswer {
    /// The best attempt is the answer, if there is one.
    fn take(
        &mut self,
        best: &mut Option<(TurnAnswer, Collected)>,
        head: &AnswerHead,
        run: &AnswerRun,
    ) -> Result<(), ApiError> {
        let Some((ended, collected)) = best.take() else {
            return Ok(());
        };
        let indexes = &ended.prepared.indexes;
        let logprobs = head.logprobs(&ended, &collected.tokens, 0);
        let reason = ended.finish_reason();
        self.choices.extend(
            indexes
                .iter()
                .map(|&index| head.whole(index, &collected.text, logprobs.clone(), reason)),
        );
        self.usage.add(&ended);
        self.dones.push(ended.done(run.asked(), run.times)?);
        Ok(())
    }
}

async fn collect(mut run: AnswerRun, mut head: AnswerHead) -> Result<String, ApiError> {
    let (mut loaded, mut answer, mut collected) = (None, None, Collected::default());
    let (mut told, mut best) = (WholeAnswer::default(), None::<(TurnAnswer, Collected)>);
    while let Some(news) = run.next().await {
        match news? {
            RunNews::Queued { .. } | RunNews::Loading(_) => (),
            RunNews::Admitted(model) => {
                head.on(&model);
                loaded = Some(model);
            }
            RunNews::Begun(prepared, handle) => {
                collected = Collected::default();
                // An attempt that was stopped is followed by none at the same answer.
                if prepared.attempt.is_none_or(|it| it.place == 0) {
                    told.take(&mut best, &head, &run)?;
                }
                let new = |loaded| TurnAnswer::new(run.app(), loaded, prepared, handle);
                answer = loaded.as_ref().map(new);
            }
            RunNews::Turn(event) => {
                let Some(present) = &mut answer else {
                    continue;
                };
                let delta = present.event(&event)?;
                head.note_passes(present.ran_in());
                collected.text.push_str(&delta.text);
                collected.tokens.extend(delta.tokens);
                let Some(ended) = answer.take_if(|it| it.is_over()) else {
                    continue;
                };
                let attempt = ended.prepared.attempt;
                let ended = (ended, std::mem::take(&mut collected));
                best = match best.take() {
                    Some(before) if before.0.sureness() >= ended.0.sureness() => Some(before),
                    _ => Some(ended),
                };
                if attempt.is_none_or(|it| it.is_last()) {
                    told.take(&mut best, &head, &run)?;
                }
            }
        }
    }
    told.take(&mut best, &head, &run)?;
    let WholeAnswer {
        choices,
        usage,
        dones,
    } = told;
    usage.log(&run);
    // One is the rule; of several each has its own.
    let member = match &dones[..] {
        [done] => done.clone(),
        dones => format!("[{}]", dones.join(",")),
    };
    let whole = head.answer(choices, usage).to_string();
    joined(&whole, &format!("{{\"unmask\":{member}}}"))
}
