//! The strategies of this build, a file each. To add one, write its file and its line in [`STRATEGIES`].

mod block_steps;
mod cached;
mod credit;
mod daedal;
mod entropy_bound;
mod factor;
mod full_blocks;
mod hierarchy;
mod klass;
mod linear;
mod local_leap;
mod slow_fast;
mod sub_blocks;
mod threshold;
mod timesteps;
mod wino;

pub use entropy_bound::entropy_bound;
pub use factor::factor;
pub use full_blocks::{FullBlocks, Select};
pub use hierarchy::hierarchy;
pub use linear::Linear;
pub use local_leap::local_leap;
pub use threshold::threshold;

use unmask_api::Position;

use super::{PlanError, Strategy, best};
use crate::family::{BlockOrigin, FamilyRules};
use crate::params::{CacheMode, Growth, Transfer};
use crate::{Canvas, Params};

/// Begins a strategy on a canvas, or goes on where a run with the same settings left it; `None` for settings that ask for
/// another strategy.
pub type Begin = fn(&Canvas, &Params, FamilyRules) -> Option<Begun>;

/// A strategy, or why the settings do not fit the canvas.
pub type Begun = Result<Box<dyn Strategy>, PlanError>;

/// The strategies of this build; the first that the settings ask for is used.
pub const STRATEGIES: &[Begin] = &[
    daedal::begin,
    sub_blocks::begin,
    block_steps::begin,
    timesteps::begin,
    threshold::begin,
    factor::begin,
    entropy_bound::begin,
    klass::begin,
    local_leap::begin,
    slow_fast::begin,
    wino::begin,
    hierarchy::begin,
    credit::begin,
    cached::begin,
    linear::begin,
];

/// Begins the strategy of a list that the settings ask for.
///
/// # Errors
/// If a number is out of range or does not divide, or no strategy of the list is asked for.
pub fn begin(list: &[Begin], canvas: &Canvas, params: &Params, rules: FamilyRules) -> Begun {
    if params.editing.is_some() && !block_steps::is_meant(params, rules) {
        return Err(PlanError::Beside {
            what: "editing".to_owned(),
            other: "these settings",
            instead: "turn it off, or set dynamic, without a cache, for a model that is trained to edit",
        });
    }
    let found = list.iter().find_map(|begin| begin(canvas, params, rules));
    found.unwrap_or_else(|| {
        Err(PlanError::NoStrategy {
            transfer: params.transfer,
            cache: params.cache,
        })
    })
}

/// As [`begin`], but holes of the prompt are filled: where the exact linear schedule would leave them, since its blocks take
/// their share of the steps whatever stands before them, a block ends when no mask is left in it or before it.
///
/// Differs from the reference: `generate.py` leaves masks of the prompt or of the answer.
///
/// # Errors
/// As [`begin`].
pub fn begin_filling(
    list: &[Begin],
    canvas: &Canvas,
    params: &Params,
    rules: FamilyRules,
) -> Begun {
    let is_linear = params.transfer == Transfer::Quota
        && params.cache == CacheMode::Off
        && params.growth == Growth::Fixed
        && params.editing.is_none()
        && rules.block_origin == BlockOrigin::Answer;
    match is_linear && has_holes_before_answer(canvas) {
        true => FullBlocks::begin(canvas, params, rules, Box::new(best)),
        false => begin(list, canvas, params, rules),
    }
}

/// True if the prompt of `canvas` has, or had, masks.
#[must_use]
pub fn has_holes_before_answer(canvas: &Canvas) -> bool {
    let is_hole = |index: usize| !canvas.is_given(Position(index as u32));
    (0..canvas.answer_start()).any(is_hole)
}

#[cfg(test)]
mod tests {
    use unmask_api::TokenId;

    use super::*;
    use crate::params::{Credit, Editing, Hierarchy, Klass, LocalLeap, SlowFast, Wino};

    fn canvas() -> Canvas {
        Canvas::new(&[], 128, TokenId(0))
    }

    #[test]
    fn settings_ask_for_one_strategy_by_what_is_faster_about_them() {
        let transfers: [(Transfer, Begin); 12] = [
            (Transfer::Timesteps(1e-3), timesteps::begin),
            (Transfer::Dynamic(0.9), block_steps::begin),
            (Transfer::Threshold(0.9), threshold::begin),
            (Transfer::Factor(1.0), factor::begin),
            (Transfer::EntropyBound(0.1), entropy_bound::begin),
            (Transfer::Klass(Klass::default()), klass::begin),
            (Transfer::LocalLeap(LocalLeap::default()), local_leap::begin),
            (Transfer::SlowFast(SlowFast::default()), slow_fast::begin),
            (Transfer::Wino(Wino::default()), wino::begin),
            (Transfer::Hierarchy(Hierarchy::default()), hierarchy::begin),
            (Transfer::Credit(Credit::default()), credit::begin),
            (Transfer::Quota, linear::begin),
        ];
        for (transfer, begin) in transfers {
            for cache in [CacheMode::Off, CacheMode::Prefix, CacheMode::Dual] {
                let params = Params {
                    transfer,
                    cache,
                    ..Params::default()
                };
                let is_meant =
                    |begin: &Begin| begin(&canvas(), &params, FamilyRules::default()).is_some();
                let needs_all = matches!(
                    transfer,
                    Transfer::Wino(_) | Transfer::Timesteps(_) | Transfer::Dynamic(_)
                );
                if needs_all && cache != CacheMode::Off {
                    assert!(!STRATEGIES.iter().any(is_meant), "{cache:?}");
                    continue;
                }
                let is_cached = transfer == Transfer::Quota && cache != CacheMode::Off;
                let begin = if is_cached { cached::begin } else { begin };
                assert!(is_meant(&begin), "{transfer:?} {cache:?}");
                let meant = STRATEGIES.iter().filter(|begin| is_meant(begin));
                assert_eq!(meant.count(), 1, "{transfer:?} {cache:?}");
            }
        }
    }

    #[test]
    fn settings_that_ask_for_no_strategy_are_refused() {
        let params = Params {
            transfer: Transfer::Factor(1.0),
            ..Params::default()
        };
        let others = [threshold::begin, linear::begin];
        let begun = begin(&others, &canvas(), &params, FamilyRules::default());
        let refused = begun.err().map(|error| error.to_string());
        assert_eq!(
            refused.as_deref(),
            Some(
                "no strategy of this build does Factor(1.0) with cache Off; change one of the two"
            )
        );
    }

    #[test]
    fn editing_is_refused_where_no_step_would_edit() {
        let begun = |transfer, cache| {
            let params = Params {
                transfer,
                cache,
                editing: Some(Editing::new(0.5)),
                ..Params::default()
            };
            begin(STRATEGIES, &canvas(), &params, FamilyRules::default()).map(drop)
        };
        assert_eq!(begun(Transfer::Dynamic(0.7), CacheMode::Off), Ok(()));
        for (transfer, cache) in [
            (Transfer::Quota, CacheMode::Off),
            (Transfer::Threshold(0.9), CacheMode::Off),
            (Transfer::Dynamic(0.7), CacheMode::Dual),
        ] {
            let refused = begun(transfer, cache);
            assert!(
                matches!(refused, Err(PlanError::Beside { .. })),
                "{transfer:?}"
            );
        }
    }

    #[test]
    fn holes_of_a_prompt_are_filled_and_without_them_the_schedule_is_exact() {
        let (mask, token) = (TokenId(0), TokenId(9));
        let params = Params {
            steps: 2,
            block_length: 2,
            ..Params::default()
        };
        for (prompt, calls) in [([token, mask, mask], 4), ([token, token, token], 2)] {
            let mut canvas = Canvas::new(&prompt, 2, mask);
            let begun = begin_filling(STRATEGIES, &canvas, &params, FamilyRules::default());
            let mut strategy = begun.expect("the plan divides");
            let mut made = 0;
            while let Some(step) = strategy.next(&canvas) {
                // One a step, the last first.
                canvas.commit(*step.wanted.last().expect("it asks"), token);
                made += 1;
            }
            assert_eq!(canvas.masked_in(0..5).count(), 0);
            assert_eq!(made, calls, "{prompt:?}");
        }
    }

    #[test]
    fn a_number_outside_its_range_is_refused_with_its_name() {
        let refused = |transfer| {
            let params = Params {
                transfer,
                ..Params::default()
            };
            let begun = begin(STRATEGIES, &canvas(), &params, FamilyRules::default());
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
