//! Two answers side by side, on one timeline.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unmask_core::settings::approximation;

use super::{put, put_right, put_row, status, timeline};
use crate::amount::counted;
use crate::clean::clean_line;
use crate::comparison::{self, CanvasComparison};
use crate::geometry::{CompareArea, MARGIN};
use crate::layout::{LayoutOptions, compared_rows};
use crate::number;
use crate::row::cut;
use crate::state::{CanvasMoment, Compare, Differences, Ghosts, Side, State, Turn};
use crate::theme::Role;

/// Draws all of it.
pub(super) fn draw(state: &State, buffer: &mut Buffer) {
    let Some((compare, turns)) = state.compared() else {
        return;
    };
    let moments = turns.map(|turn| turn.log().moment(compare.shown_of(turn)));
    let same = comparison::have_same_prompt(turns[0], turns[1]);
    let compared = comparison::canvases((turns[0], &moments[0]), (turns[1], &moments[1]));
    let compared = Some(compared).filter(|_| same);
    let area = CompareArea::of(state.size);
    let picture = Compared {
        state,
        compare,
        turns,
        moments: &moments,
        compared: compared.as_ref(),
    };
    picture.header(area.header, buffer);
    picture.rule(&area, buffer);
    let canvases = area.canvases();
    for (at, side) in [Side::A, Side::B].into_iter().enumerate() {
        picture.name(side, area.sides[at], buffer);
        match compare.shown {
            Differences::InPlace => picture.canvas(side, canvases[at], buffer),
            Differences::Listed => picture.list(side, canvases[at], buffer),
        }
        picture.bars(side, area.bars[at], buffer);
    }
    picture.first_difference(area.first, buffer);
    status::draw_hints_alone(state, area.hints, buffer);
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

    /// Between both.
    fn rule(&self, area: &CompareArea, buffer: &mut Buffer) {
        for y in area.gap.y..area.gap.bottom() {
            let rule = match area.is_wide {
                true => "│".to_owned(),
                false => "─".repeat(usize::from(area.gap.width)),
            };
            let at = (area.gap.x, y);
            self.put(buffer, at, area.gap.right(), (&rule, Role::Quiet));
        }
    }

    /// `A  ort-cuda fp16 · low_conf 64 steps`.
    fn name(&self, side: Side, area: Rect, buffer: &mut Buffer) {
        let role = match self.compare.side == side {
            true => Role::Accent,
            false => Role::Quiet,
        };
        let at = (area.x + MARGIN, area.y);
        let end = self.put(buffer, at, area.right(), (letter(side), role)) + 2;
        let room = usize::from(area.right().saturating_sub(end + MARGIN));
        let said = cut(&said(self.turns[index(side)]), room);
        self.put(buffer, (end, area.y), area.right(), (&said, role));
    }

    fn canvas(&self, side: Side, area: Rect, buffer: &mut Buffer) {
        let (turn, moment) = (self.turns[index(side)], &self.moments[index(side)]);
        let options = LayoutOptions {
            ghosts: Ghosts::Hidden,
            ..LayoutOptions::of(self.state, area.width)
        };
        let differing = self.compared.map_or(&[][..], |it| &it.differing);
        let (rows, newest) = compared_rows(self.compare, (turn, moment), differing, options);
        let seen = usize::from(area.height);
        let top = self.compare.first_row((rows.len(), seen), newest);
        for (y, row) in (area.y..area.bottom()).zip(rows.iter().skip(top)) {
            let right = area.right() + MARGIN;
            put_row(buffer, self.state.look.theme, (area.x, y), right, row);
        }
    }

    /// A row for each token that differs: `step 9  token 13  “exactly” 0.41`.
    fn list(&self, side: Side, area: Rect, buffer: &mut Buffer) {
        let (turn, moment) = (self.turns[index(side)], &self.moments[index(side)]);
        let differing = self.compared.map_or(&[][..], |it| &it.differing);
        if differing.is_empty() {
            let at = (area.x, area.y);
            self.put(buffer, at, area.right(), ("no difference", Role::Quiet));
        }
        let seen = usize::from(area.height);
        let top = self.compare.first_row((differing.len(), seen), 0);
        for (y, &at) in (area.y..area.bottom()).zip(differing.iter().skip(top)) {
            let token = moment.fold.canvas().answer().get(at);
            let text = token.map_or_else(String::new, |token| turn.token_text(*token));
            let how = match turn.story(moment, at) {
                Some(story) => format!(
                    "step {:<4} {:.2}",
                    story.step.unwrap_or(0),
                    story.commit.confidence
                ),
                None => "given".to_owned(),
            };
            let line = format!("{at:>5}  {how}  “{}”", text.trim_start());
            let line = cut(&line, usize::from(area.width));
            self.put(buffer, (area.x, y), area.right(), (&line, Role::Text));
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

/// `LLaDA-8B-Instruct · candle q4 · 64 steps`.
fn said(turn: &Turn) -> String {
    let loaded = &turn.loaded;
    let how = match approximation(&turn.params) {
        Some(what) => format!("≈ {what}"),
        None => counted(turn.params.steps, "step"),
    };
    let parts = format!(
        "{} · {} {} · {how}",
        loaded.name, loaded.backend, loaded.facts.precision
    );
    clean_line(&parts)
}
