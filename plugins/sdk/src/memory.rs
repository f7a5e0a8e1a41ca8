//! Whether there is room, asked before memory is taken: a person is then told what to do, and the system ends nobody.
//!
//! Free memory that is not known is 0, and never too little.

use unmask_api::{BackendError, SessionSpec};

/// Refuses weights in `precision` that need more bytes than are free; `remedy` says what to do then.
///
/// # Errors
/// [`BackendError::OutOfMemory`].
pub fn check_weights(
    needed: u64,
    free: u64,
    precision: &str,
    remedy: &str,
) -> Result<(), BackendError> {
    check(needed, free, || {
        format!(
            "the weights need {} as {precision}, but only {} of memory is free; {remedy}",
            gigabytes(needed),
            gigabytes(free)
        )
    })
}

/// Refuses cells of `cell_bytes` each that need more bytes than are free.
///
/// # Errors
/// [`BackendError::OutOfMemory`].
pub fn check_cells(spec: SessionSpec, cell_bytes: u64, free: u64) -> Result<(), BackendError> {
    let cells = u64::from(spec.cells) * u64::from(spec.slots);
    let needed = cell_bytes.saturating_mul(cells);
    check(needed, free, || {
        format!(
            "a K/V cache of {} cells in {} slots needs {}, but only {} of memory is free; shorten the canvas",
            spec.cells,
            spec.slots,
            gigabytes(needed),
            gigabytes(free)
        )
    })
}

fn check(needed: u64, free: u64, refusal: impl FnOnce() -> String) -> Result<(), BackendError> {
    match free == 0 || needed <= free {
        true => Ok(()),
        false => Err(BackendError::OutOfMemory(refusal())),
    }
}

/// Such as `4.6 GB`.
fn gigabytes(bytes: u64) -> String {
    format!("{:.1} GB", bytes as f64 / 1e9)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: SessionSpec = SessionSpec {
        cells: 4096,
        slots: 2,
    };

    #[test]
    fn too_little_memory_is_told_in_gigabytes_with_what_to_do() {
        let error = check_weights(
            16_100_000_000,
            7_960_000_000,
            "f16",
            "try precision = \"q4\"",
        );
        assert_eq!(
            error.expect_err("it does not fit").to_string(),
            "the weights need 16.1 GB as f16, but only 8.0 GB of memory is free; try precision = \"q4\""
        );
        let error = check_cells(SPEC, 2, 1).expect_err("it does not fit");
        assert!(error.to_string().contains("4096 cells in 2 slots"));
    }

    #[test]
    fn memory_that_is_enough_or_not_known_is_no_reason() {
        for free in [0, 5, 6] {
            check_weights(5, free, "f32", "").expect("it fits");
            check_cells(SPEC, 5, free.saturating_mul(8192)).expect("it fits");
        }
    }
}
