//! What is drawn of a state as rows of cells, kept while text and width stay the same. It belongs to whoever draws, and the
//! state does not know of it: what an update has to know of rows comes with actions.

mod compared;
mod entry;
mod markdown;
mod parts;
mod pointed;
mod scroll;
mod selected;

use unmask_core::engine::TurnId;

use crate::action::{Action, FrameView};
use crate::geometry::{ReplayArea, list_top, text_width};
use crate::layout::{LayoutOptions, canvas_rows, replay_rows};
use crate::row::{Row, TokenPlace};
use crate::state::{State, Turn};
pub use compared::LaidComparison;
use entry::LaidEntry;
pub use parts::{Part, PartSource};

/// The rows of a state as they were laid out last.
#[derive(Debug, Default)]
pub struct ScreenLayout {
    /// Of each entry of the transcript.
    entries: Vec<LaidEntry>,
    running: Option<LaidTurn>,
    replay: Option<LaidReplay>,
    compared: Option<LaidComparison>,
    /// The first row of the transcript that is seen.
    top: usize,
}

/// The running turn, with what its rows are for.
#[derive(Debug)]
struct LaidTurn {
    turn: TurnId,
    version: u64,
    options: LayoutOptions,
    rows: Vec<Row>,
}

/// The rows of a replay.
#[derive(Debug)]
struct LaidReplay {
    /// The part of the transcript that is replayed.
    part: usize,
    rows: Vec<Row>,
    /// Where the tokens are in each.
    places: Vec<Vec<TokenPlace>>,
    /// The first that is seen.
    top: usize,
}

impl ScreenLayout {
    /// Lays out what has changed since the last frame or does not fit the width, and works out which rows are seen. It comes
    /// before drawing.
    pub fn lay_out(&mut self, state: &State) -> FrameView {
        let options = LayoutOptions::of(state, text_width(state.size));
        self.entries.truncate(state.transcript.entries.len());
        for (at, item) in state.transcript.entries.iter().enumerate() {
            match self.entries.get_mut(at) {
                Some(laid) => laid.follow(item, options),
                None => self.entries.push(LaidEntry::of(item, options)),
            }
        }
        let before = self.running.take();
        self.running = state.running().map(|turn| match before {
            Some(laid) if laid.is_of(turn, options) => laid,
            Some(_) | None => LaidTurn::of(turn, options),
        });
        self.replay = LaidReplay::of(state, self.replay.as_ref());
        self.compared = LaidComparison::of(state, self.compared.take());
        self.settle(state)
    }

    /// What happens, with what was drawn where it happens; rows that were asked for are taken. It comes before an update.
    #[must_use]
    pub fn told(&mut self, state: &State, action: Action) -> Action {
        match action {
            Action::Click(pointed) => Action::Click(self.point(state, pointed.place)),
            Action::Drag(pointed) => Action::Drag(self.point(state, pointed.place)),
            Action::Rendered(mut rendered) => {
                rendered.changed = self.take(&rendered);
                Action::Rendered(rendered)
            }
            other => other,
        }
    }

    /// The first row of the transcript that is seen.
    #[must_use]
    pub fn top(&self) -> usize {
        self.top
    }

    /// The rows of a replay from the first that is seen.
    pub fn replayed(&self) -> impl Iterator<Item = &Row> {
        let replay = self.replay.iter();
        replay.flat_map(|it| it.rows.iter().skip(it.top))
    }

    /// The word of an entry that the model was least sure of, with how sure it was.
    #[must_use]
    pub fn least_sure(&self, entry: usize) -> Option<&(String, f32)> {
        self.entries.get(entry)?.least_sure.as_ref()
    }
}

impl LaidTurn {
    fn of(turn: &Turn, options: LayoutOptions) -> Self {
        Self {
            turn: turn.id,
            version: turn.version,
            options,
            rows: canvas_rows(turn, options),
        }
    }

    fn is_of(&self, turn: &Turn, options: LayoutOptions) -> bool {
        (self.turn, self.version, self.options) == (turn.id, turn.version, options)
    }
}

impl LaidReplay {
    /// The canvas of a replay; the row of the token that the keys mean is seen.
    fn of(state: &State, before: Option<&Self>) -> Option<Self> {
        let (replay, turn) = state.replayed()?;
        let area = ReplayArea::of(state.size);
        let options = LayoutOptions::of(state, area.text_width());
        let (rows, places) = replay_rows(replay, turn, &replay.moment(turn), options);
        let top = before.filter(|it| it.part == replay.part);
        let top = top.map_or(0, |it| it.top);
        let holds = |row: &Vec<TokenPlace>| row.iter().any(|place| place.from == replay.token);
        let row = places.iter().position(holds).unwrap_or(0);
        let seen = usize::from(area.canvas.height);
        let top = list_top(top, row, seen).min(rows.len().saturating_sub(seen));
        Some(Self {
            part: replay.part,
            rows,
            places,
            top,
        })
    }
}
