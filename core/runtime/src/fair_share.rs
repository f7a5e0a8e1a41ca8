//! Who has had how much of the engine's time: the one with least is next.

use std::collections::BTreeMap;
use std::time::Duration;

/// Fair queuing in two levels: of clients the one with least time is next, and of a client's pieces of work likewise.
///
/// Who comes, or comes back, begins with the time of the one that has had least of those who have work, unless it has had more
/// already. So nobody saves time up by staying away, and nobody gets rid of what it has had by leaving.
#[derive(Debug)]
pub struct FairShare<W> {
    /// Those who have work, and those who have had more than any of them.
    clients: BTreeMap<String, ClientShare<W>>,
}

#[derive(Debug)]
struct ClientShare<W> {
    time: Duration,
    /// What waits or runs; nothing that rests.
    works: BTreeMap<W, Duration>,
}

impl<W> Default for FairShare<W> {
    fn default() -> Self {
        Self {
            clients: BTreeMap::new(),
        }
    }
}

impl<W: Ord> FairShare<W> {
    /// A client has this work from now on; nothing changes if it has it already.
    pub fn enter(&mut self, client: &str, work: W) {
        let least = self.least().unwrap_or_default();
        let share = self.share(client);
        if share.works.is_empty() {
            share.time = share.time.max(least);
        }
        let own = share.works.values().min().copied();
        share.works.entry(work).or_insert(own.unwrap_or_default());
    }

    /// The work has ended, or rests.
    pub fn leave(&mut self, client: &str, work: &W) {
        if let Some(share) = self.clients.get_mut(client) {
            share.works.remove(work);
        }
        let least = self.least();
        let owes = |it: &ClientShare<W>| least.is_some_and(|least| it.time > least);
        (self.clients).retain(|_, it| !it.works.is_empty() || owes(it));
    }

    /// A client has had so much time; one that has no work any more owes it to those who have.
    pub fn spend(&mut self, client: &str, time: Duration) {
        let Some(least) = self.least() else {
            return;
        };
        let share = self.share(client);
        if share.works.is_empty() {
            share.time = share.time.max(least);
        }
        share.time += time;
    }

    /// A client has had so much time for this work.
    pub fn spend_on(&mut self, client: &str, work: &W, time: Duration) {
        self.spend(client, time);
        let share = self.clients.get_mut(client);
        if let Some(own) = share.and_then(|it| it.works.get_mut(work)) {
            *own += time;
        }
    }

    /// What a client has had, counted from a beginning that all have in common.
    #[must_use]
    pub fn of(&self, client: &str) -> Duration {
        self.clients
            .get(client)
            .map_or(Duration::ZERO, |it| it.time)
    }

    /// Of pieces of work the least is next: by its client's time, then by its own.
    #[must_use]
    pub fn order(&self, client: &str, work: &W) -> (Duration, Duration) {
        let share = self.clients.get(client);
        let own = share.and_then(|it| it.works.get(work));
        (self.of(client), own.copied().unwrap_or_default())
    }

    /// The time of the one that has had least of those who have work.
    fn least(&self) -> Option<Duration> {
        let have_work = self.clients.values().filter(|it| !it.works.is_empty());
        have_work.map(|it| it.time).min()
    }

    fn share(&mut self, client: &str) -> &mut ClientShare<W> {
        let nothing = || ClientShare {
            time: Duration::ZERO,
            works: BTreeMap::new(),
        };
        (self.clients)
            .entry(client.to_owned())
            .or_insert_with(nothing)
    }
}

#[cfg(test)]
mod tests;
