//! How large the numbers of a `config.json` may be: as large as what the weight files hold.

use crate::weights::Weights;

/// A number of `config.json` that sizes something.
pub(crate) struct ConfigSize {
    /// The key, or how it follows from keys.
    pub(crate) key: &'static str,
    pub(crate) is: usize,
    pub(crate) of: SizeOf,
}

/// What a number is the size of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum SizeOf {
    /// A side of a tensor.
    Side,
    /// So many times so many tensors.
    Times(usize),
}

/// What is larger cannot be meant, or would make whoever believes it run out of memory: `times` of those that are without
/// weights, sides up to `side`.
const THINKABLE_TIMES: usize = 1 << 12;
const THINKABLE_SIDE: usize = 1 << 24;

/// Tests `sizes` against the weights; without files, against what is thinkable.
pub(crate) fn check(sizes: &[ConfigSize], weights: Option<&Weights>) -> Result<(), String> {
    let side = weights.map_or(THINKABLE_SIDE, Weights::longest_side);
    for size in sizes {
        let most = match (size.of, weights) {
            (SizeOf::Side, _) => side,
            (SizeOf::Times(tensors), Some(weights)) => weights.names().count() / tensors,
            // As many tensors as the layers of the largest dense model.
            (SizeOf::Times(tensors), None) => THINKABLE_TIMES * 32 / tensors,
        };
        if size.is <= most {
            continue;
        }
        let ConfigSize { key, is, of } = size;
        return Err(match (weights, of) {
            (None, _) => format!("{key} is {is}, but no model has more than {most}"),
            (Some(weights), SizeOf::Side) => {
                let place = weights.place();
                let place = place.display();
                format!("{key} is {is}, but the longest side of a tensor in {place} is {side}")
            }
            (Some(weights), SizeOf::Times(_)) => {
                let (place, count) = (weights.place(), weights.names().count());
                let place = place.display();
                format!("{key} is {is}, but {place} holds {count} tensors, enough for {most}")
            }
        });
    }
    Ok(())
}
