use super::{begin, completion, fork, overlay};
use crate::action::{Action, Command};
use crate::amount;
use crate::availability;
use crate::clean::clean_paste;
use crate::effect::Effect;
use crate::geometry;
use crate::keymap::Context;
use crate::slash::{self, Draft, Slash};
use crate::state::{Activity, Completion, Confirm, Overlay, State, Typing};

/// Messages that may wait.
const QUEUE: usize = 20;
/// A paste of more bytes asks first.
const LARGE_PASTE: usize = 1_000_000;

/// Cells of a row of the draft.
pub(super) fn width(state: &State) -> usize {
    geometry::composer_width(state.size)
}

/// Writes one character.
pub(super) fn write(state: &mut State, character: char) {
    state.typing.character(state.now.since_start);
    touch(state);
    state.notice = None;
    state.quit_until = None;
    let is_pasting = state.typing.is_pasting(state.now.since_start);
    let mut buffer = [0; 4];
    let text = character.encode_utf8(&mut buffer);
    if !(is_pasting && state.composer.extend_paste(text)) {
        state.composer.insert(text);
    }
}

/// The draft is about to change: walks and choices that were made for the old one are over.
pub(super) fn touch(state: &mut State) {
    state.history.touch();
    state.text_selection = None;
    state.completion = Completion::default();
}

/// Begins a new line.
pub(super) fn newline(state: &mut State) {
    touch(state);
    state.composer.newline();
}

/// The draft as the user's editor left it.
pub(super) fn take_edited(state: &mut State, text: &str) {
    touch(state);
    state.composer.replace(&clean_paste(text));
}

/// Inserts a paste that was marked.
pub(super) fn paste(state: &mut State, text: &str) {
    take_paste(state, &clean_paste(text));
}

/// Inserts a paste that came as keys.
pub(super) fn burst(state: &mut State, text: &str) {
    let now = state.now.since_start;
    let more = state.typing.is_pasting(now);
    state.typing.burst(now);
    let text = clean_paste(text);
    if !(more && state.composer.extend_paste(&text)) {
        take_paste(state, &text);
    }
}

/// A paste goes where typing goes; a very large one asks first, and the draft stays as it is meanwhile.
fn take_paste(state: &mut State, text: &str) {
    let takes_text = state.overlays.last().is_some_and(Overlay::takes_text);
    match (text.len() > LARGE_PASTE, takes_text) {
        (true, true) => {
            let size = amount::bytes(text.len() as u64);
            state.notify(format!("{size} are too much for one line"));
        }
        (true, false) => ask_to_insert(state, text),
        (false, true) => overlay::paste(state, text),
        (false, false) => insert(state, text),
    }
}

fn ask_to_insert(state: &mut State, text: &str) {
    let size = amount::bytes(text.len() as u64);
    state.overlays.push(Overlay::Confirm(Confirm {
        title: format!("Paste {size} into the message?"),
        lines: vec![
            "It would go in folded, and be sent whole. No model has a context that long, and a \
             conversation with it is slow to save and to open."
                .to_owned(),
            "What you have written stays, whatever you answer.".to_owned(),
        ],
        yes: "paste it".to_owned(),
        letter: 'p',
        command: Command::Insert(text.to_owned()),
    }));
}

/// Puts a paste into the draft; a long one is folded.
pub(super) fn insert(state: &mut State, text: &str) {
    state.overlays.clear();
    touch(state);
    state.composer.paste(text);
}

/// Enter: a new line within a raw paste or after a backslash; else the draft is sent, queued or carried out.
///
/// Behind the first line of what may be a paste it waits: programs that type for a person send a line and its Enter in one
/// go, and only more lines tell the two apart.
pub(super) fn enter(state: &mut State) -> Vec<Effect> {
    let now = state.now.since_start;
    completion::settle(state);
    if state.composer.take_backslash() {
        newline(state);
    } else if !state.typing.enter_is_pasted(now) {
        return submit(state);
    } else if state.composer.extend_paste("\n") {
        // It belongs to the paste that is folded.
    } else if state.composer.is_one_line() {
        state.held_enter = Some(Typing::settled_at(now));
    } else {
        newline(state);
    }
    Vec::new()
}

/// Carries a held Enter out once nothing more has come.
pub(super) fn send_held(state: &mut State) -> Vec<Effect> {
    match state.held_enter {
        Some(at) if at <= state.now.since_start => {
            state.held_enter = None;
            state.is_dirty = true;
            submit(state)
        }
        Some(_) | None => Vec::new(),
    }
}

/// More has come behind a held Enter: it was a line end of a paste.
pub(super) fn write_held(state: &mut State) {
    if state.held_enter.take().is_some() {
        newline(state);
    }
}

/// Sends the draft, queues it or carries it out.
pub(super) fn submit(state: &mut State) -> Vec<Effect> {
    state.typing.submitted();
    match slash::read(&state.composer.text()) {
        Draft::Blank => return blank(state),
        Draft::Refused(why) => state.notify(why),
        Draft::Do(command) => match refusal(state) {
            Some(why) => state.notify(why),
            None => return carry_out(state, command),
        },
        Draft::Message(text) => return send(state, text),
    }
    Vec::new()
}

/// Why the command in the draft cannot be carried out now; the draft stays.
fn refusal(state: &State) -> Option<String> {
    let slash = Slash::in_draft(&state.composer.text())?;
    let why = availability::of(state, slash).err()?;
    Some(format!("/{}: {why}", slash.name))
}

fn blank(state: &mut State) -> Vec<Effect> {
    if matches!(state.activity, Activity::Idle) && !state.queue.is_empty() {
        return match state.model {
            Some(_) => begin::send_next(state),
            None => super::carry_out(state, Command::Models),
        };
    }
    if state.model.is_none() && matches!(state.activity, Activity::Idle) {
        return super::carry_out(state, Command::Models);
    }
    state.notify("Type a message");
    Vec::new()
}

fn carry_out(state: &mut State, command: Command) -> Vec<Effect> {
    let text = state.composer.take();
    state.history.add(&text);
    super::update(state, Action::Do(command))
}

fn send(state: &mut State, text: String) -> Vec<Effect> {
    if !fork::begin(state) {
        return Vec::new();
    }
    if state.queue.len() >= QUEUE {
        let up = state.keymap.label(&[Context::Composer], &Command::Up);
        let up = up.map_or_else(String::new, |up| format!("; {up} edits the last"));
        state.notify(format!("{QUEUE} messages wait already{up}"));
        return Vec::new();
    }
    state.history.add(&state.composer.take());
    state.queue.push_back(text);
    state.notice = None;
    if state.model.is_none() && matches!(state.activity, Activity::Idle) {
        state.notify("No model is loaded; the message is kept until one is");
    }
    begin::send_next(state)
}
