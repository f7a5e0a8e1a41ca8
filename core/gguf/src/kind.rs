//! How numbers of tensors are stored.

use std::fmt;

/// A type of GGML: numbers one by one, or blocks of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum GgmlType {
    /// 32-bit floats.
    F32,
    /// 16-bit floats.
    F16,
    /// The upper halves of 32-bit floats.
    BF16,
    /// 8 bits, a scale per 32.
    Q8_0,
    /// 4 bits, blocks of 256.
    Q4K,
    /// 5 bits, blocks of 256.
    Q5K,
    /// 6 bits, blocks of 256.
    Q6K,
    /// Another one, by its number.
    Other(u32),
}

impl GgmlType {
    /// Those that are read, as people write them.
    pub const READ: &str = "F32, F16, BF16, Q8_0, Q4_K, Q5_K, Q6_K";

    pub(crate) fn of(number: u32) -> Self {
        match number {
            0 => Self::F32,
            1 => Self::F16,
            30 => Self::BF16,
            8 => Self::Q8_0,
            12 => Self::Q4K,
            13 => Self::Q5K,
            14 => Self::Q6K,
            other => Self::Other(other),
        }
    }

    /// Numbers and bytes of a block; `None` for types that are not read.
    #[must_use]
    pub fn block(self) -> Option<(usize, usize)> {
        match self {
            Self::F32 => Some((1, 4)),
            Self::F16 | Self::BF16 => Some((1, 2)),
            Self::Q8_0 => Some((32, 34)),
            Self::Q4K => Some((256, 144)),
            Self::Q5K => Some((256, 176)),
            Self::Q6K => Some((256, 210)),
            Self::Other(_) => None,
        }
    }
}

impl fmt::Display for GgmlType {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::BF16 => "BF16",
            Self::Q8_0 => "Q8_0",
            Self::Q4K => "Q4_K",
            Self::Q5K => "Q5_K",
            Self::Q6K => "Q6_K",
            Self::Other(number) => match other(*number) {
                Some(name) => name,
                None => return write!(out, "type {number}"),
            },
        };
        out.write_str(name)
    }
}

/// What GGML calls types that are not read.
fn other(number: u32) -> Option<&'static str> {
    const NAMES: [(u32, &str); 27] = [
        (2, "Q4_0"),
        (3, "Q4_1"),
        (6, "Q5_0"),
        (7, "Q5_1"),
        (9, "Q8_1"),
        (10, "Q2_K"),
        (11, "Q3_K"),
        (15, "Q8_K"),
        (16, "IQ2_XXS"),
        (17, "IQ2_XS"),
        (18, "IQ3_XXS"),
        (19, "IQ1_S"),
        (20, "IQ4_NL"),
        (21, "IQ3_S"),
        (22, "IQ2_S"),
        (23, "IQ4_XS"),
        (24, "I8"),
        (25, "I16"),
        (26, "I32"),
        (27, "I64"),
        (28, "F64"),
        (29, "IQ1_M"),
        (34, "TQ1_0"),
        (35, "TQ2_0"),
        (39, "MXFP4"),
        (40, "NVFP4"),
        (41, "Q1_0"),
    ];
    let found = NAMES.iter().find(|(of, _)| *of == number);
    found.map(|(_, name)| *name)
}
