//! The text of a source without what is no code, or code of tests alone.

pub(super) fn is_name(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// The text without comments, and with empty strings and characters.
pub(super) fn code(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let skipped = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            '"' => string_length(rest),
            'r' if !out.ends_with(is_name) => raw_string_length(rest),
            '\'' => character_length(rest),
            _ => 0,
        };
        match skipped {
            0 => {
                out.push(first);
                rest = &rest[first.len_utf8()..];
            }
            n => rest = &rest[n..],
        }
    }
    out
}

fn string_length(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            '"' if !is_escaped => return at + 1,
            '\\' => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
    }
    text.len()
}

/// 0 if no raw string begins here.
fn raw_string_length(text: &str) -> usize {
    let hashes = text[1..].chars().take_while(|&it| it == '#').count();
    if !text[1 + hashes..].starts_with('"') {
        return 0;
    }
    let end = format!("\"{}", "#".repeat(hashes));
    let from = 2 + hashes;
    text[from..]
        .find(&end)
        .map_or(text.len(), |at| from + at + end.len())
}

/// 0 for a lifetime.
fn character_length(text: &str) -> usize {
    let mut inner = text.char_indices().skip(1);
    let end = match inner.next() {
        Some((_, '\\')) => inner.skip(1).find(|&(_, it)| it == '\''),
        Some(_) => inner.next().filter(|&(_, it)| it == '\''),
        None => None,
    };
    end.map_or(0, |(at, _)| at + 1)
}

/// The text without the items that only tests have.
pub(super) fn without_tests(text: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, item)) = rest.split_once(MARK) {
        out.push_str(before);
        let mut depth = 0_usize;
        let is_end = |&(_, it): &(usize, char)| match it {
            '{' => {
                depth += 1;
                false
            }
            '}' => {
                depth = depth.saturating_sub(1);
                depth == 0
            }
            ';' => depth == 0,
            _ => false,
        };
        let end = item.char_indices().find(is_end);
        rest = end.map_or("", |(at, _)| &item[at + 1..]);
    }
    out + rest
}
