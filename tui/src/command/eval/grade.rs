//! When an answer counts as right.

use regex::Regex;
use serde::Deserialize;
use unmask_core::engine::{Failure, Loaded, Outcome, SpecialTokens};

/// How an answer is held against the right ones.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(try_from = "String")]
pub(super) enum Grade {
    /// It is one of them, whitespace around it apart.
    #[default]
    Exact,
    /// One of them is somewhere in it.
    Contains,
    /// The last number in it is one of them.
    Number,
    /// The first capital letter that stands alone in it, such as B or (B), is one of them.
    Choice,
    /// What the pattern finds last, its first group if it has one, is one of them.
    Regex(Box<Regex>),
}

/// What of an answer is judged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Over {
    /// What a reader sees: up to the first end token.
    #[default]
    Visible,
    /// The whole canvas, behind an end token too, special tokens left out: the reference's `eval_reverse.py`.
    Canvas,
}

impl TryFrom<String> for Grade {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "exact" => Ok(Self::Exact),
            "contains" => Ok(Self::Contains),
            "number" => Ok(Self::Number),
            "choice" => Ok(Self::Choice),
            other => match other.strip_prefix("regex:") {
                Some(pattern) => match Regex::new(pattern) {
                    Ok(pattern) => Ok(Self::Regex(Box::new(pattern))),
                    Err(error) => Err(format!("grade {other:?}: {error}")),
                },
                None => Err(format!(
                    "grade is `{other}`; write exact, contains, number, choice or regex:PATTERN"
                )),
            },
        }
    }
}

impl Grade {
    pub(super) fn is_right(&self, text: &str, answers: &[String]) -> bool {
        let mut answers = answers.iter().map(|it| it.trim());
        match self {
            Self::Exact => answers.any(|it| it == text.trim()),
            Self::Contains => answers.any(|it| text.contains(it)),
            Self::Number => {
                let last = numbers(text).last();
                last.is_some_and(|last| answers.any(|it| numbers(it).next() == Some(last)))
            }
            Self::Choice => choice(text).is_some_and(|letter| answers.any(|it| it == letter)),
            Self::Regex(pattern) => {
                let found = pattern.captures_iter(text).last();
                let found = found.and_then(|it| it.get(1).or_else(|| it.get(0)));
                found.is_some_and(|found| answers.any(|it| it == found.as_str().trim()))
            }
        }
    }
}

impl Over {
    pub(super) fn text(self, outcome: &Outcome, loaded: &Loaded) -> Result<String, Failure> {
        match self {
            Self::Visible => Ok(outcome.text.clone()),
            Self::Canvas => {
                let answer = outcome.canvas.answer();
                loaded.text.decode(answer, SpecialTokens::LeftOut)
            }
        }
    }
}

/// The numbers of a text, without the commas within them: `-1,234.50` is -1234.5.
fn numbers(text: &str) -> impl Iterator<Item = f64> {
    let is_part = |letter: char| letter.is_ascii_digit() || ".,-".contains(letter);
    let pieces = text.split(move |letter| !is_part(letter));
    pieces.filter_map(|piece| {
        let piece = piece.trim_matches([',', '.']).replace(',', "");
        // A sign belongs to the number that it stands before.
        let start = piece.rfind('-').unwrap_or(0);
        let number = piece.get(start..)?;
        number.parse().ok().filter(|it: &f64| it.is_finite())
    })
}

/// The first capital letter that is a word by itself, but for the words A and I, which are letters only if nothing follows
/// them but the end or a mark.
fn choice(text: &str) -> Option<&str> {
    let letters = text.match_indices(|it: char| it.is_ascii_uppercase());
    letters
        .filter(|(at, _)| {
            let before = text[..*at].chars().next_back();
            let after = text[at + 1..].chars().next();
            let is_word =
                |it: Option<char>| it.is_some_and(|it| it.is_alphanumeric() || it == '\'');
            let reads_on = matches!(&text[*at..=*at], "A" | "I") && after == Some(' ');
            !is_word(before) && !is_word(after) && !reads_on
        })
        .map(|(_, letter)| letter)
        .next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(grade: &str, text: &str, answers: &[&str], is_right: bool) {
        let grade = Grade::try_from(grade.to_owned()).expect("it is one");
        let answers: Vec<String> = answers.iter().map(|&it| it.to_owned()).collect();
        assert_eq!(grade.is_right(text, &answers), is_right, "{text:?}");
    }

    #[test]
    fn each_grade_counts_what_it_says() {
        check("exact", " Paris\n", &["Rome", "Paris "], true);
        check("exact", "It is Paris", &["Paris"], false);
        check("contains", "It is Paris.", &["Paris"], true);
        check("contains", "It is Rome.", &["Paris"], false);
        check("number", "3 and 4 make 7.", &["7"], true);
        check("number", "So it is 1,234.50 in all", &["1234.5"], true);
        check("number", "It is 2-5 = -3.", &["-3"], true);
        check("number", "7 is not 8", &["7"], false);
        check("number", "none", &["7"], false);
        check("choice", "The answer is (B).", &["B"], true);
        check("choice", "B", &["B"], true);
        check("choice", "A man chose C, not D", &["C"], true);
        check("choice", "I think A.", &["A"], true);
        check("choice", "Because", &["B"], false);
        check("regex:#### (\\d+)", "#### 1 or #### 42", &["42"], true);
        check("regex:[ab]+", "xx abba", &["abba"], true);
        check("regex:#### (\\d+)", "42", &["42"], false);
    }

    #[test]
    fn an_unknown_grade_is_refused_with_those_that_there_are() {
        let error = Grade::try_from("fuzzy".to_owned()).expect_err("it is none");
        assert!(error.contains("`fuzzy`; write exact, "), "{error}");
        let error = Grade::try_from("regex:(".to_owned()).expect_err("it is none");
        assert!(error.contains("unclosed"), "{error}");
    }
}
