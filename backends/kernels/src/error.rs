//! What is refused, and why.

use std::fmt;

/// A refusal. What was to be written is of no use then: packing may have begun.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// A slice has another length than the sizes beside it ask for.
    Length {
        /// Which slice.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The length that fits.
        expected: usize,
    },
    /// Two operands disagree in a size.
    Mismatch {
        /// Which size.
        what: &'static str,
        /// What the one says.
        left: usize,
        /// What the other says.
        right: usize,
    },
    /// A size is zero, or a product of sizes does not fit an address.
    Size(&'static str),
    /// Packed bytes do not begin on a boundary of 64 bytes.
    Alignment,
    /// An index names a row that is not there.
    Row {
        /// The index.
        row: usize,
        /// How many rows there are.
        rows: usize,
    },
    /// A weight to be packed is infinite or no number.
    NotFinite {
        /// The row of the source.
        row: usize,
    },
    /// The processor has no such instructions, or its system does not let them be used.
    Unavailable(&'static str),
    /// The environment variable [`VARIABLE`](crate::VARIABLE) says this, which names no instructions.
    Unknown(String),
    /// Told to stop; what was written so far is of no use.
    Cancelled,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length {
                what,
                found,
                expected,
            } => write!(f, "{what} has {found} elements, {expected} fit here"),
            Self::Mismatch { what, left, right } => {
                write!(f, "the operands disagree in {what}: {left} and {right}")
            }
            Self::Size(what) => write!(f, "{what} is zero or too large"),
            Self::Alignment => write!(f, "packed weights must begin on a boundary of 64 bytes"),
            Self::Row { row, rows } => write!(f, "row {row} of {rows} was asked for"),
            Self::NotFinite { row } => write!(f, "row {row} of the weights is not finite"),
            Self::Unavailable(set) => write!(
                f,
                "this processor has no {set}, or its system does not let it be used; unset {} to use the best that there is",
                crate::VARIABLE
            ),
            Self::Unknown(said) => {
                let names: Vec<&str> = crate::InstructionSet::ALL
                    .iter()
                    .map(|set| set.name())
                    .collect();
                write!(
                    f,
                    "{} is `{said}`, which names no instructions; unset it, or take one of {}",
                    crate::VARIABLE,
                    names.join(", ")
                )
            }
            Self::Cancelled => write!(f, "packing was cancelled"),
        }
    }
}

impl std::error::Error for Error {}

/// `Ok` if `found` is `expected`.
pub(crate) fn length(what: &'static str, found: usize, expected: usize) -> Result<(), Error> {
    match found == expected {
        true => Ok(()),
        false => Err(Error::Length {
            what,
            found,
            expected,
        }),
    }
}

/// `Ok` if both are the same.
pub(crate) fn same(what: &'static str, left: usize, right: usize) -> Result<(), Error> {
    match left == right {
        true => Ok(()),
        false => Err(Error::Mismatch { what, left, right }),
    }
}
