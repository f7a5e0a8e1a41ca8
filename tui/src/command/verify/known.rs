//! Failures that are expected, from a file.

use std::ops::Range;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;
use unmask_conformance::{CASES, Gap, Grid};
use unmask_core::regular_file::{SMALL, read_text};

use super::super::Usage;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    gap: Vec<Spanned<Gap>>,
}

/// The gaps in the file at `path`.
///
/// # Errors
/// If it is none, naming the line and what to do.
pub(super) fn read(path: &Path) -> Result<Vec<Gap>, Usage> {
    let text = read_text(path, SMALL)
        .map_err(|error| Usage(format!("cannot read {}: {error}", path.display())))?;
    parse(&text).map_err(|(span, what)| {
        let before = text.get(..span.start).unwrap_or(&text);
        let line = before.matches('\n').count() + 1;
        Usage(format!("{}:{line}: {what}", path.display()))
    })
}

fn parse(text: &str) -> Result<Vec<Gap>, (Range<usize>, String)> {
    let file: File = toml::from_str(text).map_err(|error| {
        let what = error.message().trim_end();
        let what = format!("{what}; write [[gap]] with backend, precision, case and why");
        (error.span().unwrap_or(0..0), what)
    })?;
    file.gap.into_iter().map(checked).collect()
}

/// `Err` if the suite has no such case, or nobody would know why it fails.
fn checked(gap: Spanned<Gap>) -> Result<Gap, (Range<usize>, String)> {
    let (span, gap) = (gap.span(), gap.into_inner());
    if !Grid::has(&gap.case) {
        let distance = |name: &&str| strsim::damerau_levenshtein(name, &gap.case);
        let nearest = CASES.iter().map(|case| case.name).min_by_key(distance);
        let what = format!(
            "there is no case `{}`; the nearest is {}",
            gap.case,
            nearest.unwrap_or_default()
        );
        return Err((span, what));
    }
    match gap.why.trim().is_empty() {
        true => Err((
            span,
            "a known failure has a reason; write it as `why`".to_owned(),
        )),
        false => Ok(gap),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, line: usize, words: &str) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("known.toml");
        std::fs::write(&path, text).expect("the folder is ours");
        let Err(Usage(message)) = read(&path) else {
            panic!("{text} is read");
        };
        assert!(
            message.contains(&format!("known.toml:{line}: ")),
            "{message}"
        );
        assert!(message.contains(words), "{message}");
    }

    const GOOD: &str = "[[gap]]\nbackend = \"x\"\nprecision = \"f32\"\ncase = \"all_numbers_are_finite\"\nwhy = \"it rounds\"\n";

    #[test]
    fn a_line_of_the_file_is_a_gap() {
        let gaps = parse(GOOD).expect("it is well formed");
        assert_eq!(gaps.len(), 1);
        assert_eq!(gaps[0].case, "all_numbers_are_finite");
        assert_eq!(parse("").map(|gaps| gaps.len()), Ok(0));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line_and_what_to_do() {
        check("[[gap]]\nbackend = 3\n", 2, "[[gap]]");
        check("[[gap]\n", 1, "[[gap]]");
        check("\n[[gap]]\nbackend = \"x\"\n", 2, "precision");
        check("[[gaps]]\n", 1, "gaps");
        let typo = GOOD.replace("finite", "finit");
        check(&format!("{GOOD}{typo}"), 6, "all_numbers_are_finite");
        check(&GOOD.replace("it rounds", " "), 1, "why");
    }
}
