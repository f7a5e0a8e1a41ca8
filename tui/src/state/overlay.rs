use std::time::Duration;

use super::{
    Confirm, Help, Info, Pick, Search, Sessions, SettingsPanel, State, ThemePick, TokenEdit,
};

/// Something drawn over the chat. The last one opened gets every key; none stops the engine.
#[derive(Debug, Clone, PartialEq)]
pub enum Overlay {
    /// The keys.
    Help(Help),
    /// What a letter would do.
    Menu {
        /// When its panel is drawn, by [`ScreenTime::since_start`](crate::action::ScreenTime::since_start); letters work before.
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
    /// Other text for tokens.
    TokenEdit(TokenEdit),
}

impl Overlay {
    /// What is typed and chosen, in a panel that typing filters.
    #[must_use]
    pub fn pick(&self) -> Option<&Pick> {
        match self {
            Self::Palette(pick) | Self::Models(pick) => Some(pick),
            Self::Themes(it) => Some(&it.pick),
            Self::Sessions(it) => Some(&it.pick),
            Self::Search(it) => Some(&it.pick),
            Self::Help(it) => it.filter.as_ref(),
            _ => None,
        }
    }

    /// The same, to change it.
    pub fn pick_mut(&mut self) -> Option<&mut Pick> {
        match self {
            Self::Palette(pick) | Self::Models(pick) => Some(pick),
            Self::Themes(it) => Some(&mut it.pick),
            Self::Sessions(it) => Some(&mut it.pick),
            Self::Search(it) => Some(&mut it.pick),
            Self::Help(it) => it.filter.as_mut(),
            _ => None,
        }
    }

    /// True if text is typed into it.
    #[must_use]
    pub fn takes_text(&self) -> bool {
        self.pick().is_some() || matches!(self, Self::Settings(_) | Self::TokenEdit(_))
    }
}

/// A word that goes away by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What it says.
    pub text: String,
    /// When it goes, by [`ScreenTime::since_start`](crate::action::ScreenTime::since_start).
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
