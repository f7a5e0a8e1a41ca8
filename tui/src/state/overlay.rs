use std::time::Duration;

use super::{Confirm, Help, Info, Pick, Search, Sessions, SettingsPanel, State, ThemePick};

/// Something drawn over the chat. The last one opened gets every key; none stops the engine.
#[derive(Debug, Clone, PartialEq)]
pub enum Overlay {
    /// The keys.
    Help(Help),
    /// What a letter would do.
    Menu {
        /// When its panel is drawn, by [`Moment::since_start`](crate::action::Moment::since_start); letters work before.
        shown_at: Duration,
    },
    /// Every command.
    Palette(Pick),
    /// Every conversation.
    Sessions(Sessions),
    /// Earlier prompts.
    Search(Search),
    /// Models and backends.
    Models(Pick),
    /// A question before something that should not happen by accident.
    Confirm(Confirm),
    /// How the next turn runs.
    Settings(Box<SettingsPanel>),
    /// Text to be read.
    Info(Info),
    /// The themes.
    Themes(ThemePick),
}

/// A word that goes away by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What it says.
    pub text: String,
    /// When it goes, by [`Moment::since_start`](crate::action::Moment::since_start).
    pub until: Duration,
}

/// A failure with what to do about it; it stays in a corner until Esc.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toast {
    /// What failed, in a few words.
    pub title: String,
    /// Why, and what to do, a paragraph a line.
    pub lines: Vec<String>,
}

impl Toast {
    /// Cells of a line.
    pub const CELLS: usize = 56;
}

impl State {
    /// The list of conversations, if it is open.
    pub fn session_list(&mut self) -> Option<&mut Sessions> {
        self.overlays.iter_mut().find_map(|overlay| {
            let Overlay::Sessions(list) = overlay else {
                return None;
            };
            Some(list)
        })
    }
}
