use std::ops::BitOr;

/// Whether a backend can work on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// It can; of several backends that fit, the one with the higher score is suggested first. 1 and up.
    Usable {
        /// Rough worth on this machine: 10 for a plain CPU, 100 for a GPU.
        score: u32,
    },
    /// It cannot.
    Unusable {
        /// Why not, such as `needs Apple silicon`.
        reason: String,
        /// What the user can do about it; empty if nothing.
        remedy: String,
    },
}

/// The kind of a [`Device`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceKind {
    /// The processor.
    Cpu,
    /// A graphics processor.
    Gpu,
    /// Any other accelerator.
    Accelerator,
}

/// Something a backend can compute on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// What `device = "…"` in the configuration says: `cpu`, `cuda:0`, `metal`.
    pub id: String,
    /// A name for people, such as `AMD EPYC, 2 threads, AVX-512`.
    pub name: String,
    /// Its kind.
    pub kind: DeviceKind,
    /// Memory in all, 0 if unknown.
    pub total_bytes: u64,
    /// Memory free now, 0 if unknown.
    pub free_bytes: u64,
    /// What `precision = "…"` may say here, the default first: `f32`, `q4k`. One that a checkpoint does not go with is refused
    /// by `check` as unsupported, and passed over where nobody names it.
    pub precisions: Vec<String>,
    /// Whether `precisions` stand in the order in which they are recommended: where nobody names one, the host takes the first
    /// whose weights fit the free memory. Else it takes the first.
    pub ranked: bool,
}

/// What a loaded model can do, as a set of bits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(transparent)]
pub struct Capabilities(pub u64);

impl Capabilities {
    /// Several rows in one pass.
    pub const BATCH: Self = Self(1);
    /// Sessions with cells: passes that feed only some tokens and take the K/V of others from a slot; slots can be copied.
    pub const KV_CACHE: Self = Self(1 << 1);
    /// `Session::read_top`.
    pub const TOPK_OUTPUT: Self = Self(1 << 2);
    /// A raised cancel flag stops a running forward between layers.
    pub const CANCEL: Self = Self(1 << 3);
    /// Several sessions may compute at the same time.
    pub const CONCURRENT: Self = Self(1 << 4);
    /// `Row::padding` may be above 0.
    pub const LEFT_PADDING: Self = Self(1 << 5);
    /// `Pass::mask` may be given.
    pub const ATTENTION_MASK: Self = Self(1 << 6);
    /// `TopRequest::divergence` may be asked for.
    pub const DIVERGENCE: Self = Self(1 << 7);
    /// The same pass on the same contents of the slots gives the same bits, in any session of this load.
    pub const DETERMINISTIC: Self = Self(1 << 8);

    /// Every bit with its name, for lists.
    pub const NAMES: [(Self, &'static str); 9] = [
        (Self::BATCH, "batch"),
        (Self::KV_CACHE, "kv-cache"),
        (Self::TOPK_OUTPUT, "top-k output"),
        (Self::CANCEL, "cancel"),
        (Self::CONCURRENT, "concurrent sessions"),
        (Self::LEFT_PADDING, "left padding"),
        (Self::ATTENTION_MASK, "attention masks"),
        (Self::DIVERGENCE, "divergence"),
        (Self::DETERMINISTIC, "deterministic"),
    ];

    /// True if all bits of `other` are set.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Capabilities {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// What a backend tells of a loaded model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFacts {
    /// Columns of a row of logits.
    pub vocab: usize,
    /// Longest canvas the weights were made for, in positions.
    pub max_positions: u32,
    /// Memory that the weights hold, mapped files not counted.
    pub memory_bytes: u64,
    /// K/V of one cell of one slot, in bytes; 0 without `KV_CACHE`.
    pub cell_bytes: u64,
    /// The precision in use, such as `q4k`.
    pub precision: String,
    /// What it can do.
    pub capabilities: Capabilities,
    /// Lines for `unmask doctor`, such as which tensors fell back to another precision.
    pub notes: Vec<String>,
}
