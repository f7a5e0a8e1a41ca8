//! The shared sampler: which masked positions to fix next, and with what. Pure: no backend, no clock, no I/O.
//!
//! A step runs through four parts, each its own file:
//! [`Walk`] says which block, how many and which positions may be fixed (`walk.rs`, [`quota`]);
//! [`Judge`] turns each position's logits into a [`Candidate`] (`judge.rs`, with `noise.rs` for temperature);
//! [`choose`] picks among the candidates (`choose.rs`); the caller commits the picks to its canvas.

mod choose;
mod judge;
mod noise;
mod plan;
mod schedule;
mod walk;

pub use choose::choose;
pub use judge::{Candidate, Judge, gumbel_score, softmax_at};
pub use noise::{Noise, Seeded};
pub use plan::{Fit, Plan, PlanError};
pub use schedule::quota;
pub use walk::{StepPlan, Walk};
