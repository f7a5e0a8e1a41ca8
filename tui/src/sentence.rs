//! Words made sentences: notices and titles begin with a capital letter.

/// With a capital letter in front.
#[must_use]
pub fn capital(text: &str) -> String {
    let mut rest = text.chars();
    let first = rest.next().into_iter().flat_map(char::to_uppercase);
    first.chain(rest.clone()).collect()
}

/// With a full stop behind it.
#[must_use]
pub fn stopped(text: &str) -> String {
    match text.is_empty() || text.ends_with(['.', '!', '?']) {
        true => text.to_owned(),
        false => format!("{text}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_a_sentence() {
        assert_eq!(capital("été"), "Été");
        assert_eq!(capital(""), "");
        assert_eq!(stopped("it is so"), "it is so.");
        assert_eq!(stopped("is it?"), "is it?");
        assert_eq!(stopped(""), "");
    }
}
