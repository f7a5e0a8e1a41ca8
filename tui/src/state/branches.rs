use super::{BranchName, Entry, EntryVisibility, Transcript};

impl Transcript {
    /// The message or answer that one which is pushed now follows.
    #[must_use]
    pub fn last_said(&self) -> Option<usize> {
        self.entries.iter().rposition(|item| {
            let is_said = matches!(item.entry, Entry::You { .. } | Entry::Answer(_));
            is_said && item.visibility.is_said()
        })
    }

    /// The number of the turn that each entry belongs to, counted from 1 along what it follows; 0 for what belongs to none.
    fn numbers(&self) -> Vec<usize> {
        let mut numbers: Vec<usize> = Vec::with_capacity(self.entries.len());
        for item in &self.entries {
            let before = item.parent.and_then(|parent| numbers.get(parent));
            let before = before.copied().unwrap_or(0);
            numbers.push(match item.entry {
                Entry::You { .. } => before + 1,
                Entry::Answer(_) => before.max(1),
                Entry::Failure(_) | Entry::Note(_) => 0,
            });
        }
        numbers
    }

    /// The number of the turn that a message begins, counted from 1.
    #[must_use]
    pub fn turn_number(&self, at: usize) -> Option<usize> {
        self.numbers().get(at).copied()
    }

    /// Every answer with its name, in the order in which they came.
    #[must_use]
    pub fn answer_names(&self) -> Vec<(usize, BranchName)> {
        let numbers = self.numbers();
        let mut answers = vec![0; numbers.len() + 2];
        let entries = self.entries.iter().enumerate();
        let answered = entries.filter(|(_, item)| matches!(item.entry, Entry::Answer(_)));
        answered
            .map(|(at, _)| {
                let turn = numbers[at];
                let answer = answers[turn];
                answers[turn] += 1;
                (at, BranchName { turn, answer })
            })
            .collect()
    }

    /// The name that one more answer beside the one at `at` gets.
    #[must_use]
    pub fn next_name(&self, at: usize) -> BranchName {
        let numbers = self.numbers();
        let turn = numbers.get(at).copied().unwrap_or(1);
        let names = self.answer_names();
        let answer = names.iter().filter(|(_, name)| name.turn == turn).count();
        BranchName { turn, answer }
    }

    /// What an entry follows, itself the last.
    fn path(&self, at: usize) -> Vec<usize> {
        let mut path = vec![at];
        while let Some(parent) = path.last().and_then(|at| self.entries[*at].parent) {
            path.push(parent);
        }
        path.reverse();
        path
    }

    /// Shows an entry again, what it follows and what followed it last; all else that was said is set aside.
    pub fn go_to(&mut self, at: usize) {
        let mut path = self.path(at);
        let mut last = at;
        while let Some(next) = self.entries.iter().rposition(|it| it.parent == Some(last)) {
            path.push(next);
            last = next;
        }
        for (at, item) in self.entries.iter_mut().enumerate() {
            if path.contains(&at) {
                item.visibility = EntryVisibility::Seen;
            } else if item.visibility.is_said() {
                item.visibility = EntryVisibility::Replaced;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{answer, you};

    fn say(transcript: &mut Transcript, text: &str) {
        transcript.push(match text.strip_prefix('?') {
            Some(text) => you(text),
            None => answer(text),
        });
    }

    fn seen(transcript: &Transcript) -> String {
        let entries = transcript.entries.iter();
        let seen = entries.filter(|item| item.visibility == EntryVisibility::Seen);
        let text = seen.map(|item| match &item.entry {
            Entry::You { text, .. } => text.as_str(),
            Entry::Answer(answer) => &answer.text,
            Entry::Failure(_) | Entry::Note(_) => "",
        });
        text.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn answers_are_named_by_turn_and_order_and_every_branch_can_be_reached_again() {
        let mut transcript = Transcript::default();
        for text in ["?q1", "a1", "?q2", "a2"] {
            say(&mut transcript, text);
        }
        // The first answer gets a branch, then the first message is another.
        transcript.set_aside_from(1);
        say(&mut transcript, "b1");
        transcript.set_aside_from(0);
        for text in ["?r1", "c1"] {
            say(&mut transcript, text);
        }
        let names = transcript.answer_names();
        let names: Vec<String> = names.iter().map(|(_, name)| name.to_string()).collect();
        assert_eq!(names, ["1", "2", "1b", "1c"]);
        assert_eq!(transcript.next_name(1).to_string(), "1d");
        assert_eq!(seen(&transcript), "r1 c1");
        transcript.go_to(4);
        assert_eq!(seen(&transcript), "q1 b1");
        transcript.go_to(1);
        assert_eq!(seen(&transcript), "q1 a1 q2 a2");
        transcript.go_to(6);
        assert_eq!(seen(&transcript), "r1 c1");
    }
}
