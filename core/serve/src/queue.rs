//! Who is next: pure, so that fairness can be shown without a model or a socket.
//!
//! The next request is the oldest of the client with the least engine time, running requests breaking ties: front-ends send
//! hidden requests for titles and tags beside what a person waits for, and one client's many must not keep another's one
//! waiting. The engine measures one thing at a time, so that of measurements one runs and the others wait, whatever is free.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use unmask_core::fair_share::FairShare;

/// How long requests for the model that is loaded may go before older ones for another.
const MODEL_PATIENCE: Duration = Duration::from_secs(30);

/// Names a request that runs or waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Ticket(u64);

/// What a request has the engine do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WorkKind {
    /// Turns, several at once.
    Turns,
    /// A measurement, one at a time.
    Measurement,
}

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
    /// Of every request that waits or runs, unless it rests.
    share: FairShare<Ticket>,
}

#[derive(Debug)]
struct RunningRequest {
    client: String,
    kind: WorkKind,
}

#[derive(Debug)]
struct WaitingRequest {
    client: String,
    kind: WorkKind,
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
            share: FairShare::default(),
        }
    }

    /// Takes a place at the end of the client's requests.
    pub(crate) fn enter(
        &mut self,
        client: &str,
        kind: WorkKind,
        model: &str,
        now: Instant,
    ) -> Result<Ticket, QueueFull> {
        let waiting = self.waiting.len();
        if waiting + 1 > self.most_waiting + self.places_for(kind) {
            return Err(QueueFull { waiting });
        }
        self.last += 1;
        let ticket = Ticket(self.last);
        self.share.enter(client, ticket);
        let request = WaitingRequest {
            client: client.to_owned(),
            kind,
            model: model.to_owned(),
            since: now,
        };
        self.waiting.insert(ticket, request);
        Ok(ticket)
    }

    /// How many of those that wait, one more of this kind among them, could run at once.
    fn places_for(&self, kind: WorkKind) -> usize {
        let free = self.parallel.saturating_sub(self.running.len());
        let kinds = self.waiting.values().map(|it| it.kind).chain([kind]);
        let (measurements, turns): (Vec<_>, Vec<_>) =
            kinds.partition(|&it| it == WorkKind::Measurement);
        let measurements = measurements.len().min(usize::from(!self.is_measuring()));
        free.min(turns.len() + measurements)
    }

    fn is_measuring(&self) -> bool {
        let mut running = self.running.values();
        running.any(|it| it.kind == WorkKind::Measurement)
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
        let is_measuring = self.is_measuring();
        let fits = |it: &WaitingRequest| {
            let may_run = it.kind == WorkKind::Turns || !is_measuring;
            loaded == Some(it.model.as_str()) && may_run && !other
        };
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

    /// The engine has worked so long for a client.
    pub(crate) fn spent(&mut self, client: &str, time: Duration) {
        self.share.spend(client, time);
    }

    /// A request that runs keeps its place and wants nothing of the engine, until [`resume`](Self::resume).
    pub(crate) fn rest(&mut self, ticket: Ticket) {
        if let Some(it) = self.running.get(&ticket) {
            self.share.leave(&it.client, &ticket);
        }
    }

    pub(crate) fn resume(&mut self, ticket: Ticket) {
        if let Some(it) = self.running.get(&ticket) {
            self.share.enter(&it.client, ticket);
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
        self.share.leave(&client, &ticket);
    }

    /// Requests that would run before this one; `None` if it does not wait.
    pub(crate) fn ahead(&self, ticket: Ticket) -> Option<usize> {
        let own = self.waiting.get(&ticket)?;
        let mine = self.order(ticket, own);
        // Turns do not wait for a measurement that waits for another one.
        let is_overtaken = |it: &WaitingRequest| {
            own.kind == WorkKind::Turns && it.kind == WorkKind::Measurement && self.is_measuring()
        };
        let before = (self.waiting.iter())
            .filter(|&(&at, it)| self.order(at, it) < mine && !is_overtaken(it));
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
        let running = self.running.values().filter(|it| it.client == *client);
        (self.share.of(client), running.count(), ticket)
    }

    fn start(&mut self, ticket: Ticket) {
        if let Some(WaitingRequest { client, kind, .. }) = self.waiting.remove(&ticket) {
            (self.running).insert(ticket, RunningRequest { client, kind });
        }
    }
}

#[cfg(test)]
mod tests;
