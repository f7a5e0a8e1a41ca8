use super::{SettingValue, Word};

/// The words of a choice, each with its short form and what it means.
pub(super) type Words<T, const N: usize> = [(&'static str, &'static str, T); N];

pub(super) const fn words<T: Copy, const N: usize>(words: &Words<T, N>) -> [Word; N] {
    let mut out = [Word {
        word: "",
        short: "",
    }; N];
    let mut at = 0;
    while at < N {
        (out[at].word, out[at].short) = (words[at].0, words[at].1);
        at += 1;
    }
    out
}

/// The word of a meaning. Each has one: a test walks through them.
pub(super) fn word<T: Copy + PartialEq, const N: usize>(
    words: &Words<T, N>,
    meaning: T,
) -> &'static str {
    let found = words.iter().find(|(_, _, it)| *it == meaning);
    found.map_or("", |(word, _, _)| word)
}

/// What a word means.
pub(super) fn meant<T: Copy, const N: usize>(words: &Words<T, N>, value: SettingValue) -> T {
    let said = value.word();
    let found = words.iter().find(|(word, _, _)| *word == said);
    found.expect("values are made of these words").2
}
