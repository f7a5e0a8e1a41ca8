//! Makes foreign text harmless before it is laid out: model output, names, paths, error texts and pastes.

use std::borrow::Cow;

/// What an unsafe character becomes.
pub const REPLACEMENT: char = '\u{FFFD}';

/// True for a character that could steer the terminal or reorder the text around it: C0 and C1 controls except newline and
/// tab, DEL, and the bidirectional overrides and isolates.
#[must_use]
pub fn is_unsafe(character: char) -> bool {
    match character {
        '\n' | '\t' => false,
        '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => true,
        _ => character.is_control(),
    }
}

/// `text` with every unsafe character replaced.
#[must_use]
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.chars().any(is_unsafe) {
        Cow::Owned(text.chars().map(safe).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// As [`clean`], and on one line: newlines and tabs become spaces.
#[must_use]
pub fn clean_line(text: &str) -> String {
    let on_one_line = |character| match character {
        '\n' | '\t' => ' ',
        _ => safe(character),
    };
    text.trim_end().chars().map(on_one_line).collect()
}

/// As [`clean`], with the line ends of every platform made newlines.
#[must_use]
pub fn clean_paste(text: &str) -> String {
    clean(&text.replace("\r\n", "\n").replace('\r', "\n")).into_owned()
}

fn safe(character: char) -> char {
    if is_unsafe(character) {
        REPLACEMENT
    } else {
        character
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_lose_their_escape() {
        assert_eq!(
            clean("a\u{1b}]52;c;aGk=\u{7}b\u{9b}2J\u{7f}"),
            "a\u{fffd}]52;c;aGk=\u{fffd}b\u{fffd}2J\u{fffd}"
        );
    }

    #[test]
    fn bidirectional_overrides_are_replaced() {
        assert_eq!(clean("\u{202e}abc\u{2069}"), "\u{fffd}abc\u{fffd}");
    }

    #[test]
    fn newlines_tabs_and_all_scripts_stay() {
        assert_eq!(clean("a\n\tб 漢 👩‍👩‍👧 ע"), "a\n\tб 漢 👩‍👩‍👧 ע");
    }

    #[test]
    fn a_paste_from_any_platform_has_newlines() {
        assert_eq!(clean_paste("a\r\nb\rc\nd\0"), "a\nb\nc\nd\u{fffd}");
    }

    #[test]
    fn one_line_stays_one_line() {
        assert_eq!(clean_line("a\nb\tc\n"), "a b c");
    }
}
