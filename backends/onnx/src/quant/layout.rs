//! The file that keeps arrays: safetensors with a checksum of each.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use twox_hash::XxHash3_128;
use unmask_sdk::weights::{Dtype, Weights};

use super::Array;
use crate::graph::Kind;

/// Raised when the arrays' contents or order change; older files are then built anew.
const FORMAT: &str = "2";
/// Of every array, from the file's start: a cache line.
const ALIGNMENT: usize = 64;
const GAP: [u8; ALIGNMENT] = [0; ALIGNMENT];
/// Bytes of the length in front of a safetensors header.
const LENGTH_BYTES: usize = 8;

/// What the file contains, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) arrays: Vec<Array>,
    /// Zeros until the arrays are written.
    checksums: Vec<[u8; 16]>,
}

impl Layout {
    pub(crate) fn new(arrays: Vec<Array>) -> Self {
        let checksums = vec![[0; 16]; arrays.len()];
        Self { arrays, checksums }
    }

    /// Distinguishes files of different checkpoints, precisions and formats; for a file name.
    pub(super) fn key(&self, fingerprint: &str) -> String {
        let mut hash = Sha256::new();
        hash.update([FORMAT, fingerprint].join("\n"));
        for array in &self.arrays {
            let kind = dtype(array.kind);
            hash.update(format!("\n{} {:?} {kind:?}", array.name, array.shape));
        }
        hex(&hash.finalize()[..16])
    }

    /// Bytes of all arrays, without header and gaps.
    pub(crate) fn data_bytes(&self) -> u64 {
        self.arrays.iter().map(|array| array.bytes() as u64).sum()
    }

    /// Writes down what the array at `index` is kept as.
    pub(super) fn sum(&mut self, index: usize, bytes: &[u8]) {
        self.checksums[index] = checksum(bytes);
    }

    /// The zeros that bring the next array to its alignment.
    pub(super) fn gap_after(&self, index: usize) -> &'static [u8] {
        let bytes = self.arrays[index].bytes();
        &GAP[..bytes.next_multiple_of(ALIGNMENT) - bytes]
    }

    /// The header with its length in front; equally long whatever the checksums are.
    pub(super) fn header(&self) -> Vec<u8> {
        let mut metadata = Map::new();
        metadata.insert("format".to_owned(), FORMAT.into());
        let mut header = Map::new();
        let mut start = 0;
        for (index, (array, checksum)) in self.arrays.iter().zip(&self.checksums).enumerate() {
            metadata.insert(checksum_key(array), hex(checksum).into());
            let end = start + array.bytes();
            let of_array = entry(dtype(array.kind), &array.shape, start, end);
            header.insert(array.name.clone(), of_array);
            // Safetensors allows no holes: a gap is a tensor too.
            start = end + self.gap_after(index).len();
            let gap = entry(Dtype::U8, &[start - end], end, start);
            header.insert(format!("gap {index}"), gap);
        }
        header.insert("__metadata__".to_owned(), metadata.into());
        let mut text = Value::from(header).to_string().into_bytes();
        let length = (LENGTH_BYTES + text.len()).next_multiple_of(ALIGNMENT) - LENGTH_BYTES;
        text.resize(length, b' ');
        [&(length as u64).to_le_bytes(), &text[..]].concat()
    }

    /// Tells whether an array of an opened file is this layout's and undamaged.
    ///
    /// # Errors
    /// What is wrong, for a sentence that begins with the file.
    pub(super) fn check(&self, weights: &Weights, index: usize) -> Result<(), String> {
        let array = &self.arrays[index];
        let fits =
            |dtype_found, shape: &[usize]| dtype_found == dtype(array.kind) && shape == array.shape;
        let found = weights.find(&array.name);
        let Some(found) = found.filter(|found| fits(found.dtype, found.shape)) else {
            return Err(format!("lacks {} as {:?}", array.name, array.shape));
        };
        let checksum = hex(&checksum(found.bytes));
        if weights.metadata(&checksum_key(array)) == Some(checksum) {
            Ok(())
        } else {
            Err(format!("has a wrong checksum for {}", array.name))
        }
    }
}

/// XXH3, which tells damage on a disk many times faster than a cryptographic hash: this is read at every load.
fn checksum(bytes: &[u8]) -> [u8; 16] {
    XxHash3_128::oneshot(bytes).to_be_bytes()
}

fn checksum_key(array: &Array) -> String {
    format!("xxh3 {}", array.name)
}

fn dtype(kind: Kind) -> Dtype {
    match kind {
        Kind::F32 => Dtype::F32,
        Kind::F16 => Dtype::F16,
        Kind::Bf16 => Dtype::BF16,
        Kind::U8 => Dtype::U8,
        Kind::I8 => Dtype::I8,
        Kind::I64 => Dtype::I64,
    }
}

fn entry(dtype: Dtype, shape: &[usize], start: usize, end: usize) -> Value {
    json!({ "dtype": format!("{dtype:?}"), "shape": shape, "data_offsets": [start, end] })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
