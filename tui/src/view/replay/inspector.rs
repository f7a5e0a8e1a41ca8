use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unmask_core::fold::Mark;

use super::bar::bar;
use super::{figures, quoted};
use crate::cells::cell_count;
use crate::state::{CanvasMoment, Replay, State, TokenStory, Turn};
use crate::theme::Role;
use crate::view::{panel, put};

/// Cells of a candidate's text.
const TEXT: usize = 12;
/// Cells of the first column at the side, and nearly of the second.
const COLUMN: u16 = 43;
/// Cells between two columns.
const GAP: u16 = 3;

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
        let mut title = self.title("");
        if !self.turn.loaded.text_alone {
            title += &format!(" · id {} · block {}", self.id(), self.block());
        }
        if let Some(pinned) = self.pinned() {
            title += &format!(" · {pinned}");
        }
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

    /// At the side of the canvas, in one column or two.
    pub(super) fn draw_at_side(&self, area: Rect, buffer: &mut Buffer) {
        let theme = self.state.look.theme;
        let ground = panel::ground(theme, Role::Raised);
        buffer.set_style(area, ground);
        if ground.bg.is_none() {
            for y in area.y..area.bottom() {
                put(buffer, theme, (area.x, y), area.right(), ("│", Role::Quiet));
            }
        }
        let inner = Rect {
            x: area.x + 2,
            width: area.width.saturating_sub(3),
            ..area
        };
        let is_room_for_two = inner.width >= 2 * COLUMN;
        let first = Rect {
            width: if is_room_for_two { COLUMN } else { inner.width },
            ..inner
        };
        let behind = self.draw_token(first, buffer);
        let rest = match is_room_for_two {
            true => Rect {
                x: first.right() + GAP,
                width: inner.width - COLUMN - GAP,
                ..inner
            },
            false => Rect {
                y: behind,
                height: inner.bottom().saturating_sub(behind),
                ..inner
            },
        };
        let mut lines: Vec<String> = self.deeds();
        lines.push(String::new());
        let shown = self.replay.shown(self.turn);
        let figures = figures(self.turn, self.moment, shown).into_iter();
        lines.extend(figures.map(|(what, figure)| format!("{what:<11} {figure}")));
        for (y, line) in (rest.y..rest.bottom()).zip(&lines) {
            put(
                buffer,
                theme,
                (rest.x, y),
                rest.right(),
                (line, Role::Quiet),
            );
        }
    }

    /// What there is to say of the token; returns the row behind it.
    fn draw_token(&self, area: Rect, buffer: &mut Buffer) -> u16 {
        let theme = self.state.look.theme;
        let mut y = area.y;
        let say = |y: &mut u16, text: &str, role: Role, buffer: &mut Buffer| {
            if *y < area.bottom() {
                put(buffer, theme, (area.x, *y), area.right(), (text, role));
            }
            *y += 1;
        };
        let length = self.moment.fold.canvas().answer().len();
        say(
            &mut y,
            &self.title(&format!(" of {length}")),
            Role::Strong,
            buffer,
        );
        if !self.turn.loaded.text_alone {
            say(&mut y, &self.place(), Role::Quiet, buffer);
        }
        y += 1;
        for fact in self.facts() {
            say(&mut y, &fact, Role::Text, buffer);
        }
        y += 1;
        let top = y.min(area.bottom());
        let candidates = Rect {
            y: top,
            height: area.bottom() - top,
            ..area
        };
        y = top + self.draw_candidates(candidates, buffer) + 1;
        if let Some((steps, bars)) = self.growth() {
            let line = format!("confidence, steps {steps}   {bars}");
            say(&mut y, &line, Role::Text, buffer);
            y += 1;
        }
        let history = self.history();
        for line in &history {
            say(&mut y, line, Role::Text, buffer);
        }
        y + u16::from(!history.is_empty())
    }

    pub(super) fn story(&self) -> Option<TokenStory<'_>> {
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

    /// `token 13 of 128 “exactly”`, where `of` says how many there are; of text that came alone the bytes are known.
    fn title(&self, of: &str) -> String {
        let canvas = self.moment.fold.canvas();
        let token = self.replay.token;
        let span = self.replay.span();
        let id = canvas.answer().get(token).copied();
        let text = id.map_or_else(String::new, |id| quoted(self.turn, id, TEXT));
        let word = self.turn.loaded.token_word();
        match span.end() - span.start() {
            0 => format!("{word} {token}{of} “{text}”"),
            more => format!(
                "{} {word}s from {} to {}, here {token} “{text}”",
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
        let pinned = self.pinned().map(|pinned| format!(" · {pinned}"));
        let pinned = pinned.unwrap_or_default();
        format!("block {block} of {blocks}{pinned} · id {id}")
    }

    /// What the tokenizer calls the token.
    fn id(&self) -> u32 {
        let answer = self.moment.fold.canvas().answer();
        answer.get(self.replay.token).map_or(0, |id| id.0)
    }

    /// `None` of text that came alone: it counts as given, and nobody pinned it.
    fn pinned(&self) -> Option<&'static str> {
        let patch = &self.replay.patch;
        let at = self.replay.token;
        if patch.remasked.contains(&at) {
            return Some("to melt");
        }
        if patch.pinned.contains_key(&at) {
            return Some("to pin");
        }
        if patch.unpinned.contains(&at) {
            return Some("to unpin");
        }
        if self.turn.loaded.text_alone {
            return None;
        }
        Some(match self.mark() {
            Some(Mark::Given) => "pinned",
            _ => "not pinned",
        })
    }

    /// `committed at step 9/64`, `conf 0.41 (low)`, `entropy 1.92 nat`, `order 18/128`; of text that came alone the part that
    /// it came with is all that is known.
    fn facts(&self) -> Vec<String> {
        let length = self.moment.fold.canvas().answer().len();
        let word = self.turn.loaded.step_word();
        let is_text_alone = self.turn.loaded.text_alone;
        match (self.mark(), self.story()) {
            (Some(Mark::Masked), _) => match self.decided_later() {
                Some(step) => vec![
                    "not decided yet".to_owned(),
                    format!("decided at {word} {step}"),
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
                    if is_text_alone {
                        return vec![format!("came with part {step}/{steps}")];
                    }
                    let sure = commit.confidence;
                    vec![
                        format!("{kind} at step {step}/{steps}"),
                        format!("conf {sure:.2} ({})", band(sure)),
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
        let story = self.story().filter(|story| !story.commit.top.is_empty());
        let Some(story) = story.filter(|_| area.height > 0) else {
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
        let mut history = self.turn.history(self.moment, shown, self.replay.token);
        let is_text_alone = self.turn.loaded.text_alone;
        if is_text_alone {
            // The mask is the room that its text takes at once.
            let mask = self.moment.fold.canvas().mask();
            history.retain(|(_, commit)| commit.token != mask);
        }
        if history.len() < 2 {
            return Vec::new();
        }
        /// The latest ones.
        const MOST: usize = 4;
        let first = history.len().saturating_sub(MOST);
        let line = |&(step, commit): &(Option<usize>, &unmask_core::event::Commit)| {
            let text = quoted(self.turn, commit.token, TEXT);
            match step {
                Some(step) if is_text_alone => format!("part {step} “{text}”"),
                Some(step) => format!("step {step} “{text}” {:.2}", commit.confidence),
                None => format!("by hand “{text}”"),
            }
        };
        history[first..].iter().map(line).collect()
    }
}

fn band(confidence: f32) -> &'static str {
    match Role::fresh(confidence) {
        Role::FreshHigh => "high",
        Role::FreshMiddle => "mid",
        _ => "low",
    }
}
