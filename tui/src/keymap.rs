//! Every key, in one table: it finds what a key does, and feeds the hints and the help.

mod chord;
mod help;
mod labels;
mod map;
mod table;
mod words;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::commands::Command;
pub use chord::Chord;
pub use help::{HelpEntry, entries, letters};
pub use labels::CommandGroup;
pub(crate) use map::kebab;
pub use map::{Keymap, KeymapError, Rebinding, all_contexts, command_name, context_name};
pub use table::BINDINGS;
pub use words::{describe, word};

/// Where a key means something. Of several places that apply, the most particular wins, see [`contexts`](crate::contexts).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Context {
    /// Any overlay.
    Overlay,
    /// A list that is filtered by typing.
    List,
    /// The list of conversations.
    Sessions,
    /// The search through earlier prompts.
    Search,
    /// A question.
    Confirm,
    /// Words are looked for in the transcript, which has the keys.
    Find,
    /// The transcript has the keys.
    Canvas,
    /// An answer is shown step by step.
    Replay,
    /// Two answers are shown side by side.
    Compare,
    /// The settings, while no value is typed.
    Settings,
    /// The help overlay.
    Help,
    /// The menu, which waits for a letter.
    Menu,
    /// The list of models.
    Models,
    /// The first screen, while the composer is empty.
    FirstRun,
    /// An empty conversation, while the composer is empty.
    Welcome,
    /// The composer is empty and the turn is paused.
    Paused,
    /// The composer is empty.
    Empty,
    /// A slash command is being typed, and some fit.
    Completion,
    /// The composer.
    Composer,
    /// Anywhere in the chat.
    Anywhere,
}

/// A chord in a place, and what it does.
pub type Binding = (Context, Chord, Command);

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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::table::{alt, ctrl, key, with};
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
