//! Python's `int`, with which the reference reads positions.

use super::whitespace;

/// The zero of every script's decimal digits (Unicode's category Nd), whose ten digits follow one another.
#[rustfmt::skip]
const ZEROS: &[u32] = &[
    0x0030, 0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6,
    0x0D66, 0x0DE6, 0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80,
    0x1A90, 0x1B50, 0x1BB0, 0x1C40, 0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0,
    0xFF10, 0x104A0, 0x10D30, 0x11066, 0x110F0, 0x11136, 0x111D0, 0x112F0, 0x11450, 0x114D0, 0x11650, 0x116C0,
    0x11730, 0x118E0, 0x11950, 0x11C50, 0x11D50, 0x11DA0, 0x16A60, 0x16AC0, 0x16B50, 0x1D7CE, 0x1D7D8, 0x1D7E2,
    0x1D7EC, 0x1D7F6, 0x1E140, 0x1E2F0, 0x1E950, 0x1FBF0,
];

/// Python's `int(text)`, if it is not negative: blanks around, a sign, single underscores between digits of any script.
///
/// What is too large for `u64` is `u64::MAX`, which is beyond every answer all the same.
pub(super) fn not_negative(text: &str) -> Option<u64> {
    let text = whitespace::strip(text);
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut value: u64 = 0;
    for group in digits.split('_') {
        if group.is_empty() {
            return None;
        }
        for c in group.chars() {
            value = value.saturating_mul(10).saturating_add(digit(c)?);
        }
    }
    (!negative || value == 0).then_some(value)
}

fn digit(c: char) -> Option<u64> {
    let code = c as u32;
    let zero = ZEROS.iter().rev().find(|&&zero| zero <= code)?;
    Some(u64::from(code - zero)).filter(|&digit| digit < 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<u64>) {
        assert_eq!(not_negative(text), expected, "{text}");
    }

    #[test]
    fn signs_blanks_and_underscores_are_read() {
        check("+3", Some(3));
        check("1_0", Some(10));
        check("-0", Some(0));
        check(" \u{1f}007\u{a0}", Some(7));
        check("99999999999999999999999", Some(u64::MAX));
    }

    #[test]
    fn digits_of_any_script_are_read() {
        check("３", Some(3));
        check("١٢", Some(12));
        check("²", None);
    }

    #[test]
    fn anything_else_is_no_number() {
        for text in [
            "", "+", "-1", "- 1", "_1", "1__0", "1_", "1.5", "x", "1x", "+-1",
        ] {
            check(text, None);
        }
    }
}
