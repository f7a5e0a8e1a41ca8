//! The screen's conversations and prompts on disk.
//!
//! [`Storage`] does all of it on a thread of its own: the screen sends it [`Job`]s and is told [`StorageEvent`]s.

mod entries;
mod recorded_model;
mod storage;
mod trace;

#[cfg(test)]
mod tests;

pub use entries::{Resumed, record_of, resumed};
pub use storage::{Job, Opened, Storage, StorageEvent};
pub use trace::{
    TracedAnswer, entry_events, recorded_turn, trace_events, trace_lines, turn_of_run,
};
