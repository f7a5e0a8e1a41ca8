//! Every key, in one table: it finds what a key does, and feeds the hints and the help.

mod help;
mod table;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::action::{Command, Scroll};
use crate::state::{Activity, Focus, Keyboard, Overlay, Stage, State};
pub use help::{Section, describe, help_height, letters, sections};
pub use table::BINDINGS;
use table::with;

/// Where a key means something. Of several places that apply, the first of [`contexts`] wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Context {
    /// Any overlay.
    Overlay,
    /// A list that is filtered by typing.
    List,
    /// The transcript has the keys.
    Canvas,
    /// The help overlay.
    Help,
    /// The menu, which waits for a letter.
    Menu,
    /// The composer is empty and the turn is paused.
    Paused,
    /// The composer is empty.
    Empty,
    /// The composer.
    Composer,
    /// Anywhere in the chat.
    Anywhere,
}

/// A key with its modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Chord {
    /// The key; a letter in lower case.
    pub code: KeyCode,
    /// What is held down with it; never Shift for a character, which says it itself.
    pub modifiers: KeyModifiers,
}

/// A chord in a place, and what it does.
pub type Binding = (Context, Chord, Command);

impl Chord {
    /// The chord of a key event.
    #[must_use]
    pub fn of(event: KeyEvent) -> Self {
        match event.code {
            KeyCode::Char(character) if event.modifiers.contains(KeyModifiers::CONTROL) => with(
                event.modifiers,
                KeyCode::Char(character.to_ascii_lowercase()),
            ),
            KeyCode::Char(_) => with(event.modifiers.difference(KeyModifiers::SHIFT), event.code),
            _ => with(event.modifiers, event.code),
        }
    }

    /// How people write it: `^J`, `Shift+Enter`, `PgUp`.
    #[must_use]
    pub fn label(self) -> String {
        let name = match self.code {
            KeyCode::Char(' ') => "Space".to_owned(),
            KeyCode::Char(character) if self.modifiers == KeyModifiers::NONE => {
                character.to_string()
            }
            KeyCode::Char(character) => character.to_ascii_uppercase().to_string(),
            KeyCode::Up => "↑".to_owned(),
            KeyCode::Down => "↓".to_owned(),
            KeyCode::Left => "←".to_owned(),
            KeyCode::Right => "→".to_owned(),
            KeyCode::PageUp => "PgUp".to_owned(),
            KeyCode::PageDown => "PgDn".to_owned(),
            KeyCode::Delete => "Del".to_owned(),
            code => code.to_string(),
        };
        let mut label = String::new();
        if self.modifiers.contains(KeyModifiers::CONTROL) {
            label.push('^');
        }
        if self.modifiers.contains(KeyModifiers::ALT) {
            label.push_str("Alt+");
        }
        if self.modifiers.contains(KeyModifiers::SHIFT) {
            label.push_str("Shift+");
        }
        label + &name
    }
}

/// The places that apply, the most particular first.
#[must_use]
pub fn contexts(state: &State) -> Vec<Context> {
    match state.overlays.last() {
        Some(Overlay::Help { .. }) => return vec![Context::Help, Context::Overlay],
        Some(Overlay::Menu) => return vec![Context::Menu, Context::Overlay],
        None => (),
    }
    let mut contexts = Vec::new();
    if state.focus == Focus::Canvas {
        return vec![Context::Canvas, Context::Anywhere];
    }
    if state.composer.is_empty() {
        if state.is_paused() {
            contexts.push(Context::Paused);
        }
        contexts.push(Context::Empty);
    }
    contexts.extend([Context::Composer, Context::Anywhere]);
    contexts
}

/// What a key does now; `None` for one that only writes.
#[must_use]
pub fn lookup(state: &State, event: KeyEvent) -> Option<Command> {
    let chord = Chord::of(event);
    contexts(state)
        .into_iter()
        .find_map(|context| in_context(context, chord))
}

/// The keys that reach `command` through the menu: `^X n`.
#[must_use]
pub fn menu_keys(command: Command) -> String {
    let keys = [(Context::Anywhere, Command::Menu), (Context::Menu, command)]
        .map(|(context, command)| chords(&[context], command));
    let labels = keys.iter().filter_map(|chords| chords.first());
    labels
        .map(|chord| chord.label())
        .collect::<Vec<_>>()
        .join(" ")
}

fn in_context(context: Context, chord: Chord) -> Option<Command> {
    BINDINGS
        .iter()
        .find(|(place, key, _)| *place == context && *key == chord)
        .map(|&(_, _, command)| command)
}

/// The character that a key writes.
#[must_use]
pub fn written(event: KeyEvent) -> Option<char> {
    // AltGr comes as Control and Alt.
    const ALT_GR: KeyModifiers = KeyModifiers::CONTROL.union(KeyModifiers::ALT);
    let modifiers = event.modifiers.difference(KeyModifiers::SHIFT);
    match event.code {
        KeyCode::Char(character) if modifiers.is_empty() || modifiers == ALT_GR => Some(character),
        KeyCode::Tab if modifiers.is_empty() => Some('\t'),
        _ => None,
    }
}

/// What may be done now, the most useful first: keys and words for the last row.
#[must_use]
pub fn hints(state: &State) -> Vec<(String, &'static str)> {
    let menu = (Command::Menu, "menu");
    let help = state.composer.is_empty().then_some((Command::Help, "help"));
    let page = (Command::Scroll(Scroll::PageUp), "scroll");
    let mut wanted = match &state.activity {
        Activity::Loading(_) => vec![(Command::Back, "cancel loading")],
        Activity::Idle => vec![(Command::Send, "send"), (Command::Newline, "newline"), page],
        Activity::Turn(turn) => match turn.stage {
            Stage::Denoising => vec![(Command::Back, "pause"), (Command::Interrupt, "stop"), page],
            Stage::Pausing { .. } => vec![(Command::Interrupt, "stop"), page],
            Stage::Paused => vec![(Command::Resume, "go on"), (Command::Back, "stop"), page],
            Stage::Stopping { .. } => vec![(Command::Interrupt, "abandon"), page],
        },
    };
    wanted.push(menu);
    wanted.extend(help);
    wanted
        .into_iter()
        .filter_map(|(command, word)| Some((hinted(state, command)?, word)))
        .collect()
}

fn hinted(state: &State, command: Command) -> Option<String> {
    let contexts = contexts(state);
    let chords = chords(&contexts, command);
    let shift_enter = with(KeyModifiers::SHIFT, KeyCode::Enter);
    let is_told_apart = state.look.keyboard == Keyboard::Kitty && chords.contains(&shift_enter);
    let chord = if is_told_apart {
        shift_enter
    } else {
        *chords.first()?
    };
    Some(chord.label())
}

fn chords(contexts: &[Context], command: Command) -> Vec<Chord> {
    let bound = BINDINGS
        .iter()
        .filter(|(context, _, does)| *does == command && contexts.contains(context));
    bound.map(|&(_, chord, _)| chord).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::table::{alt, ctrl, key};
    use super::*;

    #[test]
    fn no_key_means_two_things_in_one_place() {
        let mut seen = HashSet::new();
        for (context, chord, command) in BINDINGS {
            assert!(
                seen.insert((context, chord)),
                "{} is bound twice in {context:?}, once to {command:?}",
                chord.label()
            );
        }
    }

    #[test]
    fn the_keys_of_backspace_tab_enter_escape_and_flow_control_are_free() {
        for (_, chord, _) in BINDINGS {
            for taken in ['h', 'i', 'm', '[', 's', 'q', '\\'] {
                assert_ne!(*chord, ctrl(taken));
            }
        }
    }

    #[test]
    fn every_binding_can_be_reached_by_its_own_event() {
        for (_, chord, _) in BINDINGS {
            let event = KeyEvent::new(chord.code, chord.modifiers);
            assert_eq!(Chord::of(event), *chord, "{}", chord.label());
        }
    }

    #[test]
    fn chords_are_written_as_people_write_them() {
        let labels = [
            ctrl('j').label(),
            with(KeyModifiers::SHIFT, KeyCode::Enter).label(),
            alt('b').label(),
            key(KeyCode::Char('?')).label(),
            key(KeyCode::F(1)).label(),
        ];
        assert_eq!(labels, ["^J", "Shift+Enter", "Alt+B", "?", "F1"]);
    }

    #[test]
    fn alt_gr_writes() {
        let event = KeyEvent::new(
            KeyCode::Char('@'),
            KeyModifiers::CONTROL | KeyModifiers::ALT,
        );
        assert_eq!(written(event), Some('@'));
    }
}
