//! The file that keeps quantised matrices: safetensors whose tensors are bytes, with a checksum of each.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use unmask_sdk::weights::{Dtype, Weights};

use crate::device;
use crate::matrix::MatrixSpec;
use crate::precision::Precision;

/// Raised when blocks or their order change; older files are then built anew.
const FORMAT: &str = "1";
/// Of every matrix, from the file's start: a cache line.
const ALIGNMENT: usize = 64;
const GAP: [u8; ALIGNMENT] = [0; ALIGNMENT];
/// Bytes of the length in front of a safetensors header.
const LENGTH_BYTES: usize = 8;

/// One matrix in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) name: String,
    rows: usize,
    row_bytes: usize,
    pub(crate) precision: Precision,
    /// Zeros until it is written.
    pub(crate) checksum: [u8; 32],
}

impl Kept {
    pub(crate) fn bytes(&self) -> usize {
        self.rows * self.row_bytes
    }

    fn checksum_key(&self) -> String {
        format!("sha256 {}", self.name)
    }
}

/// What the file contains, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) matrices: Vec<Kept>,
}

impl Layout {
    pub(crate) fn new(specs: &[MatrixSpec], precision: Precision) -> Self {
        let keep = |spec: &MatrixSpec| {
            let precision = precision.fitting(spec.columns);
            Kept {
                name: spec.name.clone(),
                rows: spec.rows(),
                row_bytes: precision.row_bytes(device::kept_columns(precision, spec.columns)),
                precision,
                checksum: [0; 32],
            }
        };
        Self {
            matrices: specs.iter().map(keep).collect(),
        }
    }

    /// Distinguishes files of different checkpoints, precisions and formats; for a file name.
    pub(crate) fn key(&self, fingerprint: &str) -> String {
        let mut hash = Sha256::new();
        hash.update([FORMAT, fingerprint].join("\n"));
        for kept in &self.matrices {
            let kind = kept.precision.name();
            hash.update(format!(
                "\n{} {} {} {kind}",
                kept.name, kept.rows, kept.row_bytes
            ));
        }
        hex(&hash.finalize()[..16])
    }

    /// Bytes of all matrices, without header and gaps.
    pub(crate) fn data_bytes(&self) -> u64 {
        self.matrices.iter().map(|kept| kept.bytes() as u64).sum()
    }

    /// Bytes of the file.
    pub(crate) fn file_bytes(&self) -> usize {
        let gaps = (0..self.matrices.len()).map(|index| self.gap_after(index).len());
        let data: usize = self.matrices.iter().map(Kept::bytes).sum();
        self.header().len() + data + gaps.sum::<usize>()
    }

    /// The zeros that bring the next matrix to its alignment.
    pub(crate) fn gap_after(&self, index: usize) -> &'static [u8] {
        let bytes = self.matrices[index].bytes();
        &GAP[..bytes.next_multiple_of(ALIGNMENT) - bytes]
    }

    /// The header with its length in front; equally long whatever the checksums are.
    pub(crate) fn header(&self) -> Vec<u8> {
        let mut metadata = Map::new();
        metadata.insert("format".to_owned(), FORMAT.into());
        let mut header = Map::new();
        let mut start = 0;
        for (index, kept) in self.matrices.iter().enumerate() {
            metadata.insert(kept.checksum_key(), hex(&kept.checksum).into());
            let end = start + kept.bytes();
            header.insert(
                kept.name.clone(),
                entry(&[kept.rows, kept.row_bytes], start, end),
            );
            // Safetensors allows no holes: a gap is a tensor too.
            start = end + self.gap_after(index).len();
            header.insert(format!("gap {index}"), entry(&[start - end], end, start));
        }
        header.insert("__metadata__".to_owned(), metadata.into());
        let mut text = Value::from(header).to_string().into_bytes();
        let length = (LENGTH_BYTES + text.len()).next_multiple_of(ALIGNMENT) - LENGTH_BYTES;
        text.resize(length, b' ');
        [&(length as u64).to_le_bytes(), &text[..]].concat()
    }

    /// Tells whether an opened file is this layout's and undamaged.
    ///
    /// # Errors
    /// What is wrong, for a sentence that begins with the file.
    pub(crate) fn check(&self, weights: &Weights, index: usize) -> Result<(), String> {
        let kept = &self.matrices[index];
        let found = weights.find(&kept.name);
        let shape = [kept.rows, kept.row_bytes];
        let Some(found) = found.filter(|found| found.dtype == Dtype::U8 && found.shape == shape)
        else {
            return Err(format!(
                "lacks {} as [{}, {}] bytes",
                kept.name, shape[0], shape[1]
            ));
        };
        let checksum = hex(&Sha256::digest(found.bytes));
        if weights.metadata(&kept.checksum_key()) == Some(checksum) {
            Ok(())
        } else {
            Err(format!("has a wrong checksum for {}", kept.name))
        }
    }
}

fn entry(shape: &[usize], start: usize, end: usize) -> Value {
    json!({ "dtype": "U8", "shape": shape, "data_offsets": [start, end] })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
