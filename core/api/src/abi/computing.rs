//! Tables about sessions, passes and their output.

use crate::CancelFlag;

/// `SessionSpec`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct SessionTable {
    /// `size_of::<SessionTable>()` as the host sees it.
    pub struct_size: u32,
    /// Cells per slot, 0 if no K/V are kept.
    pub cells: u32,
    /// Slots.
    pub slots: u32,
    /// 0.
    pub reserved: u32,
    /// Bits of [`requires`](super::requires).
    pub requires: u64,
}

/// `Row`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct RowTable {
    /// Fed tokens of this row.
    pub fed: u32,
    /// Its slot.
    pub slot: u32,
    /// First cell attended to.
    pub context_start: u32,
    /// One past the last cell attended to.
    pub context_end: u32,
    /// How many of its first fed tokens are padding.
    pub padding: u32,
    /// 0.
    pub reserved: u32,
}

/// `Pass`. All arrays are the host's and live for the call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct PassTable {
    /// `size_of::<PassTable>()` as the host sees it.
    pub struct_size: u32,
    /// Number of `rows`.
    pub rows_len: u32,
    /// Bytes from one of `rows` to the next.
    pub rows_stride: u32,
    /// Number of `tokens`, `positions` and `cells`: the sum of `fed`.
    pub tokens_len: u32,
    /// Number of `wanted`.
    pub wanted_len: u32,
    /// 0.
    pub reserved: u32,
    /// Bits of [`requires`](super::requires).
    pub requires: u64,
    /// `[rows_len]`
    pub rows: *const RowTable,
    /// `[tokens_len]` ids.
    pub tokens: *const u32,
    /// `[tokens_len]`
    pub positions: *const u32,
    /// `[tokens_len]`, `u32::MAX` for none; those of a row that are not ascend strictly.
    pub cells: *const u32,
    /// `[mask_len]` words, or null; see `Pass::mask`.
    pub mask: *const u32,
    /// Words of `mask`.
    pub mask_len: usize,
    /// `[wanted_len]` indices into `tokens`, strictly ascending.
    pub wanted: *const u32,
    /// Read atomically between layers; non-zero means stop. Never null.
    pub cancel: *const CancelFlag,
}

/// Which rows of the last pass are read whole, and where to.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct LogitsTable {
    /// `size_of::<LogitsTable>()` as the host sees it.
    pub struct_size: u32,
    /// Number of `rows`.
    pub rows_len: u32,
    /// Bits of [`requires`](super::requires).
    pub requires: u64,
    /// `[rows_len]` indices into the pass's `wanted`, strictly ascending.
    pub rows: *const u32,
    /// `[rows_len, vocab]`
    pub logits: *mut f32,
    /// Number of `logits`.
    pub logits_len: usize,
}

/// `TopRequest` and `TopMut`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct TopTable {
    /// `size_of::<TopTable>()` as the host sees it.
    pub struct_size: u32,
    /// Number of `rows`.
    pub rows_len: u32,
    /// Bits of [`requires`](super::requires).
    pub requires: u64,
    /// Entries per row.
    pub k: u32,
    /// Number of `banned`.
    pub banned_len: u32,
    /// Asked ids per row.
    pub asked_per_row: u32,
    /// 0.
    pub reserved: u32,
    /// `[rows_len]` indices into the pass's `wanted`, strictly ascending.
    pub rows: *const u32,
    /// `[banned_len]` ids, strictly ascending.
    pub banned: *const u32,
    /// `[rows_len, asked_per_row]` ids.
    pub asked: *const u32,
    /// `[rows_len, k]`
    pub ids: *mut u32,
    /// `[rows_len, k]`
    pub logits: *mut f32,
    /// `[rows_len]`
    pub tail: *mut f64,
    /// `[rows_len]`
    pub entropy: *mut f64,
    /// `[rows_len, asked_per_row]`
    pub asked_logits: *mut f32,
    /// `[rows_len]`, or null if it is not asked for.
    pub divergence: *mut f64,
}
