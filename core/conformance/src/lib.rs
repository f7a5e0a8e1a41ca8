//! What the contract promises, as named cases that a backend passes, fails, or does not claim to pass.
//!
//! The suite is data ([`CASES`]) and knows no backend: whoever runs it brings one and a checkpoint that it can load, as the
//! tests of this repository and `unmask doctor --conformance` do. [`examine`] runs everything on every precision:
//!
//! ```no_run
//! # use std::sync::Arc;
//! # use unmask_api::{Backend, LoadSpec};
//! # fn judge(backend: Arc<dyn Backend>, spec: LoadSpec) {
//! let report = unmask_conformance::examine(&backend, &spec, &["f32".to_owned()], &mut |_| {});
//! assert!(report.failures().next().is_none());
//! # }
//! ```

mod cases;
mod compare;
mod gaps;
mod report;
mod rig;
mod run;

pub use cases::{CASES, Case};
pub use gaps::{Gap, KNOWN};
pub use report::{Report, Trial, Verdict, examine};
pub use rig::Rig;
pub use run::{Run, run};

/// What a case checks; the error says what differs.
type Outcome = Result<(), String>;
