//! Values of the metadata.

use crate::GgufError;
use crate::bytes::Unread;

/// A value of the metadata.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum GgufValue<'a> {
    /// A number without a sign, of whatever width.
    Unsigned(u64),
    /// One with a sign.
    Signed(i64),
    /// A float.
    Float(f64),
    /// True or false.
    Flag(bool),
    /// A text.
    Text(&'a str),
    /// Several of one kind.
    List(GgufList<'a>),
}

/// A list of values, which are read when they are asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GgufList<'a> {
    kind: u32,
    count: usize,
    bytes: &'a [u8],
}

const TEXT: u32 = 8;
const LIST: u32 = 9;

/// Bytes of a value of a kind that has so many always.
fn width(kind: u32) -> Option<u64> {
    match kind {
        0 | 1 | 7 => Some(1),
        2 | 3 => Some(2),
        4..=6 => Some(4),
        10..=12 => Some(8),
        _ => None,
    }
}

impl<'a> GgufValue<'a> {
    /// Reads the value of `key`, behind its kind.
    pub(crate) fn read(key: &str, unread: &mut Unread<'a>) -> Result<Self, GgufError> {
        let kind = unread.u32()?;
        if kind == LIST {
            return GgufList::read(key, unread).map(Self::List);
        }
        Self::of_kind(key, kind, unread)
    }

    fn of_kind(key: &str, kind: u32, unread: &mut Unread<'a>) -> Result<Self, GgufError> {
        if kind == TEXT {
            return unread.text(|| key.to_owned()).map(Self::Text);
        }
        let width = width(kind).ok_or_else(|| unknown(key, kind))?;
        let bytes = unread.take(width)?;
        let mut wide = [0; 8];
        wide[..bytes.len()].copy_from_slice(bytes);
        let number = u64::from_le_bytes(wide);
        Ok(match kind {
            1 => Self::Signed(i64::from(number as i8)),
            3 => Self::Signed(i64::from(number as i16)),
            5 => Self::Signed(i64::from(number as i32)),
            11 => Self::Signed(number as i64),
            6 => Self::Float(f64::from(f32::from_bits(number as u32))),
            12 => Self::Float(f64::from_bits(number)),
            7 => Self::Flag(number != 0),
            _ => Self::Unsigned(number),
        })
    }
}

fn unknown(key: &str, kind: u32) -> GgufError {
    GgufError::Damaged(format!("{key} is of kind {kind}, which GGUF does not have"))
}

impl<'a> GgufList<'a> {
    fn read(key: &str, unread: &mut Unread<'a>) -> Result<Self, GgufError> {
        let (kind, count) = (unread.u32()?, unread.u64()?);
        let start = unread.bytes;
        let before = unread.at;
        match width(kind) {
            Some(width) => {
                unread.take(count.checked_mul(width).ok_or(GgufError::Ends)?)?;
            }
            None if kind == TEXT => {
                for _ in 0..count {
                    unread.text(|| format!("a text of {key}"))?;
                }
            }
            None if kind == LIST => {
                return Err(GgufError::Damaged(format!(
                    "{key} is a list of lists, which no model has"
                )));
            }
            None => return Err(unknown(key, kind)),
        }
        Ok(Self {
            kind,
            count: usize::try_from(count).map_err(|_| GgufError::Ends)?,
            bytes: &start[..unread.at - before],
        })
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// True if there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The values.
    pub fn values(&self) -> impl Iterator<Item = GgufValue<'a>> {
        let (kind, mut unread) = (self.kind, Unread::new(self.bytes));
        // Each was read before.
        (0..self.count).map_while(move |_| GgufValue::of_kind("", kind, &mut unread).ok())
    }

    /// The values, if they are texts.
    #[must_use]
    pub fn texts(&self) -> Option<impl Iterator<Item = &'a str>> {
        let text = |value| match value {
            GgufValue::Text(text) => text,
            _ => "",
        };
        (self.kind == TEXT).then(|| self.values().map(text))
    }

    /// The values, if they are whole numbers.
    #[must_use]
    pub fn integers(&self) -> Option<impl Iterator<Item = i64>> {
        let number = |value| match value {
            GgufValue::Unsigned(number) => i64::try_from(number).unwrap_or(i64::MAX),
            GgufValue::Signed(number) => number,
            _ => 0,
        };
        let is_whole = matches!(self.kind, 0..=5 | 10 | 11);
        is_whole.then(|| self.values().map(number))
    }
}
