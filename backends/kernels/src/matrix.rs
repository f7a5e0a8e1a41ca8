//! Packed weights: their layout in bytes, and views of them.
//!
//! A matrix `[n, k]` is cut into *panels* of 64 rows, each one linear stream, in the order of its *groups* of 128 columns;
//! `k` is padded to a multiple of 64 (so the last group may be shorter) and `n` to one of 64, with zeros.
//!
//! * `Int8`: a group is bytes `[columns / 4][64 rows][4 columns]`, unsigned, the weight plus 128; after the last group
//!   stand 64 scales, f32. `w = (byte - 128) * scale[row]`.
//! * `Int4`: a group is bytes `[columns / 8][64 rows][4]`, the low nibble of byte `j` column `8 i + j`, the high one
//!   column `8 i + 4 + j`, each the weight plus 8; then 64 scales of this group, f32. `w = (nibble - 8) * scale[group, row]`.
//!
//! `[4 columns]` innermost is the order of `vpdpbusd` and of the second operand of AMX, so all instruction sets share it.

use crate::aligned::ALIGNMENT;
use crate::error::{Error, length};

/// Rows of a panel: four vectors of 512 bits of 32-bit sums.
pub const PANEL: usize = 64;
/// Columns with a scale of their own, in activations and in 4-bit weights.
pub const GROUP: usize = 128;
/// Columns are padded to a multiple of this: a tile of AMX.
pub(crate) const UNIT: usize = 64;
const SCALES_BYTES: usize = PANEL * size_of::<f32>();

/// How a weight is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// 8 bits, symmetrical, a scale for each row.
    Int8,
    /// 4 bits with a scale for each 128 columns of a row: 4.25 bits a weight.
    Int4,
}

/// Which rows stand in a panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rows {
    /// 64 after another.
    Plain,
    /// 32 of the matrix's first half (the gate), then the same 32 of its second half (up), so that a panel holds both
    /// factors of a SwiGLU.
    GateUp,
}

/// Sizes and arrangement of a packed matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Layout {
    format: Format,
    rows: Rows,
    n: usize,
    k: usize,
}

impl Layout {
    /// Of `[n, k]`.
    ///
    /// # Errors
    /// [`Error::Size`] if a size is zero or the packed form would not fit an address.
    pub fn new(format: Format, n: usize, k: usize) -> Result<Self, Error> {
        Self::of(format, Rows::Plain, n, k)
    }

    /// Of a gate and an up projection, both `[hidden, k]`, as one matrix of `2 * hidden` rows.
    ///
    /// # Errors
    /// As [`Layout::new`].
    pub fn gate_up(format: Format, hidden: usize, k: usize) -> Result<Self, Error> {
        Self::of(format, Rows::GateUp, hidden.saturating_mul(2), k)
    }

    fn of(format: Format, rows: Rows, n: usize, k: usize) -> Result<Self, Error> {
        const TOO_LARGE: usize = isize::MAX as usize / 16;
        let elements = n.checked_add(2 * PANEL).zip(k.checked_add(GROUP));
        let elements = elements.and_then(|(n, k)| n.checked_mul(k));
        match elements {
            Some(elements) if n > 0 && k > 0 && elements < TOO_LARGE => {
                Ok(Self { format, rows, n, k })
            }
            _ => Err(Error::Size("the matrix")),
        }
    }

    /// How weights are kept.
    pub fn format(self) -> Format {
        self.format
    }
    /// Which rows stand in a panel.
    pub fn rows(self) -> Rows {
        self.rows
    }
    /// Rows of the matrix, outputs of a product.
    pub fn n(self) -> usize {
        self.n
    }
    /// Columns of the matrix, inputs of a product.
    pub fn k(self) -> usize {
        self.k
    }
    /// Outputs of a product once gate and up are one.
    pub fn width(self) -> usize {
        match self.rows {
            Rows::Plain => self.n,
            Rows::GateUp => self.n / 2,
        }
    }
    /// Outputs of a panel.
    pub(crate) fn panel_width(self) -> usize {
        match self.rows {
            Rows::Plain => PANEL,
            Rows::GateUp => PANEL / 2,
        }
    }
    /// Panels.
    pub fn panels(self) -> usize {
        self.width().div_ceil(self.panel_width())
    }
    /// Groups of columns, the last perhaps shorter.
    pub(crate) fn groups(self) -> usize {
        self.k.div_ceil(GROUP)
    }
    /// Columns of a group, padding included.
    pub(crate) fn columns(self, group: usize) -> usize {
        (padded(self.k) - group * GROUP).min(GROUP)
    }
    /// Bytes from the start of a panel to a group.
    pub(crate) fn group_at(self, group: usize) -> usize {
        match self.format {
            Format::Int8 => group * GROUP * PANEL,
            Format::Int4 => group * (GROUP * PANEL / 2 + SCALES_BYTES),
        }
    }
    /// Bytes from the start of a panel to the end of a group, its own scales included.
    pub(crate) fn group_end(self, group: usize) -> usize {
        let columns = self.columns(group);
        self.group_at(group)
            + match self.format {
                Format::Int8 => columns * PANEL,
                Format::Int4 => columns * PANEL / 2 + SCALES_BYTES,
            }
    }
    /// Bytes of a panel.
    pub fn panel_bytes(self) -> usize {
        match self.format {
            Format::Int8 => padded(self.k) * PANEL + SCALES_BYTES,
            Format::Int4 => padded(self.k) * PANEL / 2 + self.groups() * SCALES_BYTES,
        }
    }
    /// Bytes of the packed matrix, a multiple of 64.
    pub fn bytes(self) -> usize {
        self.panels() * self.panel_bytes()
    }
    /// The row of the matrix that stands at `at` in `panel`, or padding.
    pub fn source_row(self, panel: usize, at: usize) -> Option<usize> {
        let width = self.panel_width();
        let output = panel * width + at % width;
        (output < self.width()).then_some(output + at / width * self.width())
    }
    /// Panel and place of a row of the matrix.
    pub(crate) fn place(self, row: usize) -> (usize, usize) {
        let width = self.panel_width();
        let (half, output) = (row / self.width(), row % self.width());
        (output / width, half * width + output % width)
    }
}

/// `k` with padding.
pub(crate) fn padded(k: usize) -> usize {
    k.next_multiple_of(UNIT)
}

/// A packed matrix in bytes of the caller, such as a mapped file. Any bytes of the right length are a matrix.
#[derive(Debug, Clone, Copy)]
pub struct Matrix<'a> {
    layout: Layout,
    bytes: &'a [u8],
}

impl<'a> Matrix<'a> {
    /// A view of packed bytes.
    ///
    /// # Errors
    /// [`Error::Length`] unless they are [`Layout::bytes`] many, [`Error::Alignment`] unless they begin on a boundary of
    /// 64 bytes.
    pub fn new(layout: Layout, bytes: &'a [u8]) -> Result<Self, Error> {
        length("the packed matrix", bytes.len(), layout.bytes())?;
        if !bytes.as_ptr().addr().is_multiple_of(ALIGNMENT) {
            return Err(Error::Alignment);
        }
        Ok(Self { layout, bytes })
    }

    /// Sizes and arrangement.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    pub(crate) fn panel(&self, panel: usize) -> &'a [u8] {
        let bytes = self.layout.panel_bytes();
        &self.bytes[panel * bytes..][..bytes]
    }

    /// The scales of a panel's rows, or 1 where groups have their own.
    pub(crate) fn row_scales(&self, panel: usize) -> [f32; PANEL] {
        match self.layout.format {
            Format::Int8 => scales(self.panel(panel), padded(self.layout.k) * PANEL),
            Format::Int4 => [1.0; PANEL],
        }
    }

    /// Writes the weights of a row, `[k]`: what a test compares with.
    ///
    /// # Errors
    /// [`Error::Row`] if there is no such row, [`Error::Length`] if `to` is not `k` long.
    pub fn read_row(&self, row: usize, to: &mut [f32]) -> Result<(), Error> {
        let Layout { n, .. } = self.layout;
        if row >= n {
            return Err(Error::Row { row, rows: n });
        }
        let (panel, at) = self.layout.place(row);
        self.layout.read_panel_row(self.panel(panel), at, to)
    }
}

impl Layout {
    /// Writes what stands at `at` in a packed panel, `[k]`; see [`source_row`](Self::source_row).
    ///
    /// # Errors
    /// [`Error::Row`] if a panel has no such place, [`Error::Length`] if `panel` or `to` is of another length.
    pub fn read_panel_row(self, panel: &[u8], at: usize, to: &mut [f32]) -> Result<(), Error> {
        if at >= PANEL {
            return Err(Error::Row {
                row: at,
                rows: PANEL,
            });
        }
        length("the packed panel", panel.len(), self.panel_bytes())?;
        length("the row", to.len(), self.k)?;
        for (group, to) in to.chunks_mut(GROUP).enumerate() {
            let first = self.group_at(group);
            match self.format {
                Format::Int8 => {
                    let scale = scales(panel, padded(self.k) * PANEL)[at];
                    for (i, to) in to.iter_mut().enumerate() {
                        let byte = panel[first + (i / 4) * 4 * PANEL + at * 4 + i % 4];
                        *to = f32::from(i16::from(byte) - 128) * scale;
                    }
                }
                Format::Int4 => {
                    let scale = scales(panel, first + self.columns(group) * PANEL / 2)[at];
                    for (i, to) in to.iter_mut().enumerate() {
                        let byte = panel[first + (i / 8) * 4 * PANEL + at * 4 + i % 4];
                        let nibble = byte >> (4 * (i / 4 % 2)) & 15;
                        *to = f32::from(i16::from(nibble) - 8) * scale;
                    }
                }
            }
        }
        Ok(())
    }
}

/// The 64 scales that stand at `at`.
pub(crate) fn scales(panel: &[u8], at: usize) -> [f32; PANEL] {
    let mut scales = [0.0; PANEL];
    let bytes = &panel[at..][..SCALES_BYTES];
    for (scale, bytes) in scales.iter_mut().zip(bytes.as_chunks().0) {
        *scale = f32::from_le_bytes(*bytes);
    }
    scales
}
