//! The strategies of this build, a file each. To add one, write its file and its line in [`STRATEGIES`].

mod cached;
mod entropy_bound;
mod factor;
mod full_blocks;
mod linear;
mod threshold;

pub use entropy_bound::entropy_bound;
pub use factor::factor;
pub use full_blocks::{FullBlocks, Select};
pub use linear::Linear;
pub use threshold::threshold;

use super::{PlanError, Strategy};
use crate::family::FamilyRules;
use crate::{Canvas, Params};

/// Begins a strategy on a canvas, or goes on where a run with the same settings left it; `None` for settings that ask for
/// another strategy.
pub type Begin = fn(&Canvas, &Params, FamilyRules) -> Option<Begun>;

/// A strategy, or why the settings do not fit the canvas.
pub type Begun = Result<Box<dyn Strategy>, PlanError>;

/// The strategies of this build; the first that the settings ask for is used.
pub const STRATEGIES: &[Begin] = &[
    threshold::begin,
    factor::begin,
    entropy_bound::begin,
    cached::begin,
    linear::begin,
];

/// Begins the strategy of a list that the settings ask for, the exact linear schedule if none does.
///
/// # Errors
/// If a number is out of range or does not divide.
pub fn begin(list: &[Begin], canvas: &Canvas, params: &Params, rules: FamilyRules) -> Begun {
    let mut found = (list.iter()).filter_map(|begin| begin(canvas, params, rules));
    found
        .next()
        .unwrap_or_else(|| Linear::begin(canvas, params, rules))
}

#[cfg(test)]
mod tests {
    use unmask_api::TokenId;

    use super::*;
    use crate::params::{CacheMode, Transfer};

    #[test]
    fn settings_ask_for_one_strategy_by_what_is_faster_about_them() {
        let meant = |transfer, cache| {
            let params = Params {
                transfer,
                cache,
                ..Params::default()
            };
            let canvas = Canvas::new(&[], 128, TokenId(0));
            let is_meant =
                |begin: &&Begin| begin(&canvas, &params, FamilyRules::default()).is_some();
            STRATEGIES.iter().position(|begin| is_meant(&begin))
        };
        assert_eq!(meant(Transfer::Threshold(0.9), CacheMode::Dual), Some(0));
        assert_eq!(meant(Transfer::Factor(1.0), CacheMode::Off), Some(1));
        assert_eq!(meant(Transfer::EntropyBound(0.1), CacheMode::Off), Some(2));
        assert_eq!(meant(Transfer::Quota, CacheMode::Dual), Some(3));
        assert_eq!(meant(Transfer::Quota, CacheMode::Off), Some(4));
    }

    #[test]
    fn a_number_outside_its_range_is_refused_with_its_name() {
        let refused = |transfer| {
            let params = Params {
                transfer,
                ..Params::default()
            };
            let canvas = Canvas::new(&[], 128, TokenId(0));
            let begun = begin(STRATEGIES, &canvas, &params, FamilyRules::default());
            begun.err().map(|error| error.to_string())
        };
        let threshold = refused(Transfer::Threshold(1.5));
        assert_eq!(
            threshold.as_deref(),
            Some("threshold is 1.5; it must be 0 to 1")
        );
        let factor = refused(Transfer::Factor(0.0));
        assert_eq!(factor.as_deref(), Some("factor is 0; it must be above 0"));
        assert_eq!(refused(Transfer::Threshold(1.0)), None);
    }
}
