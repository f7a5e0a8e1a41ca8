//! Little-endian numbers and texts, one behind the other.

use crate::GgufError;

/// What is left of the bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unread<'a> {
    pub(crate) bytes: &'a [u8],
    /// How many were read.
    pub(crate) at: usize,
}

impl<'a> Unread<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(crate) fn take(&mut self, count: u64) -> Result<&'a [u8], GgufError> {
        let count = usize::try_from(count).map_err(|_| GgufError::Ends)?;
        let (taken, rest) = self.bytes.split_at_checked(count).ok_or(GgufError::Ends)?;
        self.bytes = rest;
        self.at += count;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], GgufError> {
        let (taken, rest) = self.bytes.split_first_chunk().ok_or(GgufError::Ends)?;
        self.bytes = rest;
        self.at += N;
        Ok(*taken)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, GgufError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, GgufError> {
        self.array().map(u64::from_le_bytes)
    }

    /// A text behind its length; `what` it is, for the error.
    pub(crate) fn text(&mut self, what: impl FnOnce() -> String) -> Result<&'a str, GgufError> {
        let length = self.u64()?;
        std::str::from_utf8(self.take(length)?)
            .map_err(|_| GgufError::Damaged(format!("{} is not UTF-8 text", what())))
    }
}
