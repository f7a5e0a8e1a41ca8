//! What the user asks for, whatever way it came.

use super::keys::{back, down, interrupt, leave, quit, up};
use super::{
    branch, canvas, compare, completion, conversation, copy, draft, export, find, first_run, fork,
    getting, last_turn, load, mouse, overlay, playback, raw, replay, scan, sessions, settings,
    stats, themes, welcome, wheel,
};
use crate::action::{AfterScan, Command};
use crate::effect::Effect;
use crate::lists;
use crate::state::{CompareWith, Help, ListData, Overlay, State};

/// What a key, a menu or a palette asks for: the topmost panel is asked first what it makes of it.
pub(super) fn perform(state: &mut State, command: Command) -> Vec<Effect> {
    if command != Command::Interrupt {
        state.quit_until = None;
    }
    match overlay::perform(state, &command) {
        Some(effects) => effects,
        None => carry_out(state, command),
    }
}

/// Carries a command out, whatever panel is open.
#[expect(clippy::too_many_lines, reason = "an arm a command")]
pub(super) fn carry_out(state: &mut State, command: Command) -> Vec<Effect> {
    match command {
        Command::Send => return draft::enter(state),
        Command::Newline => draft::newline(state),
        Command::Back => return back(state),
        Command::Interrupt => return interrupt(state),
        Command::Resume => return branch::go_on(state),
        Command::Quit => return quit(state),
        Command::Leave => return leave(state),
        Command::Suspend => return vec![Effect::Suspend],
        Command::Repaint => return vec![Effect::Repaint],
        Command::New => return conversation::begin_anew(state),
        Command::Sessions => return sessions::show(state),
        Command::Delete => conversation::ask_to_delete_this(state),
        Command::SearchPrompts => lists::prompts::open(state),
        Command::BeginFind => lists::palette::begin(state, "find"),
        Command::Help => open(state, Overlay::Help(Help::default())),
        Command::Menu => open_menu(state),
        Command::Palette => lists::open(state, &lists::palette::KIND, ListData::Nothing),
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
            return replay::to_message(state, &command);
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
        Command::ToggleRaw => raw::toggle(state),
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
        Command::Models => {
            lists::models::open(state);
            return scan::scan(state);
        }
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
        Command::ToggleMouse => return mouse::toggle(state),
        Command::Rename(title) => conversation::rename(state, &title),
        Command::OpenSession(id) => return sessions::open(state, id),
        Command::RenameSession(id, name) => return sessions::rename(state, id, name),
        Command::AskToDelete {
            id,
            title,
            messages,
        } => conversation::ask_to_delete(state, id, &title, messages),
        Command::WantModel(choice) => return load::want(state, &choice),
        Command::Formats => lists::formats::open(state),
        Command::DeleteSession(id) => return conversation::delete(state, id),
        Command::CopyPart(part) => return copy::carry_out(state, part),
        Command::Mouse(mouse) => return mouse::give(state, mouse),
        Command::Set(field, value) => settings::order(state, field, &value),
        Command::Preset(name) => settings::lay_preset(state, &name),
        Command::Dial(speed) => settings::turn_dial(state, speed),
        Command::RetryWith(seed) => return last_turn::retry(state, Some(seed)),
        Command::Scan => return scan::scan(state),
        Command::Look(look) => return scan::look(state, look),
        Command::Load(request) => return load::load(state, request),
        Command::Approve(approve) => return vec![Effect::Approve(approve)],
        Command::Get(name) => return getting::ask(state, &name),
        Command::Fetch(name) => return getting::fetch(state, &name),
        Command::AddModel(model) => return vec![Effect::AddModel(model)],
        Command::Length(length) => {
            state.settings.length = length;
            return draft::submit(state);
        }
        Command::Theme(name) => return themes::ask(state, name),
        Command::Motion(motion) => state.motion = motion,
        Command::Insert(text) => draft::insert(state, &text),
        Command::Export(format, path) => return export::export(state, format, path),
        Command::Fill { template, parts } => return fork::fill(state, template, parts),
        Command::EditTurn(number) => fork::edit_turn(state, number),
        Command::Find(words) => find::find(state, words),
        Command::CompareLast => return compare::compare(state, CompareWith::Answers(None)),
        Command::CompareWith(with) => return compare::compare(state, with),
        Command::Branch(name) => fork::go_to(state, name),
        Command::ReplayTurn(number) => return replay::open_turn(state, number),
        Command::Remask(what) => return branch::remask(state, what),
    }
    Vec::new()
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
