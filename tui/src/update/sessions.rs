use super::conversation::is_busy;
use crate::effect::Effect;
use crate::lists::{self, sessions};
use crate::session::Job;
use crate::state::{ListData, Naming, Persistence, Sessions, State};
use unmask_core::conversations::SessionId;

/// Opens the list.
pub(super) fn show(state: &mut State) -> Vec<Effect> {
    if state.saved.keeping == Persistence::Nowhere {
        state.notify("There is no folder for conversations on this machine");
        return Vec::new();
    }
    let list = ListData::Sessions(Sessions::default());
    lists::open(state, &sessions::KIND, list);
    vec![Effect::Keep(Job::List)]
}

/// Calls a conversation so.
pub(super) fn rename(state: &mut State, id: SessionId, name: String) -> Vec<Effect> {
    if state.saved.id == Some(id) {
        state.title = name;
        state.saved.naming = Naming::ByUser;
        return vec![Effect::Keep(Job::List)];
    }
    vec![Effect::Keep(Job::Rename(id, name))]
}

/// Opens the conversation that was chosen in the list.
pub(super) fn open(state: &mut State, id: SessionId) -> Vec<Effect> {
    if state.saved.id == Some(id) {
        state.overlays.pop();
        return Vec::new();
    }
    if is_busy(state) {
        return Vec::new();
    }
    state.overlays.pop();
    state.saved.opening = Some(id);
    vec![Effect::Keep(Job::Open(id))]
}
