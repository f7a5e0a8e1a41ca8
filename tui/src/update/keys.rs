use crossterm::event::KeyEvent;

use super::{draft, engine, overlay, scroll};
use crate::action::Command;
use crate::effect::{Effect, Mouse};
use crate::keymap;
use crate::state::{Activity, Focus, Overlay, Stage, State, Transcript, Wish};

/// A key: what the key map says, else what it writes.
pub(super) fn press(state: &mut State, event: KeyEvent) -> Vec<Effect> {
    match (keymap::lookup(state, event), keymap::written(event)) {
        (Some(command), _) => perform(state, command),
        (None, Some(character)) if !state.overlays.is_empty() => {
            overlay::write(state, character);
            Vec::new()
        }
        // What is typed is never lost: it goes to the composer, and the focus with it.
        (None, Some(character)) => {
            state.focus = Focus::Composer;
            draft::write(state, character);
            Vec::new()
        }
        (None, None) => Vec::new(),
    }
}

/// A command, whatever way it came.
pub(super) fn perform(state: &mut State, command: Command) -> Vec<Effect> {
    if command != Command::Interrupt {
        state.quit_until = None;
    }
    if let Some(effects) = overlay::perform(state, command) {
        return effects;
    }
    match command {
        Command::Send => return draft::enter(state),
        Command::Newline => draft::newline(state),
        Command::Back => return back(state),
        Command::Interrupt => return interrupt(state),
        Command::Resume => return resume(state),
        Command::Quit => return vec![Effect::Quit],
        Command::Suspend => return vec![Effect::Suspend],
        Command::Repaint => return vec![Effect::Repaint],
        Command::Help => state.overlays.push(Overlay::Help { top: 0 }),
        Command::Menu => state.overlays.push(Overlay::Menu),
        Command::New => begin_anew(state),
        Command::Scroll(scroll) => scroll::to(state, scroll),
        Command::Up => up(state),
        Command::Down => down(state),
        Command::Edit(edit) => {
            state.history.touch();
            state.composer.edit(edit);
        }
        Command::Focus => change_focus(state),
        // They mean something to lists alone.
        Command::Choose | Command::Other => (),
        Command::MouseOff => return mouse(state, Mouse::Released),
        Command::MouseOn => return mouse(state, Mouse::Captured),
    }
    Vec::new()
}

/// One level back; it never destroys.
fn back(state: &mut State) -> Vec<Effect> {
    if state.overlays.pop().is_some() || state.toast.take().is_some() {
        return Vec::new();
    }
    if state.focus == Focus::Canvas {
        state.focus = Focus::Composer;
        return Vec::new();
    }
    let since = state.now.since_start;
    match &mut state.activity {
        Activity::Idle => Vec::new(),
        Activity::Loading(_) => cancel_load(state),
        Activity::Turn(turn) => match turn.stage {
            Stage::Denoising => {
                turn.stage = Stage::Pausing { since };
                vec![Effect::Pause]
            }
            Stage::Paused => {
                turn.stage = Stage::Stopping { since };
                vec![Effect::Stop]
            }
            Stage::Pausing { .. } | Stage::Stopping { .. } => Vec::new(),
        },
    }
}

fn change_focus(state: &mut State) {
    state.focus = match state.focus {
        Focus::Composer => Focus::Canvas,
        Focus::Canvas => Focus::Composer,
    };
}

fn interrupt(state: &mut State) -> Vec<Effect> {
    let since = state.now.since_start;
    match &mut state.activity {
        Activity::Loading(load) if load.wish == Wish::Finish => cancel_load(state),
        Activity::Turn(turn) => match turn.stage {
            Stage::Denoising | Stage::Pausing { .. } | Stage::Paused => {
                turn.stage = Stage::Stopping { since };
                vec![Effect::Stop]
            }
            Stage::Stopping { .. } => engine::abandon(state),
        },
        Activity::Idle | Activity::Loading(_) => clear_or_quit(state),
    }
}

fn cancel_load(state: &mut State) -> Vec<Effect> {
    match &mut state.activity {
        Activity::Loading(load) if load.wish == Wish::Finish => {
            load.wish = Wish::Cancel;
            vec![Effect::CancelLoad]
        }
        Activity::Loading(_) | Activity::Idle | Activity::Turn(_) => Vec::new(),
    }
}

fn clear_or_quit(state: &mut State) -> Vec<Effect> {
    const QUIT_WITHIN: std::time::Duration = std::time::Duration::from_secs(2);
    if !state.composer.is_empty() {
        let draft = state.composer.take();
        state.history.add(&draft);
        return Vec::new();
    }
    if state.quit_until.is_some() {
        return vec![Effect::Quit];
    }
    state.quit_until = Some(state.now.since_start + QUIT_WITHIN);
    Vec::new()
}

fn resume(state: &mut State) -> Vec<Effect> {
    match state.running_mut() {
        Some(turn) if turn.stage == Stage::Paused => {
            turn.stage = Stage::Denoising;
            vec![Effect::Resume]
        }
        Some(_) | None => Vec::new(),
    }
}

fn begin_anew(state: &mut State) {
    if state.running().is_some() {
        state.notify("An answer is being written: stop it first");
        return;
    }
    state.transcript = Transcript::default();
    state.title.clear();
    state.queue.clear();
}

fn up(state: &mut State) {
    if !state.overlays.is_empty() {
        scroll::by(state, -1);
    } else if state.composer.is_empty() && !state.queue.is_empty() {
        if let Some(text) = state.queue.pop_back() {
            state.composer.replace(&text);
        }
    } else if !state.composer.row_up(draft::width(state)) {
        let draft = state.composer.text();
        if let Some(text) = state.history.older(&draft) {
            state.composer.replace(&text);
        }
    }
}

fn down(state: &mut State) {
    if !state.overlays.is_empty() {
        scroll::by(state, 1);
    } else if !state.composer.row_down(draft::width(state))
        && let Some(text) = state.history.newer()
    {
        state.composer.replace(&text);
    }
}

fn mouse(state: &mut State, mouse: Mouse) -> Vec<Effect> {
    state.mouse = mouse;
    vec![Effect::Mouse(mouse)]
}
