//! How two answers compare: by the tokens of their canvases if both have the same prompt, and by their words once both are
//! whole.

mod run;
mod words;

use std::ops::Range;

use unmask_core::fold::Mark;

use crate::amount::counted;
use crate::clean::clean_line;
use crate::row::cut;
use crate::state::{CanvasMoment, Turn};
pub use run::{LINE_CELLS, RunComparison, runs};
pub use words::{WordChange, WordComparison};

/// An answer at one of its steps.
pub type AnswerMoment<'a> = (&'a Turn, &'a CanvasMoment);

/// Two answers as they are shown.
#[derive(Debug, Clone, PartialEq)]
pub struct ShownComparison {
    /// By their tokens; `None` if their prompts are other tokens, so that positions mean nothing.
    pub tokens: Option<CanvasComparison>,
    /// By their words; `None` while one of them is not whole.
    pub words: Option<WordComparison>,
    /// The difference that one of them came to first.
    pub first: Option<TokenDifference>,
}

/// Two canvases as they are shown.
#[derive(Debug, Clone, PartialEq)]
pub struct CanvasComparison {
    /// Offsets that are decided in both, as other tokens.
    pub differing: Vec<usize>,
    /// How many offsets are decided in both.
    pub decided: usize,
    /// The difference that the first one came to first.
    pub first: Option<TokenDifference>,
}

/// A token, or a word of several, that is another one in the second answer.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenDifference {
    /// The answer whose step and offset it has, 0 or 1: the first, unless the second one alone has something there.
    pub of: usize,
    /// What a step and a token of that answer are called.
    pub names: [&'static str; 2],
    /// The step that decided it; `None` if it was there before the first step.
    pub step: Option<usize>,
    /// Where, as an offset in that answer.
    pub offset: usize,
    /// What stands there in both.
    pub texts: [String; 2],
}

impl TokenDifference {
    /// `step 9, token 13 “exactly” / “only”`, and the same without the token where there is a step. Of what stands there so
    /// many cells are shown.
    #[must_use]
    pub fn said(&self, cells: usize) -> [String; 2] {
        let texts = [0, 1].map(|at| match self.texts[at].as_str() {
            "" => "nothing".to_owned(),
            text => format!("“{}”", cut(&clean_line(text.trim_start()), cells)),
        });
        let texts = texts.join(" / ");
        let token = format!("{} {}", self.names[1], self.offset);
        match self.step.map(|at| format!("{} {at}", self.names[0])) {
            Some(step) => [
                format!("{step}, {token} {texts}"),
                format!("{step} {texts}"),
            ],
            None => [(); 2].map(|()| format!("{token} {texts}")),
        }
    }
}

/// True if the same tokens were asked, so that offsets mean the same.
#[must_use]
pub fn have_same_prompt(first: &Turn, second: &Turn) -> bool {
    let prompt = |turn: &Turn| turn.canvas().tokens()[..turn.canvas().answer_start()].to_vec();
    prompt(first) == prompt(second) && first.mask() == second.mask()
}

impl ShownComparison {
    /// Compares two answers at these moments.
    #[must_use]
    pub fn of(first: AnswerMoment<'_>, second: AnswerMoment<'_>) -> Self {
        let is_alike = have_same_prompt(first.0, second.0);
        let tokens = is_alike.then(|| canvases(first, second));
        let words = WordComparison::of([first, second]);
        let of_tokens = || tokens.as_ref().and_then(|it| it.first.clone());
        Self {
            first: match &words {
                Some(words) => words.first([first, second]),
                None => of_tokens(),
            },
            tokens,
            words,
        }
    }

    /// The tokens of both that are others in each place where they differ: whole words as soon as there are words, since one
    /// more of them shifts all tokens behind it.
    #[must_use]
    pub fn places(&self) -> Vec<[Range<usize>; 2]> {
        match (&self.words, &self.tokens) {
            (Some(words), _) => words.changes.iter().map(|it| it.tokens.clone()).collect(),
            (None, Some(tokens)) => {
                let places = tokens.differing.iter();
                places.map(|&at| [at..at + 1, at..at + 1]).collect()
            }
            (None, None) => Vec::new(),
        }
    }

    /// `first difference: step 9, token 13 “exactly” / “only”  ·  same so far: 43 of 44`, then the same in ever fewer words.
    #[must_use]
    pub fn said(&self, cells: usize) -> Vec<String> {
        let common = self.in_common();
        match self.first.as_ref().map(|first| first.said(cells)) {
            None => vec![format!("{}  ·  {common}", self.no_difference())],
            Some([whole, short]) => vec![
                format!("first difference: {whole}  ·  {common}"),
                format!("first difference: {short}  ·  {common}"),
                format!("{short}  ·  {common}"),
            ],
        }
    }

    /// What is said where they differ in no place.
    #[must_use]
    pub fn no_difference(&self) -> &'static str {
        let is_of_other_tokens = |it: &CanvasComparison| !it.differing.is_empty();
        match (&self.words, &self.tokens) {
            (None, None) => "the prompts are other tokens",
            (Some(words), _) if !words.same_text => "no difference but spaces",
            (Some(_), Some(tokens)) if is_of_other_tokens(tokens) => "no difference in the text",
            (Some(_), _) | (None, Some(_)) => "no difference",
        }
    }

    fn in_common(&self) -> String {
        match (&self.words, &self.tokens) {
            (Some(words), _) => {
                let all = counted(words.longer, "word");
                format!("{} of {all} the same", words.same)
            }
            (None, Some(tokens)) => {
                let same = tokens.decided - tokens.differing.len();
                format!("same so far: {same} of {}", tokens.decided)
            }
            (None, None) => "words are compared once both are whole".to_owned(),
        }
    }
}

/// What a step and a token of an answer are called.
fn names(turn: &Turn) -> [&'static str; 2] {
    [turn.loaded.step_word(), turn.loaded.token_word()]
}

/// Compares two canvases at these moments.
#[must_use]
pub fn canvases(
    (first, now): AnswerMoment<'_>,
    (second, then): AnswerMoment<'_>,
) -> CanvasComparison {
    let marks = [now, then].map(|moment| moment.fold.answer_marks());
    let tokens = [now, then].map(|moment| moment.fold.canvas().answer());
    let length = tokens[0].len().min(tokens[1].len());
    let is_decided = |at: &usize| {
        let is = |marks: &[Mark]| marks.get(*at).is_some_and(|it| *it != Mark::Masked);
        is(marks[0]) && is(marks[1])
    };
    let decided: Vec<usize> = (0..length).filter(is_decided).collect();
    let differs = |at: &&usize| tokens[0][**at] != tokens[1][**at];
    let differing: Vec<usize> = decided.iter().filter(differs).copied().collect();
    let step = |at: usize| first.story(now, at).and_then(|it| it.step);
    let earliest = differing.iter().min_by_key(|&&at| (step(at), at));
    CanvasComparison {
        first: earliest.map(|&at| TokenDifference {
            of: 0,
            names: names(first),
            step: step(at),
            offset: at,
            texts: [
                first.token_text(tokens[0][at]),
                second.token_text(tokens[1][at]),
            ],
        }),
        differing,
        decided: decided.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{self, FixtureCell};

    const CELLS: &[FixtureCell] = &[
        FixtureCell::Text(b"a"),
        FixtureCell::Text(b" b"),
        FixtureCell::Text(b" c"),
        FixtureCell::Text(b" d"),
    ];

    /// A turn that commits these cells, one a step, at the offsets beside them.
    pub(super) fn turn(commits: &[(usize, usize)]) -> Turn {
        let id = unmask_core::engine::TurnId(1);
        let mut turn = Turn::new(id, fixture::loaded(CELLS), "?".to_owned());
        let canvas = unmask_core::Canvas::new(&[], 4, fixture::MASK);
        turn.lay_out(canvas, &unmask_core::Params::default());
        for (step, &(at, cell)) in commits.iter().enumerate() {
            let commit = fixture::new(at, fixture::token(CELLS, cell), 0.5);
            turn.replay_step(fixture::step(step + 1, commits.len(), vec![commit]));
        }
        turn
    }

    #[test]
    fn two_canvases_are_compared_where_both_are_decided() {
        let (first, second) = (
            turn(&[(2, 2), (0, 0), (1, 1)]),
            turn(&[(0, 0), (1, 3), (2, 0)]),
        );
        let at = |count: usize| {
            let moments = [&first, &second].map(|turn| turn.log().moment(count));
            canvases((&first, &moments[0]), (&second, &moments[1]))
        };
        assert_eq!((at(1).decided, at(1).first), (0, None));
        assert_eq!((at(2).decided, at(2).differing), (1, vec![]));
        let end = at(3);
        assert_eq!((end.decided, end.differing), (3, vec![1, 2]));
        // The first answer came to the third token first.
        let expected = TokenDifference {
            of: 0,
            names: ["step", "token"],
            step: Some(1),
            offset: 2,
            texts: [" c".to_owned(), "a".to_owned()],
        };
        assert_eq!(
            expected.said(9),
            ["step 1, token 2 “c” / “a”", "step 1 “c” / “a”"]
        );
        let given = TokenDifference {
            step: None,
            names: ["part", "byte"],
            texts: [" a long word".to_owned(), String::new()],
            ..expected.clone()
        };
        assert_eq!(given.said(6), ["byte 2 “a lon…” / nothing"; 2]);
        assert_eq!(end.first, Some(expected));
    }
}
