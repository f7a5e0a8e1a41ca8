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

/// The share of the masks that step `step` of Dream's schedule lifts, 0 to 1: `1 - s/t` for times from 1 to `eps`, all of them
/// at the last step. In float32, as `_sample` of its `generation_utils.py` computes it.
#[must_use]
pub fn timestep_share(eps: f64, steps: NonZeroUsize, step: usize) -> f32 {
    match step + 1 < steps.get() {
        true => 1.0 - timestep(eps, steps, step + 1) / timestep(eps, steps, step),
        false => 1.0,
    }
}

/// Entry `index` of `torch.linspace(1, eps, steps + 1)`: counted up from the first one, in the second half down from the last.
#[must_use]
pub fn timestep(eps: f64, steps: NonZeroUsize, index: usize) -> f32 {
    let (first, last) = (1.0_f32, eps as f32);
    let step = (last - first) / steps.get() as f32;
    match index < steps.get().div_ceil(2) {
        true => first + step * index as f32,
        false => last - step * (steps.get() - index) as f32,
    }
}

/// Masks that the first `step` steps lift: the sum of their quotas.
fn lifted(masked: usize, steps: NonZeroUsize, step: usize) -> usize {
    let step = step.min(steps.get());
    step * (masked / steps) + step.min(masked % steps)
}

/// The step that is next once `done` of the masks are lifted; one that was begun is not left out.
#[must_use]
pub(super) fn step_after(done: usize, masked: usize, steps: NonZeroUsize) -> usize {
    let mut steps_back = (0..steps.get()).rev();
    let next = steps_back.find(|&step| lifted(masked, steps, step) <= done);
    next.unwrap_or(0)
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
    fn what_is_lifted_tells_the_next_step() {
        let steps = NonZeroUsize::new(4).expect("it is not 0");
        let next: Vec<usize> = (0..10).map(|done| step_after(done, 10, steps)).collect();
        assert_eq!(next, [0, 0, 0, 1, 1, 1, 2, 2, 3, 3]);
        assert_eq!(step_after(1, 2, steps), 1);
    }

    #[test]
    fn steps_beyond_the_masks_lift_nothing() {
        check(2, 4, &[1, 1, 0, 0, 0]);
    }
}
