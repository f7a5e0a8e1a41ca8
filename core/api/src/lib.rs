//! The contract between the runtime and every backend: words, three traits, and the same as C tables in [`abi`].
//!
//! A [`Backend`] names its [`Device`]s and loads a [`Model`]; a model opens [`Session`]s, each with slots of K/V cells of its
//! own; a session computes [`Pass`]es and is then asked for their output, whole or in short form. A backend never
//! learns which token is the mask, what the schedule is or the seed: it answers which logits belong to which fed token,
//! nothing else.
//!
//! ```
//! use unmask_api::{CancelFlag, Cell, Pass, Position, Row, SessionSpec, TokenId};
//!
//! // Two tokens of one row, kept in cells 0 and 1 of slot 0; the logits of the second are wanted.
//! let pass = Pass {
//!     rows: &[Row { fed: 2, slot: 0, context: 0..2, padding: 0 }],
//!     tokens: &[TokenId(5), TokenId(7)],
//!     positions: &[Position(0), Position(1)],
//!     cells: &[Cell(0), Cell(1)],
//!     mask: None,
//!     wanted: &[1],
//!     cancel: &CancelFlag::new(),
//! };
//! let room = SessionSpec { cells: 8, slots: 1 };
//! assert!(pass.check(100, &room).is_ok());
//! assert!(pass.check(7, &room).is_err(), "there is no token 7 in a vocabulary of 7");
//! ```
//!
//! The runtime checks what it sends ([`Pass::check`]), so a backend may trust the shapes and ranges written here. What a
//! backend returns is not trusted.

pub mod abi;
mod backend;
mod cancel;
mod device;
mod error;
mod load;
mod logits;
mod pass;
mod summary;
mod token;
mod top;

pub use backend::{Backend, Model, Session, SessionSpec};
pub use cancel::CancelFlag;
pub use device::{Capabilities, Device, DeviceKind, ModelFacts, Probe};
pub use error::{BackendError, ErrorCode, with_causes};
pub use load::{Attention, Estimate, LoadProgress, LoadSpec, Progress};
pub use logits::{Logits, LogitsMut};
pub use pass::{Pass, Row};
pub use summary::RowSummary;
pub use token::{Cell, Position, TokenId};
pub use top::{TopMut, TopRequest, TopRows};
