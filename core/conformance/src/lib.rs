//! What the contract promises, as named cases that a backend passes, fails, or does not claim to pass.
//!
//! The suite is data ([`CASES`]) and knows no backend: whoever runs it brings one and a checkpoint that it can load, as the
//! tests of this repository and `unmask backends verify` do. An [`Examination`] asks every [`PlannedTrial`] of its [`Grid`], each
//! case in each precision:
//!
//! ```no_run
//! # use std::sync::Arc;
//! # use unmask_api::{Backend, LoadSpec};
//! use unmask_conformance::{Examination, Grid};
//! # fn judge(backend: Arc<dyn Backend>, spec: LoadSpec) {
//! let report = Examination::new(backend, spec, Grid::of(["f32".to_owned()])).report();
//! assert!(report.failures().next().is_none());
//! # }
//! ```
//!
//! It runs in the process that it is called in, and what crashes there crashes the suite with it. Whoever wants a verdict all
//! the same runs it in a process of its own, listens to its [`ExaminationEvent`]s, and goes on in another process behind the
//! question that ended the first ([`Examination::after`], [`Grid::behind_a_loss`]).
//!
//! Nothing is judged by a clock: times are [`Figure`]s beside the verdicts.

mod cases;
mod compare;
mod examine;
mod gaps;
mod golden;
mod grid;
mod owned_pass;
mod report;
mod rig;

pub use cases::{CASES, Case};
pub use examine::{Examination, ExaminationEvent};
pub use gaps::{Gap, KNOWN, all_known};
pub use grid::{Grid, PlannedTrial};
pub use owned_pass::{OwnedPass, run};
pub use report::{Figure, Report, Trial, Verdict};
pub use rig::Rig;

/// What a case checks; the error says what differs.
type Outcome = Result<(), String>;

/// What a case that looks further found; the error says what differs.
type Explored = Result<Finding, String>;

/// What a case found that did not fail.
enum Finding {
    /// The promise is kept; what was measured on the way.
    Kept(Vec<Figure>),
    /// There was nothing to test, and why.
    Untested(String),
}
