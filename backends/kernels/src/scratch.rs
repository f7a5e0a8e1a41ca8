//! What a thread needs besides its operands, kept from call to call.

use std::cell::RefCell;

use crate::aligned::Aligned;
use crate::epilogue::PanelEnd;

#[derive(Default)]
pub(crate) struct Scratch {
    /// Sums of rows of activations by rows of panels, `[panels, rows, 64]`.
    pub(crate) sums: Aligned<f32>,
    pub(crate) kernel: KernelScratch,
    pub(crate) ends: Vec<PanelEnd>,
}

/// What kernels keep between calls, each sized by the one that needs it.
#[derive(Default)]
#[cfg_attr(
    not(target_arch = "x86_64"),
    expect(dead_code, reason = "portable code needs none")
)]
pub(crate) struct KernelScratch {
    /// Sums of integers of a panel that go on into the next group, `[rows, 64]`: AVX-VNNI, AMX.
    pub(crate) carried: Aligned<i32>,
    /// A run of activations in 16 bits, `[rows, 512]`: AVX2.
    pub(crate) wide: Aligned<i16>,
}

thread_local! {
    static NUMBERS: RefCell<Aligned<f32>> = RefCell::new(Aligned::default());
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch::default());
}

/// Calls `f` with a row of `k` unspecified numbers; within another such call, with a fresh one.
pub(crate) fn with_numbers<R>(k: usize, f: impl FnOnce(&mut [f32]) -> R) -> R {
    NUMBERS.with(|it| match it.try_borrow_mut() {
        Ok(mut numbers) => {
            numbers.resize(k);
            f(&mut numbers)
        }
        Err(_) => f(&mut Aligned::new(k)),
    })
}

/// Calls `f`, which must not lead here again, with this thread's scratch.
pub(crate) fn with_scratch<R>(f: impl FnOnce(&mut Scratch) -> R) -> R {
    SCRATCH.with_borrow_mut(f)
}
