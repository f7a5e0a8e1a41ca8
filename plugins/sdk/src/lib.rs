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
//!     fn check(&self, _: &LoadSpec) -> Result<Estimate, BackendError> {
//!         Err(BackendError::Unsupported("it is only an example".to_owned()))
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
//! A session computes a pass, keeps the output of the rows that are wanted, and is then asked for it:
//!
//! ```
//! use unmask_sdk::*;
//!
//! /// Whose token is wanted is the one that stands there.
//! #[derive(Default)]
//! struct Constant {
//!     wanted: Vec<TokenId>,
//! }
//!
//! impl Session for Constant {
//!     fn forward(&mut self, pass: &Pass<'_>) -> Result<(), BackendError> {
//!         self.wanted.clear();
//!         if pass.cancel.is_raised() {
//!             return Err(BackendError::Cancelled);
//!         }
//!         let wanted = pass.wanted.iter().map(|&at| pass.tokens[at as usize]);
//!         self.wanted.extend(wanted);
//!         Ok(())
//!     }
//!
//!     fn read_logits(&mut self, rows: &[u32], out: LogitsMut<'_>) -> Result<(), BackendError> {
//!         for (scores, &row) in out.scores.chunks_exact_mut(out.vocab).zip(rows) {
//!             let token = self.wanted.get(row as usize);
//!             let token = token.ok_or_else(|| BackendError::Invalid(format!("no row {row}")))?;
//!             scores.fill(0.0);
//!             scores[token.index()] = 1.0;
//!         }
//!         Ok(())
//!     }
//! }
//!
//! let mut session = Constant::default();
//! session.forward(&Pass {
//!     rows: &[Row { fed: 2, ..Row::default() }],
//!     tokens: &[TokenId(3), TokenId(2)],
//!     positions: &[Position(0), Position(1)],
//!     cells: &[Cell::NONE; 2],
//!     mask: None,
//!     wanted: &[1],
//!     cancel: &CancelFlag::new(),
//! })?;
//! let mut logits = Logits::default();
//! logits.reset(1, 4);
//! session.read_logits(&[0], logits.view())?;
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
pub mod keys;
pub mod log;
pub mod machine;
pub mod memory;
mod meter;
pub mod output;
pub mod rope;

pub use meter::Meter;
pub use unmask_api::*;

#[cfg(feature = "llada")]
pub mod decoder;
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
