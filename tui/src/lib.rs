//! The full-screen chat: state, update, view, and the loop that joins them to a terminal and an engine.
//!
//! ```text
//! key ─► keymap ─► Action ─► update(State) ─► Effect ─► engine
//! engine ─► EngineEvent ─► Action ─► update(State) ─► ScreenLayout ─► view::draw(&State)
//! ```
//!
//! ```
//! use unmask::preferences::Preferences;
//!
//! let (preferences, wrong) = Preferences::parse("config.toml", "[ui]\ntheme = \"dark\"\nmask_width = 9");
//! assert_eq!(preferences.theme, "dark");
//! assert_eq!(wrong.len(), 1, "a mask is 1 to 8 cells wide");
//! ```
//!
//! The binary's subcommands are not visible from here.

pub mod action;
pub mod amount;
pub mod availability;
pub mod cells;
pub mod commands;
pub mod comparison;
pub mod contexts;
pub mod diagnostic;
pub mod effect;
pub mod fetching;
pub mod geometry;
pub mod hints;
pub mod keymap;
pub mod layout;
mod lists;
pub mod models;
pub mod number;
pub mod palette;
pub mod picture;
pub mod precision;
pub mod preferences;
pub mod recorded_run;
pub mod row;
pub mod run;
pub mod screen_layout;
pub mod screen_time;
pub mod sentence;
pub mod session;
pub mod size;
pub mod slash;
pub mod state;
mod terminal;
pub mod theme;
pub mod themes;
pub mod update;
pub mod view;

#[cfg(test)]
mod fixture;

pub use terminal::{ColorChoice, ScreenError};
pub use unmask_core::clean;
