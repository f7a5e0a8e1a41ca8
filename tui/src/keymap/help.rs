use super::words::word;
use super::{Chord, Context, Keymap};
use crate::commands::{Command, LineEdit, ReplayAct, Scroll};

/// Keys and what they do.
pub type HelpEntry = (String, &'static str);

/// Commands that share an entry, the place where they do if not everywhere, and what they do together.
type Group = (&'static [Command], Option<Context>, &'static str);

const GROUPS: &[Group] = {
    use Command as Do;
    use ReplayAct as Act;
    &[
        (
            &[Do::Replay(Act::Back), Do::Replay(Act::Forward)],
            None,
            "step",
        ),
        (
            &[Do::Replay(Act::TenBack), Do::Replay(Act::TenForward)],
            None,
            "ten steps",
        ),
        (
            &[Do::Replay(Act::First), Do::Replay(Act::Last)],
            None,
            "first, last step",
        ),
        (
            &[Do::Replay(Act::Slower), Do::Replay(Act::Faster)],
            None,
            "slower, faster",
        ),
        (
            &[
                Do::Replay(Act::TokenLeft),
                Do::Replay(Act::TokenDown),
                Do::Replay(Act::TokenUp),
                Do::Replay(Act::TokenRight),
            ],
            None,
            "token",
        ),
        (
            &[Do::Replay(Act::WordLeft), Do::Replay(Act::WordRight)],
            None,
            "word",
        ),
        (
            &[Do::Replay(Act::LeastSure), Do::Replay(Act::LeastSureBack)],
            Some(Context::Replay),
            "least sure",
        ),
        (
            &[Do::Replay(Act::CandidateUp), Do::Replay(Act::CandidateDown)],
            None,
            "candidate",
        ),
        (
            &[Do::Replay(Act::Undo), Do::Replay(Act::Redo)],
            None,
            "undo, redo mark",
        ),
        (
            &[Do::Up, Do::Down],
            Some(Context::Composer),
            "earlier prompts",
        ),
        (&[Do::Up, Do::Down], None, "move"),
        (&[Do::Focus], Some(Context::Canvas), "to the composer"),
        (
            &[Do::Option(1), Do::Option(2), Do::Option(3)],
            None,
            "take an option",
        ),
        (&[Do::Back], Some(Context::Help), "close"),
        (&[Do::Choose], Some(Context::Completion), "complete"),
        (
            &[Do::Scroll(Scroll::PageUp), Do::Scroll(Scroll::PageDown)],
            None,
            "scroll",
        ),
        (
            &[Do::Scroll(Scroll::First), Do::Scroll(Scroll::Follow)],
            None,
            "first · last",
        ),
        (
            &[Do::Scroll(Scroll::RowUp), Do::Scroll(Scroll::RowDown)],
            None,
            "scroll a row",
        ),
        (
            &[Do::PreviousMessage, Do::NextMessage],
            None,
            "previous, next message",
        ),
        (
            &[Do::Edit(LineEdit::Left), Do::Edit(LineEdit::Right)],
            None,
            "left, right",
        ),
        (
            &[Do::Edit(LineEdit::WordLeft), Do::Edit(LineEdit::WordRight)],
            None,
            "a word left, right",
        ),
        (
            &[Do::Edit(LineEdit::LineStart), Do::Edit(LineEdit::LineEnd)],
            None,
            "start, end of line",
        ),
        (
            &[Do::Edit(LineEdit::Undo), Do::Edit(LineEdit::Redo)],
            None,
            "undo, redo",
        ),
    ]
};

/// The keys of some places, each command once, with the words for it; commands that belong together share an entry.
#[must_use]
pub fn entries(keymap: &Keymap, contexts: &[Context], room: usize) -> Vec<(Command, HelpEntry)> {
    let mut entries: Vec<(Command, HelpEntry)> = Vec::new();
    let mut seen: Vec<Command> = Vec::new();
    let bound = contexts.iter().flat_map(|&context| {
        let bindings = keymap.bindings().iter();
        bindings.filter(move |(place, _, _)| *place == context)
    });
    for (_, _, command) in bound {
        if seen.contains(command) {
            continue;
        }
        let group = GROUPS.iter().find(|(commands, place, _)| {
            commands.contains(command) && place.is_none_or(|place| contexts.contains(&place))
        });
        let entry = match group {
            Some((commands, _, about)) => {
                seen.extend_from_slice(commands);
                (shared_labels(keymap, contexts, commands, room), *about)
            }
            None => {
                seen.push(command.clone());
                (
                    labels(&keymap.chords(contexts, command), room),
                    word(command),
                )
            }
        };
        entries.push((command.clone(), entry));
    }
    entries
}

/// The first chord of each command, or all of one that is alone.
fn shared_labels(
    keymap: &Keymap,
    contexts: &[Context],
    commands: &[Command],
    room: usize,
) -> String {
    if let [command] = commands {
        return labels(&keymap.chords(contexts, command), room);
    }
    let first = commands.iter().filter_map(|command| {
        let chords = keymap.chords(contexts, command);
        chords.first().map(|chord| chord.short())
    });
    first.collect::<Vec<_>>().join(" ")
}

/// As many chords as fit in `room` cells, at least one.
fn labels(chords: &[Chord], room: usize) -> String {
    let mut label = String::new();
    for chord in chords {
        let next = chord.short();
        if label.is_empty() {
            label = next;
        } else if label.chars().count() + 2 + next.chars().count() <= room {
            label = format!("{label}  {next}");
        }
    }
    label
}

/// The letters of the menu in the order of its grid, with a word for each.
#[must_use]
pub fn letters(keymap: &Keymap) -> Vec<(Command, String, &'static str)> {
    let of_menu = keymap.bindings().iter();
    let of_menu = of_menu.filter(|(place, chord, _)| *place == Context::Menu && chord.writes());
    of_menu
        .map(|(_, chord, command)| (command.clone(), chord.label(), word(command)))
        .collect()
}
