//! Weights as they come: rows of f32, bf16 or f16 in little-endian bytes, such as a mapped safetensors file.

use crate::error::{Error, length};

/// What a number of a [`Source`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Element {
    /// IEEE 754 single precision.
    F32,
    /// The upper half of an f32.
    Bf16,
    /// IEEE 754 half precision.
    F16,
}

impl Element {
    /// Bytes of a number.
    pub fn bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::Bf16 | Self::F16 => 2,
        }
    }
}

/// A matrix to be packed, `[n, k]`, in parts of whole rows one below the other, such as query, key and value, or gate and up.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    element: Element,
    k: usize,
    parts: &'a [&'a [u8]],
}

impl<'a> Source<'a> {
    /// Rows of `k` numbers; each part holds whole rows.
    ///
    /// # Errors
    /// [`Error::Size`] if `k` is zero, [`Error::Length`] if a part does not hold whole rows.
    pub fn new(element: Element, k: usize, parts: &'a [&'a [u8]]) -> Result<Self, Error> {
        let row = k.checked_mul(element.bytes()).filter(|row| *row > 0);
        let row = row.ok_or(Error::Size("the row"))?;
        for part in parts {
            length("a part of the weights", part.len(), part.len() / row * row)?;
        }
        Ok(Self { element, k, parts })
    }

    pub(crate) fn k(&self) -> usize {
        self.k
    }

    /// Rows of all parts.
    pub fn n(&self) -> usize {
        let bytes: usize = self.parts.iter().map(|part| part.len()).sum();
        bytes / (self.k * self.element.bytes())
    }

    /// Writes a row, `[k]`.
    ///
    /// # Errors
    /// [`Error::Row`] if there is no such row, [`Error::Length`] if `to` is not `k` long.
    pub fn read_row(&self, row: usize, to: &mut [f32]) -> Result<(), Error> {
        let rows = self.n();
        if row >= rows {
            return Err(Error::Row { row, rows });
        }
        length("the row", to.len(), self.k)?;
        self.read(self.row(row), to);
        Ok(())
    }

    /// The bytes of a row that is there.
    pub(crate) fn row(&self, row: usize) -> &'a [u8] {
        let bytes = self.k * self.element.bytes();
        let mut at = row * bytes;
        for part in self.parts {
            match at < part.len() {
                true => return &part[at..][..bytes],
                false => at -= part.len(),
            }
        }
        &[]
    }

    /// Writes numbers of a row from its bytes.
    #[inline(always)]
    pub(crate) fn read(&self, bytes: &[u8], to: &mut [f32]) {
        match self.element {
            Element::F32 => {
                for (to, from) in to.iter_mut().zip(bytes.as_chunks().0) {
                    *to = f32::from_le_bytes(*from);
                }
            }
            Element::Bf16 => {
                for (to, from) in to.iter_mut().zip(bytes.as_chunks().0) {
                    *to = f32::from_bits(u32::from(u16::from_le_bytes(*from)) << 16);
                }
            }
            Element::F16 => {
                for (to, from) in to.iter_mut().zip(bytes.as_chunks().0) {
                    *to = half_to_float(u16::from_le_bytes(*from));
                }
            }
        }
    }
}

/// Exact, without a branch, so that loops over it become vectors.
#[inline(always)]
pub(crate) fn half_to_float(half: u16) -> f32 {
    let magnitude = u32::from(half & 0x7fff) << 13;
    // The exponents' biases differ by 112; a product also normalises what is subnormal.
    let scaled = (f32::from_bits(magnitude) * f32::from_bits((127 + 112) << 23)).to_bits();
    let special = if half & 0x7c00 == 0x7c00 {
        0x7f80_0000
    } else {
        0
    };
    f32::from_bits(scaled | special | u32::from(half & 0x8000) << 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_become_the_same_numbers() {
        let check = |half: u16, float: f32| {
            assert_eq!(half_to_float(half).to_bits(), float.to_bits(), "{half:x}")
        };
        const TINY: f32 = 1.0 / 16_777_216.0;
        check(0x3c00, 1.0);
        check(0xc500, -5.0);
        check(0x0001, TINY);
        check(0x03ff, 1023.0 * TINY);
        check(0x0400, 1024.0 * TINY);
        check(0x7bff, 65504.0);
        check(0x8000, -0.0);
        check(0xfc00, f32::NEG_INFINITY);
        assert!(half_to_float(0x7e00).is_nan());
    }

    #[test]
    fn parts_stand_one_below_the_other() {
        let bytes: Vec<u8> = (0..5 * 6).collect();
        let parts = [&bytes[..12], &bytes[12..12], &bytes[12..]];
        let source = Source::new(Element::Bf16, 3, &parts).expect("the sizes fit");
        assert_eq!(source.n(), 5);
        assert_eq!(source.row(1), &bytes[6..12]);
        assert_eq!(source.row(2), &bytes[12..18]);
        assert_eq!(source.row(4), &bytes[24..]);
    }

    #[test]
    fn half_a_row_is_refused() {
        let error = Source::new(Element::F32, 3, &[&[0; 13]]).expect_err("13 bytes are no row");
        assert!(matches!(
            error,
            Error::Length {
                found: 13,
                expected: 12,
                ..
            }
        ));
    }
}
