//! The shared sampler: which masked positions to fix next, and with what. Pure: no backend, no clock, no I/O.
//!
//! A step runs through three parts: a [`Strategy`] says which positions are wanted (`strategies/`, one file each, on
//! [`BlockCursor`], [`Plan`] and [`quota`]); [`Judge`] turns each position's logits into a [`Candidate`] (`judge.rs`, with
//! `noise.rs` and `gumbel.rs` for temperature and `rank.rs` for the order); the strategy says what becomes of the candidates, as
//! [`CanvasEdit`]s.

mod candidate;
mod cursor;
mod gumbel;
mod judge;
mod keep_top;
mod noise;
mod plan;
mod rank;
mod schedule;
pub mod strategies;
mod strategy;
mod summarised;
mod vectors;

pub use candidate::Candidate;
pub use cursor::BlockCursor;
pub use gumbel::gumbel_score;
pub use judge::Judge;
pub use noise::{Noise, Seeded};
pub use plan::{FittedParams, Plan, PlanError};
pub use rank::{best, best_first, certainty};
pub use schedule::{quota, timestep, timestep_share};
pub use strategy::{CanvasEdit, StepPlan, Strategy, StrategyProgress, Verified};
