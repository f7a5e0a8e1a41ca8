//! Checked ways from the host's pointers to references.

#![expect(unsafe_code, reason = "the C border is pointers")]

use unmask_api::BackendError;
use unmask_api::abi::{
    DeviceRow, ErrorSlot, FactsRow, HostTable, LoadTable, PassTable, ProbeRow, SessionTable, Text,
    TopTable, size_u32,
};

/// A table that begins with its `struct_size`.
///
/// # Safety
/// `repr(C)`, with `struct_size: u32` as the first field.
pub(super) unsafe trait Sized32 {}

macro_rules! sized_32 {
    ($($table:ty),*) => {$(
        // SAFETY: see its definition.
        unsafe impl Sized32 for $table {}
    )*};
}
sized_32!(
    DeviceRow,
    ErrorSlot,
    FactsRow,
    HostTable,
    LoadTable,
    PassTable,
    ProbeRow,
    SessionTable,
    TopTable
);

/// The table at `ptr`, named `what` in messages.
///
/// # Safety
/// Null, or a live table for `'a` of at least `struct_size` bytes that nobody writes meanwhile.
pub(super) unsafe fn shared<'a, T: Sized32>(
    ptr: *const T,
    what: &str,
) -> Result<&'a T, BackendError> {
    // SAFETY: the first field of a live table.
    let size = unsafe { ptr.cast::<u32>().as_ref() };
    long_enough::<T>(size, what)?;
    // SAFETY: live, and long enough.
    Ok(unsafe { &*ptr })
}

/// As [`shared`], to be filled.
///
/// # Safety
/// As [`shared`], and nobody else reads it meanwhile.
pub(super) unsafe fn exclusive<'a, T: Sized32>(
    ptr: *mut T,
    what: &str,
) -> Result<&'a mut T, BackendError> {
    // SAFETY: the first field of a live table.
    let size = unsafe { ptr.cast::<u32>().as_ref() };
    long_enough::<T>(size, what)?;
    // SAFETY: live, exclusive, and long enough.
    Ok(unsafe { &mut *ptr })
}

fn long_enough<T>(size: Option<&u32>, what: &str) -> Result<(), BackendError> {
    let needed = size_u32::<T>();
    match size {
        Some(&size) if size >= needed => Ok(()),
        Some(size) => Err(BackendError::Invalid(format!(
            "the host's {what} has {size} bytes, this backend needs {needed}; update the program"
        ))),
        None => Err(null(what)),
    }
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
    fn refused<T: std::fmt::Debug>(result: Result<T, BackendError>, message: &str) {
        match result {
            Err(BackendError::Invalid(text)) => assert_eq!(text, message),
            other => panic!("expected a refusal, got {other:?}"),
        }
    }

    #[test]
    fn a_null_table_is_refused() {
        // SAFETY: null is allowed.
        let table = unsafe { shared::<SessionTable>(std::ptr::null(), "session table") };
        refused(
            table.map(|_| ()),
            "the host's pointer to the session table is null",
        );
    }

    #[test]
    fn a_table_older_than_the_backend_is_refused() {
        let table = SessionTable {
            struct_size: 12,
            capacity: 1,
            slots: 1,
            reserved: 0,
        };
        // SAFETY: live, and longer than it says.
        let table = unsafe { shared(&raw const table, "session table") };
        refused(
            table.map(|_| ()),
            "the host's session table has 12 bytes, this backend needs 16; update the program",
        );
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
