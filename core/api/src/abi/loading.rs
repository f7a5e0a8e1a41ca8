//! Tables about the backend as a whole: host, devices, loads, facts.

use std::ffi::c_void;

use super::{Sink, Text};

/// Where a failing function puts its message.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ErrorSlot {
    /// `size_of::<ErrorSlot>()` as the host sees it.
    pub struct_size: u32,
    /// 0.
    pub reserved: u32,
    /// What, where, what to do: one text.
    pub message: Sink,
}

/// Services of the host; valid until the process ends, callable from any thread.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct HostTable {
    /// `size_of::<HostTable>()` as the host sees it.
    pub struct_size: u32,
    /// Messages above this [`level`](super::level) are not wanted.
    pub log_level: u32,
    /// Passed back to `log`.
    pub context: *mut c_void,
    /// Writes one message to the host's log. Plugins never write to stdout or stderr.
    pub log:
        Option<unsafe extern "C" fn(context: *mut c_void, level: u32, target: Text, message: Text)>,
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
    pub reason: Sink,
    /// What the user can do.
    pub remedy: Sink,
}

/// `Device`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct DeviceRow {
    /// `size_of::<DeviceRow>()` as the host sees it.
    pub struct_size: u32,
    /// One of [`kind`](super::kind).
    pub kind: u32,
    /// Memory in all, 0 if unknown.
    pub total_bytes: u64,
    /// Memory free now, 0 if unknown.
    pub free_bytes: u64,
    /// Such as `cuda:0`.
    pub id: Sink,
    /// For people.
    pub name: Sink,
    /// Each precision, the default first.
    pub precisions: Sink,
    /// 1 if the precisions stand in the order in which they are recommended, else 0. Since 2.1.
    pub ranked: u32,
    /// 0. Since 2.1.
    pub reserved: u32,
}

/// `LoadSpec`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct LoadTable {
    /// `size_of::<LoadTable>()` as the host sees it.
    pub struct_size: u32,
    /// Threads to compute with, 0 for the backend's choice.
    pub threads: u32,
    /// Bits of [`requires`](super::requires).
    pub requires: u64,
    /// One of [`attention`](super::attention).
    pub attention: u32,
    /// The block length of block-causal attention, else 0.
    pub attention_block: u32,
    /// Number of `weights`.
    pub weights_len: u32,
    /// 0.
    pub reserved: u32,
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
    /// Hears how far loading has come; non-zero asks to stop. Callable from any thread during the load. Null hears nothing.
    pub progress: Option<
        unsafe extern "C" fn(context: *mut c_void, stage: Text, done: u64, total: u64) -> i32,
    >,
}

/// `Estimate`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct EstimateRow {
    /// `size_of::<EstimateRow>()` as the host sees it.
    pub struct_size: u32,
    /// Threads that it would compute with, 0 if that means nothing.
    pub threads: u32,
    /// Memory that the weights would hold, 0 if it cannot be told.
    pub weights_bytes: u64,
    /// K/V of one cell of one slot, 0 if it cannot be told.
    pub cell_bytes: u64,
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
    /// K/V of one cell of one slot.
    pub cell_bytes: u64,
    /// Bits of `Capabilities`.
    pub capabilities: u64,
    /// The precision in use.
    pub precision: Sink,
    /// Lines for people, each a text.
    pub notes: Sink,
}

// SAFETY: plain data; `context` is only ever handed back to the host, which promises that `log` takes any thread.
unsafe impl Sync for HostTable {}
// SAFETY: as above.
unsafe impl Send for HostTable {}
