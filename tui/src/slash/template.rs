//! Text with blanks: `Dear ___, thanks for [MASK:6].`

use std::num::NonZeroUsize;

use unmask_core::engine::FillPart;

/// Masks of a blank without a number.
const BLANK: NonZeroUsize = NonZeroUsize::new(4).expect("it is not zero");
/// Masks of one blank at most.
const MOST: usize = 4096;

/// The parts of a template: `___` is four masks, `[MASK:n]` is n, `\\___` is three underscores.
pub(super) fn parts(template: &str) -> Result<Vec<FillPart>, String> {
    let mut parts = Vec::new();
    let mut text = String::new();
    let mut rest = template;
    let hole = |text: &mut String, parts: &mut Vec<FillPart>, masks| {
        if !text.is_empty() {
            parts.push(FillPart::Text(std::mem::take(text)));
        }
        parts.push(FillPart::Hole(masks));
    };
    while let Some(character) = rest.chars().next() {
        if let Some(behind) = rest.strip_prefix("\\___") {
            text.push_str("___");
            rest = behind;
        } else if let Some(behind) = rest.strip_prefix("___") {
            hole(&mut text, &mut parts, BLANK);
            rest = behind.trim_start_matches('_');
        } else if let Some(behind) = rest.strip_prefix("[MASK:") {
            let closed = behind.split_once(']');
            let (number, behind) = closed.ok_or("[MASK: lacks its number and ], as in [MASK:6]")?;
            let masks = number.trim().parse().ok().and_then(NonZeroUsize::new);
            let masks = masks.filter(|masks| masks.get() <= MOST);
            let masks =
                masks.ok_or_else(|| format!("[MASK:{number}] takes a number from 1 to {MOST}"))?;
            hole(&mut text, &mut parts, masks);
            rest = behind;
        } else {
            text.push(character);
            rest = &rest[character.len_utf8()..];
        }
    }
    if parts.is_empty() {
        let usage = "no ___ or [MASK:n] in it, as in /fill Dear ___, thanks for [MASK:6].";
        return Err(usage.to_owned());
    }
    if !text.is_empty() {
        parts.push(FillPart::Text(text));
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(template: &str) -> Result<String, String> {
        let part = |part: FillPart| match part {
            FillPart::Text(text) => format!("<{text}>"),
            FillPart::Hole(masks) => masks.to_string(),
            FillPart::Tokens(_) => unreachable!("a template has none"),
        };
        parts(template).map(|parts| parts.into_iter().map(part).collect())
    }

    #[test]
    fn blanks_are_masks_and_all_else_is_text() {
        let read = |template| said(template).expect("it has blanks");
        assert_eq!(
            read("Dear ___, thanks for [MASK:6]."),
            "<Dear >4<, thanks for >6<.>"
        );
        assert_eq!(read("________"), "4");
        assert_eq!(read("[MASK:1][MASK: 2 ]é"), "12<é>");
        assert_eq!(read(r"a \___ b ___"), "<a ___ b >4");
        assert_eq!(read("[MASK] ___"), "<[MASK] >4");
    }

    #[test]
    fn a_template_without_blanks_or_with_none_in_one_is_refused() {
        for (template, word) in [
            ("", "no ___"),
            ("a __ b", "no ___"),
            (r"\___", "no ___"),
            ("[MASK:0]", "[MASK:0]"),
            ("[MASK:4097]", "1 to 4096"),
            ("[MASK:x]", "[MASK:x]"),
            ("[MASK:3", "lacks its number and ]"),
        ] {
            let why = said(template).expect_err(template);
            assert!(why.contains(word), "{template}: {why}");
        }
    }
}
