//! Checked ways from the host's pointers to values and references.

#![expect(unsafe_code, reason = "the C border is pointers")]

use std::mem::MaybeUninit;

use unmask_api::BackendError;
use unmask_api::abi::{
    DeviceRow, ErrorSlot, EstimateRow, FactsRow, HostTable, LoadTable, LogitsTable, PassTable,
    ProbeRow, RowTable, SessionTable, Sink, Text, TopTable,
};

/// A table of which all zero is a valid value: everything in it is absent.
///
/// # Safety
/// `repr(C)`; zero in every byte is a valid value.
pub(super) unsafe trait Table: Copy {}

/// A table that begins with its `struct_size`.
///
/// # Safety
/// Its first field is `struct_size: u32`.
pub(super) unsafe trait Sized32: Table {}

macro_rules! tables {
    ($($table:ty),*) => {$(
        // SAFETY: see its definition: integers, pointers and optional functions.
        unsafe impl Table for $table {}
        // SAFETY: see its definition.
        unsafe impl Sized32 for $table {}
    )*};
}
tables!(
    DeviceRow,
    ErrorSlot,
    EstimateRow,
    FactsRow,
    HostTable,
    LoadTable,
    LogitsTable,
    PassTable,
    ProbeRow,
    SessionTable,
    TopTable
);
// SAFETY: integers alone.
unsafe impl Table for RowTable {}

/// As much of the table at `ptr` as both sides know; the rest is absent. Named `what` in messages.
///
/// # Safety
/// Null, or a live table of `struct_size` bytes that nobody writes meanwhile.
pub(super) unsafe fn copied<T: Sized32>(ptr: *const T, what: &str) -> Result<T, BackendError> {
    // SAFETY: promised by the caller.
    unsafe {
        let size = *handle(ptr.cast::<u32>(), what)? as usize;
        Ok(copied_bytes(ptr, size))
    }
}

/// # Safety
/// `size` bytes at `ptr` are live.
unsafe fn copied_bytes<T: Table>(ptr: *const T, size: usize) -> T {
    let mut copy = MaybeUninit::<T>::zeroed();
    let known = size.min(size_of::<T>());
    // SAFETY: `known` bytes are live in both; whole fields of a table, and zero is valid for the others.
    unsafe {
        std::ptr::copy_nonoverlapping(ptr.cast::<u8>(), copy.as_mut_ptr().cast::<u8>(), known);
        copy.assume_init()
    }
}

/// A table of the host's that is being filled: a copy, whose known part [`give_back`](Self::give_back) writes.
pub(super) struct Filling<T> {
    pub(super) table: T,
    to: *mut T,
    size: usize,
}

impl<T: Sized32> Filling<T> {
    /// Begins with what both sides know of the table at `ptr`.
    ///
    /// # Safety
    /// Null, or a live table of `struct_size` bytes that nobody else uses until it is given back.
    pub(super) unsafe fn begin(ptr: *mut T, what: &str) -> Result<Self, BackendError> {
        // SAFETY: promised by the caller.
        unsafe {
            let size = *handle(ptr.cast::<u32>(), what)? as usize;
            Ok(Self {
                table: copied_bytes(ptr, size),
                to: ptr,
                size,
            })
        }
    }

    /// Writes as much of the table as the host has room for.
    pub(super) fn give_back(self) {
        let known = self.size.min(size_of::<T>());
        let from = (&raw const self.table).cast::<u8>();
        // SAFETY: promised to `begin`; `known` bytes are live in both.
        unsafe { std::ptr::copy_nonoverlapping(from, self.to.cast::<u8>(), known) };
    }
}

/// The tables of an array whose maker says that one lies `stride` bytes behind the other.
///
/// # Safety
/// `ptr` is null, or points to `len` live tables of `stride` bytes that nobody writes meanwhile.
pub(super) unsafe fn each<T: Table>(
    ptr: *const T,
    len: usize,
    stride: usize,
    what: &str,
) -> Result<impl Iterator<Item = T>, BackendError> {
    if len > 0 && ptr.is_null() {
        return Err(null(what));
    }
    if len > 0 && stride == 0 {
        return Err(BackendError::Invalid(format!(
            "the host's {what} have no size"
        )));
    }
    let at = move |index: usize| {
        // SAFETY: promised by the caller.
        unsafe { copied_bytes(ptr.byte_add(index * stride), stride) }
    };
    Ok((0..len).map(at))
}

/// Refuses bits of `requires` that are not among `known`.
pub(super) fn requires(bits: u64, known: u64, what: &str) -> Result<(), BackendError> {
    match bits & !known {
        0 => Ok(()),
        unknown => Err(BackendError::Unsupported(format!(
            "the {what} requires something that this backend does not know (bits {unknown:#x}); update the backend"
        ))),
    }
}

/// Puts `text` into a sink of the host's.
///
/// # Safety
/// The sink is live.
pub(super) unsafe fn put(sink: Sink, text: &str) {
    // SAFETY: promised by the caller.
    unsafe { sink.put(text) };
}

fn null(what: &str) -> BackendError {
    BackendError::Invalid(format!("the host's pointer to the {what} is null"))
}

/// `len` elements at `ptr`.
///
/// # Safety
/// `ptr` is null, or points to `len` live elements that nobody writes for `'a`.
pub(super) unsafe fn slice<'a, T>(
    ptr: *const T,
    len: usize,
    what: &str,
) -> Result<&'a [T], BackendError> {
    match (len, ptr.is_null()) {
        (0, _) => Ok(&[]),
        (_, true) => Err(null(what)),
        // SAFETY: promised by the caller.
        (_, false) => Ok(unsafe { std::slice::from_raw_parts(ptr, len) }),
    }
}

/// `len` elements at `ptr`, to be filled.
///
/// # Safety
/// As [`slice`], and nobody else reads them meanwhile.
pub(super) unsafe fn slice_mut<'a, T>(
    ptr: *mut T,
    len: usize,
    what: &str,
) -> Result<&'a mut [T], BackendError> {
    match (len, ptr.is_null()) {
        (0, _) => Ok(&mut []),
        (_, true) => Err(null(what)),
        // SAFETY: promised by the caller.
        (_, false) => Ok(unsafe { std::slice::from_raw_parts_mut(ptr, len) }),
    }
}

/// What `ptr` points to.
///
/// # Safety
/// Null, or a live value that nobody writes for `'a`.
pub(super) unsafe fn handle<'a, T>(ptr: *const T, what: &str) -> Result<&'a T, BackendError> {
    // SAFETY: promised by the caller.
    unsafe { ptr.as_ref() }.ok_or_else(|| null(what))
}

/// As [`handle`], to be changed.
///
/// # Safety
/// As [`handle`], and nobody else reads it meanwhile.
pub(super) unsafe fn handle_mut<'a, T>(ptr: *mut T, what: &str) -> Result<&'a mut T, BackendError> {
    // SAFETY: promised by the caller.
    unsafe { ptr.as_mut() }.ok_or_else(|| null(what))
}

/// A copy of `text`.
///
/// # Safety
/// `text` describes live memory.
pub(super) unsafe fn text(text: Text, what: &str) -> Result<String, BackendError> {
    if text.ptr.is_null() && text.len > 0 {
        return Err(null(what));
    }
    // SAFETY: promised by the caller.
    Ok(unsafe { text.to_string_lossy() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused<T>(result: Result<T, BackendError>, message: &str) {
        match result {
            Err(BackendError::Invalid(text)) => assert_eq!(text, message),
            Err(other) => panic!("expected a refusal, got {other}"),
            Ok(_) => panic!("expected a refusal"),
        }
    }

    const TABLE: SessionTable = SessionTable {
        struct_size: 12,
        cells: 7,
        slots: 3,
        reserved: 9,
        requires: 9,
    };

    #[test]
    fn a_null_table_is_refused() {
        // SAFETY: null is allowed.
        let table = unsafe { copied::<SessionTable>(std::ptr::null(), "session table") };
        refused(table, "the host's pointer to the session table is null");
    }

    #[test]
    fn what_an_older_host_does_not_know_is_absent() {
        let table = TABLE;
        // SAFETY: live, and longer than it says.
        let table = unsafe { copied(&raw const table, "session table") }.expect("it is there");
        assert_eq!((table.cells, table.slots), (7, 3));
        assert_eq!((table.reserved, table.requires), (0, 0));
    }

    #[test]
    fn nothing_is_written_beyond_what_an_older_host_knows() {
        let mut table = TABLE;
        // SAFETY: live, exclusive, and longer than it says.
        let mut filling = unsafe { Filling::begin(&raw mut table, "table") }.expect("it is there");
        filling.table.slots = 5;
        filling.table.requires = 1;
        filling.give_back();
        assert_eq!((table.slots, table.reserved, table.requires), (5, 9, 9));
    }

    #[test]
    fn rows_of_a_newer_or_older_host_are_read_by_their_stride() {
        let words = [1_u32, 2, 3, 4, 5, 6, 77, 8, 9, 10, 11, 12, 13, 88];
        let read = |stride, len| {
            // SAFETY: the words are longer than what is read.
            let rows = unsafe { each::<RowTable>(words.as_ptr().cast(), len, stride, "rows") };
            let rows = rows.expect("they are there");
            rows.map(|row| [row.fed, row.slot, row.padding])
                .collect::<Vec<_>>()
        };
        assert_eq!(read(28, 2), [[1, 2, 5], [8, 9, 12]]);
        assert_eq!(read(8, 2), [[1, 2, 0], [3, 4, 0]]);
    }

    #[test]
    fn what_is_not_known_but_required_is_refused() {
        requires(1, 3, "pass").expect("it is known");
        let error = requires(5, 3, "pass").expect_err("bit 2 is not known");
        assert!(error.to_string().contains("bits 0x4"), "{error}");
    }

    #[test]
    fn a_null_array_is_refused_unless_it_is_empty() {
        // SAFETY: null is allowed.
        let (some, none) = unsafe {
            (
                slice::<u32>(std::ptr::null(), 3, "tokens"),
                slice::<u32>(std::ptr::null(), 0, "wanted rows"),
            )
        };
        refused(some, "the host's pointer to the tokens is null");
        assert_eq!(none.ok(), Some(&[][..]));
    }
}
