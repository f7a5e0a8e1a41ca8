use std::sync::Arc;

use crate::effect::Effect;
use crate::session::{Job, TracedAnswer, entry_events, record_of};
use crate::state::{
    Entry, EntryVisibility, LogKept, Naming, Persistence, SavedEntry, State, TracesKept,
};
use unmask_core::conversations::{Durability, MessageId, Record, Visibility};

/// What the file must be told so that it says what the screen says. It is worked out from the state after every action, so
/// nobody who changes the conversation has to think of it.
pub(super) fn keep(state: &mut State) -> Vec<Effect> {
    let prompts = state.history.take_fresh();
    if !state.saved.is_wanted() {
        return Vec::new();
    }
    let mut jobs: Vec<Job> = prompts.into_iter().map(Job::Remember).collect();
    if state.saved.opening.is_none() {
        jobs.extend(records_to_write(state));
        jobs.extend(running_trace(state));
    }
    jobs.into_iter().map(Effect::Keep).collect()
}

/// What the disk lacks of the running turn's trace. A program that is killed loses its last lines alone.
fn running_trace(state: &mut State) -> Option<Job> {
    if state.saved.traces == TracesKept::Off || state.saved.ids.is_empty() {
        return None;
    }
    let before = state.saved.running;
    let Some(turn) = state.running().filter(|turn| turn.blocks > 0) else {
        // Nothing runs: what there was of it has become an answer, or nothing.
        return state.saved.running.take().map(|_| Job::EndTrace);
    };
    let entries = turn.log().entries.len();
    let job = match before {
        None => Job::BeginTrace(Box::new(turn.clone().at_rest())),
        Some(written) if written < entries => Job::MoreTrace(entry_events(turn, written)),
        Some(_) => return None,
    };
    state.saved.running = Some(entries);
    Some(job)
}

fn records_to_write(state: &mut State) -> Vec<Job> {
    let is_new = |entry: &Entry| matches!(entry, Entry::You { .. } | Entry::Answer(_));
    let mut unkept = (state.transcript.entries.iter()).filter(|it| it.kept.is_none());
    let has_new = unkept.any(|item| is_new(&item.entry));
    let is_begun = has_new || !state.saved.ids.is_empty();
    // Nothing is written for an empty conversation, nor to somebody else's.
    if !is_begun || (state.saved.keeping == Persistence::InCopy && !has_new) {
        return Vec::new();
    }
    let mut records: Vec<Record> = taken_back(state).into_iter().collect();
    records.extend(new_messages(state));
    // A running turn may only seem to replace an answer: it stands again if there comes no other.
    if state.running().is_none() {
        records.extend(visibilities(state));
    }
    if state.saved.naming == Naming::ByUser {
        state.saved.naming = Naming::Kept;
        records.push(Record::Title {
            text: state.title.clone(),
        });
    }
    if records.is_empty() {
        return Vec::new();
    }
    let mut jobs = Vec::new();
    if state.saved.keeping == Persistence::InCopy {
        state.saved.keeping = Persistence::All;
        state.saved.id = None;
        jobs.push(Job::Branch);
    }
    let durability = durability(&records);
    let traces = traces(state, &records);
    jobs.push(Job::Write(records, durability));
    jobs.extend(traces);
    jobs
}

/// How the answers among these records came about.
fn traces(state: &State, records: &[Record]) -> Vec<Job> {
    if state.saved.traces == TracesKept::Off {
        return Vec::new();
    }
    let trace = |id: MessageId| {
        let mut entries = state.transcript.entries.iter();
        let item = entries.find(|item| item.kept.is_some_and(|kept| kept.id == id))?;
        let Entry::Answer(answer) = &item.entry else {
            return None;
        };
        let turn = answer.trace.as_ref();
        let turn = turn.filter(|turn| !turn.log().entries.is_empty())?;
        let ended = Box::new(TracedAnswer::of(answer));
        Some(Job::Trace(id, Arc::clone(turn), ended))
    };
    let answers = records.iter().filter_map(|record| match record {
        Record::Gen(answer) => Some(answer.id),
        _ => None,
    });
    answers.filter_map(trace).collect()
}

/// A question alone need not wait for the disk: its answer will.
fn durability(records: &[Record]) -> Durability {
    match records {
        [Record::Msg(_)] => Durability::Flush,
        _ => Durability::Sync,
    }
}

/// Messages of the file that are on the screen no more.
fn taken_back(state: &mut State) -> Option<Record> {
    let entries = state.transcript.entries.iter();
    let there: Vec<MessageId> = entries.filter_map(|item| Some(item.kept?.id)).collect();
    if there.len() == state.saved.ids.len() {
        return None;
    }
    let (kept, gone) = (state.saved.ids.iter().copied()).partition(|id| there.contains(id));
    state.saved.ids = kept;
    Some(Record::Del { ids: gone })
}

/// Messages of the screen that are not in the file, or have changed; those keep their names.
fn new_messages(state: &mut State) -> Vec<Record> {
    let mut records = Vec::new();
    let mut ids: Vec<Option<MessageId>> = Vec::new();
    let mut seen = None;
    for item in &mut state.transcript.entries {
        // Where it is not known what a message follows, that is what the model sees before it, or would with a longer context.
        let parent = item
            .parent
            .map_or(seen, |at| ids.get(at).copied().flatten());
        let fingerprint = item.entry.fingerprint();
        let is_written = item
            .kept
            .is_some_and(|kept| kept.fingerprint == fingerprint);
        if !is_written {
            let next = MessageId(state.saved.last.0 + 1);
            let id = item.kept.map_or(next, |kept| kept.id);
            let Some(mut record) = record_of(&item.entry, id, parent) else {
                ids.push(None);
                continue;
            };
            if let (Record::Gen(it), Entry::Answer(answer)) = (&mut record, &item.entry)
                && state.saved.traces == TracesKept::Off
            {
                it.traced = answer.log_kept != LogKept::No;
            }
            records.push(record);
            if item.kept.is_none() {
                state.saved.last = id;
                state.saved.ids.push(id);
            }
            let visibility = item.kept.map_or(Visibility::Seen, |kept| kept.visibility);
            item.kept = Some(SavedEntry {
                id,
                visibility,
                fingerprint,
            });
        }
        ids.push(item.kept.map(|kept| kept.id));
        if let (Some(kept), EntryVisibility::Seen | EntryVisibility::RolledOff) =
            (item.kept, item.visibility)
        {
            seen = Some(kept.id);
        }
    }
    records
}

/// Messages that are seen in another way than the file says, a record for each way.
fn visibilities(state: &mut State) -> Vec<Record> {
    let mut records: Vec<Record> = Vec::new();
    for item in &mut state.transcript.entries {
        let now = Visibility::from(item.visibility);
        let Some(kept) = item.kept.as_mut().filter(|kept| kept.visibility != now) else {
            continue;
        };
        kept.visibility = now;
        match records.last_mut() {
            Some(Record::Visibility { ids, visibility }) if *visibility == now => ids.push(kept.id),
            _ => records.push(Record::Visibility {
                ids: vec![kept.id],
                visibility: now,
            }),
        }
    }
    records
}
