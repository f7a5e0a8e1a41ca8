//! Streams of every commit order add up to the whole answer, whatever the tokens are cut into and wherever stops lie.

use proptest::prelude::*;
use unmask_core::Position;
use unmask_core::event::Stats;
use unmask_core::params::{Editing, Growth, Wino};

use super::*;
use crate::fixture::{END, MASK, model, pieces};

/// A turn that commits the tokens of an answer in this order, some a step.
#[derive(Debug)]
struct Played {
    canvas: Canvas,
    answer: Vec<TokenId>,
    order: Vec<usize>,
    at_once: usize,
}

impl Played {
    fn new(answer: &[TokenId], order: Vec<usize>, at_once: usize) -> Self {
        Self {
            canvas: Canvas::new(&[TokenId(2)], answer.len(), MASK),
            answer: answer.to_vec(),
            order,
            at_once,
        }
    }

    fn commit(&self, offset: usize) -> Commit {
        Commit {
            at: Position((self.canvas.answer_start() + offset) as u32),
            token: self.answer[offset],
            was: None,
            confidence: 0.5,
            entropy: 0.0,
            kind: CommitKind::New,
            top: Vec::new(),
        }
    }

    fn steps(&self) -> Vec<StepEvent> {
        let steps = self.order.chunks(self.at_once);
        let n = steps.len();
        let step = |(at, offsets): (usize, &[usize])| {
            step(
                at + 1,
                n,
                offsets.iter().map(|&it| self.commit(it)).collect(),
            )
        };
        steps.enumerate().map(step).collect()
    }

    fn outcome(&self) -> Outcome {
        let mut canvas = self.canvas.clone();
        self.order
            .iter()
            .for_each(|&it| canvas.apply(&self.commit(it)));
        outcome(canvas, FinishReason::Complete)
    }

    /// What is streamed, part by part, and the text's length in tokens.
    fn stream(&self, rule: &TextRule, params: &Params) -> (Vec<String>, AnswerText) {
        let mut text = AnswerText::new(&model(), &self.canvas, params, rule.clone());
        let steps = self.steps();
        let mut deltas: Vec<TextDelta> = (steps.iter())
            .map(|it| text.step(it).expect("steps fit"))
            .collect();
        deltas.push(text.finish(&self.outcome()).expect("the end fits"));
        let told: usize = deltas.iter().map(|it| it.tokens.len()).sum();
        assert_eq!(told, text.n_tokens(), "those of the text and no others");
        let parts = deltas.into_iter().map(|it| it.text);
        (parts.collect(), text)
    }

    /// The same without a step being told of: what is answered as a whole.
    fn whole(&self, rule: &TextRule) -> String {
        let outcome = self.outcome();
        let mut text = AnswerText::new(&model(), &outcome.canvas, &Params::default(), rule.clone());
        text.finish(&outcome).expect("the end fits").text
    }
}

fn step(at: usize, steps: usize, commits: Vec<Commit>) -> StepEvent {
    StepEvent {
        step: at,
        steps,
        call: at - 1,
        block: 0,
        blocks: 1,
        fed: 0..0,
        commits,
        guesses: Vec::new(),
        length: 0,
        masked: 0,
        elapsed: std::time::Duration::ZERO,
        forward: std::time::Duration::ZERO,
        nfe: at,
        nfe_saved: 0.0,
    }
}

fn outcome(canvas: Canvas, reason: FinishReason) -> Outcome {
    Outcome {
        canvas,
        text: String::new(),
        holes: Vec::new(),
        reason,
        stats: Stats::default(),
    }
}

/// Tokens of the fixture by what they stand for.
fn tokens(texts: &[&[u8]]) -> Vec<TokenId> {
    let id = |text: &&[u8]| {
        let at = pieces().iter().position(|(piece, _)| piece == text);
        TokenId(at.expect("it is in the vocabulary") as u32)
    };
    texts.iter().map(id).collect()
}

fn rule(stops: &[&str], ceiling: Option<usize>) -> TextRule {
    TextRule {
        shown: None,
        ceiling,
        stops: Stops::new(stops.iter().map(|&it| it.to_owned())),
    }
}

#[test]
fn text_comes_as_soon_as_nothing_before_it_is_masked() {
    let played = Played::new(&tokens(&[b"a", b"b", b"ab", b"\n"]), vec![1, 0, 3, 2], 1);
    let (parts, text) = played.stream(&rule(&[], None), &Params::default());
    assert_eq!(parts, ["", "ab", "", "ab\n", ""]);
    assert_eq!((text.n_tokens(), text.cut()), (4, None));
}

#[test]
fn halves_of_characters_and_what_may_begin_a_stop_are_held_back() {
    let answer = tokens(&[b"a", b"\xc3", b"\xa9", b"\n", b"\n", b"b"]);
    let played = Played::new(&answer, (0..6).collect(), 1);
    let (parts, text) = played.stream(&rule(&["\n\n"], None), &Params::default());
    assert_eq!(parts, ["a", "", "é", "", "", "", ""]);
    assert_eq!((text.n_tokens(), text.cut()), (3, Some(TextCut::Stop)));
}

#[test]
fn a_ceiling_cuts_the_text_and_an_end_token_ends_it() {
    let mut answer = tokens(&[b"a", b"b", b"ab", b"a"]);
    let played = Played::new(&answer, (0..4).collect(), 1);
    let (parts, text) = played.stream(&rule(&[], Some(2)), &Params::default());
    assert_eq!(parts.concat(), "ab");
    assert_eq!((text.n_tokens(), text.cut()), (2, Some(TextCut::Ceiling)));
    answer[2] = END;
    let played = Played::new(&answer, (0..4).collect(), 1);
    let (parts, text) = played.stream(&rule(&[], Some(2)), &Params::default());
    assert_eq!((parts.concat().as_str(), text.cut()), ("ab", None));
}

#[test]
fn where_a_sampler_may_take_tokens_back_its_block_is_held() {
    let played = Played::new(&tokens(&[b"a", b"b", b"a", b"b"]), (0..4).collect(), 1);
    let of_block = |params: Params| {
        let mut text = AnswerText::new(&model(), &played.canvas, &params, TextRule::default());
        let mut steps = played.steps();
        // The last two lie in a block of their own.
        (2..4).for_each(|at| (steps[at].block, steps[at].blocks) = (1, 2));
        let told: Vec<String> = (steps.iter())
            .map(|it| text.step(it).expect("steps fit").text)
            .collect();
        told
    };
    let params = Params {
        block_length: 2,
        ..Params::default()
    };
    let editing = Params {
        editing: Some(Editing::new(0.5)),
        ..params.clone()
    };
    assert_eq!(of_block(params.clone()), ["a", "b", "a", "b"]);
    assert_eq!(of_block(editing), ["", "", "ab", ""]);
    let growing = Params {
        growth: Growth::Auto,
        ..params
    };
    assert_eq!(of_block(growing), ["", "", "", ""]);
}

#[test]
fn a_stopped_answer_ends_at_its_first_mask() {
    let answer = tokens(&[b"a", b"b", b"a"]);
    let played = Played::new(&answer, vec![0, 2], 1);
    let mut text = AnswerText::new(
        &model(),
        &played.canvas,
        &Params::default(),
        rule(&[], None),
    );
    for step in played.steps() {
        text.step(&step).expect("steps fit");
    }
    let mut canvas = played.canvas.clone();
    [0, 2]
        .iter()
        .for_each(|&it| canvas.apply(&played.commit(it)));
    let delta = text.finish(&outcome(canvas, FinishReason::Stopped));
    assert_eq!(delta.expect("the end fits").text, "");
    assert_eq!(text.n_tokens(), 1);
}

#[test]
fn of_a_hole_only_what_is_in_it_is_shown() {
    let answer = tokens(&[b"a", b"b", b"ab", b"a"]);
    let played = Played::new(&answer, vec![3, 2, 1, 0], 2);
    let rule = TextRule {
        shown: Some(1..3),
        ..TextRule::default()
    };
    let (parts, _) = played.stream(&rule, &Params::default());
    assert_eq!(parts, ["", "bab", ""]);
}

#[test]
fn tokens_are_told_once_with_the_confidence_of_their_commit() {
    let played = Played::new(&tokens(&[b"a", b"b"]), vec![1, 0], 1);
    let mut text = AnswerText::new(
        &model(),
        &played.canvas,
        &Params::default(),
        TextRule::default(),
    );
    let counts: Vec<usize> = (played.steps().iter())
        .map(|it| text.step(it).expect("steps fit").tokens)
        .map(|it| it.iter().filter(|it| it.confidence == 0.5).count())
        .collect();
    assert_eq!(counts, [0, 2]);
    let end = text.finish(&played.outcome()).expect("the end fits");
    assert_eq!(end.tokens, []);
}

prop_compose! {
    /// An answer of the fixture's tokens, its positions in some order.
    fn played()(
        ids in prop::collection::vec(1..pieces().len() as u32, 1..24),
        at_once in 1_usize..4,
    )(
        order in Just((0..ids.len()).collect::<Vec<_>>()).prop_shuffle(),
        ids in Just(ids),
        at_once in Just(at_once),
    ) -> Played {
        let answer: Vec<TokenId> = ids.into_iter().map(TokenId).collect();
        Played::new(&answer, order, at_once)
    }
}

proptest! {
    #[test]
    fn the_sum_of_a_stream_is_the_whole_answer(
        played in played(),
        stops in prop::collection::vec("[ab\n<é]{1,3}", 0..3),
        ceiling in prop::option::of(1_usize..24),
        by_block in any::<bool>(),
    ) {
        let stops: Vec<&str> = stops.iter().map(String::as_str).collect();
        let rule = rule(&stops, ceiling);
        let params = Params {
            block_length: 4,
            transfer: match by_block {
                true => Transfer::Wino(Wino::default()),
                false => Transfer::Quota,
            },
            ..Params::default()
        };
        let (parts, text) = played.stream(&rule, &params);
        let whole = played.whole(&rule);
        prop_assert_eq!(parts.concat(), &*whole);
        for stop in stops {
            prop_assert!(!whole.contains(stop));
        }
        prop_assert!(text.n_tokens() <= ceiling.unwrap_or(usize::MAX));
    }
}

#[test]
fn tokens_of_a_stop_are_not_told() {
    for (texts, stop, n) in [
        (&[&b"a"[..], b"\n", b"\n", b"b"][..], "\n\n", 1),
        (&[b"a", b"ab", b"b"], "b", 2),
        (&[b"a", b"\xc3", b"\xa9", b"b"], "é", 1),
    ] {
        for at_once in 1..=4 {
            let order = (0..texts.len()).collect();
            let played = Played::new(&tokens(texts), order, at_once);
            let (_, text) = played.stream(&rule(&[stop], None), &Params::default());
            assert_eq!(text.n_tokens(), n, "{stop:?}, {at_once} at once");
        }
    }
}
