//! A key for files derived from a checkpoint.

use sha2::{Digest, Sha256};

use super::Weights;
use super::file::File;

/// Files up to this size are hashed whole.
const WHOLE_BYTES: usize = 64 << 20;
/// Of larger ones, the first page of every stretch this long.
const STRETCH_BYTES: usize = 16 << 20;
const PAGE_BYTES: usize = 4096;

impl Weights {
    /// A SHA-256 in hexadecimal that changes when the checkpoint does; a key for derived files such as quantised weights.
    ///
    /// Hashing 16 GB whole would take longer than loading the derived file. So, for each file in order: its length, its
    /// time of modification, its whole header (every name, type, shape and offset) and its contents, whole up to 64 MiB,
    /// else the first 4 KiB of every 16 MiB. Another training run changes every page, an edit by any ordinary tool
    /// changes the time; to be missed, a change has to keep length, header and time and fall between the samples. A
    /// copied checkpoint gets a new key, which costs a rebuild and no mistake; a moved one keeps it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        for file in &self.files {
            add(&mut hash, file);
        }
        // What an adapter's file does not say.
        for (name, delta) in &self.deltas {
            hash.update(name);
            hash.update(delta.scale.to_le_bytes());
        }
        hex(&hash.finalize())
    }
}

fn add(hash: &mut Sha256, file: &File) {
    let bytes = file.bytes();
    hash.update((bytes.len() as u64).to_le_bytes());
    hash.update(file.modified.as_nanos().to_le_bytes());
    let (header, data) = bytes.split_at(file.data_start());
    hash.update(header);
    if data.len() <= WHOLE_BYTES {
        hash.update(data);
        return;
    }
    for stretch in data.chunks(STRETCH_BYTES) {
        hash.update(&stretch[..stretch.len().min(PAGE_BYTES)]);
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
