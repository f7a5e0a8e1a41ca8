use crate::action::AfterScan;
use crate::effect::Effect;
use crate::state::{Scan, State};

/// Asks somebody to look at the machine, unless somebody does.
pub(super) fn scan(state: &mut State) -> Vec<Effect> {
    match state.machine.scan {
        Scan::Running => Vec::new(),
        Scan::Done => {
            state.machine.scan = Scan::Running;
            vec![Effect::Scan]
        }
    }
}

/// Asks for a look at the machine, and what is to be done then.
pub(super) fn look(state: &mut State, next: AfterScan) -> Vec<Effect> {
    state.machine.wanted = Some(next);
    // An earlier word would hide that somebody looks.
    state.notice = None;
    scan(state)
}
