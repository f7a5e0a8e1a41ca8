//! The machine: reads the configuration, finds backends, prepares text, unmasks canvases, tells the world about each step.
//!
//! Re-exports the contract ([`api`]), so that this crate is where the `Backend` trait and the shared sampler are found.

pub use unmask_api as api;
pub use unmask_api::{Position, TokenId};

pub mod canvas;
pub mod catalogue;
pub mod checkpoint;
pub mod config;
pub mod engine;
pub mod event;
pub mod family;
pub mod generate;
pub mod likelihood;
pub mod loader;
pub mod model_id;
pub mod params;
pub mod plugin;
mod replace;
pub mod sampler;
pub mod scorer;
pub mod text;

pub use canvas::Canvas;
pub use params::Params;
