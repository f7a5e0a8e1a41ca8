//! The file that keeps arrays: safetensors with a checksum of each.

use std::path::Path;

use safetensors::Dtype;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use twox_hash::XxHash3_128;

use super::Array;
use crate::weights::Weights;
use crate::weights::fingerprint::hex;

/// Raised when the file's form changes; older files are then made anew.
const FORMAT: &str = "unmask 1";
/// Of every array, from the file's start: a cache line.
const ALIGNMENT: usize = 64;
const GAP: [u8; ALIGNMENT] = [0; ALIGNMENT];
/// Bytes of the length in front of a safetensors header.
const LENGTH_BYTES: usize = 8;

/// Distinguishes files of different checkpoints, arrays, editions and forms; for a file name.
pub(super) fn key(edition: u32, fingerprint: &str, arrays: &[Array]) -> String {
    let mut hash = Sha256::new();
    hash.update(format!("{FORMAT}\n{edition}\n{fingerprint}"));
    for Array { name, dtype, shape } in arrays {
        hash.update(format!("\n{name} {shape:?} {dtype:?}"));
    }
    hex(&hash.finalize()[..16])
}

/// Tells whether an array of an opened file is what it should be, and undamaged.
///
/// # Errors
/// What is wrong, for a sentence that begins with the file.
pub(super) fn check(weights: &Weights, array: &Array) -> Result<(), String> {
    let Array { name, dtype, shape } = array;
    let found = weights.find(name);
    let found = found.filter(|found| found.dtype == *dtype && found.shape == shape);
    let Some(found) = found else {
        return Err(format!("lacks {name} as {shape:?}"));
    };
    let sum = written(XxHash3_128::oneshot(found.bytes));
    if weights.metadata(&sum_key(array)) == Some(&sum) {
        return Ok(());
    }
    Err(format!("has a wrong checksum for {name}"))
}

/// What the file contains, in order.
pub(super) struct Contents<'a> {
    pub(super) arrays: &'a [Array],
    /// XXH3 of each, which tells damage on a disk many times faster than a cryptographic hash: it is made anew at every
    /// load. Zeros until an array is written.
    pub(super) sums: Vec<u128>,
    /// Of which the arrays are made, for whoever lists these files.
    checkpoint: String,
}

impl<'a> Contents<'a> {
    pub(super) fn new(arrays: &'a [Array], checkpoint: Option<&Path>) -> Self {
        let checkpoint = checkpoint.map(|folder| folder.display().to_string());
        Self {
            arrays,
            sums: vec![0; arrays.len()],
            checkpoint: checkpoint.unwrap_or_default(),
        }
    }

    /// Bytes of the file.
    pub(super) fn file_bytes(&self) -> usize {
        let aligned = |array: &Array| array.bytes().next_multiple_of(ALIGNMENT);
        self.header().len() + self.arrays.iter().map(aligned).sum::<usize>()
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
        metadata.insert("checkpoint".to_owned(), self.checkpoint.as_str().into());
        let mut header = Map::new();
        let mut start = 0;
        for (index, (array, sum)) in self.arrays.iter().zip(&self.sums).enumerate() {
            metadata.insert(sum_key(array), written(*sum).into());
            let end = start + array.bytes();
            let of_array = entry(array.dtype, &array.shape, start, end);
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
}

fn sum_key(array: &Array) -> String {
    format!("xxh3 {}", array.name)
}

fn written(sum: u128) -> String {
    format!("{sum:032x}")
}

fn entry(dtype: Dtype, shape: &[usize], start: usize, end: usize) -> Value {
    json!({ "dtype": format!("{dtype:?}"), "shape": shape, "data_offsets": [start, end] })
}
