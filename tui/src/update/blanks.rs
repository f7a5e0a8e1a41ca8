use unmask_core::engine::FillPart;

use crate::slash;
use crate::state::{Entry, MessageKind, State};

/// The text and the blanks of the message at `part`, if it has some that are filled.
pub(super) fn of_message(state: &State, part: usize) -> Option<Vec<FillPart>> {
    match &state.transcript.entries.get(part)?.entry {
        Entry::You {
            text,
            kind: MessageKind::Blanks,
            ..
        } => slash::blanks(text),
        Entry::You { .. } | Entry::Answer(_) | Entry::Failure(_) | Entry::Note(_) => None,
    }
}
