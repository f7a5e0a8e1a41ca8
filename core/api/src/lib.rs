//! The contract between the runtime and every backend: words, three traits, and the same as C tables in [`abi`].
//!
//! A [`Backend`] names its [`Device`]s and loads a [`Model`]; a model opens [`Session`]s, one per conversation, each with
//! its own K/V cache; a session computes [`Pass`]es. A backend never sees a mask, a schedule or a seed: it answers which
//! logits belong to which fed token, nothing else.
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
mod token;
mod top;

pub use backend::{Backend, Model, Session, SessionSpec};
pub use cancel::CancelFlag;
pub use device::{Capabilities, Device, DeviceKind, ModelFacts, Probe};
pub use error::{BackendError, ErrorCode, with_causes};
pub use load::{Attention, LoadProgress, LoadSpec, Progress};
pub use logits::{Logits, LogitsMut};
pub use pass::{Pass, Row};
pub use token::{Position, TokenId};
pub use top::{TopMut, TopRows};
