//! One run of a recording, and its canvas after any of it.

use unmask_core::Position;
use unmask_core::fold::{Fold, FoldError};
use unmask_core::wire::{Event, Recording, Start, StepLine, TokenText};

/// One run of a recording: how it began, what happened, how it ended.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedRun {
    /// How it began.
    pub start: Start,
    /// What happened after that, an end apart.
    pub events: Vec<Event>,
    /// How it ended; `None` if it was cut.
    pub end: Option<Event>,
}

/// Why a run cannot be shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// There is none of this number.
    #[error("there is no run {asked}; it holds {runs}")]
    NoRun {
        /// Counted from 1.
        asked: usize,
        /// How many there are.
        runs: usize,
    },
    /// The canvas of its start is not one.
    #[error("the canvas of the run does not fit together")]
    Canvas,
    /// A commit that does not fit the canvas.
    #[error(transparent)]
    Fold(#[from] FoldError),
}

/// A run's canvas after some of its events, with what stands at each position.
#[derive(Debug, Clone, PartialEq)]
pub struct Moment {
    /// The canvas and its marks.
    pub fold: Fold,
    /// What each position's token stands for; `None` for an id that the tokenizer does not know.
    pub texts: Vec<Option<TokenText>>,
    /// The last step that was made.
    pub step: Option<StepLine>,
}

impl RecordedRun {
    /// The run of this number, counted from 1; the last one without a number.
    ///
    /// # Errors
    /// If there is none.
    pub fn of(recording: &Recording, number: Option<usize>) -> Result<Self, RunError> {
        let mut runs: Vec<Self> = Vec::new();
        for event in &recording.events {
            match (event, runs.last_mut()) {
                (Event::Start(start), _) => runs.push(Self {
                    start: (**start).clone(),
                    events: Vec::new(),
                    end: None,
                }),
                (Event::Done(_) | Event::Failed(_), Some(run)) => run.end = Some(event.clone()),
                (other, Some(run)) => run.events.push(other.clone()),
                (_, None) => (),
            }
        }
        let count = runs.len();
        let asked = number.unwrap_or(count);
        let index = asked.checked_sub(1);
        let run = index
            .filter(|&index| index < count)
            .map(|index| runs.swap_remove(index));
        run.ok_or(RunError::NoRun { asked, runs: count })
    }

    /// All of it as events, the start first.
    pub fn whole(&self) -> impl Iterator<Item = Event> {
        let start = Event::Start(Box::new(self.start.clone()));
        std::iter::once(start)
            .chain(self.events.iter().cloned())
            .chain(self.end.clone())
    }

    /// After the first `count` events.
    ///
    /// # Errors
    /// If they do not fit the canvas.
    pub fn after(&self, count: usize) -> Result<Moment, RunError> {
        let canvas = self.start.canvas.canvas().ok_or(RunError::Canvas)?;
        let texts = canvas.tokens().iter();
        let texts = texts
            .map(|token| self.start.pieces.get(&token.0).cloned())
            .collect();
        let mut moment = Moment {
            fold: Fold::new(canvas),
            texts,
            step: None,
        };
        for event in self.events.iter().take(count) {
            moment.take(event)?;
        }
        Ok(moment)
    }
}

impl Moment {
    fn take(&mut self, event: &Event) -> Result<(), RunError> {
        let commits = match event {
            Event::Step(step) => {
                self.step = Some(step.clone());
                &step.commits
            }
            Event::Edit { commits } => commits,
            Event::Start(_)
            | Event::Settings { .. }
            | Event::Paused { .. }
            | Event::Resumed {}
            | Event::Trimmed { .. }
            | Event::Done(_)
            | Event::Failed(_) => return Ok(()),
        };
        let step = self.step.as_ref().map_or(0, |step| step.step);
        for line in commits {
            use unmask_core::event::CommitKind::{
                Changed, Deleted, Inserted, New, Pinned, Remasked,
            };
            self.fold
                .apply(step, std::slice::from_ref(&line.commit()))?;
            let at = line.position as usize;
            match line.kind {
                Inserted => self.texts.insert(at, line.text.clone()),
                Deleted => drop(self.texts.remove(at)),
                New | Changed | Remasked | Pinned => self.texts[at] = line.text.clone(),
            }
        }
        Ok(())
    }

    /// The answer as a reader sees it: up to the first end token that only settled tokens precede, specials left out, a mask as
    /// `▒`.
    #[must_use]
    pub fn answer(&self, ends: &[u32]) -> String {
        let canvas = self.fold.canvas();
        let mut bytes = Vec::new();
        let mut is_settled = true;
        for index in canvas.answer_start()..canvas.len() {
            let token = canvas.tokens()[index];
            if canvas.is_masked(Position(index as u32)) {
                is_settled = false;
                bytes.extend("▒".bytes());
                continue;
            }
            if is_settled && ends.contains(&token.0) {
                break;
            }
            match &self.texts[index] {
                Some(TokenText::Text(text)) => bytes.extend(text.bytes()),
                Some(TokenText::Bytes(more)) => bytes.extend(more),
                Some(TokenText::Special(_)) | None => (),
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }
}
