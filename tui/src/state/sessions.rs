use unmask_core::conversations::Summary;

use super::Pick;
use crate::clean::clean_line;

/// The list of conversations.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sessions {
    /// What is in the folder; `None` until it was looked at.
    pub rows: Option<Vec<Summary>>,
    /// The new name of the chosen one, while it is written.
    pub naming: Option<String>,
}

impl Sessions {
    /// The text of each row that typing is held against.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        let rows = self.rows.iter().flatten();
        rows.map(|row| format!("{} {} {}", clean_line(&row.title), row.model, row.id))
            .collect()
    }

    /// The rows that are shown, in order.
    #[must_use]
    pub fn shown(&self, pick: &Pick) -> Vec<&Summary> {
        let rows: Vec<&Summary> = self.rows.iter().flatten().collect();
        let matches = pick.matches(&self.texts());
        matches.into_iter().map(|index| rows[index]).collect()
    }

    /// The chosen row.
    #[must_use]
    pub fn chosen(&self, pick: &Pick) -> Option<&Summary> {
        let shown = self.shown(pick);
        let last = shown.len().checked_sub(1)?;
        Some(shown[pick.chosen.min(last)])
    }

    /// Takes a new list; the same conversation stays chosen if it is still there.
    pub fn take(&mut self, rows: Vec<Summary>, pick: &mut Pick) {
        let chosen = self.chosen(pick).map(|row| row.id);
        self.rows = Some(rows);
        let mut shown = self.shown(pick).into_iter();
        let again = shown.position(|row| Some(row.id) == chosen);
        pick.chosen = again.unwrap_or(pick.chosen);
    }
}
