//! How two answers compare: by the tokens of their canvases if both have the same prompt, and by their words once both are
//! whole.

mod run;
mod words;

use std::ops::Range;

use unmask_core::fold::Mark;

use crate::state::{CanvasMoment, Turn};
pub use run::{RunComparison, runs};
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
    /// The step that decided it; `None` if it was there before the first step.
    pub step: Option<usize>,
    /// Where, as an offset in that answer.
    pub offset: usize,
    /// What stands there in both.
    pub texts: [String; 2],
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
            step: Some(1),
            offset: 2,
            texts: [" c".to_owned(), "a".to_owned()],
        };
        assert_eq!(end.first, Some(expected));
    }
}
