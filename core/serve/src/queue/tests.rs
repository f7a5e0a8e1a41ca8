use proptest::prelude::*;

use super::WorkKind::{Measurement, Turns};
use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// Lets requests run one after the other, a second each; returns the clients in the order in which they ran.
fn order(queue: &mut Queue, mut now: Instant) -> Vec<String> {
    let mut clients = Vec::new();
    while let Admit::Start(ticket) = queue.next(Some("m"), now) {
        clients.push(queue.running[&ticket].client.clone());
        now += SECOND;
        queue.spent(clients.last().expect("one ran"), SECOND);
        queue.leave(ticket);
    }
    clients
}

#[test]
fn many_requests_of_one_client_do_not_keep_another_waiting() {
    let (mut queue, now) = (Queue::new(1, 16), Instant::now());
    for client in ["a", "a", "a", "b", "a", "b"] {
        queue.enter(client, Turns, "m", now).expect("there is room");
    }
    assert_eq!(order(&mut queue, now), ["a", "b", "a", "b", "a", "a"]);
}

#[test]
fn whoever_comes_back_has_saved_nothing_up() {
    let (mut queue, now) = (Queue::new(1, 16), Instant::now());
    queue.enter("a", Turns, "m", now).expect("there is room");
    queue.enter("b", Turns, "m", now).expect("there is room");
    assert_eq!(order(&mut queue, now).len(), 2);
    for client in ["a", "a", "c", "c"] {
        queue.enter(client, Turns, "m", now).expect("there is room");
    }
    assert_eq!(order(&mut queue, now), ["a", "c", "a", "c"]);
}

#[test]
fn one_request_too_many_is_refused_and_a_place_that_is_left_is_free() {
    let (mut queue, now) = (Queue::new(1, 1), Instant::now());
    let first = queue.enter("a", Turns, "m", now).expect("there is room");
    assert_eq!(queue.next(Some("m"), now), Admit::Start(first));
    let second = queue.enter("a", Turns, "m", now).expect("one may wait");
    assert_eq!(
        queue.enter("b", Turns, "m", now),
        Err(QueueFull { waiting: 1 })
    );
    assert_eq!(queue.ahead(second), Some(1));
    queue.leave(second);
    queue
        .enter("b", Turns, "m", now)
        .expect("its place is free");
}

#[test]
fn without_a_queue_a_free_place_is_taken() {
    let (mut queue, now) = (Queue::new(2, 0), Instant::now());
    for _ in 0..2 {
        let ticket = queue.enter("a", Turns, "m", now).expect("a place is free");
        assert_eq!(queue.next(Some("m"), now), Admit::Start(ticket));
    }
    assert_eq!(
        queue.enter("a", Turns, "m", now),
        Err(QueueFull { waiting: 0 })
    );
}

#[test]
fn another_model_is_loaded_once_nothing_runs_and_the_present_ones_requests_have_gone_first() {
    let (mut queue, now) = (Queue::new(1, 16), Instant::now());
    let first = queue.enter("a", Turns, "m", now).expect("there is room");
    queue
        .enter("b", Turns, "other", now)
        .expect("there is room");
    let third = queue.enter("a", Turns, "m", now).expect("there is room");
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
    let first = queue.enter("a", Turns, "m", now).expect("there is room");
    assert_eq!(queue.next(Some("m"), now), Admit::Start(first));
    queue
        .enter("b", Turns, "other", now)
        .expect("there is room");
    queue.enter("a", Turns, "m", now).expect("there is room");
    let late = now + MODEL_PATIENCE;
    assert_eq!(queue.next(Some("m"), late), Admit::Wait);
    queue.leave(first);
    assert_eq!(queue.next(Some("m"), late), Admit::Load("other".to_owned()));
}

#[test]
fn no_model_is_loaded_twice_for_what_runs() {
    let (mut queue, now) = (Queue::new(1, 16), Instant::now());
    queue.enter("a", Turns, "m", now).expect("there is room");
    assert_eq!(queue.next(None, now), Admit::Load("m".to_owned()));
    assert_eq!(queue.waiting_for("m").len(), 1);
    assert_eq!(queue.waiting_for("other"), []);
}

#[test]
fn places_that_are_free_at_once_go_to_different_clients() {
    let (mut queue, now) = (Queue::new(2, 16), Instant::now());
    for client in ["a", "a", "a", "b"] {
        queue.enter(client, Turns, "m", now).expect("there is room");
    }
    while let Admit::Start(_) = queue.next(Some("m"), now) {}
    let running: Vec<&str> = queue.running.values().map(|it| &*it.client).collect();
    assert_eq!(running, ["a", "b"]);
}

#[test]
fn more_may_run_once_another_model_lets_them() {
    let (mut queue, now) = (Queue::new(1, 16), Instant::now());
    for _ in 0..4 {
        queue.enter("a", Turns, "m", now).expect("there is room");
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
            let ticket = queue.enter(&client.to_string(), Turns, "m", now).expect("there is room");
            lengths.insert(ticket, seconds);
        }
        let mut ended = 0;
        while queue.running() + queue.waiting() > 0 {
            while let Admit::Start(ticket) = queue.next(Some("m"), now) {
                let own = queue.share.of(&queue.running[&ticket].client);
                for other in queue.waiting.values() {
                    prop_assert!(own <= queue.share.of(&other.client));
                }
            }
            prop_assert!(queue.running() <= parallel);
            let second = queue.running.keys().copied().collect::<Vec<_>>();
            for ticket in second {
                let client = queue.running[&ticket].client.clone();
                queue.spent(&client, SECOND);
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

#[test]
fn one_measurement_runs_at_a_time_and_turns_overtake_those_that_wait() {
    let (mut queue, now) = (Queue::new(3, 16), Instant::now());
    let enter = |queue: &mut Queue, client, kind| {
        let ticket = queue.enter(client, kind, "m", now);
        ticket.expect("there is room")
    };
    let first = enter(&mut queue, "a", Measurement);
    let second = enter(&mut queue, "b", Measurement);
    let turn = enter(&mut queue, "b", Turns);
    assert_eq!(queue.next(Some("m"), now), Admit::Start(first));
    assert_eq!(queue.next(Some("m"), now), Admit::Start(turn));
    assert_eq!(queue.next(Some("m"), now), Admit::Wait);
    assert_eq!((queue.running(), queue.waiting()), (2, 1));
    queue.leave(first);
    assert_eq!(queue.next(Some("m"), now), Admit::Start(second));
}

#[test]
fn a_measurement_that_cannot_begin_takes_nobodys_place() {
    let (mut queue, now) = (Queue::new(2, 0), Instant::now());
    let first = queue.enter("a", Measurement, "m", now);
    let first = first.expect("a place is free");
    assert_eq!(queue.next(Some("m"), now), Admit::Start(first));
    let second = queue.enter("b", Measurement, "m", now);
    assert_eq!(second, Err(QueueFull { waiting: 0 }));
    let turn = queue.enter("b", Turns, "m", now).expect("a place is free");
    assert_eq!(queue.next(Some("m"), now), Admit::Start(turn));
    let (mut queue, now) = (Queue::new(2, 1), Instant::now());
    let enter = |queue: &mut Queue, kind| queue.enter("a", kind, "m", now);
    enter(&mut queue, Measurement).expect("a place is free");
    enter(&mut queue, Measurement).expect("one may wait");
    enter(&mut queue, Turns).expect("a place is free");
    assert_eq!(enter(&mut queue, Turns), Err(QueueFull { waiting: 3 }));
}

#[test]
fn whoever_rests_has_saved_nothing_up() {
    let (mut queue, now) = (Queue::new(2, 16), Instant::now());
    let rests = queue.enter("a", Turns, "m", now).expect("there is room");
    assert_eq!(queue.next(Some("m"), now), Admit::Start(rests));
    queue.rest(rests);
    for _ in 0..3 {
        queue.enter("b", Turns, "m", now).expect("there is room");
    }
    let Admit::Start(ticket) = queue.next(Some("m"), now) else {
        panic!("a place is free");
    };
    queue.spent("b", 9 * SECOND);
    // Neither whoever comes new nor whoever goes on is before the one that has worked meanwhile.
    queue.enter("c", Turns, "m", now).expect("there is room");
    queue.resume(rests);
    queue.enter("a", Turns, "m", now).expect("there is room");
    queue.leave(ticket);
    let mut ran = order(&mut queue, now);
    ran.truncate(3);
    ran.sort_unstable();
    assert_eq!(ran, ["a", "b", "c"]);
}

#[test]
fn whoever_gives_up_before_anything_ran_saves_nothing_up_for_those_who_come() {
    let (mut queue, now) = (Queue::new(1, 16), Instant::now());
    let gone = queue.enter("gone", Turns, "m", now).expect("there is room");
    queue.leave(gone);
    for _ in 0..3 {
        queue.enter("b", Turns, "m", now).expect("there is room");
    }
    queue.spent("b", 9 * SECOND);
    for _ in 0..3 {
        queue.enter("c", Turns, "m", now).expect("there is room");
    }
    assert_eq!(order(&mut queue, now), ["b", "c", "b", "c", "b", "c"]);
}

#[test]
fn a_long_request_is_owed_to_those_who_waited_meanwhile() {
    let (mut queue, now) = (Queue::new(1, 16), Instant::now());
    let long = queue.enter("a", Turns, "m", now).expect("there is room");
    assert_eq!(queue.next(Some("m"), now), Admit::Start(long));
    for _ in 0..3 {
        queue.enter("b", Turns, "m", now).expect("there is room");
    }
    queue.spent("a", 9 * SECOND);
    queue.leave(long);
    queue.enter("a", Turns, "m", now).expect("there is room");
    assert_eq!(order(&mut queue, now), ["b", "b", "b", "a"]);
}
