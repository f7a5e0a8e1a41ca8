//! The table that a plugin exports.

use std::ffi::{c_char, c_void};

use super::{
    DeviceRow, ErrorSlot, EstimateRow, FactsRow, HostTable, LoadTable, LogitsTable, PassTable,
    ProbeRow, SessionTable, Status, Text, TopTable,
};

/// What a plugin exports under [`ENTRY`](super::ENTRY): data, then functions. None is null but those marked optional.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Plugin {
    /// [`ABI_MAJOR`](super::ABI_MAJOR) as the plugin was built.
    pub abi_major: u32,
    /// [`ABI_MINOR`](super::ABI_MINOR) as the plugin was built.
    pub abi_minor: u32,
    /// `size_of::<Plugin>()` as the plugin was built.
    pub struct_size: u32,
    /// 0.
    pub reserved: u32,
    /// NUL-terminated, static: short lower-case name.
    pub name: *const c_char,
    /// NUL-terminated, static.
    pub version: *const c_char,
    /// Optional. NUL-terminated, static: the libraries that the backend opens itself, and where to get them, as JSON; the
    /// header says how. Null if there are none.
    pub runtimes: *const c_char,
    /// Called once, before all others; keeps `host`.
    pub init: Option<unsafe extern "C" fn(host: *const HostTable, error: *mut ErrorSlot) -> Status>,
    /// Fills `out`.
    pub probe: Option<unsafe extern "C" fn(out: *mut ProbeRow, error: *mut ErrorSlot) -> Status>,
    /// Fills `out` with device `index`; [`NO_DEVICE`](super::NO_DEVICE) if there is none.
    pub device: Option<
        unsafe extern "C" fn(index: u32, out: *mut DeviceRow, error: *mut ErrorSlot) -> Status,
    >,
    /// Fills `out` with what a load would take, or says why it would be refused.
    pub check: Option<
        unsafe extern "C" fn(
            spec: *const LoadTable,
            out: *mut EstimateRow,
            error: *mut ErrorSlot,
        ) -> Status,
    >,
    /// Makes a model.
    pub model_load: Option<
        unsafe extern "C" fn(
            spec: *const LoadTable,
            model: *mut *mut c_void,
            error: *mut ErrorSlot,
        ) -> Status,
    >,
    /// Fills `out`.
    pub model_facts: Option<
        unsafe extern "C" fn(
            model: *const c_void,
            out: *mut FactsRow,
            error: *mut ErrorSlot,
        ) -> Status,
    >,
    /// Frees a model; its sessions are freed before it.
    pub model_free: Option<unsafe extern "C" fn(model: *mut c_void)>,
    /// Opens a session.
    pub session_open: Option<
        unsafe extern "C" fn(
            model: *const c_void,
            spec: *const SessionTable,
            session: *mut *mut c_void,
            error: *mut ErrorSlot,
        ) -> Status,
    >,
    /// Frees a session.
    pub session_free: Option<unsafe extern "C" fn(session: *mut c_void)>,
    /// Computes a pass and keeps its output.
    pub forward: Option<
        unsafe extern "C" fn(
            session: *mut c_void,
            pass: *const PassTable,
            error: *mut ErrorSlot,
        ) -> Status,
    >,
    /// Reads whole rows of the last pass.
    pub read_logits: Option<
        unsafe extern "C" fn(
            session: *mut c_void,
            out: *const LogitsTable,
            error: *mut ErrorSlot,
        ) -> Status,
    >,
    /// Optional: reads the best of rows of the last pass. There if any model has `TOPK_OUTPUT`.
    pub read_top: Option<
        unsafe extern "C" fn(
            session: *mut c_void,
            out: *const TopTable,
            error: *mut ErrorSlot,
        ) -> Status,
    >,
    /// Optional: `Session::copy_slot`. This and the next two are there if any model has `KV_CACHE`.
    pub slot_copy: Option<
        unsafe extern "C" fn(
            session: *mut c_void,
            from: u32,
            to: u32,
            error: *mut ErrorSlot,
        ) -> Status,
    >,
    /// Optional: `Session::clear_slot`.
    pub slot_clear: Option<
        unsafe extern "C" fn(session: *mut c_void, slot: u32, error: *mut ErrorSlot) -> Status,
    >,
    /// Optional: `Session::reserve`.
    pub session_reserve: Option<
        unsafe extern "C" fn(session: *mut c_void, cells: u32, error: *mut ErrorSlot) -> Status,
    >,
    /// Optional: as `Backend::export`, into `folder`, which is there and empty.
    pub model_export: Option<
        unsafe extern "C" fn(spec: *const LoadTable, folder: Text, error: *mut ErrorSlot) -> Status,
    >,
}

// SAFETY: plain immutable data; the pointers are to statics and functions.
unsafe impl Sync for Plugin {}
