use crate::effect::Effect;
use crate::session::{Job, record_of};
use crate::state::{Entry, Keeping, Kept, Naming, Sight, State};
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
    }
    jobs.into_iter().map(Effect::Keep).collect()
}

fn records_to_write(state: &mut State) -> Vec<Job> {
    let is_new = |entry: &Entry| matches!(entry, Entry::You { .. } | Entry::Answer(_));
    let mut unkept = (state.transcript.entries.iter()).filter(|it| it.kept.is_none());
    let has_new = unkept.any(|laid| is_new(&laid.entry));
    let is_begun = has_new || !state.saved.ids.is_empty();
    // Nothing is written for an empty conversation, nor to somebody else's.
    if !is_begun || (state.saved.keeping == Keeping::InCopy && !has_new) {
        return Vec::new();
    }
    let mut records: Vec<Record> = taken_back(state).into_iter().collect();
    records.extend(new_messages(state));
    // A running turn may only seem to replace an answer: it stands again if there comes no other.
    if state.running().is_none() {
        records.extend(sights(state));
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
    if state.saved.keeping == Keeping::InCopy {
        state.saved.keeping = Keeping::All;
        state.saved.id = None;
        jobs.push(Job::Branch);
    }
    let effort = effort(&records);
    jobs.push(Job::Write(records, effort));
    jobs
}

/// A question alone need not wait for the disk: its answer will.
fn effort(records: &[Record]) -> Durability {
    match records {
        [Record::Msg(_)] => Durability::Flush,
        _ => Durability::Sync,
    }
}

/// Messages of the file that are on the screen no more.
fn taken_back(state: &mut State) -> Option<Record> {
    let entries = state.transcript.entries.iter();
    let there: Vec<MessageId> = entries.filter_map(|laid| Some(laid.kept?.id)).collect();
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
    let mut parent = None;
    for laid in &mut state.transcript.entries {
        let print = laid.entry.print();
        let is_written = laid.kept.is_some_and(|kept| kept.print == print);
        if !is_written {
            let next = MessageId(state.saved.last.0 + 1);
            let id = laid.kept.map_or(next, |kept| kept.id);
            let Some(record) = record_of(&laid.entry, id, parent) else {
                continue;
            };
            records.push(record);
            if laid.kept.is_none() {
                state.saved.last = id;
                state.saved.ids.push(id);
            }
            let sight = laid.kept.map_or(Visibility::Seen, |kept| kept.sight);
            laid.kept = Some(Kept { id, sight, print });
        }
        // A message follows what the model sees before it, or would see with a longer context.
        if let (Some(kept), Sight::Seen | Sight::RolledOff) = (laid.kept, laid.sight) {
            parent = Some(kept.id);
        }
    }
    records
}

/// Messages that are seen in another way than the file says, a record for each way.
fn sights(state: &mut State) -> Vec<Record> {
    let mut records: Vec<Record> = Vec::new();
    for laid in &mut state.transcript.entries {
        let now = Visibility::from(laid.sight);
        let Some(kept) = laid.kept.as_mut().filter(|kept| kept.sight != now) else {
            continue;
        };
        kept.sight = now;
        match records.last_mut() {
            Some(Record::Sight { ids, sight }) if *sight == now => ids.push(kept.id),
            _ => records.push(Record::Sight {
                ids: vec![kept.id],
                sight: now,
            }),
        }
    }
    records
}
