use std::sync::atomic::{AtomicU32, Ordering};

/// A flag owned by the host that a backend reads between layers: a forward on a CPU can take seconds.
///
/// Laid out as one `u32`, so that it crosses the C border as a pointer; non-zero means stop.
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct CancelFlag(AtomicU32);

impl CancelFlag {
    /// A flag that is not raised.
    #[must_use]
    pub const fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    /// Asks whoever holds the flag to stop.
    pub fn raise(&self) {
        self.0.store(1, Ordering::Relaxed);
    }

    /// Takes the request back, before the next pass.
    pub fn lower(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// True once [`raise`](Self::raise) was called.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.0.load(Ordering::Relaxed) != 0
    }
}
