//! How two answers compare: by the tokens of their canvases if both have the same prompt, and by their words once both are
//! whole.

mod words;

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::{Value, json};
use unmask_core::TokenId;
use unmask_core::fold::Mark;
use unmask_core::wire::RunSettings;

use crate::layout::answer_found;
use crate::state::{CanvasMoment, Turn};
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

/// Two whole runs.
#[derive(Debug, Clone, PartialEq)]
pub struct RunComparison {
    /// Whether their tokens can be compared: the same tokens were asked.
    pub same_prompt: bool,
    /// Settings that are others, each with both values.
    pub settings: BTreeMap<String, [Value; 2]>,
    /// Forwards of both; `None` if one is of a server that does not tell.
    pub forwards: Option<[usize; 2]>,
    /// Seconds of both.
    pub seconds: [f64; 2],
    /// Tokens of text of both, likewise.
    pub tokens: Option<[usize; 2]>,
    /// The first step after which the canvases are not the same; for equal plans.
    pub parts_at: Option<usize>,
    /// The second one's first commit that the first one's answer does not hold.
    pub first_other: Option<TokenDifference>,
    /// The first token of the text that is another one.
    pub first_token: Option<usize>,
    /// The share of equal tokens, position by position, of the longer text.
    pub by_position: Option<f64>,
    /// The same once what was inserted or left out is aligned.
    pub aligned: Option<f64>,
    /// Whether the texts are the same, blanks at their ends apart.
    pub same_text: bool,
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

/// Compares two runs.
#[must_use]
pub fn runs(first: &Turn, second: &Turn) -> RunComparison {
    let both = [first, second];
    let same_prompt = have_same_prompt(first, second);
    let texts = both.map(answer_found);
    let visible = both.map(|turn| turn.text_tokens().collect::<Vec<TokenId>>());
    let longer = visible[0].len().max(visible[1].len());
    let equal = visible[0].iter().zip(&visible[1]).filter(|(a, b)| a == b);
    let share = |same: usize| match longer {
        0 => 1.0,
        longer => same as f64 / longer as f64,
    };
    let edits = || {
        let ids = [Ids(&visible[0]), Ids(&visible[1])];
        // Its types are said: where the system's crates are walked over by reference, as on macOS, they are not found.
        strsim::generic_levenshtein::<Ids<'_>, Ids<'_>, &TokenId, &TokenId>(&ids[0], &ids[1])
    };
    let are_known = !both.iter().any(|turn| turn.loaded.text_alone);
    RunComparison {
        same_prompt,
        settings: settings(first, second),
        forwards: are_known.then(|| both.map(|turn| turn.nfe)),
        seconds: both.map(|turn| turn.elapsed.as_secs_f64()),
        tokens: are_known.then(|| [visible[0].len(), visible[1].len()]),
        parts_at: parts_at(first, second).filter(|_| same_prompt),
        first_other: first_other(first, second).filter(|_| same_prompt),
        first_token: match same_prompt {
            true => (0..longer).find(|&at| visible[0].get(at) != visible[1].get(at)),
            false => None,
        },
        by_position: same_prompt.then(|| share(equal.count())),
        aligned: same_prompt.then(|| share(longer.saturating_sub(edits()))),
        same_text: texts[0].trim() == texts[1].trim(),
    }
}

/// Tokens as what `strsim` walks over.
struct Ids<'a>(&'a [TokenId]);

impl<'b> IntoIterator for &'b Ids<'_> {
    type Item = &'b TokenId;
    type IntoIter = std::slice::Iter<'b, TokenId>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

fn settings(first: &Turn, second: &Turn) -> BTreeMap<String, [Value; 2]> {
    let of = |turn: &Turn| RunSettings::of(&turn.log().params, turn.answer().len()).settings;
    let (mine, other) = (of(first), of(second));
    let mut all = BTreeMap::new();
    for key in mine.keys().chain(other.keys()) {
        let values = [&mine, &other].map(|it| it.get(key).cloned().unwrap_or(Value::Null));
        if values[0] != values[1] {
            all.insert(key.clone(), values);
        }
    }
    let loaded = [first, second].map(|turn| &turn.loaded);
    let parts: [(&str, [&String; 2]); 3] = [
        ("model", loaded.map(|it| &it.name)),
        ("backend", loaded.map(|it| &it.backend)),
        ("precision", loaded.map(|it| &it.facts.precision)),
    ];
    for (key, values) in parts {
        if values[0] != values[1] {
            all.insert(key.to_owned(), values.map(|it| json!(it)));
        }
    }
    all
}

fn parts_at(first: &Turn, second: &Turn) -> Option<usize> {
    let steps = [first, second].map(|turn| turn.log().steps().count());
    let tokens = |turn: &Turn, count: usize| {
        let moment = turn.log().moment(turn.log().entries_of(count));
        moment.fold.canvas().tokens().to_vec()
    };
    (1..=steps[0].max(steps[1])).find(|&count| tokens(first, count) != tokens(second, count))
}

fn first_other(first: &Turn, second: &Turn) -> Option<TokenDifference> {
    let answer = first.answer();
    let start = second.canvas().answer_start();
    for step in second.log().steps() {
        for commit in &step.commits {
            let offset = commit.at.index().checked_sub(start)?;
            let held = answer.get(offset).copied();
            let is_known = held.is_some_and(|token| token != first.mask());
            if is_known && held != Some(commit.token) && commit.token != second.mask() {
                return Some(TokenDifference {
                    of: 1,
                    step: Some(step.step),
                    offset,
                    texts: [first.token_text(held?), second.token_text(commit.token)],
                });
            }
        }
    }
    None
}

impl RunComparison {
    /// In lines for people.
    #[must_use]
    pub fn lines(&self) -> String {
        let mut lines = String::new();
        for (key, [first, second]) in &self.settings {
            lines += &format!("{key:<16} {first} · {second}\n");
        }
        if let Some([more, fewer]) = self.forwards {
            let saved = 100.0 * (1.0 - fewer as f64 / more.max(1) as f64);
            lines += &format!("forwards         {more} · {fewer} ({saved:+.0} % saved)\n");
        }
        let seconds = self.seconds;
        lines += &format!("seconds          {:.2} · {:.2}\n", seconds[0], seconds[1]);
        if let (Some(tokens), Some(forwards)) = (self.tokens, self.forwards) {
            let per = |at: usize| tokens[at] as f64 / forwards[at].max(1) as f64;
            lines += &format!("tokens           {} · {}\n", tokens[0], tokens[1]);
            lines += &format!("tokens a forward {:.2} · {:.2}\n", per(0), per(1));
        }
        if !self.same_prompt {
            lines += "the prompts are other tokens: only the texts can be compared\n";
        }
        if let Some(step) = self.parts_at {
            lines += &format!("the canvases part after step {step}\n");
        }
        if let Some(it) = &self.first_other {
            let step = it
                .step
                .map_or_else(String::new, |step| format!("step {step}, "));
            lines += &format!(
                "first difference: {step}token {}: “{}” · “{}”\n",
                it.offset, it.texts[0], it.texts[1]
            );
        }
        if let Some(at) = self.first_token {
            lines += &format!("first other token of the text: {at}\n");
        }
        if let (Some(by_position), Some(aligned)) = (self.by_position, self.aligned) {
            lines += &format!(
                "agreement: {:.1} % by position, {:.1} % aligned\n",
                100.0 * by_position,
                100.0 * aligned
            );
        }
        lines += match self.same_text {
            true => "the texts are the same\n",
            false => "the texts differ\n",
        };
        lines
    }

    /// As one JSON object.
    #[must_use]
    pub fn json(&self) -> Value {
        let difference = self
            .first_other
            .as_ref()
            .map(|it| json!({ "step": it.step, "offset": it.offset, "texts": it.texts }));
        json!({
            "same_prompt": self.same_prompt,
            "settings": self.settings,
            "forwards": self.forwards,
            "seconds": self.seconds,
            "tokens": self.tokens,
            "parts_at_step": self.parts_at,
            "first_difference": difference,
            "first_other_token": self.first_token,
            "agreement_by_position": self.by_position,
            "agreement_aligned": self.aligned,
            "same_text": self.same_text,
        })
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
    fn turn(commits: &[(usize, usize)]) -> Turn {
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

    #[test]
    fn an_insertion_shifts_positions_and_is_aligned() {
        let first = turn(&[(0, 0), (1, 1), (2, 2), (3, 3)]);
        let second = turn(&[(0, 0), (1, 0), (2, 1), (3, 2)]);
        let compared = runs(&first, &second);
        assert_eq!(compared.by_position, Some(0.25));
        assert_eq!(compared.aligned, Some(0.5));
        assert_eq!(
            (compared.parts_at, compared.first_token),
            (Some(2), Some(1))
        );
        assert!(!compared.same_text && compared.same_prompt);
        let same = runs(&first, &first.clone());
        assert_eq!((same.by_position, same.parts_at), (Some(1.0), None));
        assert!(same.same_text && same.first_other.is_none() && same.settings.is_empty());
        assert!(
            same.lines().contains("100.0 % by position"),
            "{}",
            same.lines()
        );
    }
}
