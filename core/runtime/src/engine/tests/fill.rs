//! Text with holes in it.

use std::num::NonZeroUsize;

use proptest::prelude::*;

use unmask_api::{Position, TokenId};

use super::*;
use crate::Canvas;
use crate::params::{Editing, Growth, Transfer, Wino};

fn hole(length: usize) -> FillPart {
    FillPart::Hole(NonZeroUsize::new(length).expect("holes have positions"))
}

fn text(digits: &str) -> FillPart {
    FillPart::Text(digits.to_owned())
}

fn fill(before: &str, parts: Vec<FillPart>) -> Fill {
    Fill {
        before: FillBefore::Text(before.to_owned()),
        parts,
        overflow: Overflow::Refuse,
        blocks: FillBlocks::default(),
        ends: FillEnds::default(),
    }
}

impl Bench {
    fn fill(&mut self, fill: Fill) {
        self.begin_with(
            TurnInput::Fill(fill),
            Params {
                steps: 64,
                block_length: 3,
                ..Params::default()
            },
        );
    }

    fn holes(&mut self, asked: Fill) -> Vec<String> {
        self.fill(asked);
        self.outcome().holes
    }

    fn refused(&mut self, asked: Fill) -> FailureKind {
        self.fill(asked);
        self.failure().kind
    }
}

#[test]
fn holes_alone_are_denoised_in_one_block_and_their_texts_are_told() {
    let mut bench = Bench::loaded(Fake::default());
    let parts = vec![
        text("9"),
        hole(2),
        FillPart::Tokens(vec![TokenId(8)]),
        hole(1),
    ];
    bench.fill(fill("12", parts));
    let TurnEvent::Started { canvas, params, .. } = bench.next_turn() else {
        panic!("not started");
    };
    let given: Vec<bool> = (0..7).map(|at| canvas.is_given(Position(at))).collect();
    assert_eq!(given, [true, true, true, false, false, true, false]);
    assert_eq!((params.block_length, params.steps), (5, 3));
    assert!(params.logits_eos_inf);
    let outcome = bench.outcome();
    assert_eq!(outcome.text, "93486");
    assert_eq!(outcome.holes, ["34", "6"]);
    assert_eq!((outcome.stats.nfe, outcome.stats.committed), (3, 3));
}

#[test]
fn a_hole_holds_the_end_token_only_if_that_is_asked_for() {
    let mut bench = Bench::loaded(Fake::default());
    // Position 11 wants the end token.
    let asked = |ends| Fill {
        ends,
        ..fill("1234567890", vec![hole(2)])
    };
    assert_eq!(bench.holes(asked(FillEnds::Never)), ["a0"]);
    assert_eq!(bench.holes(asked(FillEnds::AsSet)), ["a"]);
    // One before a given part ends nothing.
    let mut asked = asked(FillEnds::AsSet);
    asked.parts = vec![hole(3), text("7")];
    assert_eq!(bench.holes(asked), ["ac"]);
}

#[test]
fn blocks_as_set_have_to_divide() {
    let mut bench = Bench::loaded(Fake::default());
    let asked = |parts| Fill {
        blocks: FillBlocks::AsSet,
        ..fill("", parts)
    };
    assert_eq!(
        bench.refused(asked(vec![text("1"), hole(3)])),
        FailureKind::Usage
    );
    assert_eq!(
        bench.holes(asked(vec![text("1"), hole(2), hole(3)])),
        ["12", "345"]
    );
}

#[test]
fn the_text_of_a_stopped_hole_ends_at_its_first_mask() {
    let (fake, permit) = gated();
    let mut bench = Bench::loaded(fake);
    bench.fill(fill("12", vec![hole(2), text("9"), hole(1)]));
    assert!(matches!(bench.next_turn(), TurnEvent::Started { .. }));
    permit.send(()).expect("the session waits");
    // The surest position is the last.
    assert!(matches!(bench.next_turn(), TurnEvent::Step(_)));
    bench.turn().abandon();
    permit.send(()).ok();
    let outcome = bench.outcome();
    assert_eq!(
        (outcome.text.as_str(), outcome.holes),
        ("", vec![String::new(), "5".to_owned()])
    );
}

#[test]
fn what_cannot_be_filled_is_refused() {
    let mut bench = Bench::loaded(Fake::default());
    let whole = fill("12", vec![text("34")]);
    assert_eq!(bench.refused(whole), FailureKind::Usage);
    let endless = fill("12", vec![hole(usize::MAX), hole(usize::MAX)]);
    let kind = bench.refused(endless);
    assert!(matches!(kind, FailureKind::Context { .. }), "{kind:?}");
    let kind = bench.refused(fill(&"1".repeat(30), vec![hole(3)]));
    let expected = FailureKind::Context {
        tokens: 33,
        limit: 32,
        room: 2,
    };
    assert_eq!(kind, expected);
}

#[test]
fn a_mask_in_what_is_given_is_filled_too() {
    let mut bench = Bench::loaded(Fake::default());
    // The mask is written f.
    for asked in [
        fill("1f2", vec![hole(2)]),
        fill("1", vec![text("f2"), hole(2)]),
    ] {
        bench.fill(asked);
        let outcome = bench.outcome();
        assert_eq!(outcome.reason, FinishReason::Complete);
        let masks = outcome.canvas.masked_in(0..outcome.canvas.len());
        assert_eq!(masks.count(), 0, "{:?}", outcome.canvas);
        assert_eq!(outcome.holes.len(), 1);
    }
}

#[test]
fn a_conversation_before_holes_is_shortened_if_that_is_allowed() {
    let mut bench = Bench::loaded(Fake::default());
    let say = |role| Message {
        role,
        content: "q".to_owned(),
    };
    let answered = (0..20).flat_map(|_| [say(Role::User), say(Role::Assistant)]);
    let mut messages: Vec<Message> = answered.collect();
    messages.push(say(Role::User));
    let asked = |overflow| Fill {
        before: FillBefore::Chat(messages.clone()),
        overflow,
        ..fill("", vec![hole(4), text("9")])
    };
    let kind = bench.refused(asked(Overflow::Refuse));
    assert!(matches!(kind, FailureKind::Context { .. }), "{kind:?}");
    bench.fill(asked(Overflow::DropOldest));
    let TurnEvent::Started {
        left_out, canvas, ..
    } = bench.next_turn()
    else {
        panic!("not started");
    };
    // 27 positions are for the prompt; the first of the hole wants the end token.
    assert_eq!((left_out, canvas.answer_start()), (14, 27));
    assert_eq!(bench.outcome().holes, ["0cde"]);
}

#[test]
fn tokens_outside_the_masks_of_an_infill_stay_as_they_are() {
    // xorshift: the same canvases in every run.
    let mut dice = 0x9e37_79b9_u64;
    let mut below = |limit: u64| {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        dice % limit
    };
    let mut bench = Bench::loaded(Fake::default());
    for _ in 0..120 {
        let (prompt, length) = (below(4) as usize, 1 + below(9) as usize);
        let mask = MASK;
        let mut canvas = Canvas::new(&vec![TokenId(3); prompt], length, mask);
        for at in prompt..prompt + length {
            let token = TokenId(2 + below(8) as u32);
            match below(4) {
                0 => (),
                1 => canvas.pin(Position(at as u32), token),
                _ => canvas.commit(Position(at as u32), token),
            }
        }
        // One mask at least, anywhere.
        let hole = Position((prompt + below(length as u64) as usize) as u32);
        canvas.remask(hole);
        let masks: Vec<usize> = canvas
            .masked_in(0..canvas.len())
            .map(|at| at.index())
            .collect();
        let rule = below(4);
        let params = Params {
            steps: 1 + below(12) as usize,
            block_length: 1 + below(length as u64) as usize,
            temperature: below(2) as f64,
            seed: below(1000),
            early_stop: false,
            transfer: match rule {
                0 => Transfer::Quota,
                1 => Transfer::Wino(Wino::default()),
                _ => Transfer::Dynamic(0.5),
            },
            editing: (rule == 3).then(|| Editing::new(0.0)),
            // An infill has the length that it has.
            growth: Growth::Auto,
            ..Params::default()
        };
        bench.begin_with(TurnInput::Infill(canvas.clone()), params.clone());
        let TurnEvent::Started { params: ran, .. } = bench.next_turn() else {
            panic!("not started");
        };
        assert_eq!(ran.steps, params.steps.min(masks.len()));
        let outcome = bench.outcome();
        for at in 0..canvas.len() {
            let (before, after) = (canvas.tokens()[at], outcome.canvas.tokens()[at]);
            match masks.contains(&at) {
                // With a temperature the mask itself may be drawn.
                true => assert!(
                    params.temperature > 0.0 || after != mask,
                    "{at} of {canvas:?}"
                ),
                false => assert_eq!(after, before, "{at} of {canvas:?}"),
            }
        }
        let given = |canvas: &Canvas| -> Vec<bool> {
            let all = (0..canvas.len() as u32).map(Position);
            all.map(|at| canvas.is_given(at)).collect()
        };
        assert_eq!(given(&outcome.canvas), given(&canvas));
    }
}

/// Of attention in blocks of 4.
fn in_blocks() -> Bench {
    Bench::loaded(Fake {
        attention: Some(Attention::BlockCausal(4.try_into().expect("it is not 0"))),
        ..Fake::default()
    })
}

#[test]
fn attention_in_blocks_keeps_its_blocks_and_their_steps() {
    // Position 11 would want the end token.
    let mut canvas = Canvas::new(&[TokenId(3); 2], 9, MASK);
    (2..5).for_each(|at| canvas.commit(Position(at), TokenId(7)));
    let given = fill("33", vec![text("777"), hole(3), text("2"), hole(2)]);
    for input in [TurnInput::Infill(canvas), TurnInput::Fill(given)] {
        let mut bench = in_blocks();
        let params = Params {
            steps: 24,
            ..Params::default()
        };
        bench.begin_with(input, params);
        let mut ends = Vec::new();
        let outcome = loop {
            match bench.next_turn() {
                TurnEvent::Started { params, .. } => {
                    assert_eq!((params.block_length, params.steps), (4, 24));
                }
                TurnEvent::Step(step) => ends.push(step.fed.end),
                TurnEvent::Finished(outcome) => break outcome,
                other => panic!("{other:?}"),
            }
        };
        let length = outcome.canvas.len();
        assert_eq!(outcome.canvas.masked_in(0..length).count(), 0);
        assert_eq!(outcome.canvas.tokens()[2..5], [TokenId(7); 3]);
        let is_whole = |&end: &usize| end % 4 == 0 || end == length;
        assert!(ends.iter().all(is_whole), "{ends:?}");
        assert_eq!((ends[0], ends.last()), (8, Some(&length)));
    }
}

#[test]
fn holes_before_the_answer_of_attention_in_blocks_are_refused() {
    let mut bench = in_blocks();
    assert_eq!(
        bench.refused(fill("1f2", vec![hole(2)])),
        FailureKind::Usage
    );
}

#[test]
fn an_infill_without_masks_is_refused() {
    let mut bench = Bench::loaded(Fake::default());
    let canvas = Canvas::new(&[TokenId(3)], 0, MASK);
    bench.begin(TurnInput::Infill(canvas), 1);
    assert_eq!(bench.failure().text, "nothing of the answer is masked");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn an_infill_writes_masks_and_nothing_else(
        tokens in prop::collection::vec(0..15_u32, 2..24),
        prompt in 0..8_usize,
        masks in prop::collection::vec(any::<bool>(), 24),
        pins in prop::collection::vec(any::<bool>(), 24),
        steps in 1..9_usize,
        way in 0..4_usize,
    ) {
        let prompt = prompt.min(tokens.len() - 1);
        let prompt_tokens: Vec<TokenId> = tokens[..prompt].iter().copied().map(TokenId).collect();
        let mut canvas = Canvas::new(&prompt_tokens, tokens.len() - prompt, MASK);
        for at in prompt..tokens.len() {
            let position = Position(at as u32);
            match (masks[at], pins[at]) {
                (true, _) => (),
                (false, true) => canvas.pin(position, TokenId(tokens[at])),
                (false, false) => canvas.commit(position, TokenId(tokens[at])),
            }
        }
        prop_assume!(canvas.answer().contains(&MASK));
        let transfer = match way {
            0 => Transfer::Quota,
            1 => Transfer::Threshold(0.9),
            2 => Transfer::Factor(1.0),
            _ => Transfer::EntropyBound(0.5),
        };
        let mut bench = Bench::loaded(Fake::default());
        let params = Params { steps, block_length: 3, transfer, ..Params::default() };
        bench.begin_with(TurnInput::Infill(canvas.clone()), params);
        let outcome = bench.outcome();
        prop_assert_eq!(outcome.canvas.len(), canvas.len());
        for (before, after) in canvas.tokens().iter().zip(outcome.canvas.tokens()) {
            prop_assert!(*before == MASK || before == after);
        }
    }
}
