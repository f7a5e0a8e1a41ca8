//! Where things are on the screen.

mod compare;
mod first_run;
mod models;
mod panel;
mod panels;
mod replay;
mod settings;

use ratatui::layout::{Constraint, Layout, Rect};

use crate::size::Size;
pub use crate::size::{INDENT, MARGIN, text_width};
use crate::state::State;
pub use compare::CompareArea;
pub use first_run::{FirstRun, OPTIONS, first_run};
pub use models::{ModelsArea, SIGN, info, info_rows, models, paragraphs};
pub use panel::panel;
pub use panels::{List, Menu, completions, help, list, list_top};
pub use replay::{ReplayArea, timeline_bars};
pub use settings::{SettingsArea, settings};

/// Cells of `▌› ` with the margin.
pub const PROMPT: u16 = 4;
/// Rows of the composer at most.
const TALLEST_COMPOSER: u16 = 8;

/// The parts of the screen, from top to bottom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Areas {
    /// Title, model, state.
    pub header: Rect,
    /// What was said.
    pub transcript: Rect,
    /// Tokens per step; no rows unless a turn runs.
    pub timeline: Rect,
    /// The empty row above the composer.
    pub gap: Rect,
    /// The draft.
    pub composer: Rect,
    /// Hints and numbers.
    pub status: Rect,
}

impl Areas {
    /// The areas for a state.
    #[must_use]
    pub fn of(state: &State) -> Self {
        let whole = Rect::new(0, 0, state.size.columns, state.size.rows);
        let [header, transcript, timeline, gap, composer, status] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Fill(1),
            Constraint::Length(u16::from(state.running().is_some())),
            Constraint::Length(1),
            Constraint::Length(composer_height(state)),
            Constraint::Length(1),
        ])
        .areas(whole);
        Self {
            header,
            transcript,
            timeline,
            gap,
            composer,
            status,
        }
    }
}

/// Cells of a row of the draft.
#[must_use]
pub fn composer_width(size: Size) -> usize {
    usize::from(size.columns.saturating_sub(PROMPT + INDENT).max(1))
}

/// Rows of the transcript that are seen.
#[must_use]
pub fn transcript_height(state: &State) -> usize {
    usize::from(Areas::of(state).transcript.height)
}

/// The first row of the draft that is seen: the caret's always is.
#[must_use]
pub fn composer_top(state: &State, area: Rect) -> usize {
    let (_, caret) = state.composer.rows(composer_width(state.size));
    list_top(0, caret.row, usize::from(area.height))
}

fn composer_height(state: &State) -> u16 {
    let (rows, _) = state.composer.rows(composer_width(state.size));
    let most = (state.size.rows / 3).clamp(1, TALLEST_COMPOSER);
    u16::try_from(rows.len()).unwrap_or(most).clamp(1, most)
}
