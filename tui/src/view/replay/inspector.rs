use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unmask_core::fold::Mark;

use super::{figures, quoted};
use crate::action::{Command, ReplayAct};
use crate::cells::cell_count;
use crate::keymap::Context;
use crate::state::{CanvasMoment, Replay, State, TokenStory, Turn};
use crate::theme::Role;
use crate::view::{panel, put};

/// Cells of a candidate's text.
const TEXT: usize = 12;
/// Cells of a bar at most.
const BAR: usize = 12;

/// What there is to say of a token.
pub(super) struct Inspected<'a> {
    pub(super) state: &'a State,
    pub(super) replay: &'a Replay,
    pub(super) turn: &'a Turn,
    pub(super) moment: &'a CanvasMoment,
}

impl Inspected<'_> {
    /// In a frame below the canvas.
    pub(super) fn draw_below(&self, area: Rect, buffer: &mut Buffer) {
        if area.height < 3 {
            return;
        }
        let theme = self.state.look.theme;
        let keys = self.keys();
        let title = format!(
            "{} · id {} · block {} · {}",
            self.title(""),
            self.id(),
            self.block(),
            self.pinned()
        );
        let inner = panel::frame(area, theme, &title, &keys, Role::Quiet, buffer);
        let right = inner.right();
        let mut facts = self.facts();
        while facts.len() > 1 && cell_count(&facts.join(" · ")) > usize::from(inner.width) {
            facts.pop();
        }
        let facts = facts.join(" · ");
        put(
            buffer,
            theme,
            (inner.x, inner.y),
            right,
            (&facts, Role::Text),
        );
        let below = Rect {
            y: inner.y + 1,
            height: inner.height.saturating_sub(1),
            ..inner
        };
        self.draw_candidates(below, buffer);
        let column = inner.x + 40;
        if let Some((steps, bars)) = self.growth() {
            let line = format!("steps {steps}  {bars}");
            put(buffer, theme, (column, below.y), right, (&line, Role::Text));
        }
        let lines = self.history().into_iter().chain(self.deeds());
        for (y, line) in (below.y + 1..below.bottom()).zip(lines) {
            put(buffer, theme, (column, y), right, (&line, Role::Quiet));
        }
    }

    /// At the side of the canvas.
    pub(super) fn draw_at_side(&self, area: Rect, buffer: &mut Buffer) {
        let theme = self.state.look.theme;
        for y in area.y..area.bottom() {
            put(buffer, theme, (area.x, y), area.right(), ("│", Role::Quiet));
        }
        let inner = Rect {
            x: area.x + 2,
            width: area.width.saturating_sub(3),
            ..area
        };
        let mut y = inner.y;
        let mut say = |text: &str, role: Role| {
            if y < inner.bottom() {
                put(buffer, theme, (inner.x, y), inner.right(), (text, role));
            }
            y += 1;
        };
        let length = self.moment.fold.canvas().answer().len();
        say(&self.title(&format!(" of {length}")), Role::Strong);
        say(&self.place(), Role::Quiet);
        say("", Role::Text);
        for fact in self.facts() {
            say(&fact, Role::Text);
        }
        say("", Role::Text);
        let top = y.min(inner.bottom());
        let rest = Rect {
            y: top,
            height: inner.bottom() - top,
            ..inner
        };
        let mut y = top + self.draw_candidates(rest, buffer) + 1;
        let mut say = |text: &str, role: Role| {
            if y < inner.bottom() {
                put(buffer, theme, (inner.x, y), inner.right(), (text, role));
            }
            y += 1;
        };
        if let Some((steps, bars)) = self.growth() {
            say(&format!("confidence, steps {steps}   {bars}"), Role::Text);
            say("", Role::Text);
        }
        for line in self.history() {
            say(&line, Role::Text);
        }
        for line in self.deeds() {
            say(&line, Role::Quiet);
        }
        say("", Role::Text);
        let shown = self.replay.shown(self.turn);
        for (what, figure) in figures(self.turn, self.moment, shown) {
            say(&format!("{what:<11} {figure}"), Role::Quiet);
        }
    }

    fn story(&self) -> Option<TokenStory<'_>> {
        self.turn.story(self.moment, self.replay.token)
    }

    fn mark(&self) -> Option<Mark> {
        let marks = self.moment.fold.answer_marks();
        marks.get(self.replay.token).copied()
    }

    /// The block of the token, counted from 1.
    fn block(&self) -> usize {
        self.replay.token / self.turn.block_length() + 1
    }

    /// `token 13 of 128 “exactly”`, where `of` says how many there are.
    fn title(&self, of: &str) -> String {
        let canvas = self.moment.fold.canvas();
        let token = self.replay.token;
        let span = self.replay.span();
        let id = canvas.answer().get(token).copied();
        let text = id.map_or_else(String::new, |id| quoted(self.turn, id, TEXT));
        match span.end() - span.start() {
            0 => format!("token {token}{of} “{text}”"),
            more => format!(
                "{} tokens from {} to {}",
                more + 1,
                span.start(),
                span.end()
            ),
        }
    }

    /// `block 1 of 4 · not pinned · id 7117`.
    fn place(&self) -> String {
        let canvas = self.moment.fold.canvas();
        let blocks = canvas.answer().len().div_ceil(self.turn.block_length());
        let (block, id) = (self.block(), self.id());
        format!("block {block} of {blocks} · {} · id {id}", self.pinned())
    }

    /// What the tokenizer calls the token.
    fn id(&self) -> u32 {
        let answer = self.moment.fold.canvas().answer();
        answer.get(self.replay.token).map_or(0, |id| id.0)
    }

    fn pinned(&self) -> &'static str {
        let patch = &self.replay.patch;
        let at = self.replay.token;
        if patch.remasked.contains(&at) {
            return "to melt";
        }
        if patch.pinned.contains_key(&at) {
            return "to pin";
        }
        if patch.unpinned.contains(&at) {
            return "to unpin";
        }
        match self.mark() {
            Some(Mark::Given) => "pinned",
            _ => "not pinned",
        }
    }

    /// `committed at step 9/64`, `conf 0.41 (low)`, `entropy 1.92 nat`, `order 18/128`.
    fn facts(&self) -> Vec<String> {
        let length = self.moment.fold.canvas().answer().len();
        match (self.mark(), self.story()) {
            (Some(Mark::Masked), _) => match self.decided_later() {
                Some(step) => vec![
                    "not decided yet".to_owned(),
                    format!("decided at step {step}"),
                ],
                None => vec!["not decided yet".to_owned()],
            },
            (Some(Mark::Given), None) => vec!["given before the first step".to_owned()],
            (_, Some(story)) => match story.step {
                None => vec!["set by hand".to_owned()],
                Some(step) => {
                    let commit = story.commit;
                    let kind = match commit.kind {
                        unmask_core::event::CommitKind::Changed => "changed",
                        _ => "committed",
                    };
                    let steps = super::steps(self.state, self.turn);
                    vec![
                        format!("{kind} at step {step}/{steps}"),
                        format!(
                            "conf {:.2} ({})",
                            commit.confidence,
                            band(commit.confidence)
                        ),
                        format!("entropy {:.2} nat", commit.entropy),
                        format!("order {}/{length}", story.order),
                    ]
                }
            },
            (_, None) => vec!["from the run before this one".to_owned()],
        }
    }

    /// The step that decides a mask, where the log goes on to it.
    fn decided_later(&self) -> Option<usize> {
        let start = self.moment.fold.canvas().answer_start();
        let at = start + self.replay.token;
        let shown = self.replay.shown(self.turn);
        let mut later = self.turn.log().entries.iter().skip(shown);
        later.find_map(|entry| match entry {
            crate::state::LogEntry::Step(step) => {
                let decides = step.commits.iter().any(|it| it.at.index() == at);
                decides.then_some(step.step)
            }
            crate::state::LogEntry::Edit(_) => None,
        })
    }

    /// Returns how many rows it took.
    fn draw_candidates(&self, area: Rect, buffer: &mut Buffer) -> u16 {
        let theme = self.state.look.theme;
        let Some(story) = self.story().filter(|story| !story.commit.top.is_empty()) else {
            return 0;
        };
        let right = area.right();
        let head = format!("  {:<TEXT$}    p  at commit", "candidate");
        put(buffer, theme, (area.x, area.y), right, (&head, Role::Quiet));
        let mut rows = 1;
        let candidates = story.commit.top.iter().enumerate();
        for (y, (at, &(token, p))) in (area.y + 1..area.bottom()).zip(candidates) {
            let sign = match at == self.replay.candidate {
                true => "▸ ",
                false => "  ",
            };
            let is_taken = token == story.commit.token;
            let role = if is_taken { Role::Strong } else { Role::Text };
            let x = put(buffer, theme, (area.x, y), right, (sign, Role::Accent));
            let text = quoted(self.turn, token, TEXT);
            put(buffer, theme, (x, y), right, (&text, role));
            let x = x + u16::try_from(TEXT).unwrap_or(0);
            let x = put(buffer, theme, (x, y), right, (&format!(" {p:.2} "), role));
            put(buffer, theme, (x, y), right, (&bar(p), Role::Accent));
            rows += 1;
        }
        rows
    }

    /// How sure the model was of it, step by step: `1–9` and `▁▁▂▂▃▃▄▄▅`.
    fn growth(&self) -> Option<(String, String)> {
        const CELLS: usize = 16;
        const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
        let shown = self.replay.shown(self.turn);
        let growth = self.turn.growth(self.moment, shown, self.replay.token);
        let ((first, _), (last, _)) = (growth.first()?, growth.last()?);
        if growth.len() < 2 {
            return None;
        }
        let cells = growth.len().min(CELLS);
        // Of several steps in a cell the last is shown, so that the end is what was fixed.
        let at = |cell: usize| growth[(cell + 1) * growth.len() / cells - 1].1;
        let height = |p: f32| HEIGHTS[((p.clamp(0.0, 1.0) * 7.99) as usize).min(7)];
        let bars: String = (0..cells).map(|cell| height(at(cell))).collect();
        Some((format!("{first}–{last}"), bars))
    }

    /// What has stood there, if it is more than one thing: `step 3 “a” 0.41, step 9 “b” 0.88`.
    fn history(&self) -> Vec<String> {
        let shown = self.replay.shown(self.turn);
        let history = self.turn.history(self.moment, shown, self.replay.token);
        if history.len() < 2 {
            return Vec::new();
        }
        /// The latest ones.
        const MOST: usize = 4;
        let first = history.len().saturating_sub(MOST);
        let line = |&(step, commit): &(Option<usize>, &unmask_core::event::Commit)| {
            let text = quoted(self.turn, commit.token, TEXT);
            match step {
                Some(step) => format!("step {step} “{text}” {:.2}", commit.confidence),
                None => format!("by hand “{text}”"),
            }
        };
        history[first..].iter().map(line).collect()
    }

    /// What can be done to the token.
    fn deeds(&self) -> Vec<String> {
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

    fn keys(&self) -> String {
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

fn band(confidence: f32) -> &'static str {
    match Role::fresh(confidence) {
        Role::FreshHigh => "high",
        Role::FreshMiddle => "mid",
        _ => "low",
    }
}

/// A probability as a bar, to an eighth of a cell.
fn bar(p: f32) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (f64::from(p.clamp(0.0, 1.0)) * (BAR * 8) as f64).round() as usize;
    "█".repeat(eighths / 8) + EIGHTHS[eighths % 8]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_they_are_likely() {
        assert_eq!(bar(1.0), "█".repeat(12));
        assert_eq!(bar(0.5), "█".repeat(6));
        assert_eq!(bar(0.0), "");
        assert_eq!(bar(0.01), "▏");
    }
}
