use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A key with its modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Chord {
    /// The key; a letter in lower case.
    pub code: KeyCode,
    /// What is held down with it; never Shift for a character, which says it itself.
    pub modifiers: KeyModifiers,
}

/// Keys with a name, as the configuration writes them and as people do.
const NAMES: [(KeyCode, &str, &str); 16] = [
    (KeyCode::Char(' '), "space", "Space"),
    (KeyCode::Enter, "enter", "Enter"),
    (KeyCode::Esc, "esc", "Esc"),
    (KeyCode::Tab, "tab", "Tab"),
    (KeyCode::BackTab, "backtab", "S-Tab"),
    (KeyCode::Backspace, "backspace", "Backspace"),
    (KeyCode::Delete, "delete", "Del"),
    (KeyCode::Insert, "insert", "Insert"),
    (KeyCode::Up, "up", "↑"),
    (KeyCode::Down, "down", "↓"),
    (KeyCode::Left, "left", "←"),
    (KeyCode::Right, "right", "→"),
    (KeyCode::Home, "home", "Home"),
    (KeyCode::End, "end", "End"),
    (KeyCode::PageUp, "pageup", "PgUp"),
    (KeyCode::PageDown, "pagedown", "PgDn"),
];

impl Chord {
    /// The chord of a key event.
    #[must_use]
    pub fn of(event: KeyEvent) -> Self {
        let (code, modifiers) = match event.code {
            KeyCode::Char(character) if event.modifiers.contains(KeyModifiers::CONTROL) => (
                KeyCode::Char(character.to_ascii_lowercase()),
                event.modifiers,
            ),
            KeyCode::Tab if event.modifiers == KeyModifiers::SHIFT => {
                (KeyCode::BackTab, KeyModifiers::NONE)
            }
            KeyCode::Char(_) | KeyCode::BackTab => {
                (event.code, event.modifiers.difference(KeyModifiers::SHIFT))
            }
            _ => (event.code, event.modifiers),
        };
        Self { code, modifiers }
    }

    /// How people write it: `^J`, `Shift+Enter`, `PgUp`.
    #[must_use]
    pub fn label(self) -> String {
        self.written("Alt+", "Shift+")
    }

    /// As [`label`](Self::label), but shorter where there is little room: `S-Enter`.
    #[must_use]
    pub fn short(self) -> String {
        self.written("A-", "S-")
    }

    fn written(self, alt: &str, shift: &str) -> String {
        let named = NAMES.iter().find(|(code, _, _)| *code == self.code);
        let name = match (named, self.code) {
            (Some((_, _, label)), _) => (*label).to_owned(),
            (None, KeyCode::Char(character)) if self.modifiers.is_empty() => character.to_string(),
            (None, KeyCode::Char(character)) => character.to_ascii_uppercase().to_string(),
            (None, code) => code.to_string(),
        };
        let mut label = String::new();
        if self.modifiers.contains(KeyModifiers::CONTROL) {
            label.push('^');
        }
        if self.modifiers.contains(KeyModifiers::ALT) {
            label.push_str(alt);
        }
        if self.modifiers.contains(KeyModifiers::SHIFT) {
            label.push_str(shift);
        }
        label + &name
    }

    /// Reads what the configuration says: `ctrl+j`, `alt+enter`, `shift+left`, `f2`, `?`; `^J` and `-` between the parts do
    /// too.
    ///
    /// # Errors
    /// What is wrong with it, and how to write it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut rest = text.trim();
        let mut modifiers = KeyModifiers::NONE;
        while let Some((modifier, after)) = split_modifier(rest) {
            modifiers |= modifier;
            rest = after;
        }
        let code = code_of(rest).ok_or_else(|| {
            format!(
                "`{text}` is no key; write it like `ctrl+j`, `alt+enter`, `f2`, `pageup` or `?`"
            )
        })?;
        let chord = Self::of(KeyEvent::new(code, modifiers));
        match chord.twin() {
            Some(twin) => Err(format!(
                "`{text}` cannot be told from {twin}; take another key"
            )),
            None => Ok(chord),
        }
    }

    /// The key that sends the same byte in most terminals.
    fn twin(self) -> Option<&'static str> {
        match (self.modifiers, self.code) {
            (KeyModifiers::CONTROL, KeyCode::Char('h')) => Some("Backspace"),
            (KeyModifiers::CONTROL, KeyCode::Char('i')) => Some("Tab"),
            (KeyModifiers::CONTROL, KeyCode::Char('m')) => Some("Enter"),
            (KeyModifiers::CONTROL, KeyCode::Char('[')) => Some("Esc"),
            _ => None,
        }
    }

    /// True for a key that writes, wherever it is not bound. `AltGr` comes as Control and Alt.
    #[must_use]
    pub fn writes(self) -> bool {
        const ALT_GR: KeyModifiers = KeyModifiers::CONTROL.union(KeyModifiers::ALT);
        matches!(self.code, KeyCode::Char(_))
            && (self.modifiers.is_empty() || self.modifiers == ALT_GR)
    }
}

fn split_modifier(text: &str) -> Option<(KeyModifiers, &str)> {
    const MODIFIERS: [(&str, KeyModifiers); 4] = [
        ("^", KeyModifiers::CONTROL),
        ("ctrl", KeyModifiers::CONTROL),
        ("alt", KeyModifiers::ALT),
        ("shift", KeyModifiers::SHIFT),
    ];
    MODIFIERS.into_iter().find_map(|(name, modifier)| {
        let is_there = text.get(..name.len())?.eq_ignore_ascii_case(name);
        let rest = text.get(name.len()..).filter(|_| is_there)?;
        let rest = match name {
            "^" => rest,
            _ => rest.strip_prefix(['+', '-'])?,
        };
        (!rest.is_empty()).then_some((modifier, rest))
    })
}

fn code_of(name: &str) -> Option<KeyCode> {
    let mut characters = name.chars();
    if let (Some(character), None) = (characters.next(), characters.next()) {
        return (!character.is_control()).then_some(KeyCode::Char(character));
    }
    let lower = name.to_ascii_lowercase();
    let number = lower.strip_prefix('f').and_then(|it| it.parse().ok());
    if let Some(number @ 1..=24) = number {
        return Some(KeyCode::F(number));
    }
    let lower = match lower.as_str() {
        "pgup" => "pageup",
        "pgdn" | "pgdown" => "pagedown",
        "del" => "delete",
        "escape" => "esc",
        "return" => "enter",
        other => other,
    };
    let named = NAMES.iter().find(|(_, written, _)| *written == lower);
    named.map(|(code, _, _)| *code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, label: &str) {
        let chord = Chord::parse(text).map(Chord::label);
        assert_eq!(chord.as_deref(), Ok(label), "{text}");
    }

    #[test]
    fn chords_are_read_however_people_write_them() {
        check("ctrl+j", "^J");
        check("^J", "^J");
        check("Ctrl-Alt-Left", "^Alt+←");
        check("shift+enter", "Shift+Enter");
        check("alt+-", "Alt+-");
        check("+", "+");
        check("^", "^");
        check("A", "A");
        check("f12", "F12");
        check("f", "f");
        check("PgUp", "PgUp");
        check("space", "Space");
        check("shift+tab", "S-Tab");
        check("é", "é");
    }

    #[test]
    fn what_is_no_key_is_refused_with_an_example() {
        for text in ["", "ctrl+", "hyper+a", "f99", "entr"] {
            let refusal = Chord::parse(text).expect_err(text);
            assert!(refusal.contains("write it like `ctrl+j`"), "{refusal}");
        }
    }

    #[test]
    fn keys_that_send_another_keys_byte_are_refused() {
        let refusal = Chord::parse("ctrl+i").expect_err("it is Tab");
        assert_eq!(
            refusal,
            "`ctrl+i` cannot be told from Tab; take another key"
        );
    }

    #[test]
    fn the_name_of_every_key_can_be_read() {
        for (code, name, label) in NAMES {
            let expected = Chord {
                code,
                modifiers: KeyModifiers::NONE,
            };
            assert_eq!(Chord::parse(name), Ok(expected), "{label}");
        }
    }
}
