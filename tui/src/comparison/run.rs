//! Two whole runs: how they were made, what they cost, and what of their answers is the same.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use unmask_core::TokenId;
use unmask_core::params::Transfer;
use unmask_core::wire::RunSettings;

use super::{ShownComparison, TokenDifference, have_same_prompt, names};
use crate::layout::answer_found;
use crate::state::Turn;

/// Of what one of them has where they differ, in a line.
pub const LINE_CELLS: usize = 60;

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
    /// Both answers at their ends, as the screen shows them.
    pub ends: ShownComparison,
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
        parts_at: match same_prompt && plan(first) == plan(second) {
            true => parts_at(first, second),
            false => None,
        },
        ends: ends(both),
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

fn ends(both: [&Turn; 2]) -> ShownComparison {
    let moments = both.map(|turn| turn.log().moment(turn.log().entries.len()));
    ShownComparison::of((both[0], &moments[0]), (both[1], &moments[1]))
}

/// What says how many tokens each step decides: only where that is alike do steps mean the same.
fn plan(turn: &Turn) -> (usize, usize, usize, &Transfer) {
    let params = &turn.log().params;
    let (steps, block_length) = (params.steps, params.block_length);
    (turn.answer().len(), steps, block_length, &params.transfer)
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
                    names: names(second),
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
        if let Some(it) = &self.ends.first {
            let [said, _] = it.said(LINE_CELLS);
            lines += &format!("first difference: {said}\n");
        }
        if let Some(words) = &self.ends.words {
            lines += &format!("words: {} of {} the same\n", words.same, words.longer);
        }
        if let Some(it) = &self.first_other {
            let ([said, _], token) = (it.said(LINE_CELLS), it.names[1]);
            lines += &format!("the second’s first other {token}: {said}\n");
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
        let difference = |it: &TokenDifference| {
            let of = ["first", "second"][it.of];
            json!({ "of": of, "step": it.step, "offset": it.offset, "texts": it.texts })
        };
        let words = self.ends.words.as_ref();
        json!({
            "same_prompt": self.same_prompt,
            "settings": self.settings,
            "forwards": self.forwards,
            "seconds": self.seconds,
            "tokens": self.tokens,
            "parts_at_step": self.parts_at,
            "first_difference": self.ends.first.as_ref().map(difference),
            "first_other_commit": self.first_other.as_ref().map(difference),
            "words": words.map(|it| json!({ "same": it.same, "longer": it.longer })),
            "first_other_token": self.first_token,
            "agreement_by_position": self.by_position,
            "agreement_aligned": self.aligned,
            "same_text": self.same_text,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::turn;
    use super::*;
    use crate::fixture;

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
        let other_plan = unmask_core::Params {
            steps: 3,
            ..unmask_core::Params::default()
        };
        let mut planned = second.clone();
        planned.lay_out(unmask_core::Canvas::new(&[], 4, fixture::MASK), &other_plan);
        assert_eq!(runs(&first, &planned).parts_at, None);
        let first_difference = compared.ends.first.as_ref().map(|it| (it.of, it.step));
        assert_eq!(first_difference, Some((0, Some(1))));
        let lines = compared.lines();
        let named = "first difference: step 1, token 0 “a” / “aa”";
        let words = "words: 2 of 4 the same";
        assert!(lines.contains(named) && lines.contains(words), "{lines}");
        let json = compared.json();
        assert_eq!(json["first_difference"]["of"], "first");
        assert_eq!(json["words"], json!({ "same": 2, "longer": 4 }));
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
