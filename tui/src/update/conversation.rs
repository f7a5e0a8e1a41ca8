use std::collections::HashMap;
use std::sync::Arc;

use super::{begin, replay};
use crate::action::Command;
use crate::amount;
use crate::clean::clean_line;
use crate::effect::Effect;
use crate::layout::{answer_found, answer_so_far};
use crate::session::{Job, Opened, Resumed, StorageEvent};
use crate::state::{
    Answer, Confirm, Entry, EntryVisibility, LogKept, Naming, Overlay, Persistence, Saved,
    SavedEntry, State, Toast, Transcript, TranscriptItem, Turn, first_words,
};
use unmask_core::conversations::{Access, MessageId, SessionId, Visibility};
use unmask_core::event::FinishReason;

/// An empty conversation. The one before stays on disk.
pub(super) fn begin_anew(state: &mut State) -> Vec<Effect> {
    if is_busy(state) {
        return Vec::new();
    }
    state.transcript = Transcript::default();
    state.replay = None;
    (state.editing, state.find) = (None, None);
    (state.compare, state.comparing) = (None, None);
    state.text_selection = None;
    state.title.clear();
    state.queue.clear();
    state.saved.begin_anew();
    keep(state, Job::Begin)
}

/// True, and the user is told, if the conversation cannot be left now.
pub(super) fn is_busy(state: &mut State) -> bool {
    if state.running().is_some() {
        state.notify("An answer is being written: stop it first");
    } else if state.saved.opening.is_some() {
        state.notify("A conversation is being opened");
    } else {
        return false;
    }
    true
}

/// Nothing is asked of a disk that nothing is kept on.
fn keep(state: &State, job: Job) -> Vec<Effect> {
    match state.saved.is_wanted() {
        true => vec![Effect::Keep(job)],
        false => Vec::new(),
    }
}

/// Asks before this conversation is removed.
pub(super) fn ask_to_delete_this(state: &mut State) {
    if is_busy(state) {
        return;
    }
    match state.saved.id {
        Some(_) if state.saved.keeping == Persistence::InCopy => {
            state.notify("This conversation is read-only here and cannot be deleted");
        }
        Some(id) => {
            let title = state.title.clone();
            let said =
                |item: &&TranscriptItem| matches!(item.entry, Entry::You { .. } | Entry::Answer(_));
            let n_messages = state.transcript.entries.iter().filter(said).count();
            ask_to_delete(state, id, &title, n_messages);
        }
        None => {
            let keys = state.keymap.menu_keys(&Command::New);
            state.notify(format!("Nothing of it is on disk; {keys} leaves it"));
        }
    }
}

pub(super) fn ask_to_delete(state: &mut State, id: SessionId, title: &str, n_messages: usize) {
    state.overlays.push(Overlay::Confirm(Confirm {
        title: "Delete this conversation?".to_owned(),
        lines: vec![
            clean_line(title),
            format!(
                "Its file, with {}, is removed for good.",
                amount::counted(n_messages, "message")
            ),
        ],
        yes: "delete it".to_owned(),
        letter: 'd',
        command: Command::DeleteSession(id),
    }));
}

/// Calls the conversation so.
pub(super) fn rename(state: &mut State, title: &str) {
    state.title = clean_line(title);
    state.saved.naming = Naming::ByUser;
}

/// Removes a conversation; if it is the one on the screen, an empty one takes its place.
pub(super) fn delete(state: &mut State, id: SessionId) -> Vec<Effect> {
    let is_here = state.saved.id == Some(id);
    if is_here && is_busy(state) {
        return Vec::new();
    }
    let mut effects = vec![Effect::Keep(Job::Delete(id))];
    if is_here {
        effects.extend(begin_anew(state));
    }
    effects
}

/// StorageEvent of what is kept.
pub(super) fn apply(state: &mut State, news: StorageEvent) -> Vec<Effect> {
    match news {
        StorageEvent::Saved(id) => saved(state, id),
        StorageEvent::NotSaved(why) => not_saved(state, why),
        StorageEvent::NotTraced(why) => fail(state, "This answer cannot be replayed later", why),
        StorageEvent::Opened(opened) => return take(state, *opened),
        StorageEvent::NotOpened(why) => {
            state.saved.opening = None;
            fail(state, "The conversation was not opened", why);
            return begin::send_next(state);
        }
        StorageEvent::Listed(rows) => {
            if let Some((list, pick)) = state.session_list() {
                list.take(rows, pick);
            }
        }
        StorageEvent::Changed if state.session_list().is_some() => {
            return vec![Effect::Keep(Job::List)];
        }
        StorageEvent::Changed => (),
        StorageEvent::Refused(why) => fail(state, "The conversations are as they were", why),
        StorageEvent::TraceRead(id, read) => replay::take_read(state, id, read),
        StorageEvent::Recalled(prompts) => state.history.put_before(prompts),
        StorageEvent::NotRemembered(why) => fail(state, "Prompts are not kept", why),
    }
    Vec::new()
}

fn saved(state: &mut State, id: SessionId) {
    state.saved.id = Some(id);
    if state.saved.keeping == Persistence::Failing {
        state.saved.keeping = Persistence::All;
        state.notify("The conversation is saved again");
    }
}

fn not_saved(state: &mut State, why: String) {
    state.saved.keeping = Persistence::Failing;
    fail(state, "Not saved", why);
    if let Some(toast) = &mut state.toast {
        let next =
            "The conversation goes on in memory; it is written with the next message that can be.";
        toast.lines.push(next.to_owned());
    }
}

fn fail(state: &mut State, title: &str, why: String) {
    state.toast = Some(Toast {
        title: title.to_owned(),
        lines: vec![clean_line(&why)],
    });
}

/// A conversation takes the place of the one on the screen.
fn take(state: &mut State, opened: Opened) -> Vec<Effect> {
    let Opened {
        id,
        mut conversation,
        access,
        recovered,
    } = opened;
    let recovered = recovered.filter(|turn| turn.committed > 0 && state.saved.is_wanted());
    let notes = notes(state, &conversation, &access, recovered.is_some());
    state.title = conversation.title.clone().map_or_else(
        || first_question(&conversation).map_or_else(String::new, first_words),
        |title| clean_line(&title),
    );
    state.saved = Saved {
        keeping: match (state.saved.keeping, access) {
            (Persistence::Nowhere | Persistence::Private, _) => state.saved.keeping,
            (_, Access::Write) => Persistence::All,
            (_, Access::InUse | Access::Denied(_)) => Persistence::InCopy,
        },
        id: Some(id).filter(|_| state.saved.is_wanted()),
        opening: None,
        naming: match conversation.title {
            Some(_) => Naming::Kept,
            None => Naming::FirstWords,
        },
        ids: conversation.entries.iter().map(|(id, ..)| *id).collect(),
        last: conversation.last,
        canvases: std::mem::take(&mut conversation.canvases),
        traces: state.saved.traces,
        // What is left of an answer is written as one, and goes then.
        running: recovered.as_ref().map(|_| 0),
        answered_by: Some(conversation.model.clone()).filter(|model| !model.is_empty()),
    };
    state.transcript = transcript(conversation);
    state.replay = None;
    (state.editing, state.find) = (None, None);
    (state.compare, state.comparing) = (None, None);
    state.text_selection = None;
    if let Some(turn) = recovered {
        recover(state, turn);
    }
    for note in notes {
        state.transcript.push(Entry::Note(note));
    }
    begin::send_next(state)
}

fn transcript(conversation: Resumed) -> Transcript {
    let item = |(id, visibility, entry): (_, _, Entry)| TranscriptItem {
        kept: Some(SavedEntry {
            id,
            visibility: Visibility::from(visibility),
            fingerprint: entry.fingerprint(),
        }),
        visibility,
        ..TranscriptItem::new(entry)
    };
    let parents: HashMap<MessageId, MessageId> = conversation.parents.into_iter().collect();
    let mut entries: Vec<TranscriptItem> = conversation.entries.into_iter().map(item).collect();
    let places: HashMap<MessageId, usize> = (entries.iter().enumerate())
        .filter_map(|(at, item)| Some((item.kept?.id, at)))
        .collect();
    for (at, item) in entries.iter_mut().enumerate() {
        // What was taken back is passed over.
        let mut parent = item.kept.and_then(|kept| parents.get(&kept.id));
        while let Some(id) = parent.filter(|id| !places.contains_key(id)) {
            parent = parents.get(id);
        }
        // A damaged file may say that a message follows a later one.
        item.parent = parent
            .and_then(|id| places.get(id))
            .copied()
            .filter(|it| *it < at);
    }
    Transcript {
        entries,
        ..Transcript::default()
    }
}

/// Takes up what a process that died had written of an answer, as one that was stopped. Where another answer stands it is set
/// aside.
fn recover(state: &mut State, turn: Arc<Turn>) {
    let last = state.transcript.last_said();
    let last = last.map(|at| &state.transcript.entries[at]);
    let is_asked = last.is_some_and(|item| matches!(item.entry, Entry::You { .. }));
    let beside = last.and_then(|item| item.parent);
    let text = match answer_so_far(&turn) {
        none if none.trim().is_empty() => answer_found(&turn),
        text => text,
    };
    let stats = turn.so_far(turn.text_tokens().count());
    state.transcript.push(Entry::Answer(Answer {
        name: turn.speaker(),
        text,
        reason: FinishReason::Stopped,
        stats,
        params: Box::new(turn.params.clone()),
        trace: Some(turn),
        log_kept: LogKept::No,
    }));
    if !is_asked && let Some(item) = state.transcript.entries.last_mut() {
        (item.parent, item.visibility) = (beside, EntryVisibility::Replaced);
    }
}

fn first_question(conversation: &Resumed) -> Option<&str> {
    conversation.entries.iter().find_map(|it| match &it.2 {
        Entry::You { text, .. } => Some(text.as_str()),
        Entry::Answer(_) | Entry::Failure(_) | Entry::Note(_) => None,
    })
}

/// What the user must know of it.
fn notes(
    state: &State,
    conversation: &Resumed,
    access: &Access,
    is_recovered: bool,
) -> Vec<String> {
    let mut notes = Vec::new();
    let seen = (conversation.entries.iter())
        .rfind(|(_, visibility, _)| *visibility == EntryVisibility::Seen);
    if is_recovered {
        notes.push(
            "the program ended while this answer was written; /continue goes on with it".to_owned(),
        );
    } else if let Some((_, _, Entry::You { .. })) = seen {
        notes.push(
            "this message has no answer: the program ended before it was finished".to_owned(),
        );
    }
    match conversation.skipped {
        0 => (),
        n => notes.push(format!(
            "{} of the file could not be read: skipped",
            amount::counted(n, "line")
        )),
    }
    match access {
        // Nothing is written in any case.
        _ if !state.saved.is_wanted() => (),
        Access::Write => (),
        Access::InUse => notes.push(
            "another unmask has this conversation open: what you send here goes on in a copy"
                .to_owned(),
        ),
        Access::Denied(why) => notes.push(format!("{why}: what you send goes on in a copy")),
    }
    notes
}
