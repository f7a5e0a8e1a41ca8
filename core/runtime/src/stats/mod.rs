//! What counts of answers can and cannot show: intervals, paired differences, and how many questions it takes. Pure.
//!
//! Two runs over the same questions are compared question by question ([`Comparison`]): what both answer alike says nothing
//! about their difference. A difference that is not significant is one that was *not shown*, never equality.

mod bootstrap;
mod holm;
mod paired;
mod power;
mod quantile;
mod wilson;

pub use bootstrap::mean_interval;
pub use holm::holm;
pub use paired::{Comparison, mcnemar, paired_interval};
pub use power::questions_needed;
pub use quantile::quantile;
pub use wilson::wilson;

/// The 97.5 % quantile of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// Where a number lies with a confidence of 95 %.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}
