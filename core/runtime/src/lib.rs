//! The machine: reads the configuration, finds backends, prepares text, unmasks canvases, tells the world about each step.
//!
//! ```
//! use unmask_core::config::{Config, Environment, Overrides};
//! use unmask_core::{Canvas, Position, TokenId};
//!
//! // The configuration that the program carries, as nobody changed it.
//! let config = Config::load(&Overrides::default(), &Environment::default())?;
//! assert_eq!(config.active_model().key, "demo");
//!
//! // A prompt of one token and an answer of three masks, of which the second is committed.
//! let mask = TokenId(9);
//! let mut canvas = Canvas::new(&[TokenId(1)], 3, mask);
//! canvas.commit(Position(2), TokenId(4));
//! assert_eq!(canvas.answer(), [mask, TokenId(4), mask]);
//! # Ok::<(), unmask_core::config::ConfigError>(())
//! ```
//!
//! Re-exports the contract ([`api`]), so that this crate is where the `Backend` trait and the shared sampler are found.

pub use unmask_api as api;
pub use unmask_api::{Position, TokenId};

pub mod add_model;
pub mod canvas;
pub mod catalogue;
pub mod checkpoint;
pub mod clean;
pub mod concurrency;
pub mod config;
pub mod conversations;
pub mod denoise;
pub mod engine;
pub mod event;
pub mod failure;
pub mod fair_share;
pub mod family;
pub mod fold;
pub mod generate;
mod json_fault;
pub mod kept;
pub mod leftovers;
pub mod likelihood;
pub mod loader;
pub mod measured;
pub mod message;
pub mod model_id;
#[cfg(test)]
mod mutation;
pub mod open_files;
pub mod params;
pub mod partial;
pub mod pin;
pub mod plugin;
pub mod precision;
pub mod provenance;
pub mod regular_file;
pub mod sampler;
pub mod scorer;
pub mod settings;
pub mod stats;
pub mod text;
pub mod wire;

pub use canvas::Canvas;
pub use json_fault::json_fault;
pub use params::Params;
