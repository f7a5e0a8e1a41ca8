//! One file of weights: its bytes and the checks that they are all there.

#![expect(unsafe_code, reason = "mapping a file")]

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use memmap2::Mmap;
use safetensors::SafeTensors;
use safetensors::tensor::{Metadata, SafeTensorError};
use unmask_gguf::{GgufHeader, MAGIC};

use super::guard::MapGuard;
use crate::BackendError;

/// Bytes of the length in front of the header.
const LENGTH_BYTES: usize = 8;

#[derive(Debug)]
enum Content {
    Mapped {
        /// Dropped before the map.
        guard: MapGuard,
        map: Mmap,
        /// Tells whether it still has all the bytes.
        file: std::fs::File,
    },
    Held(Vec<u8>),
    /// Memory of its own, from the beginning of a page on.
    #[cfg(feature = "cache")]
    Anonymous(Mmap),
}

#[derive(Debug)]
pub(super) struct File {
    pub(super) path: PathBuf,
    /// Since 1970; zero if the file system does not say.
    pub(super) modified: Duration,
    content: Content,
}

impl File {
    pub(super) fn open(path: &Path) -> Result<Self, BackendError> {
        let io = |source| BackendError::Io {
            path: path.to_owned(),
            source,
        };
        // Opening a pipe would wait for a writer.
        let kind = std::fs::metadata(path).map_err(io)?.file_type();
        if !kind.is_file() {
            let what = if kind.is_dir() {
                "a folder"
            } else {
                "a pipe or a device"
            };
            let what = format!("it is {what}, not a file");
            return Err(io(io::Error::new(io::ErrorKind::InvalidData, what)));
        }
        let file = std::fs::File::open(path).map_err(io)?;
        let modified = file.metadata().map_err(io)?.modified();
        let modified = modified
            .ok()
            .and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        // SAFETY: the map is read-only, and a changed byte changes a weight, not memory safety. What is cut off is zeros
        // under the guard, or the end of the process where there is none: no lock and no lease of any system keeps another
        // program from cutting a file.
        let map = unsafe { Mmap::map(&file) }.map_err(io)?;
        Ok(Self {
            path: path.to_owned(),
            modified: modified.unwrap_or_default(),
            content: Content::Mapped {
                guard: MapGuard::new(&map),
                map,
                file,
            },
        })
    }

    pub(super) fn from_bytes(path: &Path, bytes: Vec<u8>) -> Self {
        Self {
            path: path.to_owned(),
            modified: Duration::ZERO,
            content: Content::Held(bytes),
        }
    }

    /// What was written to memory that is mapped for it.
    #[cfg(feature = "cache")]
    pub(super) fn anonymous(path: &Path, map: memmap2::MmapMut) -> Result<Self, BackendError> {
        let map = map.make_read_only().map_err(|source| BackendError::Io {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self {
            path: path.to_owned(),
            modified: Duration::ZERO,
            content: Content::Anonymous(map),
        })
    }

    pub(super) fn bytes(&self) -> &[u8] {
        match &self.content {
            Content::Mapped { map, .. } => map,
            Content::Held(bytes) => bytes,
            #[cfg(feature = "cache")]
            Content::Anonymous(map) => map,
        }
    }

    /// # Errors
    /// [`BackendError::Checkpoint`] if it has become shorter since it was mapped, or could not be read: what was read since is
    /// not what it held.
    pub(super) fn check_whole(&self) -> Result<(), BackendError> {
        let Content::Mapped { guard, map, file } = &self.content else {
            return Ok(());
        };
        // Before the length: whoever cuts it may give it back its length.
        let is_patched = guard.is_patched();
        let now = file.metadata().map_err(|source| BackendError::Io {
            path: self.path.clone(),
            source,
        })?;
        let again = "put it back and load the model again";
        match (now.len() < map.len() as u64, is_patched) {
            (false, false) => Ok(()),
            (true, _) => Err(self.broken(format!(
                "was cut short while it was in use: it has {} of {} bytes; {again}",
                now.len(),
                map.len()
            ))),
            (false, true) => Err(self.broken(format!(
                "could not be read while it was in use: it was cut short for a moment, or its disk failed; {again}"
            ))),
        }
    }

    /// Where the tensors' bytes begin; only after [`header`](Self::header) succeeded, or [`gguf`](Self::gguf).
    pub(super) fn data_start(&self) -> usize {
        match self.gguf() {
            Some(header) => header
                .map_or(0, |it| it.data_start as usize)
                .min(self.bytes().len()),
            None => LENGTH_BYTES + self.header_len().unwrap_or(0),
        }
    }

    /// The header of a GGUF file, which begins as such.
    pub(super) fn gguf(&self) -> Option<Result<GgufHeader<'_>, BackendError>> {
        let bytes = self.bytes();
        bytes.starts_with(MAGIC).then(|| {
            GgufHeader::parse(bytes, bytes.len() as u64)
                .map_err(|error| self.broken(error.to_string()))
        })
    }

    fn header_len(&self) -> Option<usize> {
        let length = self.bytes().first_chunk::<LENGTH_BYTES>()?;
        usize::try_from(u64::from_le_bytes(*length)).ok()
    }

    /// Reads the header and checks it against the file's length.
    pub(super) fn header(&self) -> Result<Metadata, BackendError> {
        let bytes = self.bytes();
        let again = "the download is incomplete, fetch it again";
        match SafeTensors::read_metadata(bytes) {
            Ok((_, header)) => Ok(header),
            Err(_) if bytes.starts_with(b"version https://git-lfs") => Err(self.broken(
                "is a Git LFS pointer, not the weights; run `git lfs pull` in its folder"
                    .to_owned(),
            )),
            Err(SafeTensorError::HeaderTooSmall) => {
                Err(self.broken(format!("has only {} bytes; {again}", bytes.len())))
            }
            Err(SafeTensorError::InvalidHeaderLength) => Err(self.broken(format!(
                "the header alone takes {} bytes but the file has {}; {again}",
                self.data_start(),
                bytes.len()
            ))),
            Err(SafeTensorError::MetadataIncompleteBuffer) => Err(self.wrong_length()),
            Err(error) => Err(self.broken(format!(
                "is not a safetensors file ({error}); fetch it again"
            ))),
        }
    }

    fn wrong_length(&self) -> BackendError {
        let start = self.data_start();
        let header = &self.bytes()[LENGTH_BYTES..start];
        let data = serde_json::from_slice::<Metadata>(header).map_or(0, |header| header.data_len());
        let (said, there) = (start.saturating_add(data), self.bytes().len());
        let why = match there > said {
            true => "something was added behind the tensors",
            false => "the download is incomplete",
        };
        self.broken(format!(
            "the header says {said} bytes but the file has {there}; {why}, fetch it again"
        ))
    }

    /// Lets the system take the pages of `bytes` back.
    #[cfg(unix)]
    pub(super) fn release(&self, bytes: &Range<usize>) {
        if let Content::Mapped { map, .. } = &self.content {
            let advice = memmap2::UncheckedAdvice::DontNeed;
            // SAFETY: the map is of a file and never written to, so dropped pages come back with the same bytes.
            let advised = unsafe { map.unchecked_advise_range(advice, bytes.start, bytes.len()) };
            // A system that does not take the advice keeps the pages a little longer.
            advised.ok();
        }
    }

    #[cfg(not(unix))]
    pub(super) fn release(&self, _: &Range<usize>) {}

    pub(super) fn broken(&self, what: String) -> BackendError {
        BackendError::Checkpoint {
            path: self.path.clone(),
            what,
        }
    }
}
