//! Who has had how much of the engine's time: the one with least is next.

use std::collections::BTreeMap;
use std::time::Duration;

/// Of each client that has work here.
#[derive(Debug, Default)]
pub(super) struct ServedTimes(BTreeMap<String, Duration>);

impl ServedTimes {
    /// A client has work. Whoever is new begins with the time of the one that had least, so that nobody saves time up.
    pub(super) fn enter(&mut self, client: &str) {
        let least = self.0.values().min().copied().unwrap_or_default();
        self.0.entry(client.to_owned()).or_insert(least);
    }

    pub(super) fn add(&mut self, client: &str, time: Duration) {
        if let Some(served) = self.0.get_mut(client) {
            *served += time;
        }
    }

    pub(super) fn of(&self, client: &str) -> Duration {
        self.0.get(client).copied().unwrap_or_default()
    }

    /// Of pieces of work the least is next: by its client's time, then by its own.
    pub(super) fn order(&self, client: &str, own: Duration) -> (Duration, Duration) {
        (self.of(client), own)
    }

    /// Forgets those who have no work any more.
    pub(super) fn keep(&mut self, has_work: impl Fn(&str) -> bool) {
        self.0.retain(|client, _| has_work(client));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whoever has work all the while has as much of the engine's time as anybody else, but for one piece; and so has each
        /// piece of a client.
        #[test]
        fn everybody_has_an_equal_share(
            works in prop::collection::vec((0_u8..3, 1_u64..20), 1..8),
            steps in 1_usize..200,
        ) {
            let mut times = ServedTimes::default();
            let mut works: Vec<_> = works
                .into_iter()
                .map(|(client, took)| (client.to_string(), took, 0))
                .collect();
            works.iter().for_each(|(client, ..)| times.enter(client));
            for _ in 0..steps {
                let own = |spent: u64| Duration::from_millis(spent);
                let next = works.iter_mut().min_by_key(|it| times.order(&it.0, own(it.2)));
                let (client, took, spent) = next.expect("there is work");
                *spent += *took;
                times.add(client, Duration::from_millis(*took));
            }
            let longest = Duration::from_millis(20);
            let most = times.0.values().max().expect("there are clients");
            let least = times.0.values().min().expect("there are clients");
            prop_assert!(*most - *least <= longest);
            for client in times.0.keys() {
                let own = works.iter().filter(|it| it.0 == *client).map(|it| it.2);
                let (least, most) = (own.clone().min(), own.max());
                prop_assert!(most <= least.map(|it| it + 20));
            }
        }
    }

    #[test]
    fn whoever_comes_late_has_saved_nothing_up() {
        let mut times = ServedTimes::default();
        times.enter("a");
        times.add("a", Duration::from_secs(5));
        times.enter("b");
        assert_eq!(times.of("b"), Duration::from_secs(5));
        times.keep(|client| client == "b");
        times.enter("a");
        assert_eq!(times.of("a"), Duration::from_secs(5));
    }
}
