//! Mutated configurations: each is understood, or refused in a sentence that names the place.

use proptest::prelude::*;

use super::*;
use crate::mutation::{byte_changes, cases, change, in_time};

/// What may stand behind a key.
const VALUES: [&str; 20] = [
    "",
    "true",
    "0",
    "-1",
    "1",
    "18446744073709551616",
    "9223372036854775807",
    "0.5",
    "1e400",
    "nan",
    "-inf",
    "\"\"",
    "\"demo\"",
    "\"\\u0000\"",
    "\"../../..\"",
    "[]",
    "[[], {}]",
    "{}",
    "{a = {b = 1}}",
    "1979-05-27T07:32:00Z",
];

/// Everything that can be said, but for what excludes something else.
fn whole() -> String {
    let lines = files::documented().replace("= \"demo\"", "= \"KEY\"");
    let lines = lines.lines();
    let is_other = |it: &&str| files::WAYS[1..].iter().any(|way| it.starts_with(way));
    let kept = lines.filter(|it| !is_other(it));
    kept.map(|line| format!("{line}\n")).collect()
}

fn read(text: &str) {
    in_time("a configuration", || {
        match load(text, &Overrides::default(), &[]) {
            Ok(config) => drop(config.show(&config.explain())),
            Err(error) => assert!(error.len() > 10, "{error}"),
        }
    });
}

#[test]
fn the_configuration_that_is_changed_is_whole() {
    let read = load(&whole(), &Overrides::default(), &[]);
    assert!(read.is_ok(), "{read:?}");
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn a_configuration_with_other_values_is_read_or_refused(
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..24, any::<prop::sample::Index>()), 1..4),
    ) {
        let whole = whole();
        let mut lines: Vec<String> = whole.lines().map(str::to_owned).collect();
        for (at, what, other) in changes {
            let (at, other) = (at.index(lines.len()), other.index(lines.len()));
            match (VALUES.get(what), lines[at].split_once(" = ")) {
                (Some(value), Some((key, _))) => lines[at] = format!("{key} = {value}"),
                (Some(value), None) => lines[at] = (*value).to_owned(),
                (None, _) if what % 2 == 0 => lines.swap(at, other),
                (None, _) => lines[at] = lines[other].clone(),
            }
        }
        read(&lines.join("\n"));
    }

    #[test]
    fn a_configuration_with_other_bytes_is_read_or_refused(changes in byte_changes()) {
        let mut bytes = whole().into_bytes();
        change(&mut bytes, changes);
        read(&String::from_utf8_lossy(&bytes));
    }
}
