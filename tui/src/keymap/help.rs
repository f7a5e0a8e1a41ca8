use super::{Chord, Context, Keymap};
use crate::commands::{Command, Edit, Scroll};

/// Keys and what they do.
pub type Entry = (String, &'static str);

/// Commands that share an entry, the place where they do if not everywhere, and what they do together.
type Group = (&'static [Command], Option<Context>, &'static str);

const GROUPS: &[Group] = {
    use Command as Do;
    &[
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
            &[Do::Edit(Edit::Left), Do::Edit(Edit::Right)],
            None,
            "left, right",
        ),
        (
            &[Do::Edit(Edit::WordLeft), Do::Edit(Edit::WordRight)],
            None,
            "a word left, right",
        ),
        (
            &[Do::Edit(Edit::LineStart), Do::Edit(Edit::LineEnd)],
            None,
            "start, end of line",
        ),
        (
            &[Do::Edit(Edit::Undo), Do::Edit(Edit::Redo)],
            None,
            "undo, redo",
        ),
    ]
};

/// The keys of some places, each command once, with the words for it; commands that belong together share an entry.
#[must_use]
pub fn entries(keymap: &Keymap, contexts: &[Context], room: usize) -> Vec<(Command, Entry)> {
    let mut entries: Vec<(Command, Entry)> = Vec::new();
    let mut seen: Vec<Command> = Vec::new();
    let bound = contexts.iter().flat_map(|&context| {
        let bindings = keymap.bindings().iter();
        bindings.filter(move |(place, _, _)| *place == context)
    });
    for &(_, _, command) in bound {
        if seen.contains(&command) {
            continue;
        }
        let group = GROUPS.iter().find(|(commands, place, _)| {
            commands.contains(&command) && place.is_none_or(|place| contexts.contains(&place))
        });
        let entry = match group {
            Some((commands, _, about)) => {
                seen.extend(*commands);
                (shared_labels(keymap, contexts, commands, room), *about)
            }
            None => {
                seen.push(command);
                (
                    labels(&keymap.chords(contexts, command), room),
                    word(command),
                )
            }
        };
        entries.push((command, entry));
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
        return labels(&keymap.chords(contexts, *command), room);
    }
    let first = commands.iter().filter_map(|&command| {
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
    let mut letters: Vec<_> = of_menu
        .map(|&(_, chord, command)| (command, chord.label(), word(command)))
        .collect();
    letters.sort_by_key(|&(command, _, _)| place_in_grid(command));
    letters
}

/// Where a command stands, by the letter that it comes with; others follow.
fn place_in_grid(command: Command) -> usize {
    const GRID: &str = "mslnreicyofputxdhq";
    let mut bindings = super::BINDINGS.iter();
    let letter = bindings.find_map(|&(place, chord, does)| match chord.code {
        crossterm::event::KeyCode::Char(letter)
            if place == Context::Menu && does == command && chord.modifiers.is_empty() =>
        {
            Some(letter)
        }
        _ => None,
    });
    letter
        .and_then(|letter| GRID.find(letter))
        .unwrap_or(GRID.len())
}

/// A command in a word or two.
#[must_use]
pub fn word(command: Command) -> &'static str {
    match command {
        Command::Send => "send, or queue",
        Command::Newline => "new line",
        Command::Back => "pause · back",
        Command::Interrupt => "stop · clear · quit",
        Command::Suspend => "suspend",
        Command::Repaint => "repaint",
        Command::Menu => "menu",
        Command::New => "new",
        Command::Copy => "copy",
        Command::CopyMessage => "copy message",
        Command::PauseOrResume => "pause, go on",
        Command::Unfold => "pending blocks",
        Command::ToggleRaw => "raw/text",
        Command::Sessions => "sessions",
        Command::Delete => "delete",
        Command::SearchPrompts => "search prompts",
        Command::Settings => "settings",
        Command::Retry => "regenerate",
        Command::Continue => "go on",
        Command::UndoTurn => "undo turn",
        Command::Stats => "numbers",
        Command::Choose => "choose",
        Command::Other => "second action",
        Command::Focus => "to the canvas",
        Command::ToggleMouse => "mouse",
        Command::Editor => "$EDITOR",
        Command::Palette => "palette",
        Command::Themes => "theme",
        Command::Filter => "filter",
        Command::Models => "models",
        Command::Rescan => "look again",
        Command::Doctor => "doctor",
        Command::Help => "help",
        Command::Quit => "quit",
        other => describe(other),
    }
}

/// What a command does, for the help and the palette.
#[must_use]
pub fn describe(command: Command) -> &'static str {
    match command {
        Command::Send => "send the message, or queue it",
        Command::Newline => "new line",
        Command::Back => "back, or pause; never destroys",
        Command::Interrupt => "stop the answer and keep its text",
        Command::Resume => "go on",
        Command::Quit => "quit",
        Command::Suspend => "suspend; fg comes back",
        Command::Repaint => "draw everything anew",
        Command::Help => "keys and commands",
        Command::Menu => "menu: a letter follows",
        Command::New => "a new conversation",
        Command::Sessions => "all conversations",
        Command::Delete => "remove the conversation; asks first",
        Command::SearchPrompts => "search earlier prompts",
        Command::Settings => "settings of the next answers",
        Command::Less => "less, or the value before",
        Command::More => "more, or the value after",
        Command::Explain => "explain the setting",
        Command::ResetField => "the model's own value",
        Command::SaveDefaults => "save as the model's defaults",
        Command::Retry => "regenerate the last answer",
        Command::Continue => "go on with a stopped answer",
        Command::UndoTurn => "take the last turn back",
        Command::Measure => "timeline: tokens or ms per step",
        Command::Stats => "numbers of the conversation",
        Command::Scroll(Scroll::PageUp) => "scroll up",
        Command::Scroll(Scroll::PageDown) => "scroll down",
        Command::Scroll(Scroll::RowUp) => "a row up",
        Command::Scroll(Scroll::RowDown) => "a row down",
        Command::Scroll(Scroll::First) => "to the beginning",
        Command::Scroll(Scroll::Follow) => "to the end, and follow it",
        Command::Up => "row above, earlier or queued message",
        Command::Down => "row below, later message",
        Command::Edit(edit) => describe_edit(edit),
        Command::Choose => "take the chosen row",
        Command::Other => "the list's second action",
        Command::Focus => "to the canvas and back",
        Command::PauseOrResume => "pause, or go on",
        Command::Unfold => "show pending blocks as masks, and back",
        Command::PreviousMessage => "previous message",
        Command::NextMessage => "next message",
        Command::ToggleRaw => "text or raw tokens",
        Command::Copy => "copy the last answer",
        Command::CopyMessage => "copy what is selected",
        Command::ToggleMouse => "capture or release the mouse",
        Command::Editor => "write the message in $EDITOR",
        Command::Palette => "find and run any command",
        Command::Themes => "choose a theme",
        Command::Filter => "filter the keys",
        Command::Models => "models and backends",
        Command::Rescan => "look at this machine again",
        Command::Doctor => "what this machine has",
        Command::Option(_) => "the option of this number",
    }
}

fn describe_edit(edit: Edit) -> &'static str {
    match edit {
        Edit::Left => "left",
        Edit::Right => "right",
        Edit::WordLeft => "a word left",
        Edit::WordRight => "a word right",
        Edit::LineStart => "start of line",
        Edit::LineEnd => "end of line",
        Edit::Backspace => "delete left",
        Edit::Delete => "delete",
        Edit::DeleteWordLeft => "delete word",
        Edit::DeleteWordRight => "delete next word",
        Edit::KillToStart => "delete to start",
        Edit::KillToEnd => "delete to end",
        Edit::Yank => "insert deleted",
        Edit::Undo => "undo",
        Edit::Redo => "redo",
    }
}
