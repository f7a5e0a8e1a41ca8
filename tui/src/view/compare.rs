//! Two answers side by side, on one timeline.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use unmask_core::settings::approximation;

use super::{put, put_right, put_row, status, timeline};
use crate::clean::clean_line;
use crate::comparison::{self, CanvasComparison};
use crate::geometry::MARGIN;
use crate::layout::{LayoutOptions, replay_rows};
use crate::number;
use crate::row::cut;
use crate::state::{CanvasMoment, Compare, Differences, Ghosts, Patch, Replay, Side, State, Turn};
use crate::theme::Role;

/// From this width on they stand side by side.
const WIDE: u16 = 100;

/// Draws all of it.
pub(super) fn draw(state: &State, buffer: &mut Buffer) {
    let Some((compare, turns)) = state.compared() else {
        return;
    };
    let whole = Rect::new(0, 0, state.size.columns, state.size.rows);
    let [header, middle, first, bars_a, bars_b, hints] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(1),
    ])
    .areas(whole);
    let moments = turns.map(|turn| turn.log().moment(compare.shown_of(turn)));
    let same = comparison::have_same_prompt(turns[0], turns[1]);
    let compared = comparison::canvases((turns[0], &moments[0]), (turns[1], &moments[1]));
    let compared = Some(compared).filter(|_| same);
    let picture = Compared {
        state,
        compare,
        turns,
        moments: &moments,
        compared: compared.as_ref(),
    };
    picture.header(header, buffer);
    picture.sides(middle, buffer);
    picture.first_difference(first, buffer);
    picture.bars(Side::A, bars_a, buffer);
    picture.bars(Side::B, bars_b, buffer);
    status::draw_hints_alone(state, hints, buffer);
}

struct Compared<'a> {
    state: &'a State,
    compare: &'a Compare,
    turns: [&'a Turn; 2],
    moments: &'a [CanvasMoment; 2],
    /// `None` if their prompts are other tokens.
    compared: Option<&'a CanvasComparison>,
}

fn index(side: Side) -> usize {
    match side {
        Side::A => 0,
        Side::B => 1,
    }
}

fn letter(side: Side) -> &'static str {
    match side {
        Side::A => "A",
        Side::B => "B",
    }
}

impl Compared<'_> {
    fn put(&self, buffer: &mut Buffer, at: (u16, u16), right: u16, it: (&str, Role)) -> u16 {
        put(buffer, self.state.look.theme, at, right, it)
    }

    /// `unmask  Compare · same prompt, seed 7          ◐ A 22/64 · B 9/24`.
    fn header(&self, area: Rect, buffer: &mut Buffer) {
        let of = |side: Side| {
            let turn = self.turns[index(side)];
            let shown = turn.log().step_at(self.compare.shown_of(turn));
            let steps = match self.is_running(side) {
                true => turn.steps_expected(),
                false => turn.step,
            };
            let step = shown.map_or(0, |step| step.step);
            format!("{} {step}/{steps}", letter(side))
        };
        let sign = match self.is_running(Side::A) || self.is_running(Side::B) {
            true => "◐",
            false => "‖",
        };
        let now = format!("{sign} {} · {}", of(Side::A), of(Side::B));
        let start = put_right(buffer, self.state.look.theme, area, (&now, Role::Accent));
        let x = self.put(buffer, (1, area.y), start, ("unmask", Role::Accent)) + 2;
        let seeds = self.turns.map(|turn| turn.params.seed);
        let prompt = match (self.compared, seeds[0] == seeds[1]) {
            (Some(_), true) => format!("same prompt, seed {}", seeds[0]),
            (Some(_), false) => format!("same prompt, seeds {} and {}", seeds[0], seeds[1]),
            (None, _) => "other prompts: texts only".to_owned(),
        };
        let title = format!("Compare · {prompt}");
        let room = usize::from(start.saturating_sub(x + 1));
        self.put(buffer, (x, area.y), start, (&cut(&title, room), Role::Text));
    }

    fn is_running(&self, side: Side) -> bool {
        let part = self.compare.parts[index(side)];
        self.state.running().is_some() && part == self.state.transcript.entries.len()
    }

    fn sides(&self, area: Rect, buffer: &mut Buffer) {
        let gap = Constraint::Length(1);
        let half = Constraint::Fill(1);
        let is_wide = area.width >= WIDE;
        let parts = match is_wide {
            true => Layout::horizontal([half, gap, half]).split(area),
            false => Layout::vertical([half, gap, half]).split(area),
        };
        let theme = self.state.look.theme;
        for y in parts[1].y..parts[1].bottom() {
            let rule = match is_wide {
                true => "│".to_owned(),
                false => "─".repeat(usize::from(area.width)),
            };
            put(
                buffer,
                theme,
                (parts[1].x, y),
                parts[1].right(),
                (&rule, Role::Quiet),
            );
        }
        self.side(Side::A, parts[0], buffer);
        self.side(Side::B, parts[2], buffer);
    }

    /// `A  ort-cuda fp16 · low_conf 64 steps`, and the canvas below.
    fn side(&self, side: Side, area: Rect, buffer: &mut Buffer) {
        let x = area.x + MARGIN;
        let role = match self.compare.side == side {
            true => Role::Accent,
            false => Role::Quiet,
        };
        let end = self.put(buffer, (x, area.y), area.right(), (letter(side), role)) + 2;
        let said = said(self.turns[index(side)]);
        let room = usize::from(area.right().saturating_sub(end + MARGIN));
        self.put(
            buffer,
            (end, area.y),
            area.right(),
            (&cut(&said, room), role),
        );
        let canvas = Rect {
            y: area.y + 1,
            height: area.height.saturating_sub(1),
            ..area
        };
        match self.compare.shown {
            Differences::InPlace => self.canvas(side, canvas, buffer),
            Differences::Listed => self.list(side, canvas, buffer),
        }
    }

    fn canvas(&self, side: Side, area: Rect, buffer: &mut Buffer) {
        let turn = self.turns[index(side)];
        let differing = self.compared.map(|it| it.differing.iter().copied());
        let replay = Replay {
            at: Some(self.compare.shown_of(turn)),
            patch: Patch {
                remasked: differing.into_iter().flatten().collect(),
                ..Patch::default()
            },
            // No token is pointed at.
            ..Replay::new(0, usize::MAX)
        };
        let options = LayoutOptions {
            width: usize::from(area.width.saturating_sub(2 * MARGIN)).max(1),
            mask_width: self.state.look.mask_width,
            emoji: self.state.look.emoji,
            ghosts: Ghosts::Hidden,
        };
        let (rows, places) = replay_rows(&replay, turn, &self.moments[index(side)], options);
        let newest = newest(turn, self.compare.shown_of(turn));
        let row = newest.and_then(|token| {
            places
                .iter()
                .rposition(|row| row.iter().any(|it| it.from == token))
        });
        let top = (row.unwrap_or(0) + 1).saturating_sub(usize::from(area.height));
        for (y, row) in (area.y..area.bottom()).zip(rows.iter().skip(top)) {
            let at = (area.x + MARGIN, y);
            put_row(buffer, self.state.look.theme, at, area.right(), row);
        }
    }

    /// A row for each token that differs: `step 9  token 13  “exactly” 0.41`.
    fn list(&self, side: Side, area: Rect, buffer: &mut Buffer) {
        let (turn, moment) = (self.turns[index(side)], &self.moments[index(side)]);
        let differing = self.compared.map_or(&[][..], |it| &it.differing);
        if differing.is_empty() {
            let at = (area.x + MARGIN, area.y);
            self.put(buffer, at, area.right(), ("no difference", Role::Quiet));
        }
        for (y, &at) in (area.y..area.bottom()).zip(differing) {
            let token = moment.fold.canvas().answer().get(at);
            let text = token.map_or_else(String::new, |token| comparison::text(turn, *token));
            let how = match turn.story(moment, at) {
                Some(story) => format!(
                    "step {:<4} {:.2}",
                    story.step.unwrap_or(0),
                    story.commit.confidence
                ),
                None => "given".to_owned(),
            };
            let line = format!("{at:>5}  {how}  “{}”", text.trim_start());
            let room = usize::from(area.width.saturating_sub(2 * MARGIN));
            let place = (area.x + MARGIN, y);
            self.put(buffer, place, area.right(), (&cut(&line, room), Role::Text));
        }
    }

    /// `first difference: step 9, token 13 “exactly” / “only” · same so far: 43 of 44`.
    fn first_difference(&self, area: Rect, buffer: &mut Buffer) {
        let text = match self.compared {
            None => "the prompts are other tokens: only the texts can be compared".to_owned(),
            Some(it) => {
                let same = it.decided - it.differing.len();
                let so_far = format!("same so far: {same} of {}", it.decided);
                match &it.first {
                    None => format!("no difference  ·  {so_far}"),
                    Some(first) => format!(
                        "first difference: step {}, token {} “{}” / “{}”  ·  {so_far}",
                        first.step,
                        first.offset,
                        first.texts[0].trim_start(),
                        first.texts[1].trim_start(),
                    ),
                }
            }
        };
        let room = usize::from(area.width.saturating_sub(2 * MARGIN));
        let at = (area.x + MARGIN, area.y);
        self.put(buffer, at, area.right(), (&cut(&text, room), Role::Text));
    }

    /// `A ▂▂▃▂▄····  44 tok  14.3 tok/s  22 NFE`.
    fn bars(&self, side: Side, area: Rect, buffer: &mut Buffer) {
        let turn = self.turns[index(side)];
        let shown = self.compare.shown_of(turn);
        let steps = || {
            turn.log().steps().take_while(|step| {
                let last = turn.log().step_at(shown);
                last.is_some_and(|last| step.step <= last.step)
            })
        };
        let elapsed = steps().map(|step| step.elapsed).sum();
        let tokens: usize = steps().map(|step| step.commits.len()).sum();
        let nfe = steps().last().map_or(0, |step| step.nfe);
        let rate = number::rate(tokens, elapsed).unwrap_or_default();
        let numbers = format!("{tokens} tok  {rate}  {nfe} NFE");
        let theme = self.state.look.theme;
        let end = put_right(buffer, theme, area, (&numbers, Role::Quiet));
        let right = end.saturating_sub(2);
        let at = (area.x + MARGIN, area.y);
        let x = put(buffer, theme, at, right, (letter(side), Role::Quiet)) + 1;
        let mut saved = 0.0;
        let heights: Vec<usize> = steps()
            .map(|step| timeline::height(self.state.measure, step, &mut saved))
            .collect();
        // Both have one time: the longer one fills the row.
        let all = self
            .turns
            .map(|turn| turn.steps_expected().max(turn.log().steps().count()));
        let columns = usize::from(right.saturating_sub(x));
        let full = timeline::full(self.state.measure);
        let bars = timeline::bars(&heights, all[0].max(all[1]), columns, full);
        let x = put(buffer, theme, (x, area.y), right, (&bars, Role::Accent));
        let rest = "·".repeat(usize::from(right.saturating_sub(x)));
        put(buffer, theme, (x, area.y), right, (&rest, Role::Quiet));
    }
}

/// The token that was written last.
fn newest(turn: &Turn, shown: usize) -> Option<usize> {
    let entry = turn.log().entries.get(shown.checked_sub(1)?)?;
    let start = turn.canvas().answer_start();
    entry.commits().last()?.at.index().checked_sub(start)
}

/// `LLaDA-8B-Instruct · candle q4 · 64 steps`.
fn said(turn: &Turn) -> String {
    let loaded = &turn.loaded;
    let how = match approximation(&turn.params) {
        Some(what) => format!("≈ {what}"),
        None => format!("{} steps", turn.params.steps),
    };
    let parts = format!(
        "{} · {} {} · {how}",
        loaded.name, loaded.backend, loaded.facts.precision
    );
    clean_line(&parts)
}
