//! A turn that `unmask serve` carries out: what it tells, what it is told, and how it is left.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use unmask_core::Params;
use unmask_core::engine::{
    Failure, FailureKind, LaidOut, Loaded, Outcome, TurnEvent, Wanted, Wish,
};
use unmask_core::event::{FinishReason, Stats};
use unmask_core::fold::Fold;
use unmask_core::wire::{Done, Start, StepLine};

use super::UnmaskModel;
use super::shown::{self, StepTotals};
use crate::answer::{News, StreamedAnswer};
use crate::client::PATIENCE;
use crate::telling::Telling;

/// How long a turn that is to stop may take for the step that runs.
const LAST_STEP: Duration = Duration::from_secs(30);
/// After a server that did not hear, until it is told once more.
const ONCE_MORE: Duration = Duration::from_secs(2);

/// A turn that a server carries out.
pub(super) struct ServedTurn<'m> {
    model: &'m UnmaskModel,
    answer: StreamedAnswer,
    laid_out: LaidOut,
    params: Params,
    /// What the server calls it, once it runs.
    name: Option<String>,
    steering: Steering,
    /// The canvas as it stands, once it has begun.
    fold: Option<Fold>,
    totals: StepTotals,
}

/// What the server knows of what is wanted.
struct Steering {
    known: Wanted,
    /// What it is being told.
    telling: Option<(Wanted, Telling)>,
    /// When it did not hear.
    unheard: Option<Instant>,
    /// When it was first told to stop.
    stopped: Option<Instant>,
}

impl<'m> ServedTurn<'m> {
    pub(super) fn new(
        model: &'m UnmaskModel,
        answer: StreamedAnswer,
        laid_out: LaidOut,
        params: Params,
    ) -> Self {
        Self {
            model,
            answer,
            laid_out,
            params,
            name: None,
            steering: Steering {
                known: Wanted::GoOn,
                telling: None,
                unheard: None,
                stopped: None,
            },
            fold: None,
            totals: StepTotals::default(),
        }
    }

    pub(super) fn run(
        mut self,
        wish: &dyn Wish,
        tell: &dyn Fn(TurnEvent),
    ) -> Result<Outcome, Failure> {
        loop {
            let wanted = wish.wanted();
            let is_left = match (&self.name, wanted) {
                (_, Wanted::Abandon) | (None, Wanted::Stop) => true,
                (None, Wanted::GoOn | Wanted::Rest) => false,
                (Some(name), wanted) => {
                    let path = format!("/unmask/v1/turns/{name}");
                    self.steering.steer(self.model, path, wanted)
                }
            };
            if is_left {
                return Ok(self.left(tell));
            }
            match self.answer.next(PATIENCE)? {
                News::Quiet => (),
                News::End => return Err(self.strange("it ended without saying how")),
                News::Chunk(mut chunk) => {
                    if let Some(outcome) = self.news(chunk["unmask"].take(), tell)? {
                        return Ok(outcome);
                    }
                }
            }
        }
    }

    /// Hanging up ends what waits or runs there; the canvas is what has come of it.
    fn left(self, tell: &dyn Fn(TurnEvent)) -> Outcome {
        let loaded = &self.model.loaded;
        let canvas = match self.fold {
            Some(fold) => fold.canvas().clone(),
            None => {
                tell(TurnEvent::Started {
                    canvas: self.laid_out.canvas.clone(),
                    params: Box::new(self.params),
                    left_out: self.laid_out.left_out,
                });
                self.laid_out.canvas
            }
        };
        let (reason, all) = (FinishReason::Stopped, 0..canvas.answer().len());
        let text = |part| shown::text(loaded, &canvas, part, reason);
        Outcome {
            text: text(&all),
            holes: self.laid_out.holes.iter().map(text).collect(),
            stats: self.totals.stats(loaded, &canvas),
            canvas,
            reason,
        }
    }

    fn news(&mut self, event: Value, tell: &dyn Fn(TurnEvent)) -> Result<Option<Outcome>, Failure> {
        match event["event"].as_str().unwrap_or_default() {
            "start" => self.start(event, tell)?,
            "step" => {
                let line: StepLine = self.read(event)?;
                let step = line.event();
                let fold = self.fold.as_mut().ok_or("a step came before the start");
                let applied = fold.map_err(str::to_owned).and_then(|fold| {
                    fold.apply(step.step, &step.commits)
                        .map_err(|error| error.to_string())
                });
                applied.map_err(|what| self.strange(&what))?;
                self.totals.add(&step, self.loaded().special.mask);
                tell(TurnEvent::Step(step));
            }
            "paused" => {
                let step = event["step"]
                    .as_u64()
                    .and_then(|it| usize::try_from(it).ok());
                // Whoever asked for it: an answer to that may have been lost.
                self.steering.known = Wanted::Rest;
                tell(TurnEvent::Paused(step.unwrap_or(0)));
            }
            "resumed" => {
                self.steering.known = Wanted::GoOn;
                tell(TurnEvent::Resumed);
            }
            "done" => {
                let done: Done = self.read(event)?;
                let Some(fold) = &self.fold else {
                    return Err(self.strange("it ended before it began"));
                };
                return Ok(Some(self.outcome(fold, done.text, done.reason, done.stats)));
            }
            // What waits or loads there, and what later versions tell.
            _ => (),
        }
        Ok(None)
    }

    fn start(&mut self, mut event: Value, tell: &dyn Fn(TurnEvent)) -> Result<(), Failure> {
        let name = event["turn"].take();
        self.name = name
            .as_str()
            .filter(|name| is_plain(name))
            .map(str::to_owned);
        let start: Start = self.read(event)?;
        let canvas = start
            .canvas
            .canvas()
            .ok_or_else(|| self.strange("its canvas is none"))?;
        let params = start.params.params();
        self.fold = Some(Fold::new(canvas.clone()));
        tell(TurnEvent::Started {
            canvas,
            params: Box::new(params),
            left_out: self.laid_out.left_out,
        });
        Ok(())
    }

    fn outcome(&self, fold: &Fold, text: String, reason: FinishReason, stats: Stats) -> Outcome {
        let canvas = fold.canvas().clone();
        let hole = |part| shown::text(self.loaded(), &canvas, part, reason);
        Outcome {
            holes: self.laid_out.holes.iter().map(hole).collect(),
            canvas,
            text,
            reason,
            stats,
        }
    }

    fn loaded(&self) -> &Loaded {
        &self.model.loaded
    }

    fn read<T: serde::de::DeserializeOwned>(&self, event: Value) -> Result<T, Failure> {
        serde_json::from_value(event).map_err(|error| self.strange(&error.to_string()))
    }

    fn strange(&self, what: &str) -> Failure {
        Failure {
            kind: FailureKind::Backend,
            text: format!(
                "{} tells of the turn what is not understood: {what}",
                self.model.client.root()
            ),
            hint: "use the same version of unmask on both sides".to_owned(),
        }
    }
}

impl Steering {
    /// Sees to it that the server at `path` knows what is wanted. True if a turn that is to stop is to be left, since the
    /// server does not hear, or does not stop.
    fn steer(&mut self, model: &UnmaskModel, path: String, wanted: Wanted) -> bool {
        let is_to_stop = wanted == Wanted::Stop;
        if is_to_stop {
            let since = self.stopped.get_or_insert_with(Instant::now);
            if since.elapsed() > LAST_STEP {
                return true;
            }
        }
        let outcome = match &self.telling {
            // Whatever is being told, to stop is more urgent.
            Some((told, _)) if is_to_stop && *told != wanted => {
                self.telling = None;
                None
            }
            Some((_, telling)) => match telling.outcome() {
                Some(outcome) => Some(outcome),
                None => return false,
            },
            None => None,
        };
        if let Some(outcome) = outcome
            && let Some((told, _)) = self.telling.take()
        {
            match outcome {
                // A turn that has ended meanwhile knows nothing of it, and tells its end.
                Ok(()) => self.known = told,
                Err(failure) if failure.kind == FailureKind::Model => self.known = told,
                Err(_) if is_to_stop => return true,
                Err(failure) => {
                    tracing::warn!(%failure, wanted = word(told), "the server of a turn does not hear");
                    self.unheard = Some(Instant::now());
                }
            }
        }
        let rests = (self.unheard).is_some_and(|at| at.elapsed() < ONCE_MORE && !is_to_stop);
        if wanted == self.known || rests {
            return false;
        }
        match Telling::tell(&model.client, path, json!({"do": word(wanted)})) {
            Ok(telling) => self.telling = Some((wanted, telling)),
            Err(_) if is_to_stop => return true,
            Err(failure) => {
                tracing::warn!(%failure, "the server of a turn is not told");
                self.unheard = Some(Instant::now());
            }
        }
        false
    }
}

/// What is wanted, as the server hears it.
fn word(wanted: Wanted) -> &'static str {
    match wanted {
        Wanted::GoOn => "resume",
        Wanted::Rest => "pause",
        Wanted::Stop | Wanted::Abandon => "stop",
    }
}

/// A name that may stand in a path.
fn is_plain(name: &str) -> bool {
    name.bytes()
        .all(|it| it.is_ascii_alphanumeric() || it == b'-' || it == b'_')
}
