//! What the keys do with the token that is looked at.

use super::inspector::Inspected;
use crate::action::{Command, ReplayAct};
use crate::keymap::Context;

impl Inspected<'_> {
    /// What can be done to the token; nothing where the server takes no words that are fixed.
    pub(super) fn deeds(&self) -> Vec<String> {
        if self.turn.loaded.text_alone {
            return Vec::new();
        }
        let deeds: [(ReplayAct, &str); 5] = [
            (ReplayAct::Remask, "melt"),
            (ReplayAct::Write, "edit text, then pin"),
            (ReplayAct::Pin, "pin, unpin"),
            (ReplayAct::Refill, "refill what is marked"),
            (ReplayAct::Undo, "undo the mark"),
        ];
        let label = |(act, word): (ReplayAct, &str)| {
            let key = (self.state.keymap).label(&[Context::Replay], &Command::Replay(act))?;
            Some(format!("{key}  {word}"))
        };
        deeds.into_iter().filter_map(label).collect()
    }

    pub(super) fn keys(&self) -> String {
        if self.story().is_none_or(|story| story.commit.top.is_empty()) {
            return String::new();
        }
        let what_if = Command::Replay(ReplayAct::WhatIf);
        let choose = [
            Command::Replay(ReplayAct::CandidateUp),
            Command::Replay(ReplayAct::CandidateDown),
        ];
        self.state.keymap.footer(
            &[Context::Replay],
            &[(&choose, "candidate"), (&[what_if], "what if")],
        )
    }
}
