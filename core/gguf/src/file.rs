//! The header of a file on disk.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use crate::{GgufError, GgufHeader};

/// Read at first; the vocabulary of a large model has a few million.
const FIRST_BYTES: u64 = 1 << 20;
/// No header has more.
const MOST_BYTES: u64 = 256 << 20;

/// The first bytes of a file, with its whole header in them.
#[derive(Debug, Clone)]
pub struct HeaderBytes {
    bytes: Vec<u8>,
    file_bytes: u64,
}

impl HeaderBytes {
    /// Reads as much of the file at `path` as its header takes; what is no regular file is an error.
    ///
    /// # Errors
    /// The system's, or [`GgufError`] as [`io::ErrorKind::InvalidData`].
    pub fn read(path: &Path) -> io::Result<Self> {
        // Opening a pipe would wait for a writer.
        let data = path.metadata()?;
        if !data.is_file() {
            return Err(io::Error::other("it is not a file"));
        }
        let mut file = File::open(path)?;
        let file_bytes = data.len();
        let (mut bytes, mut wanted) = (Vec::new(), FIRST_BYTES);
        loop {
            let more = wanted - bytes.len() as u64;
            (&mut file).take(more).read_to_end(&mut bytes)?;
            let is_cut = (bytes.len() as u64) < wanted || wanted >= MOST_BYTES;
            match GgufHeader::parse(&bytes, file_bytes) {
                Err(GgufError::Ends) if !is_cut => wanted *= 4,
                Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error)),
                Ok(header) => {
                    let whole = header.data_start.min(bytes.len() as u64) as usize;
                    bytes.truncate(whole);
                    return Ok(Self { bytes, file_bytes });
                }
            }
        }
    }

    /// The bytes of the header.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What they say.
    ///
    /// # Panics
    /// Never: it was read before.
    #[must_use]
    pub fn header(&self) -> GgufHeader<'_> {
        GgufHeader::parse(&self.bytes, self.file_bytes).expect("it was read before")
    }
}
