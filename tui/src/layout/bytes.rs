//! Tokens are bytes: neighbours are joined before they are decoded.

use unicode_segmentation::UnicodeSegmentation;

/// Stands for a character whose other bytes belong to a token that is still masked.
pub(super) const PARTIAL: &str = "▯";

/// The bytes of neighbouring tokens.
#[derive(Debug, Default)]
pub(super) struct Joined {
    bytes: Vec<u8>,
    /// Where each token's bytes begin, with the token's index.
    owners: Vec<(usize, usize)>,
    /// Whether a mask stands before the first byte.
    after_mask: bool,
}

impl Joined {
    pub(super) fn push(&mut self, bytes: &[u8], token: usize) {
        self.owners.push((self.bytes.len(), token));
        self.bytes.extend_from_slice(bytes);
    }

    /// Hands over each grapheme with the token of its first byte, then is empty. A character cut off at either end by a
    /// mask is one [`PARTIAL`]; other bytes that are no UTF-8 are replacement characters.
    pub(super) fn drain(&mut self, before_mask: bool, mut each: impl FnMut(&str, usize)) {
        let mut at = 0;
        let mut owner = Owners::new(&self.owners);
        for chunk in self.bytes.utf8_chunks() {
            for (offset, grapheme) in chunk.valid().grapheme_indices(true) {
                each(grapheme, owner.of(at + offset));
            }
            at += chunk.valid().len();
            let invalid = chunk.invalid();
            if !invalid.is_empty() {
                if self.is_tail_of_mask(at) {
                    // One sign stands for up to three such bytes.
                    if at == 0 {
                        each(PARTIAL, owner.of(at));
                    }
                } else if is_head(invalid) && at + invalid.len() == self.bytes.len() {
                    each(PARTIAL, owner.of(at));
                } else {
                    each("\u{FFFD}", owner.of(at));
                }
                at += invalid.len();
            }
        }
        self.bytes.clear();
        self.owners.clear();
        self.after_mask = before_mask;
    }

    /// True for the continuation bytes at the very beginning whose first byte is behind a mask.
    fn is_tail_of_mask(&self, at: usize) -> bool {
        self.after_mask && at < 3 && self.bytes[..=at].iter().all(|byte| byte >> 6 == 0b10)
    }
}

/// True for the beginning of a character whose remaining bytes have not come.
fn is_head(invalid: &[u8]) -> bool {
    std::str::from_utf8(invalid).is_err_and(|error| error.error_len().is_none())
}

/// Finds the token of ascending byte offsets.
struct Owners<'a> {
    owners: &'a [(usize, usize)],
    at: usize,
}

impl<'a> Owners<'a> {
    fn new(owners: &'a [(usize, usize)]) -> Self {
        Self { owners, at: 0 }
    }

    fn of(&mut self, offset: usize) -> usize {
        while self.at + 1 < self.owners.len() && self.owners[self.at + 1].0 <= offset {
            self.at += 1;
        }
        self.owners[self.at].1
    }
}
