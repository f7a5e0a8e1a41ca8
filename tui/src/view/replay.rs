//! An answer step by step: its tokens, the token that the keys mean, its steps.

mod bar;
mod deeds;
mod inspector;
mod steps;
mod tokens;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use unmask_core::params::CacheMode;

use super::{header, put, put_right, put_row, status};
use crate::amount::counted;
use crate::geometry::{INDENT, ReplayArea};
use crate::number;
use crate::row::cut;
use crate::screen_layout::ScreenLayout;
use crate::state::{BranchName, CanvasMoment, LogEntry, Patch, Replay, ReplayLayer, State, Turn};
use crate::theme::Role;

/// Draws all of it.
pub(super) fn draw(state: &State, layout: &ScreenLayout, buffer: &mut Buffer) {
    let Some((replay, turn)) = state.replayed() else {
        return;
    };
    let area = ReplayArea::of(state.size);
    let moment = replay.moment(turn);
    draw_header(state, replay, turn, area.header, buffer);
    let used = draw_canvas(state, layout, area.canvas, buffer);
    let inspected = inspector::Inspected {
        state,
        replay,
        turn,
        moment: &moment,
    };
    match area.is_wide {
        true => inspected.draw_at_side(area.inspector, buffer),
        false => inspected.draw_below(area.inspector, buffer),
    }
    let text = Rect {
        x: area.canvas.x + INDENT,
        width: area.text_width(),
        ..area.canvas
    };
    inspected.draw_tokens(text, used, buffer);
    draw_legend(state, replay, turn, area.legend, buffer);
    steps::draw(state, replay, turn, buffer);
    status::draw_hints_alone(state, area.status, buffer);
}

/// `unmask  Replay · turn 1      LLaDA-8B-Instruct · ort-cuda · fp16  ‖ step 22/64`.
fn draw_header(state: &State, replay: &Replay, turn: &Turn, area: Rect, buffer: &mut Buffer) {
    let theme = state.look.theme;
    let (now, role) = now(state, replay, turn);
    let identity = turn.identity();
    let start = put_right(buffer, theme, area, (&now, role));
    let x = put(buffer, theme, (1, area.y), start, ("unmask", Role::Strong)) + 2;
    let title = format!("Replay · {}", name(state, replay, turn));
    let x = put(buffer, theme, (x, area.y), start, (&title, Role::Text)) + 2;
    let room = usize::from(start.saturating_sub(x + 2));
    if crate::cells::cell_count(&identity) <= room {
        let right = Rect {
            width: start.saturating_sub(area.x + 1),
            ..area
        };
        put_right(buffer, theme, right, (&identity, Role::Quiet));
    }
}

/// `turn 1`, of a branch `1b`.
fn name(state: &State, replay: &Replay, turn: &Turn) -> String {
    let names = state.transcript.answer_names();
    let named = names.iter().find(|(at, _)| *at == replay.part);
    let running = || turn.branch.as_ref().map(|branch| branch.name);
    let next = || state.transcript.next_name(replay.part.saturating_sub(1));
    match named.map(|(_, name)| *name).or_else(running) {
        Some(BranchName { turn, answer: 0 }) => format!("turn {turn}"),
        Some(name) => name.to_string(),
        None => format!("turn {}", next().turn.max(1)),
    }
}

fn now(state: &State, replay: &Replay, turn: &Turn) -> (String, Role) {
    let shown = turn
        .log()
        .step_at(replay.shown(turn))
        .map_or(0, |step| step.step);
    let word = turn.loaded.step_word();
    let steps = format!("{word} {shown}/{}", steps(state, turn));
    if state.is_replay_live() {
        return match replay.at {
            None => header::what_now(state),
            Some(_) => (
                format!("‖ {steps} · behind · live {}", turn.step),
                Role::Warn,
            ),
        };
    }
    match replay.playing {
        Some(_) => (format!("▸ {steps}"), Role::Accent),
        None => (format!("‖ {steps}"), Role::Quiet),
    }
}

/// How many steps there are, or will be.
fn steps(state: &State, turn: &Turn) -> usize {
    match state.is_replay_live() {
        true => turn.steps_expected(),
        false => turn.step,
    }
}

/// Returns how many rows the tokens take.
fn draw_canvas(state: &State, layout: &ScreenLayout, area: Rect, buffer: &mut Buffer) -> u16 {
    let mut used = 0;
    for (y, row) in (area.y..area.bottom()).zip(layout.replayed()) {
        let at = (area.x + INDENT, y);
        put_row(buffer, state.look.theme, at, area.right(), row);
        used += 1;
    }
    used
}

/// What the colours mean; what is marked goes before that.
fn draw_legend(state: &State, replay: &Replay, turn: &Turn, area: Rect, buffer: &mut Buffer) {
    let theme = state.look.theme;
    let mut x = area.x + INDENT;
    let mut say = |text: &str, role: Role, gap: u16| {
        x = put(buffer, theme, (x, area.y), area.right(), (text, role)) + gap;
    };
    if let Some(edit) = steered(replay, turn) {
        say(&edit, Role::Warn, 2);
    }
    if !replay.patch.is_empty() {
        say(&marked(&replay.patch), Role::Warn, 2);
    }
    match replay.layer {
        // Nobody told how sure the text was, nor what was fixed when.
        _ if turn.loaded.text_alone => (),
        ReplayLayer::Confidence => {
            say("confidence", Role::Quiet, 2);
            say("low", Role::FreshLow, 2);
            say("mid", Role::FreshMiddle, 2);
            say("high", Role::FreshHigh, 2);
            say("settled", Role::Text, 2);
            say("pinned", Role::Pinned, 2);
            if turn.branch.is_some() {
                say("changed", Role::Changed, 2);
            }
        }
        ReplayLayer::Order => {
            say("order  early", Role::Quiet, 1);
            for sixth in 0..6 {
                say("■", Role::order(sixth), 0);
            }
            say(" late", Role::Quiet, 2);
        }
        ReplayLayer::Entropy => {
            say("entropy", Role::Quiet, 2);
            say("below 0.5", Role::FreshHigh, 2);
            say("below 1.5 nat", Role::FreshMiddle, 2);
            say("more", Role::FreshLow, 2);
        }
        ReplayLayer::Plain => (),
    }
}

/// What the entry that is shown last was, if the user made it.
fn steered(replay: &Replay, turn: &Turn) -> Option<String> {
    let last = replay.shown(turn).checked_sub(1)?;
    let LogEntry::Edit(steering) = turn.log().entries.get(last)? else {
        return None;
    };
    Some(match (steering.commits.len(), &steering.params) {
        (0, _) => "settings changed here".to_owned(),
        (n, None) => format!("{n} changed by hand here"),
        (n, Some(_)) => format!("{n} changed by hand here, and settings"),
    })
}

fn marked(patch: &Patch) -> String {
    let parts = [
        (patch.remasked.len(), "to melt"),
        (patch.pinned.len(), "to pin"),
        (patch.unpinned.len(), "to unpin"),
    ];
    let parts = parts.into_iter().filter(|(n, _)| *n > 0);
    let parts: Vec<String> = parts.map(|(n, what)| format!("{n} {what}")).collect();
    format!("{} · r goes on", parts.join(", "))
}

/// The figures of the step that is shown.
fn figures(turn: &Turn, moment: &CanvasMoment, shown: usize) -> Vec<(&'static str, String)> {
    let Some(step) = turn.log().step_at(shown) else {
        return Vec::new();
    };
    if turn.loaded.text_alone {
        return vec![("time", time(step))];
    }
    let mut rows = Vec::new();
    use unmask_core::event::CommitKind::{Changed, Remasked};
    let is_kind = |kind| move |it: &&unmask_core::event::Commit| it.kind == kind;
    let changed = step.commits.iter().filter(is_kind(Changed)).count();
    let remasked = step.commits.iter().filter(is_kind(Remasked)).count();
    let committed = step.commits.len() - changed - remasked;
    let mut this = format!("{committed} committed, {changed} changed");
    if remasked > 0 {
        this += &format!(", {remasked} remasked");
    }
    rows.push(("this step", this));
    let marks = moment.fold.answer_marks();
    let behind = |blocks: usize| blocks.saturating_mul(turn.block_length());
    let block = behind(step.block)..behind(step.block + 1);
    let of_block = &marks[block.start.min(marks.len())..block.end.min(marks.len())];
    let decided = of_block.iter().filter(|mark| mark.is_committed()).count();
    let (made, all) = steps_of_block(turn, step.block, shown);
    let block = format!(
        "{made}/{all} steps · {decided}/{}",
        counted(of_block.len(), "token")
    );
    rows.push(("this block", block));
    rows.push(("time", time(step)));
    rows.push((
        "cache",
        format!(
            "{} · {}",
            match turn.params.cache {
                CacheMode::Off => "off",
                CacheMode::Prefix => "prefix",
                CacheMode::Dual => "dual",
            },
            number::nfe(step.nfe, step.nfe_saved)
        ),
    ));
    rows.push(("masked", format!("{} left", step.masked)));
    rows
}

/// The steps of a block among the first `shown` entries, and how many it has or will have.
fn steps_of_block(turn: &Turn, block: usize, shown: usize) -> (usize, usize) {
    let of_block = |entries: &[LogEntry]| {
        let steps = entries.iter().filter(|entry| match entry {
            LogEntry::Step(step) => step.block == block,
            LogEntry::Edit(_) => false,
        });
        steps.count()
    };
    let entries = &turn.log().entries;
    let (made, all) = (
        of_block(&entries[..shown.min(entries.len())]),
        of_block(entries),
    );
    let is_over = turn
        .log()
        .steps()
        .last()
        .is_some_and(|last| last.block > block);
    let planned = turn.steps_expected() / turn.blocks.max(1);
    match is_over || turn.step >= turn.steps_expected() {
        true => (made, all),
        false => (made, all.max(planned)),
    }
}

/// `140 ms (forward 131, sample 9)`, as far as that was measured.
fn time(step: &unmask_core::event::StepEvent) -> String {
    let whole = number::short(step.elapsed);
    if step.forward.is_zero() {
        return whole;
    }
    // In the unit and to the digits of the whole.
    let (unit, digits) = match step.elapsed.as_secs_f64() {
        seconds if seconds < 0.01 => (1e3, 1),
        seconds if seconds < 1.0 => (1e3, 0),
        _ => (1.0, 1),
    };
    let [forward, sample] = [step.forward, step.elapsed.saturating_sub(step.forward)]
        .map(|part| format!("{:.digits$}", part.as_secs_f64() * unit));
    format!("{whole} (forward {forward}, sample {sample})")
}

/// The text of a token in quotes, cut.
fn quoted(turn: &Turn, token: unmask_core::TokenId, cells: usize) -> String {
    match token == turn.mask() {
        true => "▒▒▒".to_owned(),
        false => cut(turn.token_text(token).trim_start(), cells),
    }
}
