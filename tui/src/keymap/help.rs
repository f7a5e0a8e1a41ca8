use super::{BINDINGS, Chord, Context, chords};
use crate::action::{Command, Edit, Scroll};
use crate::slash;
use crossterm::event::KeyCode;

/// A part of the help: its title, then keys and what they do.
pub type Section = (&'static str, Vec<(String, &'static str)>);

/// The help, drawn from the table of keys and the table of slash commands.
#[must_use]
pub fn sections() -> Vec<Section> {
    const TITLES: [(Context, &str); 6] = [
        (Context::Composer, "Composer"),
        (Context::Canvas, "Canvas"),
        (Context::Empty, "Composer, while it is empty"),
        (Context::Paused, "Paused, while the composer is empty"),
        (Context::Anywhere, "Anywhere"),
        (Context::Menu, "After ^X"),
    ];
    let keys = TITLES.map(|(context, title)| (title, rows(context)));
    let slash = slash::COMMANDS.iter().map(|slash| {
        let label = format!("/{} {}", slash.name, slash.argument);
        (label.trim_end().to_owned(), slash.about)
    });
    keys.into_iter()
        .chain([("Commands", slash.collect())])
        .collect()
}

/// Rows of the help: a title, its keys and an empty row for each section, but for the last.
#[must_use]
pub fn help_height() -> usize {
    let rows: usize = sections().iter().map(|(_, keys)| keys.len() + 2).sum();
    rows.saturating_sub(1)
}

fn rows(context: Context) -> Vec<(String, &'static str)> {
    let mut commands: Vec<Command> = Vec::new();
    for (place, chord, command) in BINDINGS {
        let is_of_menu = *place == Context::Menu && !is_letter(*chord);
        if *place == context && !is_of_menu && !commands.contains(command) {
            commands.push(*command);
        }
    }
    commands
        .into_iter()
        .map(|command| {
            let labels = chords(&[context], command).into_iter().map(Chord::label);
            (labels.collect::<Vec<_>>().join("  "), describe(command))
        })
        .collect()
}

fn is_letter(chord: Chord) -> bool {
    matches!(chord.code, KeyCode::Char(_)) && chord.modifiers.is_empty()
}

/// The letters of the menu, with a word for each.
#[must_use]
pub fn letters() -> Vec<(String, &'static str)> {
    let of_menu = BINDINGS
        .iter()
        .filter(|(place, chord, _)| *place == Context::Menu && is_letter(*chord));
    of_menu
        .map(|&(_, chord, command)| (chord.label(), word(command)))
        .collect()
}

/// A command in a word or two.
fn word(command: Command) -> &'static str {
    match command {
        Command::New => "new",
        Command::Choose => "take the chosen row",
        Command::Other => "the list's second action",
        Command::Focus => "to the canvas and back",
        Command::MouseOff => "release mouse",
        Command::MouseOn => "capture mouse",
        Command::Help => "help",
        Command::Quit => "quit",
        other => describe(other),
    }
}

/// What a command does, for the help and the palette.
#[must_use]
pub fn describe(command: Command) -> &'static str {
    match command {
        Command::Send => "send, or queue while busy",
        Command::Newline => "new line; \\ Enter works too",
        Command::Back => "back, or pause; never destroys",
        Command::Interrupt => "stop · clear the draft · twice: quit",
        Command::Resume => "go on",
        Command::Quit => "quit",
        Command::Suspend => "suspend; fg comes back",
        Command::Repaint => "draw everything anew",
        Command::Help => "this help",
        Command::Menu => "menu: a letter follows",
        Command::New => "a new conversation",
        Command::Scroll(Scroll::PageUp) => "scroll up",
        Command::Scroll(Scroll::PageDown) => "scroll down",
        Command::Scroll(Scroll::First) => "to the beginning",
        Command::Scroll(Scroll::Follow) => "to the end, and follow it",
        Command::Up => "row above, earlier or queued message",
        Command::Down => "row below, later message",
        Command::Edit(edit) => describe_edit(edit),
        Command::Choose => "take the chosen row",
        Command::Other => "the list's second action",
        Command::Focus => "to the canvas and back",
        Command::MouseOff => "release the mouse: dragging selects",
        Command::MouseOn => "capture the mouse: the wheel scrolls",
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
        Edit::Backspace => "delete to the left",
        Edit::Delete => "delete at the caret",
        Edit::DeleteWordLeft => "delete the word before",
        Edit::DeleteWordRight => "delete the word after",
        Edit::KillToStart => "delete to the start of the line",
        Edit::KillToEnd => "delete to the end of the line",
        Edit::Yank => "insert what was deleted",
        Edit::Undo => "undo",
        Edit::Redo => "redo",
    }
}
