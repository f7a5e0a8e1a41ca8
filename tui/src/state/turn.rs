use super::{Branch, Guesses, LogEntry, Pending, RunRecord, Stage, Steering, TurnLog, TurnOrigin};
use std::sync::Arc;
use std::time::Duration;

use unmask_core::engine::{Loaded, TurnId};
use unmask_core::event::{Stats, StepEvent};
use unmask_core::fold::{Fold, Mark};
use unmask_core::message::Message;
use unmask_core::{Canvas, Params, TokenId};

/// A turn while it runs.
#[derive(Debug, Clone)]
pub struct Turn {
    /// Its name.
    pub id: TurnId,
    /// Who answers.
    pub loaded: Arc<Loaded>,
    /// The message it answers.
    pub prompt: String,
    /// Where it comes from.
    pub origin: TurnOrigin,
    /// How it runs.
    pub params: Params,
    /// What it is doing.
    pub stage: Stage,
    /// What its steps have made of the canvas, which is empty until it is laid out.
    fold: Fold,
    /// How it came about.
    log: TurnLog,
    /// What was said when it was asked, for whoever reads its trace.
    pub messages: Vec<Message>,
    /// What its trace tells, if it was read from one.
    pub recorded: Option<Arc<RunRecord>>,
    /// What it is a branch of, if it is one.
    pub branch: Option<Branch>,
    /// The settings when it was asked for, or steered last.
    pub asked: Option<Params>,
    /// What had been made before the user steered last; nothing if nobody has.
    steered: Stats,
    /// Steps made.
    pub step: usize,
    /// Steps planned.
    pub steps: usize,
    /// The block being denoised, counted from 0.
    pub block: usize,
    /// Blocks in all.
    pub blocks: usize,
    /// Positions per block.
    block_length: usize,
    /// Tokens committed.
    pub committed: usize,
    /// Tokens that were committed before its first step, by the turn that it continues.
    inherited: usize,
    /// Wall time of the steps.
    pub elapsed: Duration,
    /// Forwards made.
    pub nfe: usize,
    /// Forwards not needed, see [`StepEvent::nfe_saved`].
    pub nfe_saved: f32,
    /// How the blocks that have not begun are shown.
    pub pending: Pending,
    /// Counts changes, for whoever keeps what is made of it.
    pub version: u64,
}

impl Turn {
    /// A turn that the engine has not begun.
    #[must_use]
    pub fn new(id: TurnId, loaded: Arc<Loaded>, prompt: String) -> Self {
        let canvas = Canvas::new(&[], 0, loaded.special.mask);
        Self {
            id,
            loaded,
            prompt,
            origin: TurnOrigin::Asked,
            params: Params::default(),
            stage: Stage::Denoising,
            fold: Fold::new(canvas.clone()),
            log: TurnLog::new(canvas, Params::default()),
            messages: Vec::new(),
            recorded: None,
            branch: None,
            asked: None,
            steered: Stats::default(),
            step: 0,
            steps: 0,
            block: 0,
            blocks: 0,
            block_length: 1,
            committed: 0,
            inherited: 0,
            elapsed: Duration::ZERO,
            nfe: 0,
            nfe_saved: 0.0,
            pending: Pending::Folded,
            version: 0,
        }
    }

    /// The canvas is laid out.
    pub fn lay_out(&mut self, canvas: Canvas, params: &Params) {
        self.fold = Fold::new(canvas.clone());
        self.log = TurnLog::new(canvas, params.clone());
        self.steps = params.steps;
        self.block_length = params.block_length.max(1);
        self.blocks = self.marks().len().div_ceil(self.block_length);
        let open = self.marks().iter().position(|&mark| mark == Mark::Masked);
        self.block = open.unwrap_or(0) / self.block_length;
        self.committed = self.count_committed();
        self.inherited = self.committed;
        self.params = params.clone();
        self.version += 1;
    }

    /// One step was made; the engine counts from where the user steered last.
    pub fn apply(&mut self, event: &StepEvent) {
        let mut event = event.clone();
        event.step += self.steered.steps;
        event.nfe += self.steered.nfe;
        self.replay_step(event);
    }

    /// One step, as it was recorded.
    pub fn replay_step(&mut self, event: StepEvent) {
        self.step = event.step;
        self.steps = event.steps;
        self.block = event.block;
        self.blocks = event.blocks;
        self.nfe = event.nfe;
        self.elapsed += event.elapsed;
        if let Err(error) = self.fold.apply(event.step, &event.commits) {
            tracing::error!(%error, step = event.step, "a step does not fit the canvas");
        }
        // Blocks that the turn before has filled are not saved by this one.
        self.nfe_saved = match self.inherited {
            0 if !self.is_steered() => event.nfe_saved,
            _ if self.is_steered() => self.steered.nfe_saved,
            _ => 0.0,
        };
        self.committed = self.count_committed();
        self.log.push_step(event);
        self.version += 1;
    }

    /// The user has changed the canvas or the settings; what follows is told as a turn of this name, which begins on the
    /// canvas as it is then.
    pub fn steer(&mut self, id: TurnId, steering: Steering) {
        self.steered = self.so_far(0);
        self.id = id;
        self.replay_edit(steering);
    }

    /// An edit, as it was recorded.
    pub fn replay_edit(&mut self, steering: Steering) {
        if let Err(error) = self.fold.apply(self.step, &steering.commits) {
            tracing::error!(%error, "an edit does not fit the canvas");
        }
        if let Some(params) = &steering.params {
            self.params = params.clone();
            self.block_length = params.block_length.max(1);
            self.blocks = self.marks().len().div_ceil(self.block_length);
        }
        let open = self.marks().iter().position(|&mark| mark == Mark::Masked);
        self.block = open.unwrap_or(0) / self.block_length;
        self.committed = self.count_committed();
        self.log.entries.push(LogEntry::Edit(steering));
        self.version += 1;
    }

    /// True if the user has steered: its canvas is laid out already.
    #[must_use]
    pub fn is_steered(&self) -> bool {
        let mut entries = self.log.entries.iter();
        entries.any(|entry| matches!(entry, LogEntry::Edit(_)))
    }

    /// Its totals as far as it has come; its answer is so many tokens of text, unless nobody knows how many.
    #[must_use]
    pub fn so_far(&self, text_tokens: usize) -> Stats {
        let text_alone = self.loaded.text_alone;
        let text_tokens = if text_alone { 0 } else { text_tokens };
        Stats {
            steps: self.step,
            nfe: self.nfe,
            nfe_saved: self.nfe_saved,
            committed: self.committed,
            text_tokens,
            elapsed: self.elapsed,
            text_alone,
        }
    }

    /// What the engine counted since the user steered last, as totals of the whole turn.
    #[must_use]
    pub fn whole(&self, stats: Stats) -> Stats {
        Stats {
            steps: stats.steps + self.steered.steps,
            nfe: stats.nfe + self.steered.nfe,
            elapsed: stats.elapsed + self.steered.elapsed,
            committed: match self.is_steered() {
                true => self.committed,
                false => stats.committed,
            },
            nfe_saved: match self.is_steered() {
                true => self.steered.nfe_saved,
                false => stats.nfe_saved,
            },
            ..stats
        }
    }

    fn count_committed(&self) -> usize {
        self.marks()
            .iter()
            .filter(|mark| mark.is_committed())
            .count()
    }

    /// How each position of the answer came about; as long as the answer.
    #[must_use]
    pub fn marks(&self) -> &[Mark] {
        self.fold.answer_marks()
    }

    /// How it came about.
    #[must_use]
    pub fn log(&self) -> &TurnLog {
        &self.log
    }

    /// The turn without what only a running one needs.
    #[must_use]
    pub fn at_rest(mut self) -> Self {
        self.log.entries.shrink_to_fit();
        self
    }

    /// Prompt and answer, as far as the screen has heard.
    #[must_use]
    pub fn canvas(&self) -> &Canvas {
        self.fold.canvas()
    }

    /// The answer's tokens, masks included.
    #[must_use]
    pub fn answer(&self) -> &[TokenId] {
        self.canvas().answer()
    }

    /// Where the pins end, as an offset in the answer: an end token before it ends nothing.
    #[must_use]
    pub fn pinned(&self) -> usize {
        self.canvas().pinned_until() - self.canvas().answer_start()
    }

    /// What the model would put in the place of each mask of the answer, as far as its last step told.
    #[must_use]
    pub fn guesses(&self) -> Guesses<'_> {
        let last = self.log.steps().last();
        Guesses::of(last, self.canvas().answer_start())
    }

    /// The mask.
    #[must_use]
    pub fn mask(&self) -> TokenId {
        self.canvas().mask()
    }

    /// Positions of the blocks that have begun.
    #[must_use]
    pub fn begun(&self) -> usize {
        self.answer()
            .len()
            .min((self.block + 1) * self.block_length)
    }

    /// Blocks that have not begun.
    #[must_use]
    pub fn blocks_pending(&self) -> usize {
        self.blocks.saturating_sub(self.block + 1)
    }

    /// Positions per block.
    #[must_use]
    pub fn block_length(&self) -> usize {
        self.block_length
    }

    /// True if its tokens are the model's, so that this can go on with them.
    #[must_use]
    pub fn fits(&self, loaded: &Loaded) -> bool {
        let mut tokens = self.canvas().tokens().iter();
        self.loaded.key == loaded.key
            && self.mask() == loaded.special.mask
            && tokens.all(|token| token.index() < loaded.facts.vocab)
    }

    /// The same turn with the text and the vocabulary of the model itself; who made it stays what its trace tells.
    #[must_use]
    pub fn of_model(self, loaded: &Loaded) -> Self {
        let loaded = Arc::new(Loaded {
            text: Arc::clone(&loaded.text),
            vocabulary: Arc::clone(&loaded.vocabulary),
            ..(*self.loaded).clone()
        });
        Self { loaded, ..self }
    }

    /// True if it is a branch and has another token here than the answer before it.
    #[must_use]
    pub fn is_other_than_before(&self, offset: usize) -> bool {
        let branch = self.branch.as_ref();
        branch.is_some_and(|it| it.before.get(offset) != self.answer().get(offset))
    }

    /// Tokens that its own steps have committed.
    #[must_use]
    pub fn unmasked(&self) -> usize {
        self.committed - self.inherited.min(self.committed)
    }
}

/// Two are equal that came to the same tokens in the same way.
impl PartialEq for Turn {
    fn eq(&self, other: &Self) -> bool {
        (self.id, &self.fold) == (other.id, &other.fold)
    }
}
