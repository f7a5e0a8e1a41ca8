//! Whether a model would give a continuation greedily.

use unmask_api::{CancelFlag, Model, TokenId};

use super::Pair;
use crate::denoise::Denoise;
use crate::family::{FamilyRules, SpecialIds};
use crate::generate::{DenoiseError, Generation};
use crate::{Canvas, Params};

/// Denoises `length` masks after `prompt`, the surest one at a time; the reference's `suffix_greedy_prediction` compares
/// the result with the answer.
///
/// # Errors
/// If the backend fails or is asked to stop.
pub fn greedy_suffix(
    model: &dyn Model,
    special: &SpecialIds,
    rules: FamilyRules,
    prompt: &[TokenId],
    length: usize,
    cfg_scale: f32,
) -> Result<Generation, DenoiseError> {
    let params = Params {
        steps: length,
        block_length: length,
        cfg_scale,
        early_stop: false,
        ..Params::default()
    };
    let canvas = Canvas::new(prompt, length, special.mask);
    Generation::new(model, Denoise::new(special.clone(), rules, canvas, params)?)
}

/// Whether [`greedy_suffix`] ends in the pair's continuation, and the forwards made: a forward a token, fewer if an earlier
/// one settles that it does not. `stepped` is called after each.
///
/// # Errors
/// If the backend fails or is asked to stop.
pub fn is_greedy(
    model: &dyn Model,
    special: &SpecialIds,
    rules: FamilyRules,
    pair: &Pair,
    cfg_scale: f32,
    cancel: &CancelFlag,
    stepped: &mut dyn FnMut(),
) -> Result<(bool, usize), DenoiseError> {
    let Pair {
        context,
        continuation,
    } = pair;
    if continuation.is_empty() {
        return Ok((true, 0));
    }
    let length = continuation.len();
    let mut generation = greedy_suffix(model, special, rules, context, length, cfg_scale)?;
    while let Some(step) = generation.step(cancel)? {
        let differs =
            |at: usize, token| continuation.get(at - context.len()).copied() != Some(token);
        if (step.commits.iter()).any(|commit| differs(commit.at.index(), commit.token)) {
            break;
        }
        stepped();
    }
    let denoise = generation.denoise();
    let is_greedy = denoise.canvas().answer() == continuation;
    Ok((is_greedy, denoise.stats().nfe))
}
