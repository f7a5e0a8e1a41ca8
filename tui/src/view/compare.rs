//! Two answers side by side, on one timeline.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unmask_core::settings::approximation;

use super::{put, put_right, put_row, status, timeline};
use crate::amount::counted;
use crate::cells::cell_count;
use crate::clean::clean_line;
use crate::geometry::{CompareArea, MARGIN};
use crate::number;
use crate::row::cut;
use crate::screen_layout::{LaidComparison, ScreenLayout};
use crate::state::{Compare, Differences, Side, State, Turn};
use crate::theme::Role;

/// Draws all of it.
pub(super) fn draw(state: &State, layout: &ScreenLayout, buffer: &mut Buffer) {
    let (Some((compare, turns)), Some(compared)) = (state.compared(), layout.compared()) else {
        return;
    };
    let area = CompareArea::of(state.size);
    let picture = Compared {
        state,
        compare,
        turns,
        compared,
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
    compared: &'a LaidComparison,
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
        let (sign, role) = match self.is_running(Side::A) || self.is_running(Side::B) {
            true => ("◐", Role::Accent),
            false => ("‖", Role::Quiet),
        };
        let now = format!("{sign} {} · {}", of(Side::A), of(Side::B));
        let start = put_right(buffer, self.state.look.theme, area, (&now, role));
        let x = self.put(buffer, (1, area.y), start, ("unmask", Role::Strong)) + 2;
        let seeds = self.turns.map(|turn| turn.params.seed);
        let prompt = match (&self.compared.shown.tokens, seeds[0] == seeds[1]) {
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
        let rows = self.compared.rows(index(side)).iter();
        let rows = rows.skip(self.compared.first_row(self.compare, index(side)));
        for (y, row) in (area.y..area.bottom()).zip(rows) {
            let right = area.right() + MARGIN;
            put_row(buffer, self.state.look.theme, (area.x, y), right, row);
        }
    }

    /// A row for each place that differs, the same one on both sides: `   13  step 9       0.41  “exactly”`.
    fn list(&self, side: Side, area: Rect, buffer: &mut Buffer) {
        let places = &self.compared.places;
        if places.is_empty() {
            let at = (area.x, area.y);
            let said = self.compared.shown.no_difference();
            self.put(buffer, at, area.right(), (said, Role::Quiet));
        }
        let top = self.compared.first_row(self.compare, index(side));
        let places = places.iter().enumerate().skip(top);
        for (y, (at, place)) in (area.y..area.bottom()).zip(places) {
            let tokens = place[index(side)].clone();
            let (line, role) = match tokens.is_empty() {
                true => (format!("{:>5}  nothing", "–"), Role::Quiet),
                false => (self.listed(side, at, tokens), Role::Text),
            };
            let line = cut(&line, usize::from(area.width));
            self.put(buffer, (area.x, y), area.right(), (&line, role));
        }
    }

    fn listed(&self, side: Side, place: usize, tokens: Range<usize>) -> String {
        let (turn, moment) = (self.turns[index(side)], &self.compared.moments[index(side)]);
        let stories = tokens.clone().filter_map(|at| turn.story(moment, at));
        let stories: Vec<_> = stories.collect();
        let steps = || stories.iter().filter_map(|story| story.step);
        let least = stories.iter().map(|story| story.commit.confidence);
        let least = least.fold(f32::INFINITY, f32::min);
        let word = turn.loaded.step_word();
        let when = match (steps().min(), steps().max()) {
            (Some(first), Some(last)) if first < last => format!("{word}s {first}–{last}"),
            (Some(step), _) => format!("{word} {step}"),
            (None, _) => "given".to_owned(),
        };
        let how = match least.is_finite() && !turn.loaded.text_alone {
            true => format!("{when:<11}  {least:.2}"),
            false => format!("{when:<17}"),
        };
        let text = match &self.compared.shown.words {
            Some(words) => clean_line(&words.changes[place].texts[index(side)]),
            None => {
                let token = moment.fold.canvas().answer().get(tokens.start);
                let text = token.map(|token| turn.token_text(*token));
                text.unwrap_or_default().trim_start().to_owned()
            }
        };
        format!("{:>5}  {how}  “{text}”", tokens.start)
    }

    /// How both compare, in as few words as there is room for.
    fn first_difference(&self, area: Rect, buffer: &mut Buffer) {
        const CELLS: usize = 24;
        let room = usize::from(area.width.saturating_sub(2 * MARGIN));
        let texts = self.compared.shown.said(CELLS);
        let fits = texts.iter().find(|text| cell_count(text) <= room);
        let text = fits.or(texts.last()).map(|text| cut(text, room));
        let at = (area.x + MARGIN, area.y);
        let text = text.unwrap_or_default();
        self.put(buffer, at, area.right(), (&text, Role::Text));
    }

    /// `A ▂▂▃▂▄····  44 tok  14.3 tok/s  22 NFE`.
    fn bars(&self, side: Side, area: Rect, buffer: &mut Buffer) {
        let turn = self.turns[index(side)];
        let shown = self.compare.shown_of(turn);
        let last = turn.log().step_at(shown).map_or(0, |last| last.step);
        let steps = || turn.log().steps().take_while(|step| step.step <= last);
        let elapsed = steps().map(|step| step.elapsed).sum();
        let tokens: usize = steps().map(|step| step.commits.len()).sum();
        let nfe = steps().last().map_or(0, |step| step.nfe);
        let rate = number::rate(tokens, elapsed).unwrap_or_default();
        let numbers = match turn.loaded.text_alone {
            true => number::wait(elapsed),
            false => format!("{tokens} tok  {rate}  {nfe} NFE"),
        };
        let theme = self.state.look.theme;
        let end = put_right(buffer, theme, area, (&numbers, Role::Quiet));
        let right = end.saturating_sub(2);
        let at = (area.x + MARGIN, area.y);
        let x = put(buffer, theme, at, right, (letter(side), Role::Quiet)) + 1;
        let measure = timeline::measure(self.state, turn);
        let mut saved = 0.0;
        let heights: Vec<usize> = steps()
            .map(|step| timeline::height(measure, step, &mut saved))
            .collect();
        // Both have one time: the longer one fills the row.
        let all = self
            .turns
            .map(|turn| turn.steps_expected().max(turn.log().steps().count()));
        let columns = usize::from(right.saturating_sub(x));
        let full = timeline::full(measure);
        let bars = timeline::bars(&heights, all[0].max(all[1]), columns, full);
        let x = put(buffer, theme, (x, area.y), right, (&bars, Role::Accent));
        let rest = "·".repeat(usize::from(right.saturating_sub(x)));
        put(buffer, theme, (x, area.y), right, (&rest, Role::Quiet));
    }
}

/// `LLaDA-8B-Instruct · candle q4 · 64 steps`; how many there are of a text that came alone is not known.
fn said(turn: &Turn) -> String {
    let loaded = &turn.loaded;
    let how = match approximation(&turn.params) {
        _ if loaded.text_alone => String::new(),
        Some(what) => format!(" · ≈ {what}"),
        None => format!(" · {}", counted(turn.params.steps, "step")),
    };
    let parts = format!(
        "{} · {} {}{how}",
        loaded.name, loaded.backend, loaded.facts.precision
    );
    clean_line(&parts)
}
