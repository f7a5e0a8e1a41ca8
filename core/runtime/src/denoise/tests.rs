use super::*;
use crate::event::StepEvent;
use crate::family::{BlockOrigin, Predictor, Shift};
use crate::params::{Growth, Transfer};
use crate::scorer::ShortForm;

const MASK: TokenId = TokenId(0);
const END: TokenId = TokenId(1);
const VOCAB: usize = 8;

const SPECIAL: SpecialIds = SpecialIds {
    mask: MASK,
    eos: END,
    eot: Some(TokenId(7)),
    other_ends: Vec::new(),
    bos: None,
};

fn denoise(rules: FamilyRules, canvas: Canvas, params: Params) -> Denoise {
    let special = SpecialIds {
        other_ends: vec![TokenId(6)],
        ..SPECIAL
    };
    Denoise::new(special, rules, canvas, params).expect("the settings fit")
}

fn params(steps: usize, block_length: usize) -> Params {
    Params {
        steps,
        block_length,
        ..Params::default()
    }
}

/// Rows that want these tokens, the first the most.
fn rows(wants: &[u32]) -> Vec<f32> {
    let mut rows = vec![0.0; wants.len() * VOCAB];
    for (index, (row, &want)) in rows.chunks_exact_mut(VOCAB).zip(wants).enumerate() {
        row[want as usize] = 9.0 - index as f32;
    }
    rows
}

fn asked(denoise: &mut Denoise) -> PendingQuestion<'_> {
    match denoise.ask() {
        Ask::Question(asked) => asked,
        Ask::Ended(reason) => panic!("it has ended: {reason:?}"),
    }
}

/// Positions by their numbers.
fn at(positions: &[u32]) -> Vec<Position> {
    positions.iter().copied().map(Position).collect()
}

#[test]
fn a_question_is_asked_until_it_is_answered() {
    let canvas = Canvas::new(&[TokenId(3)], 2, MASK);
    let mut denoise = denoise(FamilyRules::default(), canvas, params(2, 2));
    for _ in 0..2 {
        let asked = asked(&mut denoise);
        assert_eq!(
            (asked.call(), asked.short_form()),
            (0, Some(ShortForm::default()))
        );
        assert_eq!(asked.question().wanted, at(&[1, 2]));
    }
    let event = asked(&mut denoise).tell(OutputRows::Logits(&mut rows(&[4, 5])));
    assert_eq!((event.call, event.fed, event.length), (0, 0..3, 3));
    assert_eq!((event.masked, event.commits[0].token), (1, TokenId(4)));
    let asked = asked(&mut denoise);
    assert_eq!((asked.call(), asked.question().wanted), (1, &*at(&[2])));
}

#[test]
fn whole_rows_alone_are_exact_under_noise() {
    let params = Params {
        temperature: 0.5,
        ..params(2, 2)
    };
    let mut denoise = denoise(FamilyRules::default(), Canvas::new(&[], 2, MASK), params);
    assert_eq!(asked(&mut denoise).short_form(), None);
}

#[test]
fn a_recorded_run_is_followed_whatever_the_model_says() {
    let canvas = Canvas::new(&[], 2, MASK);
    let mut denoise = denoise(FamilyRules::default(), canvas, params(2, 2));
    let mut first = asked(&mut denoise);
    let proposed = first.propose(OutputRows::Logits(&mut rows(&[4, 5])));
    assert_eq!(
        (proposed[0].at, proposed[0].token),
        (Position(0), TokenId(4))
    );
    let recorded = Commit {
        at: Position(1),
        token: TokenId(6),
        ..proposed[0].clone()
    };
    let event = first.commit(vec![recorded.clone()]);
    assert_eq!(event.commits, [recorded]);
    assert_eq!(asked(&mut denoise).question().wanted, at(&[0]));
}

#[test]
fn a_run_that_follows_a_recorded_one_tells_what_it_would_have_done() {
    let canvas = Canvas::new(&[], 2, MASK);
    let recorded = |at, token| {
        vec![Commit {
            at: Position(at),
            token: TokenId(token),
            was: None,
            confidence: 0.5,
            entropy: 0.0,
            kind: CommitKind::New,
            top: Vec::new(),
        }]
    };
    let mut denoise = denoise(FamilyRules::default(), canvas, params(2, 2))
        .following(vec![recorded(1, 6), recorded(0, 3)]);
    let told = [&[4, 5][..], &[4]].map(|tokens| {
        let event = asked(&mut denoise).tell(OutputRows::Logits(&mut rows(tokens)));
        (event.commits[0].at, event.commits[0].token)
    });
    assert_eq!(told, [(Position(0), TokenId(4)), (Position(0), TokenId(4))]);
    assert_eq!(denoise.canvas().answer(), [TokenId(3), TokenId(6)]);
}

#[test]
fn rows_of_a_shifted_family_are_those_before_the_positions() {
    let rules = FamilyRules {
        predictor: Predictor::PositionBefore,
        ..FamilyRules::default()
    };
    let prompt = [TokenId(3), TokenId(3)];
    let mut denoise = denoise(rules, Canvas::new(&prompt, 2, MASK), params(2, 2));
    let asked = asked(&mut denoise);
    assert_eq!(asked.question().wanted, at(&[1, 2]));
    let event = asked.tell(OutputRows::Logits(&mut rows(&[4, 5])));
    assert_eq!(
        (event.commits[0].at, event.commits[0].token),
        (Position(2), TokenId(4))
    );
}

#[test]
fn blocks_of_attention_are_fed_whole() {
    let rules = FamilyRules {
        block_origin: BlockOrigin::Canvas,
        attention_block: 4.try_into().ok(),
        ..FamilyRules::default()
    };
    for (length, end) in [(8, 4), (2, 3)] {
        let canvas = Canvas::new(&[TokenId(3)], length, MASK);
        let mut denoise = denoise(rules, canvas, params(2, 2));
        assert_eq!(asked(&mut denoise).question().fed, 0..end);
    }
}

#[test]
fn the_first_two_positions_of_a_shifted_family_share_a_row() {
    let rules = FamilyRules {
        predictor: Predictor::PositionBefore,
        ..FamilyRules::default()
    };
    let mut denoise = denoise(rules, Canvas::new(&[], 3, MASK), params(1, 3));
    let asked = asked(&mut denoise);
    assert_eq!(asked.question().wanted, at(&[0, 1]));
    asked.tell(OutputRows::Logits(&mut rows(&[4, 5])));
    assert_eq!(denoise.canvas().tokens(), [4, 4, 5].map(TokenId));
}

#[test]
fn a_cached_step_of_a_shifted_family_feeds_the_row_before_its_block() {
    let rules = FamilyRules {
        predictor: Predictor::PositionBefore,
        ..FamilyRules::default()
    };
    let params = Params {
        cache: crate::params::CacheMode::Dual,
        ..params(2, 2)
    };
    let prompt = [TokenId(3), TokenId(3)];
    let mut denoise = denoise(rules, Canvas::new(&prompt, 2, MASK), params);
    asked(&mut denoise).tell(OutputRows::Logits(&mut rows(&[4, 5])));
    assert_eq!(asked(&mut denoise).question().fed, 2..4);
}

#[test]
fn blocks_of_a_family_that_counts_them_from_the_canvas_begin_in_the_prompt() {
    let rules = FamilyRules {
        block_origin: BlockOrigin::Canvas,
        ..FamilyRules::default()
    };
    let prompt = [TokenId(3)];
    let params = Params {
        transfer: Transfer::Threshold(0.0),
        ..params(4, 2)
    };
    let mut denoise = denoise(rules, Canvas::new(&prompt, 4, MASK), params);
    let mut blocks = Vec::new();
    while let Ask::Question(asked) = denoise.ask() {
        let wanted = asked.question().wanted.to_vec();
        let event = asked.tell(OutputRows::Logits(&mut rows(&vec![4; wanted.len()])));
        blocks.push((event.block, wanted));
    }
    assert_eq!(blocks, [(0, at(&[1])), (1, at(&[2, 3])), (2, at(&[4]))]);
}

#[test]
fn every_end_token_ends_an_answer_once_all_before_it_is_full() {
    // The end of the text, that of the turn, and another of the list.
    for end in [1, 7, 6] {
        let canvas = Canvas::new(&[TokenId(3)], 4, MASK);
        let mut denoise = denoise(FamilyRules::default(), canvas, params(4, 4));
        asked(&mut denoise).tell(OutputRows::Logits(&mut rows(&[4, 5, 5, 5])));
        asked(&mut denoise).tell(OutputRows::Logits(&mut rows(&[end, 5, 5])));
        assert!(matches!(denoise.ask(), Ask::Ended(FinishReason::EndToken)));
        let stats = denoise.stats();
        assert_eq!((stats.nfe, stats.nfe_saved, stats.text_tokens), (2, 2.0, 1));
    }
}

#[test]
fn pins_are_hidden_from_the_unconditional_half() {
    let mut canvas = Canvas::new(&[TokenId(7), TokenId(7)], 2, MASK);
    canvas.pin(Position(3), TokenId(6));
    canvas.commit(Position(2), TokenId(5));
    let mut hidden = Vec::new();
    canvas.hide_given(&mut hidden);
    assert_eq!(hidden, [MASK, MASK, TokenId(5), MASK]);
}

/// Block-causal attention in blocks of 2.
fn by_blocks(shift: Shift) -> FamilyRules {
    let block = std::num::NonZeroU32::new(2).expect("it is not 0");
    FamilyRules::of(unmask_api::Attention::BlockCausal(block), shift)
}

/// Tells each step these tokens in turn, one for each position that it asks for.
fn told(denoise: &mut Denoise, wants: u32) -> Option<StepEvent> {
    match denoise.ask() {
        Ask::Ended(_) => None,
        Ask::Question(asked) => {
            let wanted = asked.question().wanted.len();
            let mut rows = rows(&vec![wants; wanted]);
            Some(asked.tell(OutputRows::Logits(&mut rows)))
        }
    }
}

#[test]
fn an_answer_grows_by_blocks_up_to_its_ceiling() {
    let params = Params {
        growth: Growth::Blocks { ceiling: 5 },
        transfer: Transfer::Dynamic(0.0),
        ..params(2, 2)
    };
    let canvas = Canvas::new(&[TokenId(3)], 1, MASK);
    let mut denoise = denoise(by_blocks(Shift::None), canvas, params);
    let mut lengths = Vec::new();
    while let Some(event) = told(&mut denoise, 4) {
        assert!(event.fed.end <= event.length, "{event:?}");
        lengths.push(event.length);
    }
    assert_eq!(lengths, [4, 6, 6]);
    assert_eq!(denoise.reason(), Some(FinishReason::Complete));
}

#[test]
fn an_answer_that_grows_stops_in_the_block_of_its_end() {
    for early_stop in [true, false] {
        let params = Params {
            growth: Growth::Blocks { ceiling: 9 },
            transfer: Transfer::Dynamic(0.0),
            early_stop,
            ..params(2, 2)
        };
        let canvas = Canvas::new(&[TokenId(3)], 1, MASK);
        let mut denoise = denoise(by_blocks(Shift::None), canvas, params);
        told(&mut denoise, 4).expect("there is a mask");
        told(&mut denoise, END.0).expect("a block was appended");
        assert!(told(&mut denoise, 4).is_none());
        assert_eq!(denoise.canvas().len(), 4);
    }
}

#[test]
fn blocks_behind_that_of_an_end_token_are_left_alone_whatever_is_said_of_early_stops() {
    // LLaDA2 and SDAR, and Fast-dLLM v2, where a block begins with a step of its own.
    let ways = [
        (Shift::None, Transfer::Dynamic(0.0), 1),
        (Shift::OneInBlock, Transfer::Threshold(0.0), 2),
    ];
    for ((shift, transfer, nfe), end) in ways
        .into_iter()
        .flat_map(|it| [1, 7, 6].map(|end| (it, end)))
    {
        let params = Params {
            early_stop: false,
            transfer,
            ..params(6, 2)
        };
        let canvas = Canvas::new(&[TokenId(3), TokenId(3)], 6, MASK);
        let mut denoise = denoise(by_blocks(shift), canvas, params);
        for _ in 0..nfe {
            told(&mut denoise, end).expect("there are masks");
        }
        assert!(told(&mut denoise, 4).is_none());
        assert_eq!(denoise.reason(), Some(FinishReason::EndToken));
        let end = TokenId(end);
        assert_eq!(
            denoise.canvas().answer(),
            [end, end, MASK, MASK, MASK, MASK]
        );
    }
}

#[test]
fn a_token_that_is_verified_is_judged_by_the_second_copy_of_its_block() {
    let params = Params {
        transfer: Transfer::Wino(crate::params::Wino::default()),
        ..params(4, 4)
    };
    let canvas = Canvas::new(&[TokenId(3)], 4, MASK);
    let mut denoise = denoise(FamilyRules::default(), canvas, params);
    // All four are drafted, and nothing is there to be verified.
    let first = asked(&mut denoise);
    assert!(first.question().shadow.is_none() && first.short_form().is_some());
    let mut sure = rows(&[4, 4, 4, 4]);
    // The last two are not sure enough.
    sure[2 * VOCAB + 4] = 0.1;
    sure[3 * VOCAB + 4] = 0.1;
    first.tell(OutputRows::Logits(&mut sure));
    let second = asked(&mut denoise);
    assert_eq!(second.short_form(), None);
    let question = second.question();
    let shadow = question.shadow.expect("two tokens are verified");
    assert_eq!((shadow.block, shadow.wanted), (1..5, &at(&[1, 2])[..]));
    // Two drafts, then the verdicts: the first token stays, the second does not.
    let mut told = rows(&[5, 5, 4, 6]);
    let event = asked(&mut denoise).tell(OutputRows::Logits(&mut told));
    let kinds: Vec<(u32, CommitKind)> = (event.commits.iter())
        .map(|commit| (commit.at.0, commit.kind))
        .collect();
    let new = |at| (at, CommitKind::New);
    assert_eq!(kinds, [new(3), new(4), (2, CommitKind::Remasked)]);
}
