//! Files over HTTP: a fetch that broke off goes on where it was, what comes is tested against its hash, and a caller may end it
//! between two pieces. On top of it [`hub`]: models of the Hugging Face hub, in the cache that its own programs share.
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
