//! A recorded run as files for others: a page, its lines as text, one JSON object. Pure; the commands read and write.

mod html;
mod log;
mod run;

pub use html::html;
pub use log::{answer, json, log};
pub use run::{Moment, RecordedRun, RunError};
