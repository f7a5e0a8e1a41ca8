//! Who is next: pure, so that fairness can be shown without a model or a socket.
//!
//! The next request is the oldest of the client with the least engine time, running requests breaking ties: front-ends send hidden requests for titles and tags
//! beside what a person waits for, and one client's many must not keep another's one waiting. A client that has gone begins
//! again with the time of the one that had least, so that nobody saves time up.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long requests for the model that is loaded may go before older ones for another.
const MODEL_PATIENCE: Duration = Duration::from_secs(30);

/// Names a request that runs or waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Ticket(u64);

/// What is to be done now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Admit {
    /// This request runs from now on.
    Start(Ticket),
    /// Nothing runs, and the next request wants this model.
    Load(String),
    /// Something has to end first.
    Wait,
}

/// No place is free, and none to wait in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct QueueFull {
    /// Those that wait.
    pub(crate) waiting: usize,
}

/// Requests that run and wait.
#[derive(Debug)]
pub(crate) struct Queue {
    parallel: usize,
    most_waiting: usize,
    last: u64,
    running: BTreeMap<Ticket, RunningRequest>,
    waiting: BTreeMap<Ticket, WaitingRequest>,
    /// Of every client that runs or waits.
    used: BTreeMap<String, Duration>,
}

#[derive(Debug)]
struct RunningRequest {
    client: String,
}

#[derive(Debug)]
struct WaitingRequest {
    client: String,
    model: String,
    since: Instant,
}

impl Queue {
    /// So many may run at once, and so many more wait.
    pub(crate) fn new(parallel: usize, most_waiting: usize) -> Self {
        Self {
            parallel: parallel.max(1),
            most_waiting,
            last: 0,
            running: BTreeMap::new(),
            waiting: BTreeMap::new(),
            used: BTreeMap::new(),
        }
    }

    /// Takes a place at the end of the client's requests.
    pub(crate) fn enter(
        &mut self,
        client: &str,
        model: &str,
        now: Instant,
    ) -> Result<Ticket, QueueFull> {
        let free = self.parallel.saturating_sub(self.running.len());
        let waiting = self.waiting.len();
        if waiting >= self.most_waiting + free {
            return Err(QueueFull { waiting });
        }
        self.last += 1;
        let ticket = Ticket(self.last);
        let least = self.used.values().min().copied().unwrap_or_default();
        self.used.entry(client.to_owned()).or_insert(least);
        let request = WaitingRequest {
            client: client.to_owned(),
            model: model.to_owned(),
            since: now,
        };
        self.waiting.insert(ticket, request);
        Ok(ticket)
    }

    /// What is to be done, with this model loaded.
    pub(crate) fn next(&mut self, loaded: Option<&str>, now: Instant) -> Admit {
        if self.running.len() >= self.parallel {
            return Admit::Wait;
        }
        let waits = |it: &WaitingRequest| now.saturating_duration_since(it.since);
        let other = (self.waiting.values()).any(|it| {
            loaded.is_some_and(|loaded| loaded != it.model) && waits(it) >= MODEL_PATIENCE
        });
        let fits = |it: &WaitingRequest| loaded == Some(it.model.as_str()) && !other;
        if let Some(ticket) = self.fairest(fits) {
            self.start(ticket);
            return Admit::Start(ticket);
        }
        let next = self.fairest(|it| match other {
            true => loaded != Some(it.model.as_str()),
            false => true,
        });
        match next {
            Some(ticket) if self.running.is_empty() => {
                Admit::Load(self.waiting[&ticket].model.clone())
            }
            Some(_) | None => Admit::Wait,
        }
    }

    /// So many may run at once from now on.
    pub(crate) fn set_parallel(&mut self, parallel: usize) {
        self.parallel = parallel.max(1);
    }

    /// The engine has worked so long for a request that runs.
    pub(crate) fn spent(&mut self, ticket: Ticket, time: Duration) {
        let client = self.running.get(&ticket).map(|it| &it.client);
        if let Some(used) = client.and_then(|it| self.used.get_mut(it)) {
            *used += time;
        }
    }

    /// The request has ended, or is given up.
    pub(crate) fn leave(&mut self, ticket: Ticket) {
        let client = if let Some(it) = self.running.remove(&ticket) {
            it.client
        } else if let Some(it) = self.waiting.remove(&ticket) {
            it.client
        } else {
            return;
        };
        let is_there = self.running.values().any(|it| it.client == client)
            || self.waiting.values().any(|it| it.client == client);
        if !is_there && self.used.len() > 1 {
            self.used.remove(&client);
        }
    }

    /// Requests that would run before this one; `None` if it does not wait.
    pub(crate) fn ahead(&self, ticket: Ticket) -> Option<usize> {
        let own = self.waiting.get(&ticket)?;
        let mine = self.order(ticket, own);
        let before = (self.waiting.iter()).filter(|&(&at, it)| self.order(at, it) < mine);
        Some(before.count() + self.running.len())
    }

    /// Those that wait for this model.
    pub(crate) fn waiting_for(&self, model: &str) -> Vec<Ticket> {
        let of_it = self.waiting.iter().filter(|(_, it)| it.model == model);
        of_it.map(|(&ticket, _)| ticket).collect()
    }

    pub(crate) fn running(&self) -> usize {
        self.running.len()
    }

    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn parallel(&self) -> usize {
        self.parallel
    }

    fn fairest(&self, fits: impl Fn(&WaitingRequest) -> bool) -> Option<Ticket> {
        let fitting = self.waiting.iter().filter(|(_, it)| fits(it));
        let first = fitting.min_by_key(|&(&at, it)| self.order(at, it));
        first.map(|(&ticket, _)| ticket)
    }

    /// The least of those that wait is next.
    fn order(&self, ticket: Ticket, request: &WaitingRequest) -> (Duration, usize, Ticket) {
        let client = &request.client;
        let used = self.used.get(client).copied().unwrap_or_default();
        let running = self.running.values().filter(|it| it.client == *client);
        (used, running.count(), ticket)
    }

    fn start(&mut self, ticket: Ticket) {
        if let Some(WaitingRequest { client, .. }) = self.waiting.remove(&ticket) {
            self.running.insert(ticket, RunningRequest { client });
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Lets requests run one after the other, a second each; returns the clients in the order in which they ran.
    fn order(queue: &mut Queue, mut now: Instant) -> Vec<String> {
        let mut clients = Vec::new();
        while let Admit::Start(ticket) = queue.next(Some("m"), now) {
            clients.push(queue.running[&ticket].client.clone());
            now += SECOND;
            queue.spent(ticket, SECOND);
            queue.leave(ticket);
        }
        clients
    }

    #[test]
    fn many_requests_of_one_client_do_not_keep_another_waiting() {
        let (mut queue, now) = (Queue::new(1, 16), Instant::now());
        for client in ["a", "a", "a", "b", "a", "b"] {
            queue.enter(client, "m", now).expect("there is room");
        }
        assert_eq!(order(&mut queue, now), ["a", "b", "a", "b", "a", "a"]);
    }

    #[test]
    fn whoever_comes_back_has_saved_nothing_up() {
        let (mut queue, now) = (Queue::new(1, 16), Instant::now());
        queue.enter("a", "m", now).expect("there is room");
        queue.enter("b", "m", now).expect("there is room");
        assert_eq!(order(&mut queue, now).len(), 2);
        for client in ["a", "a", "c", "c"] {
            queue.enter(client, "m", now).expect("there is room");
        }
        assert_eq!(order(&mut queue, now), ["a", "c", "a", "c"]);
    }

    #[test]
    fn one_request_too_many_is_refused_and_a_place_that_is_left_is_free() {
        let (mut queue, now) = (Queue::new(1, 1), Instant::now());
        let first = queue.enter("a", "m", now).expect("there is room");
        assert_eq!(queue.next(Some("m"), now), Admit::Start(first));
        let second = queue.enter("a", "m", now).expect("one may wait");
        assert_eq!(queue.enter("b", "m", now), Err(QueueFull { waiting: 1 }));
        assert_eq!(queue.ahead(second), Some(1));
        queue.leave(second);
        queue.enter("b", "m", now).expect("its place is free");
    }

    #[test]
    fn without_a_queue_a_free_place_is_taken() {
        let (mut queue, now) = (Queue::new(2, 0), Instant::now());
        for _ in 0..2 {
            let ticket = queue.enter("a", "m", now).expect("a place is free");
            assert_eq!(queue.next(Some("m"), now), Admit::Start(ticket));
        }
        assert_eq!(queue.enter("a", "m", now), Err(QueueFull { waiting: 0 }));
    }

    #[test]
    fn another_model_is_loaded_once_nothing_runs_and_the_present_ones_requests_have_gone_first() {
        let (mut queue, now) = (Queue::new(1, 16), Instant::now());
        let first = queue.enter("a", "m", now).expect("there is room");
        queue.enter("b", "other", now).expect("there is room");
        let third = queue.enter("a", "m", now).expect("there is room");
        assert_eq!(queue.next(Some("m"), now), Admit::Start(first));
        queue.leave(first);
        assert_eq!(queue.next(Some("m"), now + SECOND), Admit::Start(third));
        queue.leave(third);
        let wanted = Admit::Load("other".to_owned());
        assert_eq!(queue.next(Some("m"), now + SECOND), wanted);
    }

    #[test]
    fn requests_for_the_present_model_go_first_for_half_a_minute() {
        let (mut queue, now) = (Queue::new(2, 16), Instant::now());
        let first = queue.enter("a", "m", now).expect("there is room");
        assert_eq!(queue.next(Some("m"), now), Admit::Start(first));
        queue.enter("b", "other", now).expect("there is room");
        queue.enter("a", "m", now).expect("there is room");
        let late = now + MODEL_PATIENCE;
        assert_eq!(queue.next(Some("m"), late), Admit::Wait);
        queue.leave(first);
        assert_eq!(queue.next(Some("m"), late), Admit::Load("other".to_owned()));
    }

    #[test]
    fn no_model_is_loaded_twice_for_what_runs() {
        let (mut queue, now) = (Queue::new(1, 16), Instant::now());
        queue.enter("a", "m", now).expect("there is room");
        assert_eq!(queue.next(None, now), Admit::Load("m".to_owned()));
        assert_eq!(queue.waiting_for("m").len(), 1);
        assert_eq!(queue.waiting_for("other"), []);
    }

    #[test]
    fn places_that_are_free_at_once_go_to_different_clients() {
        let (mut queue, now) = (Queue::new(2, 16), Instant::now());
        for client in ["a", "a", "a", "b"] {
            queue.enter(client, "m", now).expect("there is room");
        }
        while let Admit::Start(_) = queue.next(Some("m"), now) {}
        let running: Vec<&str> = queue.running.values().map(|it| &*it.client).collect();
        assert_eq!(running, ["a", "b"]);
    }

    #[test]
    fn more_may_run_once_another_model_lets_them() {
        let (mut queue, now) = (Queue::new(1, 16), Instant::now());
        for _ in 0..4 {
            queue.enter("a", "m", now).expect("there is room");
        }
        let mut started = |parallel| {
            queue.set_parallel(parallel);
            std::iter::from_fn(|| match queue.next(Some("m"), now) {
                Admit::Start(ticket) => Some(ticket),
                Admit::Load(_) | Admit::Wait => None,
            })
            .count()
        };
        assert_eq!((started(1), started(3), started(1)), (1, 2, 0));
    }

    proptest! {
        /// Clients that always have requests, each of some length, on some places: whoever waits has never had a whole
        /// request more than a client that is started, and everybody who entered runs in the end.
        #[test]
        fn nobody_is_passed_over_for_one_who_has_had_more(
            parallel in 1_usize..5,
            requests in prop::collection::vec((0_u8..4, 1_u64..9), 1..60),
        ) {
            let (mut queue, now) = (Queue::new(parallel, requests.len()), Instant::now());
            let mut lengths = BTreeMap::new();
            for &(client, seconds) in &requests {
                let ticket = queue.enter(&client.to_string(), "m", now).expect("there is room");
                lengths.insert(ticket, seconds);
            }
            let mut ended = 0;
            while queue.running() + queue.waiting() > 0 {
                while let Admit::Start(ticket) = queue.next(Some("m"), now) {
                    let own = queue.used[&queue.running[&ticket].client];
                    for other in queue.waiting.values() {
                        prop_assert!(own <= queue.used[&other.client]);
                    }
                }
                prop_assert!(queue.running() <= parallel);
                let second = queue.running.keys().copied().collect::<Vec<_>>();
                for ticket in second {
                    queue.spent(ticket, SECOND);
                    let left = lengths.get_mut(&ticket).expect("it has entered");
                    *left -= 1;
                    if *left == 0 {
                        queue.leave(ticket);
                        ended += 1;
                    }
                }
            }
            prop_assert_eq!(ended, requests.len());
        }
    }
}
