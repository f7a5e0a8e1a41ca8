//! How the screen changes: pure functions. [`update`] is the only writer of the state.

mod alerts;
mod begin;
mod blanks;
mod branch;
mod canvas;
mod click;
mod compare;
mod completion;
mod confirm;
mod conversation;
mod copy;
mod draft;
mod engine;
mod export;
mod fill;
mod find;
mod first_run;
mod fork;
mod frame;
mod getting;
mod help;
mod info;
mod keep;
mod keys;
mod last_turn;
mod load;
mod loading;
mod lost;
mod machine;
mod mouse;
mod overlay;
mod perform;
mod playback;
mod raw;
mod replay;
mod restore;
mod scan;
mod sessions;
mod settings;
mod stats;
mod text_selection;
mod themes;
mod token_text;
mod trust;
mod welcome;
mod wheel;

#[cfg(test)]
mod tests;

pub use compare::show_both;
pub use replay::{show_recorded, show_recorded_from};

use std::time::Duration;

use unmask_core::engine::{EngineEvent, TurnEvent};

use crate::action::{Action, Command, ScreenTime, Size};
use crate::effect::Effect;
use crate::state::{Activity, Motion, Overlay, Stage, State, StepFrames};

/// Applies one action; the effects are for the loop to carry out, in order. What is to be kept comes first: a message is on
/// its way to the disk before its turn begins.
pub fn update(state: &mut State, action: Action) -> Vec<Effect> {
    let effects = apply(state, action);
    fork::follow(state);
    restore::restore(state);
    let mut all = keep::keep(state);
    all.extend(settings::have_pins_read(state));
    all.extend(effects);
    all.extend(alerts::follow(state));
    all
}

fn apply(state: &mut State, action: Action) -> Vec<Effect> {
    match action {
        Action::Time(time) => {
            pass_time(state, time);
            let mut effects = engine::catch_up(state);
            effects.extend(draft::send_held(state));
            return effects;
        }
        Action::Begin { load, most_traces } => {
            state.is_dirty = true;
            return begin::open(state, load, most_traces);
        }
        Action::Resize(size) => {
            resize(state, size);
            return Vec::new();
        }
        Action::Frame(laid) => {
            frame::begin(state, laid);
            return Vec::new();
        }
        Action::Redraw => (),
        Action::EngineEnded => engine::ended(state),
        Action::Wheel(rows) => wheel::by(state, rows),
        Action::Click(pointed) => {
            state.is_dirty = true;
            text_selection::press(state, pointed);
            return click::at(state, pointed);
        }
        Action::Drag(pointed) => {
            text_selection::drag(state, pointed);
            return Vec::new();
        }
        Action::Release => {
            state.is_dirty = true;
            return text_selection::release(state);
        }
        Action::Paste(text) => {
            draft::write_held(state);
            draft::paste(state, &text);
        }
        Action::Burst(text) => {
            draft::write_held(state);
            draft::burst(state, &text);
        }
        Action::Key(event) => {
            state.is_dirty = true;
            draft::write_held(state);
            return keys::press(state, event);
        }
        Action::Do(command) => {
            state.is_dirty = true;
            return perform::perform(state, command);
        }
        Action::Selected(text) => return copy::of_selection(state, &text),
        Action::Copied(copied) => {
            state.is_dirty = true;
            return copy::apply(state, copied);
        }
        Action::Rendered(rendered) => {
            text_selection::parts_change(state, &rendered.changed);
            return Vec::new();
        }
        Action::Engine(event) => {
            show_news(state, &event);
            return engine::apply_event(state, event);
        }
        Action::Placed(question, tokens) => settings::placed(state, &question, &tokens),
        Action::Encoded(question, tokens) => token_text::encoded(state, &question, tokens),
        Action::Kept(news) => {
            state.is_dirty = true;
            return conversation::apply(state, news);
        }
        Action::Got(news) => {
            state.is_dirty = true;
            return getting::told(state, news);
        }
        Action::Scanned(seen) => {
            state.is_dirty = true;
            return machine::scanned(state, seen);
        }
        Action::Added(added) => {
            state.is_dirty = true;
            return machine::added(state, added);
        }
        Action::Approved(approved) => {
            state.is_dirty = true;
            return trust::answered(state, approved);
        }
        Action::TerminalFocus(focus) => {
            state.alerts.focus = focus;
            return Vec::new();
        }
        Action::Saved(saved) => settings::saved(state, saved),
        Action::Themes(files) => themes::take(state, files),
        Action::Edited(Ok(text)) => draft::take_edited(state, &text),
        Action::Edited(Err(toast)) => state.toast = Some(toast),
    }
    state.is_dirty = true;
    Vec::new()
}

/// Carries a command out, whatever panel is open.
fn carry_out(state: &mut State, command: Command) -> Vec<Effect> {
    perform::carry_out(state, command)
}

fn resize(state: &mut State, size: Size) {
    if size != state.size {
        state.size = size;
        state.text_selection = None;
        state.is_dirty = true;
    }
}

/// News is drawn at once; while little moves, steps are drawn twice a second.
fn show_news(state: &mut State, event: &EngineEvent) {
    const APART: Duration = Duration::from_millis(500);
    let is_step = matches!(event, EngineEvent::Turn(_, TurnEvent::Step(_)));
    if state.motion == Motion::Full || !is_step {
        state.is_dirty = true;
        return;
    }
    let due = (state.frames.last + APART).max(state.now.since_start);
    state.frames.due.get_or_insert(due);
    draw_due_steps(state);
}

fn draw_due_steps(state: &mut State) {
    let now = state.now.since_start;
    if state.frames.due.is_some_and(|due| due <= now) {
        state.frames = StepFrames {
            last: now,
            due: None,
        };
        state.is_dirty = true;
    }
}

/// Lets notices go and counters move; nothing else is drawn anew because time passes.
fn pass_time(state: &mut State, time: ScreenTime) {
    let before = state.now.since_start;
    state.now = time;
    let now = time.since_start;
    if state.notice.as_ref().is_some_and(|it| it.until <= now) {
        state.notice = None;
        state.is_dirty = true;
    }
    draw_due_steps(state);
    welcome::pass_time(state, before);
    text_selection::pull(state);
    replay::pass_time(state, now);
    if let Some(&Overlay::Menu { shown_at }) = state.overlays.last()
        && before < shown_at
        && shown_at <= now
    {
        state.is_dirty = true;
    }
    if state.quit_until.is_some_and(|until| until <= now) {
        state.quit_until = None;
        state.is_dirty = true;
    }
    state.is_dirty |= match &state.activity {
        Activity::Idle => false,
        Activity::Loading(_) => true,
        Activity::Turn(turn) => match turn.stage {
            Stage::Pausing { .. } | Stage::Stopping { .. } => true,
            Stage::Denoising | Stage::Paused => false,
        },
    };
}
