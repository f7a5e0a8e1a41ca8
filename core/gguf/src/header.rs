//! Everything in front of the tensors' numbers.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::bytes::Unread;
use crate::{GgmlType, GgufError, GgufList, GgufValue, MAGIC};

/// The header of a file.
#[derive(Debug, Clone)]
pub struct GgufHeader<'a> {
    values: BTreeMap<&'a str, GgufValue<'a>>,
    /// In the order of the file.
    pub tensors: Vec<GgufTensor<'a>>,
    /// Where the numbers of the tensors begin.
    pub data_start: u64,
}

/// A tensor of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GgufTensor<'a> {
    /// Its name.
    pub name: &'a str,
    /// Lengths of its dimensions, row-major: the last one is that of a row, as in safetensors and unlike in the file.
    pub shape: Vec<usize>,
    /// How its numbers are stored.
    pub kind: GgmlType,
    /// Where in the file they are; empty if [`kind`](Self::kind) is not read.
    pub bytes: Range<u64>,
}

/// What a pointer file of Git LFS begins with.
const LFS: &[u8] = b"version https://git-lfs";
/// GGML's tensors have no more.
const MOST_DIMENSIONS: u32 = 4;
/// In front of the tensors' numbers, where the file does not say.
const ALIGNMENT: u64 = 32;
const MOST_ALIGNMENT: u64 = 1 << 16;

impl<'a> GgufHeader<'a> {
    /// Reads the header in `bytes`, the first of a file that has `file_bytes`.
    ///
    /// # Errors
    /// [`GgufError::Ends`] if they end inside the header; otherwise what is wrong with the file, be it that it is shorter than
    /// its tensors.
    pub fn parse(bytes: &'a [u8], file_bytes: u64) -> Result<Self, GgufError> {
        let mut unread = Unread::new(bytes);
        if !bytes.starts_with(MAGIC) {
            let is_cut = bytes.len() < MAGIC.len() && MAGIC.starts_with(bytes) && !bytes.is_empty();
            return Err(match is_cut {
                true => GgufError::Ends,
                false if bytes.starts_with(LFS) => GgufError::LfsPointer,
                false => GgufError::NotGguf,
            });
        }
        unread.take(MAGIC.len() as u64)?;
        match unread.u32()? {
            2 | 3 => {}
            version if version.swap_bytes() < 256 => return Err(GgufError::BigEndian),
            version => return Err(GgufError::Version(version)),
        }
        let (tensors, keys) = (unread.u64()?, unread.u64()?);
        let mut values = BTreeMap::new();
        for _ in 0..keys {
            let key = unread.text(|| "a key of the metadata".to_owned())?;
            let value = GgufValue::read(key, &mut unread)?;
            if values.insert(key, value).is_some() {
                return Err(GgufError::Damaged(format!("{key} is said twice")));
            }
        }
        let mut header = Self {
            values,
            tensors: Vec::new(),
            data_start: 0,
        };
        let alignment = header.alignment()?;
        let mut names = BTreeSet::new();
        for _ in 0..tensors {
            let tensor = GgufTensor::read(&mut unread)?;
            if !names.insert(tensor.name) {
                let name = tensor.name;
                return Err(GgufError::Damaged(format!(
                    "it has the tensor {name} twice"
                )));
            }
            header.tensors.push(tensor);
        }
        header.data_start = (unread.at as u64).next_multiple_of(alignment);
        header.place(alignment, file_bytes)?;
        Ok(header)
    }

    /// Tests where the tensors are, and counts from the file's beginning.
    fn place(&mut self, alignment: u64, file_bytes: u64) -> Result<(), GgufError> {
        let start = self.data_start;
        for tensor in &mut self.tensors {
            let Range { start: offset, end } = tensor.bytes;
            let name = tensor.name;
            let placed = start.checked_add(offset).zip(start.checked_add(end));
            let Some((first, end)) = placed.filter(|_| offset.is_multiple_of(alignment)) else {
                return Err(GgufError::Damaged(format!(
                    "tensor {name} begins at byte {offset}, where none can"
                )));
            };
            if end > file_bytes {
                return Err(GgufError::Damaged(format!(
                    "tensor {name} ends at byte {end}, but the file has {file_bytes}: the download is incomplete"
                )));
            }
            tensor.bytes = first..end;
        }
        Ok(())
    }

    fn alignment(&self) -> Result<u64, GgufError> {
        let key = "general.alignment";
        let said = match self.values.get(key) {
            None => return Ok(ALIGNMENT),
            Some(_) => self.count(key),
        };
        let usable = |said: &u64| said.is_power_of_two() && (8..=MOST_ALIGNMENT).contains(said);
        said.filter(usable)
            .ok_or_else(|| GgufError::Damaged(format!("{key} is no power of two up to 65536")))
    }

    /// The keys of the metadata.
    pub fn keys(&self) -> impl Iterator<Item = &'a str> {
        self.values.keys().copied()
    }

    /// The text of `key`.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&'a str> {
        match self.values.get(key)? {
            GgufValue::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The count or the id of `key`: a whole number that is not negative.
    #[must_use]
    pub fn count(&self, key: &str) -> Option<u64> {
        match self.values.get(key)? {
            GgufValue::Unsigned(number) => Some(*number),
            GgufValue::Signed(number) => u64::try_from(*number).ok(),
            _ => None,
        }
    }

    /// The number of `key`.
    #[must_use]
    pub fn number(&self, key: &str) -> Option<f64> {
        match self.values.get(key)? {
            GgufValue::Float(number) => Some(*number),
            GgufValue::Unsigned(number) => Some(*number as f64),
            GgufValue::Signed(number) => Some(*number as f64),
            _ => None,
        }
    }

    /// Whether `key` is true.
    #[must_use]
    pub fn flag(&self, key: &str) -> Option<bool> {
        match self.values.get(key)? {
            GgufValue::Flag(flag) => Some(*flag),
            _ => None,
        }
    }

    /// The list of `key`.
    #[must_use]
    pub fn list(&self, key: &str) -> Option<GgufList<'a>> {
        match self.values.get(key)? {
            GgufValue::List(list) => Some(*list),
            _ => None,
        }
    }

    /// The tensor `name`.
    #[must_use]
    pub fn tensor(&self, name: &str) -> Option<&GgufTensor<'a>> {
        self.tensors.iter().find(|tensor| tensor.name == name)
    }
}

impl<'a> GgufTensor<'a> {
    /// Its bytes are counted from the first tensor's.
    fn read(unread: &mut Unread<'a>) -> Result<Self, GgufError> {
        let name = unread.text(|| "the name of a tensor".to_owned())?;
        let wrong = |what: &str| GgufError::Damaged(format!("tensor {name} {what}"));
        let dimensions = unread.u32()?;
        if !(1..=MOST_DIMENSIONS).contains(&dimensions) {
            return Err(wrong(&format!("has {dimensions} dimensions, not 1 to 4")));
        }
        let mut shape = Vec::new();
        for _ in 0..dimensions {
            let side = usize::try_from(unread.u64()?);
            shape.push(side.map_err(|_| wrong("is larger than memory"))?);
        }
        shape.reverse();
        // Other sides could be any number beside it.
        if shape.contains(&0) {
            return Err(wrong("has a side of 0"));
        }
        let kind = GgmlType::of(unread.u32()?);
        let offset = unread.u64()?;
        let numbers = shape
            .iter()
            .try_fold(1_usize, |all, side| all.checked_mul(*side));
        let numbers = numbers.ok_or_else(|| wrong("is larger than memory"))?;
        let Some((length, bytes)) = kind.block() else {
            let bytes = offset..offset;
            return Ok(Self {
                name,
                shape,
                kind,
                bytes,
            });
        };
        if !shape.last().is_some_and(|row| row.is_multiple_of(length)) {
            return Err(wrong(&format!(
                "has rows that blocks of {kind} do not fill"
            )));
        }
        let size = (numbers / length).checked_mul(bytes).map(|it| it as u64);
        let end = size.and_then(|size| offset.checked_add(size));
        Ok(Self {
            name,
            shape,
            kind,
            bytes: offset..end.ok_or_else(|| wrong("is larger than memory"))?,
        })
    }
}
