use crossterm::event::KeyEvent;

use super::{
    branch, canvas, compare, completion, conversation, copy, draft, engine, find, first_run, fork,
    last_turn, models, order, overlay, playback, render, replay, scan, search, sessions, settings,
    stats, text_selection, themes, welcome, wheel,
};
use crate::action::{AfterScan, Command};
use crate::contexts;
use crate::effect::{Effect, Mouse};
use crate::keymap;
use crate::state::{Activity, Cancellation, Focus, FocusedBy, Help, Overlay, Pick, Stage, State};

/// A key: what the key map says, else what it writes.
pub(super) fn press(state: &mut State, event: KeyEvent) -> Vec<Effect> {
    match (contexts::lookup(state, event), keymap::written(event)) {
        (Some(command), _) => perform(state, command),
        (None, Some(character)) if !state.overlays.is_empty() => overlay::write(state, character),
        // What is typed is never lost: it goes to the composer, and the focus with it.
        (None, Some(character)) => {
            canvas::leave(state);
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
        Command::Resume => return branch::go_on(state),
        Command::Quit => return quit(state),
        Command::Suspend => return vec![Effect::Suspend],
        Command::Repaint => return vec![Effect::Repaint],
        Command::New => return conversation::begin_anew(state),
        Command::Sessions => return sessions::show(state),
        Command::Delete => conversation::ask_to_delete_this(state),
        Command::SearchPrompts => search::show(state),
        Command::Help => open(state, Overlay::Help(Help::default())),
        Command::Menu => open_menu(state),
        Command::Palette => open(state, Overlay::Palette(Pick::default())),
        Command::Scroll(scroll) => wheel::to(state, scroll),
        Command::Up => up(state),
        Command::Down => down(state),
        Command::Edit(edit) => {
            draft::touch(state);
            state.composer.edit(edit);
        }
        Command::Focus => canvas::change_focus(state),
        Command::PauseOrResume => return branch::pause_or_go_on(state),
        Command::Unfold => canvas::unfold(state),
        Command::PreviousMessage | Command::NextMessage if state.replay.is_some() => {
            return replay::to_message(state, command);
        }
        Command::Replay(act) if state.compared().is_some() => compare::step(state, act),
        Command::Replay(act) => return replay::perform(state, act),
        Command::Compare(act) => return compare::perform(state, act),
        Command::EditMessage => fork::edit_selected(state),
        Command::RetryMessage => return fork::retry_selected(state),
        Command::FindNext => find::step(state, 1),
        Command::FindPrevious => find::step(state, -1),
        Command::PreviousMessage => canvas::previous(state),
        Command::NextMessage => canvas::next(state),
        Command::ToggleRaw if state.replay.is_some() => replay::toggle_raw(state),
        Command::ToggleRaw => render::toggle_raw(state),
        Command::Copy => return copy::last_answer(state),
        Command::CopyMessage => return copy::selected(state),
        Command::Choose if completion::complete(state) => (),
        Command::Choose if welcome::edit(state) => (),
        Command::Option(number) if state.welcomed().is_some() => {
            return welcome::ask(state, number);
        }
        Command::Choose if state.is_first_run() => return first_run::choose(state),
        Command::Option(option) => {
            return first_run::take(state, usize::from(option).saturating_sub(1));
        }
        Command::Models => return models::open(state),
        Command::Doctor => return scan::look(state, AfterScan::Doctor),
        Command::Settings => settings::open(state),
        // They mean something to the settings alone.
        Command::Less
        | Command::More
        | Command::Explain
        | Command::ResetField
        | Command::SaveDefaults => (),
        Command::Retry => return last_turn::retry(state, None),
        Command::Continue => return last_turn::go_on(state),
        Command::UndoTurn => last_turn::undo(state),
        Command::Measure => state.measure = state.measure.next(),
        Command::Ghosts => canvas::toggle_ghosts(state),
        Command::FullSpeed => playback::change_pace(state),
        Command::Stats => stats::open(state),
        // They mean something to lists alone.
        Command::Choose | Command::Other | Command::Filter | Command::Rescan => (),
        Command::Editor => return vec![Effect::EditDraft(state.composer.text())],
        Command::Themes => return themes::open(state),
        Command::ToggleMouse => return toggle_mouse(state),
    }
    Vec::new()
}

/// One level back; it never destroys.
fn back(state: &mut State) -> Vec<Effect> {
    state.comparing = None;
    // A toast lies on top of everything.
    if state.toast.take().is_some() || state.overlays.pop().is_some() || completion::close(state) {
        return Vec::new();
    }
    if text_selection::clear(state)
        || compare::close(state)
        || replay::close(state)
        || find::close(state)
        || fork::give_up(state)
    {
        return Vec::new();
    }
    if state.focus == Focus::Canvas {
        canvas::leave(state);
        return Vec::new();
    }
    let since = state.now.since_start;
    match &mut state.activity {
        Activity::Idle => Vec::new(),
        Activity::Loading(_) => cancel_load(state),
        Activity::Turn(turn) => match turn.stage {
            Stage::Denoising => {
                // While steps wait to be shown, what is to rest is the picture.
                turn.stage = match state.playback.waiting.is_empty() {
                    true => Stage::Pausing { since },
                    false => Stage::Paused,
                };
                if state.composer.is_empty() {
                    canvas::enter(state, FocusedBy::Pause);
                }
                vec![Effect::Pause]
            }
            Stage::Paused => stop(state),
            Stage::Pausing { .. } | Stage::Stopping { .. } => Vec::new(),
        },
    }
}

fn open(state: &mut State, overlay: Overlay) {
    state.overlays.push(overlay);
}

/// The menu takes letters at once; its panel is for those who hesitate.
fn open_menu(state: &mut State) {
    const HESITATION: std::time::Duration = std::time::Duration::from_millis(300);
    let shown_at = state.now.since_start + HESITATION;
    open(state, Overlay::Menu { shown_at });
}

/// Ends the turn after the running step. In slow motion it ends with the step that is seen: the engine may be far ahead, and
/// the rest comes again when the answer goes on.
fn stop(state: &mut State) -> Vec<Effect> {
    let since = state.now.since_start;
    if playback::is_behind(state) {
        return engine::abandon(state);
    }
    if let Some(turn) = state.running_mut() {
        turn.stage = Stage::Stopping { since };
    }
    engine::hurry(state);
    match state.running() {
        Some(_) => vec![Effect::Stop],
        // Its end was among it.
        None => Vec::new(),
    }
}

fn interrupt(state: &mut State) -> Vec<Effect> {
    match &mut state.activity {
        Activity::Loading(load) if load.cancellation == Cancellation::NotRequested => {
            cancel_load(state)
        }
        Activity::Turn(turn) => match turn.stage {
            Stage::Denoising | Stage::Pausing { .. } | Stage::Paused => stop(state),
            Stage::Stopping { .. } => engine::abandon(state),
        },
        Activity::Idle | Activity::Loading(_) => clear_or_quit(state),
    }
}

fn cancel_load(state: &mut State) -> Vec<Effect> {
    match &mut state.activity {
        Activity::Loading(load) if load.cancellation == Cancellation::NotRequested => {
            load.cancellation = Cancellation::Requested;
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
        state.editing = None;
        return Vec::new();
    }
    if state.quit_until.is_some() {
        return quit(state);
    }
    state.quit_until = Some(state.now.since_start + QUIT_WITHIN);
    Vec::new()
}

/// What a running turn has come to is kept like a stopped answer.
fn quit(state: &mut State) -> Vec<Effect> {
    let mut effects = engine::abandon(state);
    effects.push(Effect::Quit);
    effects
}

fn up(state: &mut State) {
    if completion::step(state, -1) || first_run::step(state, -1) {
        return;
    }
    if state.composer.is_empty() && !state.queue.is_empty() {
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
    if completion::step(state, 1) || first_run::step(state, 1) {
        return;
    }
    if !state.composer.row_down(draft::width(state))
        && let Some(text) = state.history.newer()
    {
        state.composer.replace(&text);
    }
}

fn toggle_mouse(state: &mut State) -> Vec<Effect> {
    let other = match state.mouse {
        Mouse::Captured => Mouse::Released,
        Mouse::Released => Mouse::Captured,
    };
    order::give_mouse(state, other)
}
