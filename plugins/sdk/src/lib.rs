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
//! Name the library `unmask_backend_NAME` (cargo adds the `lib` and the `.so`). `plugins/README.md` builds a backend step by
//! step, and `plugins/template` is where to begin.
//!
//! A session reads a pass and writes the rows that are wanted:
//!
//! ```
//! use unmask_sdk::*;
//!
//! struct Constant;
//!
//! impl Session for Constant {
//!     fn forward(&mut self, pass: &Pass<'_>, out: LogitsMut<'_>) -> Result<(), BackendError> {
//!         for (row, &wanted) in out.scores.chunks_exact_mut(out.vocab).zip(pass.wanted) {
//!             if pass.cancel.is_raised() {
//!                 return Err(BackendError::Cancelled);
//!             }
//!             // The token that stands there is the one that is wanted there.
//!             row.fill(0.0);
//!             row[pass.tokens[wanted as usize].index()] = 1.0;
//!         }
//!         Ok(())
//!     }
//! }
//!
//! let mut logits = Logits::default();
//! logits.reset(1, 4);
//! let pass = Pass {
//!     rows: &[Row { fed: 2, slot: 0, attend: 0..2 }],
//!     tokens: &[TokenId(3), TokenId(2)],
//!     positions: &[Position(0), Position(1)],
//!     wanted: &[1],
//!     cancel: &CancelFlag::new(),
//! };
//! Constant.forward(&pass, logits.view())?;
//! assert_eq!(logits.row(0), [0.0, 0.0, 1.0, 0.0]);
//! # Ok::<(), BackendError>(())
//! ```
//!
//! What [`export_backend!`] does for you:
//!
//! - the C table `UNMASK_PLUGIN` of [`abi`], whose functions call your traits without copying tokens or logits;
//! - a panic becomes the error [`BackendError::Panicked`] with its text, and its place is written to the host's log;
//! - an error crosses with its code, its text and its causes;
//! - [`log`] reaches the host's log. Print nothing: the screen belongs to the program.

#[doc(hidden)]
pub mod export;
pub mod log;
pub mod memory;
mod meter;

pub use meter::Meter;
pub use unmask_api::*;

#[cfg(feature = "llada")]
pub mod llada;
#[cfg(feature = "options")]
pub mod options;
#[cfg(feature = "runtimes")]
pub mod runtimes;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "weights")]
pub mod weights;
