use std::num::NonZeroUsize;

/// Masks to lift at `step`: `masked / steps`, plus one on each of the first `masked % steps`; 0 from step `steps` on.
///
/// Linear schedule, LLaDA Eq. (8), arXiv:2502.09992; the reference's `get_num_transfer_tokens`.
#[must_use]
pub fn quota(masked: usize, steps: NonZeroUsize, step: usize) -> usize {
    if step >= steps.get() {
        return 0;
    }
    masked / steps + usize::from(step < masked % steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(masked: usize, steps: usize, quotas: &[usize]) {
        let steps = NonZeroUsize::new(steps).expect("cases have steps");
        let got: Vec<usize> = (0..=steps.get())
            .map(|step| quota(masked, steps, step))
            .collect();
        assert_eq!(got, quotas);
    }

    #[test]
    fn the_remainder_is_lifted_first() {
        check(10, 4, &[3, 3, 2, 2, 0]);
    }

    #[test]
    fn steps_beyond_the_masks_lift_nothing() {
        check(2, 4, &[1, 1, 0, 0, 0]);
    }
}
