//! Everything needed to write an `unmask` backend in Rust.
//!
//! Implement [`Backend`], [`Model`] and [`Session`] in a crate of type `cdylib`, say what it is called, and the program
//! finds it on disk at run time; nothing in the program has to know of it:
//!
//! ```
//! use std::ops::ControlFlow;
//! use unmask_sdk::*;
//!
//! struct Mine;
//!
//! impl Backend for Mine {
//!     fn name(&self) -> &str {
//!         "mine"
//!     }
//!     fn version(&self) -> &str {
//!         env!("CARGO_PKG_VERSION")
//!     }
//!     fn probe(&self) -> Probe {
//!         Probe::Unusable {
//!             reason: "it is only an example".to_owned(),
//!             remedy: String::new(),
//!         }
//!     }
//!     fn devices(&self) -> Vec<Device> {
//!         Vec::new()
//!     }
//!     fn load(&self, _: &LoadSpec, _: &Progress<'_>) -> Result<Box<dyn Model>, BackendError> {
//!         Err(BackendError::Unsupported("it is only an example".to_owned()))
//!     }
//! }
//!
//! export_backend! { name: "mine", version: env!("CARGO_PKG_VERSION"), backend: Mine }
//! # fn main() {}
//! ```
//!
//! Name the library `unmask_backend_NAME` (cargo adds the `lib` and the `.so`). What [`export_backend!`] does for you:
//!
//! - the C table `UNMASK_PLUGIN` of [`abi`], whose functions call your traits without copying tokens or logits;
//! - a panic becomes the error [`BackendError::Panicked`] with its text, and its place is written to the host's log;
//! - an error crosses with its code, its text and its causes;
//! - [`log`] reaches the host's log. Print nothing: the screen belongs to the program.

#[doc(hidden)]
pub mod export;
pub mod log;

pub use unmask_api::*;

#[cfg(feature = "llada")]
pub mod llada;
#[cfg(feature = "runtimes")]
pub mod runtimes;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "weights")]
pub mod weights;
