use super::{Entry, Focus, State};

/// The message that the keys of the canvas mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Selection {
    /// Its place among the parts of the transcript; none for the latest.
    pub message: Option<usize>,
    /// How the focus came to the canvas.
    pub came: Came,
}

/// How the focus came to the canvas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Came {
    /// The user moved it.
    #[default]
    ByKey,
    /// The turn was paused; it goes back when the turn goes on or ends.
    ByPause,
}

impl State {
    /// The selected message's place among the [parts](State::parts) of the transcript: the running turn counts as the one
    /// behind the entries. By default the running turn, else the last answer, else the last message.
    #[must_use]
    pub fn selected(&self) -> Option<usize> {
        let messages = self.message_parts();
        let chosen = self
            .selection
            .message
            .filter(|_| self.focus == Focus::Canvas);
        let chosen = chosen.filter(|at| messages.contains(at));
        chosen
            .or_else(|| self.latest_answer())
            .or(messages.last().copied())
    }

    /// The running turn, else the last answer.
    fn latest_answer(&self) -> Option<usize> {
        let entries = &self.transcript.entries;
        let is_answer = |laid: &super::Laid| matches!(laid.entry, Entry::Answer(_));
        let running = self.running().map(|_| entries.len());
        running.or_else(|| entries.iter().rposition(is_answer))
    }

    /// The places of all messages.
    #[must_use]
    pub fn message_parts(&self) -> Vec<usize> {
        let entries = self.transcript.entries.iter().enumerate();
        let messages = entries.filter(|(_, laid)| match laid.entry {
            Entry::You { .. } | Entry::Answer(_) => true,
            Entry::Failure(_) | Entry::Note(_) => false,
        });
        let running = self.running().map(|_| self.transcript.entries.len());
        messages.map(|(at, _)| at).chain(running).collect()
    }
}
