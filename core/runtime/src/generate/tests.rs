//! Denoising with a model that wants one token at each position, in corners that the published programs leave open.

use unmask_api::{Capabilities, LogitsMut, Model, ModelFacts, Pass, Session, SessionSpec, TokenId};

use super::*;
use crate::params::{Remasking, Transfer};

const MASK: TokenId = TokenId(0);
const END: TokenId = TokenId(1);
const SPECIAL: SpecialIds = SpecialIds {
    mask: MASK,
    eos: END,
    eot: None,
    bos: None,
};

/// Wants `wants[position]`; later positions are surer. NaN where it wants the last token.
#[derive(Clone)]
pub(crate) struct Scripted(pub(crate) Vec<u32>);

const VOCAB: usize = 8;

impl Model for Scripted {
    fn facts(&self) -> ModelFacts {
        ModelFacts {
            vocab: VOCAB,
            max_positions: 64,
            memory_bytes: 0,
            precision: "f32".to_owned(),
            capabilities: Capabilities::BATCH | Capabilities::KV_CACHE,
            notes: String::new(),
        }
    }

    fn session(&self, _: SessionSpec) -> Result<Box<dyn Session>, BackendError> {
        Ok(Box::new(self.clone()))
    }
}

impl Session for Scripted {
    fn forward(&mut self, pass: &Pass<'_>, out: LogitsMut<'_>) -> Result<(), BackendError> {
        for (row, &wanted) in out.scores.chunks_exact_mut(VOCAB).zip(pass.wanted) {
            let at = pass.positions[wanted as usize];
            row.fill(0.0);
            match self.0[at.index()] as usize {
                token if token + 1 == VOCAB => row.fill(f32::NAN),
                token => row[token] = 4.0 + at.0 as f32,
            }
        }
        Ok(())
    }
}

/// Denoises `canvas` to its end; its tokens, the forwards made and why it ended.
fn run(wants: &[u32], canvas: Canvas, params: &Params) -> (Vec<u32>, usize, FinishReason) {
    let model = Scripted(wants.to_vec());
    let mut denoise =
        Denoise::new(&model, SPECIAL, canvas, params.clone()).expect("the settings fit");
    for _ in 0..1000 {
        let made = denoise.step(&CancelFlag::new()).expect("it computes");
        if made.is_none() {
            let tokens = denoise.canvas().tokens().iter().map(|token| token.0);
            let reason = denoise.reason().expect("it has ended");
            return (tokens.collect(), denoise.stats().nfe, reason);
        }
    }
    panic!("it does not end");
}

fn canvas(prompt: &[u32], length: usize) -> Canvas {
    let prompt: Vec<TokenId> = prompt.iter().copied().map(TokenId).collect();
    Canvas::new(&prompt, length, MASK)
}

fn params(steps: usize, block_length: usize, rules: Rules) -> Params {
    Params {
        steps,
        block_length,
        rules,
        ..Params::default()
    }
}

#[test]
fn a_position_that_wants_the_mask_holds_up_no_other_under_settled_rules() {
    // Position 3 is the surest and wants the mask.
    let wants = [2, 3, 4, 0, 5, 6];
    for cache in [CacheMode::Off, CacheMode::Prefix, CacheMode::Dual] {
        for temperature in [0.0, 0.01] {
            for remasking in [Remasking::LowConfidence, Remasking::Random] {
                let params = Params {
                    cache,
                    temperature,
                    remasking,
                    transfer: Transfer::Threshold(0.9999),
                    ..params(6, 2, Rules::Settled)
                };
                let (tokens, ..) = run(&wants, canvas(&[7, 7], 4), &params);
                assert_eq!(tokens, [7, 7, 4, 0, 5, 6], "{params:?}");
            }
        }
    }
}

#[test]
fn a_hole_in_the_prompt_is_filled_under_settled_rules_whatever_the_cache() {
    for cache in [CacheMode::Off, CacheMode::Prefix, CacheMode::Dual] {
        let params = Params {
            cache,
            ..params(4, 2, Rules::Settled)
        };
        let (tokens, ..) = run(&[2, 3, 4, 5, 6, 2], canvas(&[7, 0], 4), &params);
        assert_eq!(tokens, [7, 3, 4, 5, 6, 2], "{cache:?}");
    }
}

#[test]
fn the_reference_may_leave_a_hole_of_the_prompt() {
    let (tokens, ..) = run(
        &[2, 3, 4, 5],
        canvas(&[7, 0], 2),
        &params(2, 2, Rules::Llada),
    );
    assert_eq!(tokens, [7, 0, 4, 5]);
}

#[test]
fn an_end_token_before_a_pin_or_behind_a_hole_stops_nothing() {
    let wants = [2, 2, 1, 3, 4, 5];
    let llada = params(4, 2, Rules::Llada);
    let (tokens, nfe, reason) = run(&wants, canvas(&[7, 7], 4), &llada);
    assert_eq!((nfe, reason), (2, FinishReason::EndToken));
    assert_eq!(tokens, [7, 7, 1, 3, 0, 0]);

    let mut pinned = canvas(&[7, 7], 4);
    pinned.pin(Position(5), TokenId(6));
    let (tokens, _, reason) = run(&wants, pinned, &llada);
    assert_eq!(reason, FinishReason::Complete);
    assert_eq!(tokens, [7, 7, 1, 3, 4, 6]);

    let (tokens, _, reason) = run(&wants, canvas(&[7, 0], 4), &llada);
    assert_eq!(reason, FinishReason::Complete);
    assert_eq!(tokens, [7, 0, 1, 3, 4, 5]);
}

#[test]
fn pins_are_hidden_from_the_unconditional_half() {
    let mut canvas = canvas(&[7, 7], 2);
    canvas.pin(Position(3), TokenId(6));
    canvas.commit(Position(2), TokenId(5));
    let mut hidden = Vec::new();
    hide_given(&canvas, &mut hidden);
    assert_eq!(hidden, [MASK, MASK, TokenId(5), MASK]);
}

#[test]
fn more_steps_than_masks_cost_no_forwards() {
    let wants = [2, 3, 4, 5, 6, 2];
    for rules in [Rules::Llada, Rules::LladaApp, Rules::Settled] {
        let (tokens, nfe, _) = run(&wants, canvas(&[7, 7], 4), &params(40, 2, rules));
        assert_eq!((nfe, &tokens[2..]), (4, &[4, 5, 6, 2][..]), "{rules:?}");
    }
}

#[test]
fn a_stopped_canvas_continues_to_the_same_tokens() {
    let model = Scripted(vec![2, 3, 4, 5, 6, 2]);
    for (rules, cache) in [
        (Rules::Llada, CacheMode::Off),
        (Rules::Settled, CacheMode::Dual),
    ] {
        let params = Params {
            cache,
            cfg_scale: 0.5,
            ..params(4, 2, rules)
        };
        let mut first =
            Denoise::new(&model, SPECIAL, canvas(&[7, 7], 4), params.clone()).expect("it fits");
        (0..3).for_each(|_| drop(first.step(&CancelFlag::new())));
        let (tokens, nfe, _) = run(&model.0, first.canvas().clone(), &params);
        assert_eq!((tokens, nfe), (vec![7, 7, 4, 5, 6, 2], 1), "{rules:?}");
    }
}

#[test]
fn a_model_that_gives_nan_or_only_masks_comes_to_an_end() {
    for rules in [
        Rules::Llada,
        Rules::LladaApp,
        Rules::FastV0,
        Rules::FastV1,
        Rules::Settled,
    ] {
        for temperature in [0.0, 1e-6] {
            for wants in [[0; 6], [7; 6]] {
                let params = Params {
                    temperature,
                    ..params(4, 2, rules)
                };
                let (_, nfe, _) = run(&wants, canvas(&[7, 7], 4), &params);
                assert!(nfe <= 12, "{rules:?}: {nfe} forwards");
            }
        }
    }
}

#[test]
fn every_position_of_a_long_block_is_tried_before_it_is_given_up() {
    let canvas = canvas(&[], 4);
    let plan = Plan::new(&canvas, &params(1, 4, Rules::Settled)).expect("it fits");
    let mut walk = Walk::new(plan, Rules::Settled, CacheMode::Off);
    for _ in 0..5 {
        assert!(!walk.is_overdue());
        assert!(walk.next(&canvas).is_some());
    }
    assert!(walk.is_overdue());
    walk.give_up_block();
    assert!(walk.next(&canvas).is_none());
}
