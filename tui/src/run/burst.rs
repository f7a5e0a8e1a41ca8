//! Tells a paste that the terminal does not mark from typing: nobody types on after Enter within one reading of the keys.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::action::Action;
use crate::keymap;

/// Keys read at once as actions: what was written with a line end in its middle becomes one [`Action::Burst`]; the other
/// keys stay what they are. An Enter in front ends what was typed before, by somebody who types on fast.
pub(super) fn actions(keys: Vec<KeyEvent>) -> Vec<Action> {
    let mut actions = Vec::new();
    let mut keys = keys.as_slice();
    while let Some(first) = keys.first() {
        let is_written = |key: &&KeyEvent| !is_enter(first) && text(key).is_some();
        let length = keys.iter().take_while(is_written).count();
        let (run, rest) = keys.split_at(length.max(1));
        if is_paste(run) {
            actions.push(Action::Burst(run.iter().filter_map(text).collect()));
        } else if length == 0 {
            actions.push(Action::Key(*first));
        } else {
            actions.extend(run.iter().copied().map(Action::Key));
        }
        keys = rest;
    }
    actions
}

/// True if the last key is an Enter, behind which more of a paste may come.
pub(super) fn ends_with_enter(actions: &[Action]) -> bool {
    matches!(actions.last(), Some(Action::Key(key)) if is_enter(key))
}

/// What a key adds to a paste.
fn text(key: &KeyEvent) -> Option<char> {
    match (key.code, key.modifiers) {
        (KeyCode::Enter, KeyModifiers::NONE) | (KeyCode::Char('j'), KeyModifiers::CONTROL) => {
            Some('\n')
        }
        _ => keymap::written(*key),
    }
}

fn is_enter(key: &KeyEvent) -> bool {
    key.code == KeyCode::Enter
}

fn is_paste(run: &[KeyEvent]) -> bool {
    run.split_last()
        .is_some_and(|(_, before)| before.iter().any(is_enter))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Vec<KeyEvent> {
        let plain = |code| KeyEvent::new(code, KeyModifiers::NONE);
        text.chars()
            .map(|character| match character {
                '\r' => plain(KeyCode::Enter),
                '<' => plain(KeyCode::Left),
                _ => plain(KeyCode::Char(character)),
            })
            .collect()
    }

    /// Pastes in brackets, keys alone.
    #[track_caller]
    fn check(typed: &str, expected: &str) {
        let shown = |action| match action {
            Action::Burst(text) => format!("[{text}]"),
            Action::Key(key) => match key.code {
                KeyCode::Char(character) => character.to_string(),
                KeyCode::Enter => "\r".to_owned(),
                _ => "<".to_owned(),
            },
            other => panic!("not of keys: {other:?}"),
        };
        let got: String = actions(keys(typed)).into_iter().map(shown).collect();
        assert_eq!(got, expected);
    }

    #[test]
    fn an_enter_with_more_behind_it_is_pasted() {
        check("1\r2\r3", "[1\n2\n3]");
        check("1\r\r", "[1\n\n]");
    }

    #[test]
    fn an_enter_at_the_end_is_pressed() {
        check("hi\r", "hi\r");
        check("\r\r", "\r\r");
    }

    #[test]
    fn an_enter_in_front_is_pressed_and_typing_goes_on() {
        check("\rhi", "\rhi");
        check("\rhi\r", "\rhi\r");
    }

    #[test]
    fn other_keys_part_the_runs() {
        check("a<\r<b\rc", "a<\r<[b\nc]");
    }
}
