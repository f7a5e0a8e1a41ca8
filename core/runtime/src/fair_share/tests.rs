use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// Pieces of work of `(client, milliseconds)` a time.
struct Works {
    share: FairShare<usize>,
    works: Vec<(String, u64)>,
    /// Of each, in milliseconds, since it is counted.
    spent: Vec<u64>,
    rests: Vec<bool>,
}

impl Works {
    fn new(works: Vec<(u8, u64)>) -> Self {
        let works: Vec<_> = works
            .into_iter()
            .map(|(client, took)| (client.to_string(), took))
            .collect();
        let mut share = FairShare::default();
        for (at, (client, _)) in works.iter().enumerate() {
            share.enter(client, at);
        }
        Self {
            share,
            spent: vec![0; works.len()],
            rests: vec![false; works.len()],
            works,
        }
    }

    fn rest(&mut self, at: usize) {
        self.rests[at] = true;
        self.share.leave(&self.works[at].0, &at);
    }

    fn resume(&mut self, at: usize) {
        self.rests[at] = false;
        self.share.enter(&self.works[at].0, at);
    }

    fn run(&mut self, passes: usize) {
        for _ in 0..passes {
            let ready = (0..self.works.len()).filter(|&at| !self.rests[at]);
            let order = |&at: &usize| self.share.order(&self.works[at].0, &at);
            let Some(at) = ready.min_by_key(order) else {
                return;
            };
            let (client, took) = &self.works[at];
            self.spent[at] += took;
            (self.share).spend_on(client, &at, Duration::from_millis(*took));
        }
    }

    /// Milliseconds of the clients that have work, since they are counted.
    fn clients(&self) -> BTreeMap<&str, u64> {
        let mut clients = BTreeMap::new();
        for (at, (client, _)) in self.works.iter().enumerate() {
            let spent = clients.entry(&**client).or_insert(0);
            *spent += self.spent[at];
        }
        let rests = |client: &str| {
            let own = self.works.iter().zip(&self.rests);
            own.filter(|(it, _)| it.0 == client)
                .all(|(_, rests)| *rests)
        };
        clients.retain(|client, _| !rests(client));
        clients
    }
}

/// The difference of the most and the least.
fn spread<'a>(times: impl Iterator<Item = &'a u64> + Clone) -> u64 {
    let least = times.clone().min().copied().unwrap_or_default();
    times.max().copied().unwrap_or_default() - least
}

proptest! {
    /// Whoever has work all the while has as much of the engine's time as anybody else, but for one piece; and so has each
    /// piece of a client.
    #[test]
    fn everybody_has_an_equal_share(
        works in prop::collection::vec((0_u8..3, 1_u64..20), 1..8),
        passes in 1_usize..200,
    ) {
        let mut works = Works::new(works);
        works.run(passes);
        let clients = works.clients();
        prop_assert!(spread(clients.values()) <= 20);
        for client in clients.keys() {
            let own = works.works.iter().zip(&works.spent);
            let own = own.filter(|(it, _)| it.0 == *client).map(|(_, spent)| spent);
            prop_assert!(spread(own) <= 20);
        }
    }

    /// Once whoever has rested goes on, all have equal shares from then on.
    #[test]
    fn rest_saves_nothing_up(
        works in prop::collection::vec((0_u8..3, 1_u64..20), 2..8),
        resting in prop::collection::vec(any::<bool>(), 8),
        before in 0_usize..50,
        meanwhile in 0_usize..200,
        after in 1_usize..200,
    ) {
        let mut works = Works::new(works);
        works.run(before);
        let resting: Vec<usize> = (0..works.works.len()).filter(|&at| resting[at]).collect();
        resting.iter().for_each(|&at| works.rest(at));
        works.run(meanwhile);
        resting.iter().for_each(|&at| works.resume(at));
        works.spent.fill(0);
        works.run(after);
        // A piece more or less before it is counted, and one after.
        prop_assert!(spread(works.clients().values()) <= 40);
        for client in works.clients().keys() {
            let own = works.works.iter().zip(&works.spent);
            let own = own.filter(|(it, _)| it.0 == *client).map(|(_, spent)| spent);
            prop_assert!(spread(own) <= 40);
        }
    }
}

#[test]
fn whoever_comes_late_has_saved_nothing_up() {
    let mut share = FairShare::default();
    share.enter("a", 1);
    share.spend("a", 5 * SECOND);
    share.enter("b", 2);
    assert_eq!(share.of("b"), 5 * SECOND);
    share.leave("a", &1);
    share.enter("a", 3);
    assert_eq!(share.of("a"), 5 * SECOND);
}

#[test]
fn whoever_has_gone_saves_nothing_up_for_others() {
    let mut share = FairShare::default();
    share.enter("gone", 1);
    share.leave("gone", &1);
    share.enter("a", 2);
    share.spend("a", 5 * SECOND);
    share.enter("b", 3);
    assert_eq!(share.of("b"), 5 * SECOND);
}

#[test]
fn whoever_leaves_owes_what_it_has_had() {
    let mut share = FairShare::default();
    share.enter("a", 1);
    share.enter("b", 2);
    share.spend("a", 5 * SECOND);
    share.leave("a", &1);
    // The end of a pass that was broken off.
    share.spend("a", SECOND);
    share.enter("a", 3);
    assert_eq!((share.of("a"), share.of("b")), (6 * SECOND, Duration::ZERO));
    // Nobody is there to whom it is owed.
    share.leave("a", &3);
    share.leave("b", &2);
    share.spend("a", SECOND);
    share.enter("a", 4);
    assert_eq!(share.of("a"), Duration::ZERO);
}

#[test]
fn a_new_piece_of_work_does_not_keep_older_ones_of_its_client_waiting() {
    let mut share = FairShare::default();
    share.enter("a", 1);
    share.spend_on("a", &1, 5 * SECOND);
    share.enter("a", 2);
    assert_eq!(share.order("a", &2), share.order("a", &1));
    share.leave("a", &1);
    share.spend_on("a", &2, SECOND);
    share.enter("a", 1);
    assert_eq!(share.order("a", &1), share.order("a", &2));
}
