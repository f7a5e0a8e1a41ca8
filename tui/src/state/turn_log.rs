use unmask_core::event::{Commit, Guess, StepEvent};
use unmask_core::fold::{Fold, FoldError};
use unmask_core::wire::{Event, Start};
use unmask_core::{Canvas, Params};

/// What has happened on the canvas of a turn, in order: enough to show it as it was after any of it.
#[derive(Debug, Clone)]
pub struct TurnLog {
    /// The canvas before the first step.
    pub canvas: Canvas,
    /// The settings that it began with.
    pub params: Params,
    /// What happened then.
    pub entries: Vec<LogEntry>,
    /// Guesses of all steps so far.
    guesses: usize,
}

/// What a trace tells of a run beside its steps.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRecord {
    /// How it began, and who made it.
    pub start: Start,
    /// What was left out of it, from which entry of the log on.
    pub trimmed: Vec<(usize, String)>,
    /// How it ended; `None` if it was cut.
    pub end: Option<Event>,
}

/// One change of a canvas.
#[derive(Debug, Clone, PartialEq)]
pub enum LogEntry {
    /// A step was made.
    Step(StepEvent),
    /// The user has steered.
    Edit(Steering),
}

/// What the user changed at a pause.
#[derive(Debug, Clone, PartialEq)]
pub struct Steering {
    /// What became of the canvas, in order.
    pub commits: Vec<Commit>,
    /// The settings from here on, if they are others.
    pub params: Option<Params>,
}

/// Where a token comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommitOrigin {
    /// The entry of the log.
    pub entry: usize,
    /// The commit in it.
    pub commit: usize,
    /// How many commits of steps there were up to it, itself counted.
    pub order: usize,
}

/// A canvas after some of a log.
#[derive(Debug, Clone)]
pub struct CanvasMoment {
    /// The canvas and its marks.
    pub fold: Fold,
    /// For each position, prompt included, the commit that it comes from last.
    pub origins: Vec<Option<CommitOrigin>>,
    /// Steps made.
    pub step: usize,
    /// Commits of steps so far.
    pub committed: usize,
}

/// What a step would have put in the place of the masks that it left.
#[derive(Debug, Clone, Copy, Default)]
pub struct Guesses<'a> {
    /// Ascending by position.
    guesses: &'a [Guess],
    /// The position of the answer's first token.
    start: usize,
}

impl<'a> Guesses<'a> {
    /// Those of a step, for an answer that begins at this position.
    #[must_use]
    pub fn of(step: Option<&'a StepEvent>, start: usize) -> Self {
        Self {
            guesses: step.map_or(&[], |step| &step.guesses),
            start,
        }
    }

    /// That for the mask at this offset of the answer.
    #[must_use]
    pub fn at(&self, offset: usize) -> Option<Guess> {
        let position = self.start + offset;
        let found = (self.guesses).binary_search_by_key(&position, |guess| guess.at.index());
        found.ok().map(|at| self.guesses[at])
    }
}

/// Guesses that a log holds at the most; those of later steps are shown while they are the last, and then forgotten.
const MOST_GUESSES: usize = 1 << 18;

impl LogEntry {
    /// What it changed.
    #[must_use]
    pub fn commits(&self) -> &[Commit] {
        match self {
            Self::Step(step) => &step.commits,
            Self::Edit(steering) => &steering.commits,
        }
    }
}

impl TurnLog {
    /// Of a canvas on which nothing has happened.
    #[must_use]
    pub fn new(canvas: Canvas, params: Params) -> Self {
        Self {
            canvas,
            params,
            entries: Vec::new(),
            guesses: 0,
        }
    }

    /// Adds a step. Its guesses are kept while there are not too many of them.
    pub fn push_step(&mut self, step: StepEvent) {
        if self.guesses > MOST_GUESSES
            && let Some(LogEntry::Step(last)) = self.entries.last_mut()
        {
            last.guesses = Vec::new();
        }
        self.guesses += step.guesses.len();
        self.entries.push(LogEntry::Step(step));
    }

    /// The steps, without what was steered between them.
    pub fn steps(&self) -> impl Iterator<Item = &StepEvent> {
        self.entries.iter().filter_map(|entry| match entry {
            LogEntry::Step(step) => Some(step),
            LogEntry::Edit(_) => None,
        })
    }

    /// The last step among the first `count` entries.
    #[must_use]
    pub fn step_at(&self, count: usize) -> Option<&StepEvent> {
        let shown = &self.entries[..count.min(self.entries.len())];
        shown.iter().rev().find_map(|entry| match entry {
            LogEntry::Step(step) => Some(step),
            LogEntry::Edit(_) => None,
        })
    }

    /// How many entries there are up to the end of this many steps.
    #[must_use]
    pub fn entries_of(&self, steps: usize) -> usize {
        let all = self.entries.iter().enumerate();
        let mut ends = all.filter(|(_, entry)| matches!(entry, LogEntry::Step(_)));
        match steps.checked_sub(1).map(|before| ends.nth(before)) {
            None => 0,
            Some(Some((at, _))) => at + 1,
            Some(None) => self.entries.len(),
        }
    }

    /// The settings after the first `count` entries.
    #[must_use]
    pub fn params_at(&self, count: usize) -> &Params {
        let shown = &self.entries[..count.min(self.entries.len())];
        let steered = shown.iter().rev().find_map(|entry| match entry {
            LogEntry::Edit(steering) => steering.params.as_ref(),
            LogEntry::Step(_) => None,
        });
        steered.unwrap_or(&self.params)
    }

    /// The canvas after the first `count` entries; what does not fit it is left out, and said in the log.
    #[must_use]
    pub fn moment(&self, count: usize) -> CanvasMoment {
        let mut moment = CanvasMoment {
            origins: vec![None; self.canvas.len()],
            fold: Fold::new(self.canvas.clone()),
            step: 0,
            committed: 0,
        };
        for (at, entry) in self.entries.iter().take(count).enumerate() {
            if let Err(error) = moment.take(at, entry) {
                tracing::error!(%error, at, "an entry of a log does not fit the canvas");
            }
        }
        moment
    }
}

impl CanvasMoment {
    fn take(&mut self, at: usize, entry: &LogEntry) -> Result<(), FoldError> {
        use unmask_core::event::CommitKind::{Changed, Deleted, Inserted, New, Pinned, Remasked};
        if let LogEntry::Step(step) = entry {
            self.step = step.step;
        }
        for (number, commit) in entry.commits().iter().enumerate() {
            self.fold.apply(self.step, std::slice::from_ref(commit))?;
            if matches!(entry, LogEntry::Step(_)) && matches!(commit.kind, New | Changed | Inserted)
            {
                self.committed += 1;
            }
            let origin = CommitOrigin {
                entry: at,
                commit: number,
                order: self.committed,
            };
            let index = commit.at.index();
            match commit.kind {
                Inserted => self.origins.insert(index, Some(origin)),
                Deleted => drop(self.origins.remove(index)),
                New | Changed | Remasked | Pinned => self.origins[index] = Some(origin),
            }
        }
        Ok(())
    }

    /// Where the token at this offset of the answer comes from.
    #[must_use]
    pub fn origin(&self, offset: usize) -> Option<CommitOrigin> {
        let start = self.fold.canvas().answer_start();
        self.origins.get(start + offset).copied().flatten()
    }
}
