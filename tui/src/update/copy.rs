use std::path::PathBuf;

use super::export;
use crate::action::{Copied, CopyOrder};
use crate::clean::clean;
use crate::effect::{CopyJob, Effect};
use crate::layout::{answer_so_far, code_blocks};
use crate::state::{Entry, State, Toast};

/// Terminals take no more bytes at once: 100,000 with the encoding and what is around it.
const LARGEST_OSC52: usize = 74_994;

/// Copies what the mouse has selected; `None` if it has selected nothing.
pub(super) fn selection(state: &State) -> Option<Vec<Effect>> {
    let selection = state.text_selection.filter(|it| it.to.is_some())?;
    Some(vec![Effect::ReadSelection(selection)])
}

/// The selection was read: its text is copied.
pub(super) fn of_selection(state: &mut State, text: &str) -> Vec<Effect> {
    state.is_dirty = true;
    match text.is_empty() {
        true => refuse(state, "There is no text in the selection"),
        false => copy("the selection", text),
    }
}

/// Copies the selection, else the last answer.
pub(super) fn last_answer(state: &mut State) -> Vec<Effect> {
    if let Some(effects) = selection(state) {
        return effects;
    }
    match state.transcript.last_answer() {
        Some(answer) => {
            let text = answer.text.clone();
            copy("the last answer", &text)
        }
        None => refuse(state, "There is no answer to copy yet"),
    }
}

/// Copies the selection, else the selected message; of the running one what it has so far.
pub(super) fn selected(state: &mut State) -> Vec<Effect> {
    if let Some(effects) = selection(state) {
        return effects;
    }
    let entries = &state.transcript.entries;
    let Some(at) = state.selected() else {
        return refuse(state, "There is no message to copy yet");
    };
    let text = match (entries.get(at).map(|item| &item.entry), state.running()) {
        (Some(Entry::You { text, .. }), _) => text.clone(),
        (Some(Entry::Answer(answer)), _) => answer.text.clone(),
        (None, Some(turn)) => answer_so_far(turn),
        (Some(Entry::Failure(_) | Entry::Note(_)) | None, _) => String::new(),
    };
    match text.is_empty() {
        true => refuse(state, "There is no text to copy yet"),
        false => copy("the message", &text),
    }
}

/// What was asked for with words.
pub(super) fn carry_out(state: &mut State, order: CopyOrder) -> Vec<Effect> {
    match order {
        CopyOrder::All => match conversation(state) {
            text if text.is_empty() => refuse(state, "There is nothing to copy yet"),
            text => copy("the conversation", &text),
        },
        CopyOrder::Code(number) => code(state, number),
        CopyOrder::File(path) => file(state, path),
    }
}

fn code(state: &mut State, number: Option<usize>) -> Vec<Effect> {
    let Some(answer) = state.transcript.last_answer() else {
        return refuse(state, "There is no answer to copy yet");
    };
    let blocks = code_blocks(&answer.text);
    let count = blocks.len();
    let wanted = number.or((count == 1).then_some(1));
    let found = wanted.and_then(|number| Some((number, blocks.get(number.checked_sub(1)?)?)));
    match (found, count) {
        (Some((number, block)), _) => copy(&format!("code block {number}"), block),
        (None, 0) => refuse(state, "The last answer has no code block"),
        (None, 1) => refuse(state, "The last answer has 1 code block: /copy code 1"),
        (None, _) => refuse(
            state,
            format!("The last answer has {count} code blocks: /copy code 1 to {count}"),
        ),
    }
}

fn file(state: &mut State, path: Option<PathBuf>) -> Vec<Effect> {
    let Some(answer) = state.transcript.last_answer() else {
        return refuse(state, "There is no answer to copy yet");
    };
    let mut text = clean(&answer.text).into_owned();
    text.push('\n');
    vec![Effect::Copy(CopyJob::File { text, path })]
}

fn copy(what: &str, text: &str) -> Vec<Effect> {
    vec![Effect::Copy(CopyJob::Clipboard {
        what: what.to_owned(),
        text: clean(text).into_owned(),
    })]
}

fn refuse(state: &mut State, why: impl Into<String>) -> Vec<Effect> {
    state.notify(why);
    Vec::new()
}

/// Every message under the name of who said it.
fn conversation(state: &State) -> String {
    let said = state
        .transcript
        .entries
        .iter()
        .filter(|item| item.visibility.is_said());
    let messages = said.filter_map(|item| match &item.entry {
        Entry::You { text, .. } => Some(format!("## You\n\n{text}\n")),
        Entry::Answer(answer) => Some(format!("## {}\n\n{}\n", answer.name, answer.text)),
        Entry::Failure(_) | Entry::Note(_) => None,
    });
    messages.collect::<Vec<_>>().join("\n")
}

/// What came of it: "copied" is said only of what was.
pub(super) fn apply(state: &mut State, copied: Copied) -> Vec<Effect> {
    match copied {
        Copied::Natively { what } => state.notify(format!("Copied {what}")),
        Copied::NoClipboard { what, text } => return through_terminal(state, &what, text),
        Copied::Written(path) => state.notify(format!("Written to {}", path.display())),
        Copied::Exported(path, size) => {
            export::ended(state);
            let size = crate::amount::bytes(size);
            state.notify(format!("Written to {} · {size}", path.display()));
        }
        Copied::NotExported(why) => {
            export::ended(state);
            state.toast = Some(Toast {
                title: "Could not export the answer".to_owned(),
                lines: vec![why],
            });
        }
        Copied::NotWritten(why) => {
            state.toast = Some(Toast {
                title: "Could not write the answer".to_owned(),
                lines: vec![why],
            });
        }
    }
    Vec::new()
}

fn through_terminal(state: &mut State, what: &str, text: String) -> Vec<Effect> {
    if text.len() > LARGEST_OSC52 {
        let kilobytes = text.len().div_ceil(1000);
        let why = format!(
            "Not copied: {kilobytes} kB are too much for a terminal's clipboard; use /copy file"
        );
        return refuse(state, why);
    }
    state.notify("Sent to your terminal (OSC 52); if paste is empty: /copy file");
    tracing::info!(what, "sent to the terminal's clipboard");
    vec![Effect::Osc52(text)]
}
