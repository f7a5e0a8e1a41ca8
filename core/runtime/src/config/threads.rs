use std::num::NonZeroU32;

/// More threads than so many for each core compute nothing sooner, and no machine has room for all that can be asked for.
const PER_CORE: usize = 16;

/// Why so many threads are refused on this machine, and what may be said instead; `None` if they are not.
pub(crate) fn refusal(threads: NonZeroU32) -> Option<String> {
    // A machine that does not tell has one core.
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let most = cores.saturating_mul(PER_CORE);
    (threads.get() as usize > most).then(|| {
        format!(
            "{threads} threads are too many for {cores} cores; write 1 to {most}, or leave it out for all cores"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_threads_a_core_are_allowed_and_one_more_is_not() {
        let cores = std::thread::available_parallelism().expect("the machine tells");
        let most = NonZeroU32::new(cores.get() as u32 * 16).expect("there are cores");
        assert_eq!(refusal(NonZeroU32::MIN), None);
        assert_eq!(refusal(most), None);
        let more = most.checked_add(1).expect("there are few cores");
        let refused = refusal(more).expect("it is one too many");
        assert!(refused.contains(&format!("write 1 to {most}")), "{refused}");
        assert!(refusal(NonZeroU32::MAX).is_some());
    }
}
