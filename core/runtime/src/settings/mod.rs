//! The settings of denoising: one table, from which the configuration, the environment, the command line, the screen and
//! the files of conversations take their keys, ranges and words.
//!
//! To add a setting, write its line in [`Setting`] and its [`Definition`] in [`TABLE`]; its field of
//! [`Params`](crate::Params) is what it acts on.

mod cost;
mod definition;
mod domain;
mod families;
mod patch;
mod samplers;
mod setting;
mod table;
mod value;
mod words;

pub use cost::{Forwards, approximation, fit, time_per_forward};
pub use definition::{Changes, Definition, Flag, OneOf};
pub use domain::{Bounds, Counted, Domain, Word};
pub use patch::{GenerationPatch, object};
pub use setting::Setting;
pub use table::TABLE;
pub use value::{SettingValue, listed};

#[cfg(test)]
mod tests;
