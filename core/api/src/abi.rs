//! The contract as C data: what crosses the border of a shared library. `include/unmask_backend.h` says the same in C.
//!
//! A plugin exports one symbol, [`ENTRY`], a static [`Plugin`] table. Its first three words are read before any of the
//! plugin's code is called; they never move. The rules:
//!
//! - Whoever allocates frees; no memory changes owner. Text is UTF-8, pointer and length, borrowed for the call unless
//!   said otherwise; text that a plugin gives goes into a [`Sink`], of any length. Handles are opaque.
//! - A function that can fail returns a [`Status`] and then puts what went wrong into the host's [`ErrorSlot`].
//! - No panic or exception crosses. Functions may be called from any thread. Those that take a session, freeing it
//!   included, are called from one thread at a time for that session; without `CONCURRENT`, for all sessions of its model.
//! - New fields go to the end of a table, and [`ABI_MINOR`] counts them. Each side copies what both know: `struct_size` is
//!   the size as the table's maker knew it, what is beyond is absent (zero). Arrays of tables carry their stride. What must
//!   not be overlooked has a bit in `requires`: a reader refuses bits that it does not know. A change of meaning is a new
//!   [`ABI_MAJOR`].

#![expect(unsafe_code, reason = "the C border is pointers")]

mod computing;
mod loading;
mod plugin;
mod text;

pub use computing::{LogitsTable, PassTable, RowTable, SessionTable, TopTable};
pub use loading::{DeviceRow, ErrorSlot, EstimateRow, FactsRow, HostTable, LoadTable, ProbeRow};
pub use plugin::Plugin;
pub use text::{Collected, Sink, Text};

use crate::ErrorCode;

/// Differs: the host refuses the plugin.
pub const ABI_MAJOR: u32 = 2;
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

    use crate::DeviceKind;

    /// The number of a kind.
    #[must_use]
    pub fn of(kind: DeviceKind) -> u32 {
        match kind {
            DeviceKind::Cpu => CPU,
            DeviceKind::Gpu => GPU,
            DeviceKind::Accelerator => ACCELERATOR,
        }
    }

    /// The kind of a number; unknown ones are accelerators.
    #[must_use]
    pub fn named(number: u32) -> DeviceKind {
        match number {
            CPU => DeviceKind::Cpu,
            GPU => DeviceKind::Gpu,
            _ => DeviceKind::Accelerator,
        }
    }
}

/// Values of [`LoadTable::attention`]; a backend refuses those that it does not compute, unknown ones included.
pub mod attention {
    /// `Attention::Bidirectional`
    pub const BIDIRECTIONAL: u32 = 0;
    /// `Attention::BlockCausal`, of `attention_block`
    pub const BLOCK_CAUSAL: u32 = 1;
    /// `Attention::Causal`
    pub const CAUSAL: u32 = 2;
}

/// Bits of the `requires` of tables: what a reader must understand to act on them. Unknown bits are refused with a sentence.
pub mod requires {
    /// [`PassTable`](super::PassTable): `mask` says what is attended to.
    pub const PASS_MASK: u64 = 1;
    /// [`TopTable`](super::TopTable): `divergence` is to be filled.
    pub const TOP_DIVERGENCE: u64 = 1;

    /// Every bit that this version knows, by table.
    pub const KNOWN_LOAD: u64 = 0;
    /// See [`KNOWN_LOAD`].
    pub const KNOWN_SESSION: u64 = 0;
    /// See [`KNOWN_LOAD`].
    pub const KNOWN_PASS: u64 = PASS_MASK;
    /// See [`KNOWN_LOAD`].
    pub const KNOWN_LOGITS: u64 = 0;
    /// See [`KNOWN_LOAD`].
    pub const KNOWN_TOP: u64 = TOP_DIVERGENCE;

    /// Reserved in passes: the output of an earlier pass is fed as soft embeddings (self-conditioning). Not built.
    pub const RESERVED_PASS_SELF_CONDITIONING: u64 = 1 << 1;
    /// Reserved in reads: tokens are drawn on the device by a counter-based generator that the contract names. Not built.
    pub const RESERVED_TOP_DRAWS: u64 = 1 << 1;
}

/// `size_of::<T>()` as the tables store it.
#[must_use]
pub const fn size_u32<T>() -> u32 {
    size_of::<T>() as u32
}
