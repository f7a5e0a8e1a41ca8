use ratatui::style::Color;
use unmask_core::event::StepEvent;

use crate::state::{LogEntry, ReplayLayer, Turn};
use crate::theme::{Depth, Ground, Theme};

/// How a run is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PictureStyle {
    /// Cells of a row.
    pub columns: u16,
    /// Rows; `None` is as many as the run needs.
    pub rows: Option<u16>,
    /// Its colours.
    pub theme: Theme,
    /// What the colours of tokens tell.
    pub layer: ReplayLayer,
    /// Whether the message that is answered is drawn.
    pub prompt: PromptShown,
    /// What is drawn beside the tokens.
    pub chrome: Chrome,
    /// Pixels of one unit of the SVG.
    pub scale: f32,
    /// Which fonts pixels are drawn with.
    pub fonts: Fonts,
    /// How time passes in a film.
    pub pace: FilmPace,
}

/// Whether the message that is answered is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PromptShown {
    /// It is.
    #[default]
    Yes,
    /// It is not.
    No,
}

/// What is drawn beside the tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Chrome {
    /// Who answers, which step it is, and what the colours mean.
    #[default]
    Full,
    /// Nothing.
    Bare,
    /// The answer as a whole: its text, a bar for each token in the colour of its step, the settings.
    Card,
}

/// Which fonts pixels are drawn with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fonts {
    /// The carried one, and the system's for what it lacks.
    #[default]
    System,
    /// The carried one alone: the same pixels on every machine.
    Bundled,
}

/// How time passes in a film.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FilmPace {
    /// Pictures a second at most.
    pub fps: f32,
    /// Seconds at most, the rest on the last picture apart.
    pub seconds: f32,
}

/// What a run is drawn on, as `#rrggbb`: the ground, and text in the terminal's own colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paper {
    /// The ground.
    pub ground: Color,
    /// Text.
    pub text: Color,
}

impl Default for PictureStyle {
    fn default() -> Self {
        Self {
            columns: 80,
            rows: None,
            theme: Theme::new(Ground::Dark, Depth::True),
            layer: ReplayLayer::Confidence,
            prompt: PromptShown::default(),
            chrome: Chrome::default(),
            scale: 2.0,
            fonts: Fonts::default(),
            pace: FilmPace::default(),
        }
    }
}

impl Default for FilmPace {
    fn default() -> Self {
        Self {
            fps: 10.0,
            seconds: 12.0,
        }
    }
}

impl PictureStyle {
    /// What it is drawn on.
    #[must_use]
    pub fn paper(&self) -> Paper {
        let (ground, text) = match self.theme.ground {
            // A picture has a ground of its own.
            Ground::Unknown | Ground::Dark => (0x16_181D, 0xD8_DADE),
            Ground::Light => (0xFF_FFFF, 0x1D_1F21),
        };
        Paper {
            ground: Color::from_u32(ground),
            text: Color::from_u32(text),
        }
    }
}

impl FilmPace {
    /// Which entries of a log with `entries` are shown, counted as those before them, and how many seconds each stays. The
    /// first is the empty canvas, the last the end; steps are left out where there are more than the time has room for.
    #[must_use]
    pub fn pictures(&self, entries: usize) -> (Vec<usize>, f32) {
        /// Nobody wants to wait longer for a step.
        const LONGEST: f32 = 0.25;
        /// Shorter delays are ignored by what shows GIFs.
        const SHORTEST: f32 = 0.02;
        let room = ((self.fps * self.seconds) as usize).clamp(2, 10_000) - 1;
        let shown = match entries <= room {
            true => (0..=entries).collect(),
            false => (0..=room).map(|at| at * entries / room).collect::<Vec<_>>(),
        };
        let each = self.seconds / shown.len() as f32;
        let each = each.max(1.0 / self.fps).clamp(SHORTEST, LONGEST);
        (shown, each)
    }
}

/// What is worth a chapter after the first `count` entries of a log: a block that begins, an edit of the user's.
#[must_use]
pub fn chapter(turn: &Turn, count: usize) -> Option<String> {
    let entries = &turn.log().entries;
    let index = count.checked_sub(1)?;
    match entries.get(index)? {
        LogEntry::Edit(_) => Some("edit".to_owned()),
        LogEntry::Step(step) => {
            let block = |step: &StepEvent| step.block;
            let before = turn.log().step_at(index).map(block);
            (before != Some(step.block))
                .then(|| format!("block {}/{}", step.block + 1, step.blocks.max(1)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_film_begins_empty_ends_whole_and_keeps_to_its_time() {
        let pace = FilmPace {
            fps: 10.0,
            seconds: 2.0,
        };
        for entries in [0, 1, 7, 19, 20, 64, 1024] {
            let (shown, each) = pace.pictures(entries);
            assert_eq!((shown[0], shown.last()), (0, Some(&entries)));
            assert!(shown.is_sorted_by(|a, b| a < b), "{shown:?}");
            assert!(shown.len() <= 20, "{entries}: {}", shown.len());
            assert!((0.1..=0.25).contains(&each), "{entries}: {each}");
        }
    }
}
