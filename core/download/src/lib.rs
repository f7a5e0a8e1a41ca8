//! Files over HTTP: a fetch that broke off goes on where it was, what comes is tested against its hash, and a caller may end it
//! between two pieces. On top of it [`hub`]: models of the Hugging Face hub, in the cache that its own programs share.
//!
//! ```no_run
//! use std::ops::ControlFlow;
//! use std::path::Path;
//! use unmask_download::{ContentHash, RemoteFile, agent, fetch};
//!
//! let file = RemoteFile {
//!     name: "config.json".to_owned(),
//!     address: "https://hub.example/ORG/NAME/resolve/main/config.json".to_owned(),
//!     bytes: 570,
//!     hash: ContentHash::GitBlob("8f1c".repeat(10)),
//!     token: None,
//! };
//! assert!(file.hash.is_well_formed());
//! // What a fetch before this one left in the file is kept.
//! fetch(&agent(), &file, Path::new("config.json.part"), &mut |_| ControlFlow::Continue(()))?;
//! # Ok::<(), unmask_download::DownloadError>(())
//! ```
//!
//! Why not `hf-hub`: it tests no hash, cannot be cancelled, and gives a 429 up.

mod agent;
mod error;
mod fetch;
mod hash;
pub mod hub;

pub use agent::{agent, shown};
pub use error::DownloadError;
pub use fetch::{FileProgress, RemoteFile, fetch, is_offline};
pub use hash::{ContentHash, hash_file};
