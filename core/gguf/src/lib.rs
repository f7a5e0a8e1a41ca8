//! What a GGUF file, the form of llama.cpp's models, says of itself: its metadata and where its tensors are. Nothing in the
//! file is believed: counts and lengths are tested against the bytes that are there, and nothing is allocated by them.
//!
//! ```
//! let file = [&b"GGUF"[..], &3_u32.to_le_bytes(), &[0; 16]].concat();
//! let header = unmask_gguf::GgufHeader::parse(&file, file.len() as u64)?;
//! assert!(header.tensors.is_empty() && header.text("general.architecture").is_none());
//! # Ok::<(), unmask_gguf::GgufError>(())
//! ```

mod bytes;
mod error;
mod file;
mod header;
mod kind;
mod split;
#[cfg(any(test, feature = "testing"))]
mod test_file;
#[cfg(test)]
mod tests;
mod value;

pub use error::GgufError;
pub use file::HeaderBytes;
pub use header::{GgufHeader, GgufTensor};
pub use kind::GgmlType;
pub use split::SplitName;
#[cfg(any(test, feature = "testing"))]
pub use test_file::TestFile;
pub use value::{GgufList, GgufValue};

/// What the files begin with.
pub const MAGIC: &[u8; 4] = b"GGUF";
