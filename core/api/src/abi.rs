//! The contract as C data: what crosses the border of a shared library. `include/unmask_backend.h` says the same in C.
//!
//! A plugin exports one symbol, [`ENTRY`], a static [`Plugin`] table. Its first three words are read before any of the
//! plugin's code is called; they never move. The rules:
//!
//! - Whoever allocates frees; no memory changes owner. Text is UTF-8, pointer and length, borrowed for the call unless
//!   said otherwise. Handles are opaque.
//! - A function that can fail returns a [`Status`] and then fills the host's [`ErrorSlot`].
//! - No panic or exception crosses. Functions may be called from any thread, a session's from one at a time.
//! - New fields go to the end of a table, and [`ABI_MINOR`] counts them; the reader trusts `struct_size` and treats what is
//!   missing as absent. A change of meaning is a new [`ABI_MAJOR`].

#![expect(unsafe_code, reason = "the C border is pointers")]

mod text;

use std::ffi::{c_char, c_void};

pub use text::{Room, Text};

use crate::{CancelFlag, ErrorCode};

/// Differs: the host refuses the plugin.
pub const ABI_MAJOR: u32 = 1;
/// Counts fields added at the ends of tables.
pub const ABI_MINOR: u32 = 1;
/// The symbol that a plugin exports: a `static` [`Plugin`].
pub const ENTRY: &[u8] = b"UNMASK_PLUGIN\0";

/// 0 is success; negative codes are kinds of failure, unknown ones included.
pub type Status = i32;

/// Success.
pub const OK: Status = 0;
/// Every failure with its code on the wire.
pub const CODES: [(ErrorCode, Status); 8] = [
    (ErrorCode::Invalid, -1),
    (ErrorCode::Unsupported, -2),
    (ErrorCode::OutOfMemory, -3),
    (ErrorCode::Io, -4),
    (ErrorCode::Checkpoint, -5),
    (ErrorCode::Device, -6),
    (ErrorCode::Cancelled, -7),
    (ErrorCode::Panicked, -8),
];
/// What [`Plugin::device`] answers for an index beyond its last device.
pub const NO_DEVICE: Status = 1;
/// What a failure outside [`CODES`] is sent as.
pub const UNKNOWN: Status = -99;

impl ErrorCode {
    /// The code on the wire.
    #[must_use]
    pub fn to_status(self) -> Status {
        let known = CODES.iter().find(|(code, _)| *code == self);
        known.map_or(UNKNOWN, |(_, status)| *status)
    }

    /// The kind of failure that `status` names.
    #[must_use]
    pub fn from_status(status: Status) -> Self {
        let known = CODES.iter().find(|(_, code)| *code == status);
        known.map_or(Self::Unknown, |(code, _)| *code)
    }
}

/// Log levels, as `HostTable::log` takes them.
pub mod level {
    /// The user lost something.
    pub const ERROR: u32 = 1;
    /// The backend chose for the user.
    pub const WARN: u32 = 2;
    /// Once per load.
    pub const INFO: u32 = 3;
    /// Once per pass.
    pub const DEBUG: u32 = 4;
}

/// Values of [`DeviceRow::kind`].
pub mod kind {
    /// `DeviceKind::Cpu`
    pub const CPU: u32 = 0;
    /// `DeviceKind::Gpu`
    pub const GPU: u32 = 1;
    /// `DeviceKind::Accelerator`
    pub const ACCELERATOR: u32 = 2;
}

/// Where a failing function puts its message.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ErrorSlot {
    /// `size_of::<ErrorSlot>()` as the host sees it.
    pub struct_size: u32,
    /// What, where, what to do.
    pub message: Room<1020>,
}

impl Default for ErrorSlot {
    fn default() -> Self {
        Self {
            struct_size: size_u32::<Self>(),
            message: Room::default(),
        }
    }
}

/// Services of the host; valid until the process ends, callable from any thread.
#[repr(C)]
pub struct HostTable {
    /// `size_of::<HostTable>()` as the host sees it.
    pub struct_size: u32,
    /// Messages above this [`level`] are not wanted.
    pub log_level: u32,
    /// Passed back to `log`.
    pub context: *mut c_void,
    /// Writes one message to the host's log. Plugins never write to stdout or stderr.
    pub log: unsafe extern "C" fn(context: *mut c_void, level: u32, target: Text, message: Text),
}

/// `Backend::probe`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ProbeRow {
    /// `size_of::<ProbeRow>()` as the host sees it.
    pub struct_size: u32,
    /// 0 for unusable, else the score.
    pub score: u32,
    /// Why it is unusable.
    pub reason: Room<252>,
    /// What the user can do.
    pub remedy: Room<252>,
}

/// `Device`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct DeviceRow {
    /// `size_of::<DeviceRow>()` as the host sees it.
    pub struct_size: u32,
    /// One of [`kind`].
    pub kind: u32,
    /// Memory in all, 0 if unknown.
    pub total_bytes: u64,
    /// Memory free now, 0 if unknown.
    pub free_bytes: u64,
    /// Such as `cuda:0`.
    pub id: Room<64>,
    /// For people.
    pub name: Room<128>,
    /// Comma-separated, the default first.
    pub precisions: Room<128>,
}

/// `LoadSpec`.
#[repr(C)]
pub struct LoadTable {
    /// `size_of::<LoadTable>()` as the host sees it.
    pub struct_size: u32,
    /// Threads to compute with, 0 for the backend's choice.
    pub threads: u32,
    /// 0 for bidirectional, else the block length of block-causal attention.
    pub attention_block: u32,
    /// Number of `weights`.
    pub weights_len: u32,
    /// The network's family.
    pub family: Text,
    /// The checkpoint's folder.
    pub folder: Text,
    /// `[weights_len]` paths.
    pub weights: *const Text,
    /// The text of `config.json`.
    pub config_json: Text,
    /// A device's id.
    pub device: Text,
    /// One of its precisions.
    pub precision: Text,
    /// A folder for derived files; empty if none may be kept.
    pub cache_folder: Text,
    /// A JSON object.
    pub options_json: Text,
    /// Passed back to `progress`.
    pub context: *mut c_void,
    /// Hears how far loading has come; non-zero asks to stop. Callable from any thread during the load.
    pub progress:
        unsafe extern "C" fn(context: *mut c_void, stage: Text, done: u64, total: u64) -> i32,
}

/// `ModelFacts`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct FactsRow {
    /// `size_of::<FactsRow>()` as the host sees it.
    pub struct_size: u32,
    /// Columns of a row of logits.
    pub vocab: u32,
    /// Longest canvas.
    pub max_positions: u32,
    /// 0.
    pub reserved: u32,
    /// Memory that the weights hold.
    pub memory_bytes: u64,
    /// Bits of `Capabilities`.
    pub capabilities: u64,
    /// The precision in use.
    pub precision: Room<32>,
    /// Remarks, a line each.
    pub notes: Room<2048>,
}

/// `SessionSpec`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct SessionTable {
    /// `size_of::<SessionTable>()` as the host sees it.
    pub struct_size: u32,
    /// Positions per slot.
    pub capacity: u32,
    /// Cache slots.
    pub slots: u32,
    /// 0.
    pub reserved: u32,
}

/// `Row`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct RowTable {
    /// Fed tokens of this row.
    pub fed: u32,
    /// Its cache slot.
    pub slot: u32,
    /// First position attended to.
    pub attend_start: u32,
    /// One past the last position attended to.
    pub attend_end: u32,
}

/// `Pass`. All arrays are the host's and live for the call.
#[repr(C)]
pub struct PassTable {
    /// `size_of::<PassTable>()` as the host sees it.
    pub struct_size: u32,
    /// Number of `rows`.
    pub rows_len: u32,
    /// Number of `tokens` and of `positions`: the sum of `fed`.
    pub tokens_len: u32,
    /// Number of `wanted`.
    pub wanted_len: u32,
    /// `[rows_len]`
    pub rows: *const RowTable,
    /// `[tokens_len]` ids.
    pub tokens: *const u32,
    /// `[tokens_len]`, strictly ascending within a row.
    pub positions: *const u32,
    /// `[wanted_len]` indices into `tokens`, strictly ascending.
    pub wanted: *const u32,
    /// Read atomically between layers; non-zero means stop. Never null.
    pub cancel: *const CancelFlag,
}

/// `TopMut`.
#[repr(C)]
pub struct TopTable {
    /// `size_of::<TopTable>()` as the host sees it.
    pub struct_size: u32,
    /// Entries per row.
    pub k: u32,
    /// `[wanted_len, k]`
    pub ids: *mut u32,
    /// `[wanted_len, k]`
    pub logits: *mut f32,
    /// `[wanted_len]`
    pub log_sum_exp: *mut f32,
    /// `[wanted_len]`
    pub entropy: *mut f32,
}

/// What a plugin exports under [`ENTRY`]: data, then functions. None is null but those marked optional.
#[repr(C)]
pub struct Plugin {
    /// [`ABI_MAJOR`] as the plugin was built.
    pub abi_major: u32,
    /// [`ABI_MINOR`] as the plugin was built.
    pub abi_minor: u32,
    /// `size_of::<Plugin>()` as the plugin was built.
    pub struct_size: u32,
    /// 0.
    pub reserved: u32,
    /// NUL-terminated, static: short lower-case name.
    pub name: *const c_char,
    /// NUL-terminated, static.
    pub version: *const c_char,
    /// Called once, before all others; keeps `host`.
    pub init: Option<unsafe extern "C" fn(host: *const HostTable, error: *mut ErrorSlot) -> Status>,
    /// Fills `out`.
    pub probe: Option<unsafe extern "C" fn(out: *mut ProbeRow, error: *mut ErrorSlot) -> Status>,
    /// Fills `out` with device `index`; [`NO_DEVICE`] if there is none.
    pub device: Option<
        unsafe extern "C" fn(index: u32, out: *mut DeviceRow, error: *mut ErrorSlot) -> Status,
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
    /// Computes a pass into `out`, of `out_len = wanted_len * vocab` floats.
    pub forward: Option<
        unsafe extern "C" fn(
            session: *mut c_void,
            pass: *const PassTable,
            out: *mut f32,
            out_len: usize,
            error: *mut ErrorSlot,
        ) -> Status,
    >,
    /// Optional: as `forward`, into `out`. Present if any model has `TOPK_OUTPUT`.
    pub forward_top: Option<
        unsafe extern "C" fn(
            session: *mut c_void,
            pass: *const PassTable,
            out: *const TopTable,
            error: *mut ErrorSlot,
        ) -> Status,
    >,
    /// Optional, since minor version 1. NUL-terminated, static: the libraries that the backend opens itself, and where to
    /// get them, as JSON; the header says how. Null if there are none.
    pub runtimes: *const c_char,
    /// Optional, since minor version 1: as `Backend::export`, into `folder`, which is there and empty.
    pub model_export: Option<
        unsafe extern "C" fn(spec: *const LoadTable, folder: Text, error: *mut ErrorSlot) -> Status,
    >,
}

// SAFETY: plain immutable data; the pointers are to statics and functions.
unsafe impl Sync for Plugin {}
// SAFETY: as above; `context` is only ever handed back to the host, which promises that `log` takes any thread.
unsafe impl Sync for HostTable {}
// SAFETY: as above.
unsafe impl Send for HostTable {}

/// `size_of::<T>()` as the tables store it.
#[must_use]
pub const fn size_u32<T>() -> u32 {
    size_of::<T>() as u32
}
