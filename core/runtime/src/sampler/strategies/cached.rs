use super::{Begun, FullBlocks};
use crate::family::FamilyRules;
use crate::params::{CacheMode, Transfer};
use crate::sampler::best;
use crate::{Canvas, Params};

/// The linear schedule with a K/V cache. Steps beyond it commit one position each, as do those of more steps than masks.
pub(super) fn begin(canvas: &Canvas, params: &Params, rules: FamilyRules) -> Option<Begun> {
    let is_meant = params.transfer == Transfer::Quota && params.cache != CacheMode::Off;
    is_meant.then(|| FullBlocks::begin(canvas, params, rules, Box::new(best)))
}
