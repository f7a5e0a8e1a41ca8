//! Denoising with a model that wants one token at each position, in corners that the published programs leave open.

use unmask_api::{LogitsMut, ModelFacts, Pass, Position, Session, SessionSpec, TokenId};

use super::*;
use crate::event::FinishReason;
use crate::family::{FamilyRules, SpecialIds};
use crate::params::{Remasking, Transfer};
use crate::{Canvas, Params};

const MASK: TokenId = TokenId(0);
const END: TokenId = TokenId(1);
const SPECIAL: SpecialIds = SpecialIds {
    mask: MASK,
    eos: END,
    eot: None,
    other_ends: Vec::new(),
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
            cell_bytes: 0,
            precision: "f32".to_owned(),
            capabilities: Capabilities::BATCH | Capabilities::KV_CACHE,
            notes: Vec::new(),
        }
    }

    fn session(&self, _: SessionSpec) -> Result<Box<dyn Session>, BackendError> {
        Ok(Box::new(ScriptedSession {
            wants: self.0.clone(),
            output: Vec::new(),
        }))
    }
}

struct ScriptedSession {
    wants: Vec<u32>,
    /// Whose rows the last pass left.
    output: Vec<Position>,
}

impl Session for ScriptedSession {
    fn forward(&mut self, pass: &Pass<'_>) -> Result<(), BackendError> {
        let wanted = pass.wanted.iter();
        self.output = wanted.map(|&at| pass.positions[at as usize]).collect();
        Ok(())
    }

    fn read_logits(&mut self, rows: &[u32], out: LogitsMut<'_>) -> Result<(), BackendError> {
        for (row, &index) in out.scores.chunks_exact_mut(VOCAB).zip(rows) {
            let at = self.output[index as usize];
            row.fill(0.0);
            match self.wants[at.index()] as usize {
                token if token + 1 == VOCAB => row.fill(f32::NAN),
                token => row[token] = 4.0 + at.0 as f32,
            }
        }
        Ok(())
    }
}

fn begin(model: &Scripted, canvas: Canvas, params: &Params) -> Generation {
    let denoise = Denoise::new(SPECIAL, FamilyRules::default(), canvas, params.clone());
    let denoise = denoise.expect("the settings fit the canvas");
    Generation::new(model, denoise).expect("the settings fit the model")
}

/// Denoises `canvas` to its end; its tokens, the forwards made and why it ended.
fn run(wants: &[u32], canvas: Canvas, params: &Params) -> (Vec<u32>, usize, FinishReason) {
    let model = Scripted(wants.to_vec());
    let mut generation = begin(&model, canvas, params);
    for _ in 0..1000 {
        let made = generation.step(&CancelFlag::new()).expect("it computes");
        if made.is_none() {
            let denoise = generation.denoise();
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

/// The exact schedule.
fn linear(steps: usize, block_length: usize) -> Params {
    Params {
        steps,
        block_length,
        ..Params::default()
    }
}

/// One position a step until every block is full.
fn full_blocks(steps: usize, block_length: usize) -> Params {
    Params {
        transfer: Transfer::Threshold(1.0),
        ..linear(steps, block_length)
    }
}

const CACHES: [CacheMode; 3] = [CacheMode::Off, CacheMode::Prefix, CacheMode::Dual];

#[test]
fn a_position_that_wants_the_mask_holds_up_no_other_where_blocks_are_filled() {
    // Position 3 is the surest and wants the mask.
    let wants = [2, 3, 4, 0, 5, 6];
    for cache in CACHES {
        for temperature in [0.0, 0.01] {
            for remasking in [Remasking::LowConfidence, Remasking::Random] {
                let params = Params {
                    cache,
                    temperature,
                    remasking,
                    ..full_blocks(6, 2)
                };
                let (tokens, _, reason) = run(&wants, canvas(&[7, 7], 4), &params);
                assert_eq!(tokens, [7, 7, 4, 0, 5, 6], "{params:?}");
                assert_eq!(reason, FinishReason::MasksLeft, "{params:?}");
            }
        }
    }
}

#[test]
fn a_hole_in_the_prompt_is_filled_where_blocks_are_whatever_the_cache() {
    for cache in CACHES {
        let params = Params {
            cache,
            ..full_blocks(4, 2)
        };
        let (tokens, ..) = run(&[2, 3, 4, 5, 6, 2], canvas(&[7, 0], 4), &params);
        assert_eq!(tokens, [7, 3, 4, 5, 6, 2], "{cache:?}");
    }
}

#[test]
fn the_reference_may_leave_a_hole_of_the_prompt() {
    let (tokens, _, reason) = run(&[2, 3, 4, 5], canvas(&[7, 0], 2), &linear(2, 2));
    assert_eq!(tokens, [7, 0, 4, 5]);
    assert_eq!(reason, FinishReason::MasksLeft);
}

#[test]
fn an_end_token_before_a_pin_or_behind_a_hole_stops_nothing() {
    let wants = [2, 2, 1, 3, 4, 5];
    let (tokens, nfe, reason) = run(&wants, canvas(&[7, 7], 4), &linear(4, 2));
    assert_eq!((nfe, reason), (2, FinishReason::EndToken));
    assert_eq!(tokens, [7, 7, 1, 3, 0, 0]);

    let mut pinned = canvas(&[7, 7], 4);
    pinned.pin(Position(5), TokenId(6));
    let (tokens, _, reason) = run(&wants, pinned, &linear(4, 2));
    assert_eq!(reason, FinishReason::Complete);
    assert_eq!(tokens, [7, 7, 1, 3, 4, 6]);

    let (tokens, _, reason) = run(&wants, canvas(&[7, 0], 4), &linear(4, 2));
    assert_eq!(reason, FinishReason::MasksLeft);
    assert_eq!(tokens, [7, 0, 1, 3, 4, 5]);
}

#[test]
fn an_end_token_stops_in_the_middle_of_a_block_once_all_before_it_is_full() {
    for params in [linear(4, 4), full_blocks(4, 4)] {
        let mut begun = canvas(&[7, 7], 4);
        begun.pin(Position(2), TokenId(4));
        begun.commit(Position(3), END);
        let (tokens, nfe, reason) = run(&[2, 2, 4, 1, 5, 6], begun, &params);
        assert_eq!((nfe, reason), (0, FinishReason::EndToken));
        assert_eq!(tokens, [7, 7, 4, 1, 0, 0]);

        // Later positions are surer: the end token waits for the one before it, and that is the last of the block.
        let (tokens, nfe, _) = run(&[2, 2, 4, 1, 5, 6], canvas(&[7, 7], 4), &params);
        assert_eq!((tokens, nfe), (vec![7, 7, 4, 1, 5, 6], 4));
    }
}

#[test]
fn more_steps_than_masks_cost_no_forwards() {
    let wants = [2, 3, 4, 5, 6, 2];
    for params in [linear(40, 2), full_blocks(40, 2)] {
        let (tokens, nfe, _) = run(&wants, canvas(&[7, 7], 4), &params);
        assert_eq!((nfe, &tokens[2..]), (4, &[4, 5, 6, 2][..]), "{params:?}");
    }
}

#[test]
fn a_stopped_canvas_continues_to_the_same_tokens() {
    let model = Scripted(vec![2, 3, 4, 5, 6, 2]);
    for cache in [CacheMode::Off, CacheMode::Dual] {
        let params = Params {
            cache,
            cfg_scale: 0.5,
            ..linear(4, 2)
        };
        let mut first = begin(&model, canvas(&[7, 7], 4), &params);
        (0..3).for_each(|_| drop(first.step(&CancelFlag::new())));
        let (tokens, nfe, _) = run(&model.0, first.denoise().canvas().clone(), &params);
        assert_eq!((tokens, nfe), (vec![7, 7, 4, 5, 6, 2], 1), "{cache:?}");
    }
}

#[test]
fn a_model_that_gives_nan_or_only_masks_comes_to_an_end() {
    for params in [linear(4, 2), full_blocks(4, 2)] {
        for temperature in [0.0, 1e-6] {
            for wants in [[0; 6], [7; 6]] {
                let params = Params {
                    temperature,
                    ..params.clone()
                };
                let (_, nfe, _) = run(&wants, canvas(&[7, 7], 4), &params);
                assert!(nfe <= 12, "{params:?}: {nfe} forwards");
            }
        }
    }
}

#[test]
fn the_pass_that_fills_the_cache_of_a_block_gives_its_first_commit_too() {
    for (cache, fed) in [
        (CacheMode::Prefix, [6, 4, 6, 2]),
        (CacheMode::Dual, [6, 2, 6, 2]),
    ] {
        let params = Params {
            cache,
            ..full_blocks(4, 2)
        };
        let model = Scripted(vec![2, 3, 4, 5, 6, 2]);
        let mut generation = begin(&model, canvas(&[7, 7], 4), &params);
        let mut made = Vec::new();
        while let Some(step) = generation.step(&CancelFlag::new()).expect("it computes") {
            made.push((step.fed.len(), step.commits.len()));
        }
        assert_eq!(made, fed.map(|fed| (fed, 1)), "{cache:?}");
    }
}
