//! Whether the runtime keeps a copy of every matrix, arranged for this processor, beside the mapped one.

use crate::device::ComputeDevice;
use crate::options::Prepack;
use crate::precision::Precision;
use crate::runner::SessionPlan;

/// Whether it may; a copy takes `bytes`, of which `free` are free (0 if unknown).
pub(crate) fn is_wanted(requested: Prepack, precision: Precision, bytes: u64, free: u64) -> bool {
    match requested {
        Prepack::On => true,
        Prepack::Off => false,
        // Without, they are turned into `f32` in every pass.
        Prepack::Auto if precision == Precision::Int4 => true,
        // What else a conversation needs has room in a tenth.
        Prepack::Auto => free == 0 || bytes + bytes / 10 <= free,
    }
}

/// Bytes that the runtime holds for matrices of `bytes`.
pub(crate) fn copied_bytes(plan: &SessionPlan, precision: Precision, bytes: u64) -> u64 {
    match (precision, plan.device) {
        // The processor has no 16-bit products: the runtime makes them `f32`.
        (Precision::F16, ComputeDevice::Cpu) => bytes * 2,
        _ if plan.is_prepacked => bytes,
        _ => 0,
    }
}

/// What the user should know about it.
pub(crate) fn note(plan: &SessionPlan, requested: Prepack, precision: Precision) -> Option<String> {
    let note = match (precision, plan.device) {
        (Precision::F16, ComputeDevice::Cpu) => {
            "f16 is computed as f32 on a processor: no faster and no smaller, choose int8 or f32"
        }
        (Precision::Int4, _) if !plan.is_prepacked => {
            "int4 without prepack is turned into f32 in every pass, which takes several times as long"
        }
        _ if !plan.is_prepacked && requested == Prepack::Auto => {
            "there is no memory to arrange the weights for this processor: passes take up to half as long again"
        }
        _ => return None,
    };
    Some(note.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_made_where_it_fits_or_is_needed() {
        let auto = |precision, bytes, free| is_wanted(Prepack::Auto, precision, bytes, free);
        assert!(auto(Precision::Int8, 100, 110));
        assert!(!auto(Precision::Int8, 100, 109));
        assert!(
            auto(Precision::Int8, 100, 0),
            "unknown memory is no obstacle"
        );
        assert!(auto(Precision::Int4, 100, 1));
        assert!(!is_wanted(Prepack::Off, Precision::Int4, 100, 1000));
        assert!(is_wanted(Prepack::On, Precision::F32, 100, 1));
    }
}
