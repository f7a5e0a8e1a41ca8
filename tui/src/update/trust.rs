use unmask_core::catalogue::ModelChoice;
use unmask_core::plugin::{BackendRow, BackendState, Since};

use super::scan;
use crate::action::{AfterScan, Approve, Command};
use crate::clean::clean_line;
use crate::effect::Effect;
use crate::models;
use crate::state::{Confirm, Overlay, State, Toast};

/// Asks whether the library behind `choice` may run, if that is what it waits for; false if it does not.
pub(super) fn ask(state: &mut State, choice: &ModelChoice) -> bool {
    let catalogue = state.machine.catalogue.as_deref();
    let waiting = catalogue.and_then(|it| models::waiting(it, &choice.framework));
    let question = waiting.and_then(|row| question(row, &choice.key));
    let waits = question.is_some();
    state.overlays.extend(question.map(Overlay::Confirm));
    waits
}

fn question(row: &BackendRow, key: &str) -> Option<Confirm> {
    let BackendState::Unapproved { sha256, since } = &row.state else {
        return None;
    };
    let first = match since {
        Since::Ever => "This library is not part of unmask and was never approved:",
        Since::ItChanged => "This library has changed since it was approved:",
    };
    Some(Confirm {
        title: format!("Let {} run?", clean_line(&row.name)),
        lines: vec![
            first.to_owned(),
            clean_line(&row.path.display().to_string()),
            format!("SHA-256 {sha256}"),
            "Its code can do what you can do. It runs from now on, until the file changes or you take that back with \
             `unmask backends revoke`."
                .to_owned(),
        ],
        yes: "approve and load".to_owned(),
        letter: 'a',
        command: Command::Approve(Approve {
            path: row.path.clone(),
            sha256: sha256.clone(),
            key: key.to_owned(),
        }),
    })
}

/// The approval is remembered, or not.
pub(super) fn answered(state: &mut State, approved: Result<Approve, String>) -> Vec<Effect> {
    match approved {
        Ok(Approve { path, key, .. }) => scan::look(state, AfterScan::Approved { key, path }),
        Err(why) => {
            state.toast = Some(Toast {
                title: "Not approved".to_owned(),
                lines: vec![why],
            });
            // What lies there may be another library now.
            scan::scan(state)
        }
    }
}
