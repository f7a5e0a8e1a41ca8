//! What of a conversation the model sees.

use unmask_core::message::{Message, Role as Speaker};

use super::{Entry, EntryVisibility, Transcript, TranscriptItem};

impl Transcript {
    /// The conversation as the model hears it: answered messages and their answers, also those
    /// that had to be left out of the latest turn. What was never answered is not repeated, since it is asked again.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        let said = |role, content: &str| Message {
            role,
            content: content.to_owned(),
        };
        let mut messages = Vec::new();
        for (asked, answered) in self.exchanges() {
            let pair = (&self.entries[asked].entry, &self.entries[answered].entry);
            if let (Entry::You { text, .. }, Entry::Answer(answer)) = pair {
                messages.push(said(Speaker::User, text));
                messages.push(said(Speaker::Assistant, &answer.text));
            }
        }
        messages
    }

    /// Marks the first `messages` of [`messages`](Self::messages) as left out, with all that stands before the next one.
    pub fn roll_off(&mut self, messages: usize) {
        let exchanges = self.exchanges();
        let last = messages.div_ceil(2).checked_sub(1);
        let last = last
            .and_then(|at| exchanges.get(at))
            .map(|&(_, answered)| answered);
        for (at, item) in self.entries.iter_mut().enumerate() {
            let is_out = last.is_some_and(|last| at <= last);
            match (item.visibility, is_out) {
                (EntryVisibility::Seen, true) => item.visibility = EntryVisibility::RolledOff,
                (EntryVisibility::RolledOff, false) => item.visibility = EntryVisibility::Seen,
                _ => (),
            }
        }
    }

    /// The entry below which the model sees everything, and how many messages above it were left out.
    #[must_use]
    pub fn horizon(&self) -> Option<(usize, usize)> {
        let is_out = |item: &TranscriptItem| item.visibility == EntryVisibility::RolledOff;
        let last = self.entries.iter().rposition(is_out)?;
        let is_message = |item: &&TranscriptItem| {
            let said = matches!(item.entry, Entry::You { .. } | Entry::Answer(_));
            is_out(item) && said
        };
        Some((last, self.entries.iter().filter(is_message).count()))
    }

    /// Each message that is answered and its answer, by their places.
    fn exchanges(&self) -> Vec<(usize, usize)> {
        let mut exchanges = Vec::new();
        let mut asked = None;
        for (at, item) in self.entries.iter().enumerate() {
            match item.visibility {
                EntryVisibility::Seen | EntryVisibility::RolledOff => (),
                EntryVisibility::Replaced | EntryVisibility::Undone => continue,
            }
            match &item.entry {
                Entry::You { .. } => asked = Some(at),
                Entry::Answer(answer) if !answer.text.is_empty() => {
                    exchanges.extend(asked.take().map(|asked| (asked, at)));
                }
                Entry::Answer(_) | Entry::Failure(_) | Entry::Note(_) => (),
            }
        }
        exchanges
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{answer, you};

    #[test]
    fn messages_without_an_answer_are_not_sent_again() {
        let mut transcript = Transcript::default();
        for entry in [
            you("a"),
            answer("b"),
            you("lost"),
            Entry::Note("stopped".to_owned()),
            you("also lost"),
            answer(""),
            you("c"),
            answer("d"),
        ] {
            transcript.push(entry);
        }
        let said: Vec<String> = transcript
            .messages()
            .into_iter()
            .map(|message| message.content)
            .collect();
        assert_eq!(said, ["a", "b", "c", "d"]);
    }

    #[test]
    fn what_is_out_of_sight_is_not_sent() {
        for visibility in [EntryVisibility::Replaced, EntryVisibility::Undone] {
            let mut transcript = Transcript::default();
            for entry in [you("a"), answer("b"), you("c"), answer("d")] {
                transcript.push(entry);
            }
            transcript.entries[0].visibility = visibility;
            transcript.entries[1].visibility = visibility;
            let messages = transcript.messages();
            assert_eq!(
                (messages.len(), &*messages[0].content),
                (2, "c"),
                "{visibility:?}"
            );
        }
    }

    #[test]
    fn what_was_left_out_is_dimmed_until_it_fits_again_and_is_still_sent() {
        let mut transcript = Transcript::default();
        let note = || Entry::Note("stopped".to_owned());
        for entry in [
            you("a"),
            note(),
            answer("b"),
            note(),
            you("c"),
            answer("d"),
            you("e"),
        ] {
            transcript.push(entry);
        }
        let out = |transcript: &Transcript| {
            let visibilities = transcript.entries.iter().map(|item| item.visibility);
            visibilities
                .filter(|&visibility| visibility == EntryVisibility::RolledOff)
                .count()
        };
        transcript.roll_off(2);
        assert_eq!((out(&transcript), transcript.horizon()), (3, Some((2, 2))));
        assert_eq!(transcript.messages().len(), 4);
        transcript.roll_off(4);
        assert_eq!((out(&transcript), transcript.horizon()), (6, Some((5, 4))));
        transcript.roll_off(0);
        assert_eq!((out(&transcript), transcript.horizon()), (0, None));
    }
}
