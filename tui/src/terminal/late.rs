use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// Swallows a colour that a slow terminal tells after the screen has stopped waiting for it: the reader of keys takes
/// `ESC ] 11;rgb:… ESC \` for typing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Late {
    /// Nothing is to come, or it has come.
    Nothing,
    /// It may come.
    Awaited,
    /// It is coming; this many characters have.
    Coming(usize),
}

/// Characters of the longest answer.
const LONGEST: usize = 40;

impl Late {
    /// True if a key is part of the answer and means nothing.
    pub(crate) fn swallows(&mut self, key: KeyEvent) -> bool {
        let (is_swallowed, next) = match (*self, key.code, key.modifiers) {
            (Self::Awaited, KeyCode::Char(']'), KeyModifiers::ALT) => (true, Self::Coming(0)),
            (Self::Coming(_), KeyCode::Char('\\'), KeyModifiers::ALT)
            | (Self::Coming(_), KeyCode::Char('g'), KeyModifiers::CONTROL) => (true, Self::Nothing),
            (Self::Coming(count), KeyCode::Char(_), KeyModifiers::NONE) if count < LONGEST => {
                (true, Self::Coming(count + 1))
            }
            (Self::Coming(_), _, _) => (false, Self::Nothing),
            (Self::Awaited | Self::Nothing, _, _) => (false, *self),
        };
        *self = next;
        is_swallowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Vec<KeyEvent> {
        let plain = |character| KeyEvent::new(KeyCode::Char(character), KeyModifiers::NONE);
        text.chars().map(plain).collect()
    }

    fn kept(mut late: Late, keys: Vec<KeyEvent>) -> usize {
        keys.into_iter().filter(|key| !late.swallows(*key)).count()
    }

    fn answer(end: KeyEvent) -> Vec<KeyEvent> {
        let mut all = vec![KeyEvent::new(KeyCode::Char(']'), KeyModifiers::ALT)];
        all.extend(keys("11;rgb:1e1e/1e1e/2e2e"));
        all.push(end);
        all.extend(keys("hi"));
        all
    }

    #[test]
    fn a_late_colour_is_swallowed_and_typing_after_it_is_not() {
        for end in [
            KeyEvent::new(KeyCode::Char('\\'), KeyModifiers::ALT),
            KeyEvent::new(KeyCode::Char('g'), KeyModifiers::CONTROL),
        ] {
            assert_eq!(kept(Late::Awaited, answer(end)), 2);
        }
    }

    #[test]
    fn typing_is_not_swallowed() {
        assert_eq!(kept(Late::Awaited, keys("]11;rgb")), 7);
        assert_eq!(kept(Late::Nothing, keys("hi")), 2);
    }

    #[test]
    fn an_answer_without_an_end_swallows_no_more_than_an_answer() {
        let mut all = vec![KeyEvent::new(KeyCode::Char(']'), KeyModifiers::ALT)];
        all.extend(keys(&"x".repeat(LONGEST + 5)));
        assert_eq!(kept(Late::Awaited, all), 5);
    }
}
