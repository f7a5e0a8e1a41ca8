use super::{Entry, Focus, State};

/// The message that the keys of the canvas mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SelectedMessage {
    /// Its place among the parts of the transcript; none for the latest.
    pub part: Option<usize>,
    /// How the focus came to the canvas.
    pub focused_by: FocusedBy,
}

/// How the focus came to the canvas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FocusedBy {
    /// The user moved it.
    #[default]
    Key,
    /// The turn was paused; it goes back when the turn goes on or ends.
    Pause,
}

impl State {
    /// The selected message's place among the [parts](crate::screen_layout::Part) of the transcript: the running turn counts as the one
    /// behind the entries. By default the running turn, else the last answer, else the last message.
    #[must_use]
    pub fn selected(&self) -> Option<usize> {
        let messages = self.message_parts();
        let chosen = self
            .selected_message
            .part
            .filter(|_| self.focus == Focus::Canvas);
        let chosen = chosen.filter(|at| messages.contains(at));
        chosen
            .or_else(|| self.latest_answer())
            .or(messages.last().copied())
    }

    /// The running turn, else the last answer.
    fn latest_answer(&self) -> Option<usize> {
        let entries = &self.transcript.entries;
        let is_answer = |item: &super::TranscriptItem| matches!(item.entry, Entry::Answer(_));
        let running = self.running().map(|_| entries.len());
        running.or_else(|| entries.iter().rposition(is_answer))
    }

    /// The places of all messages.
    #[must_use]
    pub fn message_parts(&self) -> Vec<usize> {
        let entries = self.transcript.entries.iter().enumerate();
        let messages = entries.filter(|(_, item)| match item.entry {
            Entry::You { .. } | Entry::Answer(_) => true,
            Entry::Failure(_) | Entry::Note(_) => false,
        });
        let running = self.running().map(|_| self.transcript.entries.len());
        messages.map(|(at, _)| at).chain(running).collect()
    }
}
