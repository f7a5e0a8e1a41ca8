//! The contract between the runtime and every backend: words, three traits, and the same as C tables in [`abi`].
//!
//! A [`Backend`] names its [`Device`]s and loads a [`Model`]; a model opens [`Session`]s, each with slots of K/V cells of its
//! own; a session computes [`Pass`]es and is then asked for their output, whole or in short form. A backend never
//! learns which token is the mask, what the schedule is or the seed: it answers which logits belong to which fed token,
//! nothing else.
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
