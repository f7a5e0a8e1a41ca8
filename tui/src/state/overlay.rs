use std::time::Duration;

use super::{
    Confirm, Help, Info, ListData, ListPanel, Pick, Sessions, SettingsPanel, State, TokenEdit,
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
    /// A list that typing filters.
    List(ListPanel),
    /// A question before something that should not happen by accident.
    Confirm(Confirm),
    /// How the next turn runs.
    Settings(Box<SettingsPanel>),
    /// Text to be read.
    Info(Info),
    /// Other text for tokens.
    TokenEdit(TokenEdit),
}

impl Overlay {
    /// What is typed and chosen, in a panel that typing filters.
    #[must_use]
    pub fn pick(&self) -> Option<&Pick> {
        match self {
            Self::List(it) => Some(&it.pick),
            Self::Help(it) => it.filter.as_ref(),
            _ => None,
        }
    }

    /// The same, to change it.
    pub fn pick_mut(&mut self) -> Option<&mut Pick> {
        match self {
            Self::List(it) => Some(&mut it.pick),
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
    /// The topmost panel, if it is a list.
    #[must_use]
    pub fn list(&self) -> Option<&ListPanel> {
        match self.overlays.last() {
            Some(Overlay::List(list)) => Some(list),
            Some(_) | None => None,
        }
    }

    /// The same, to change it.
    pub fn list_mut(&mut self) -> Option<&mut ListPanel> {
        match self.overlays.last_mut() {
            Some(Overlay::List(list)) => Some(list),
            Some(_) | None => None,
        }
    }

    /// The list of conversations, if it is open, whatever is over it.
    pub fn session_list(&mut self) -> Option<(&mut Sessions, &mut Pick)> {
        self.overlays.iter_mut().find_map(|overlay| match overlay {
            Overlay::List(ListPanel {
                pick,
                data: ListData::Sessions(sessions),
                ..
            }) => Some((sessions, pick)),
            _ => None,
        })
    }
}
