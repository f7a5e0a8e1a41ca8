//! Whose step is next, and what is counted for whom: the turns without their thread, so that a test says when what happens.

use std::num::NonZeroUsize;
use std::time::Duration;

use super::*;
use crate::concurrency::BatchLimit;
use crate::engine::control::{Control, Requested};
use crate::engine::event_sink::EventSink;
use crate::engine::inbox::{EngineCommand, Inbox};
use crate::engine::sessions::ModelSessions;
use crate::engine::turns::{ModelInUse, Turns};

const HOUR: Duration = Duration::from_secs(3600);

struct Bare {
    turns: Turns,
    ready: ReadyModel,
    sessions: ModelSessions,
    sink: EventSink,
    events: Receiver<EngineEvent>,
    served: Receiver<(String, Duration)>,
    inbox: Inbox,
    commands: Sender<EngineCommand>,
}

impl Bare {
    /// So many turns at once, so many in a pass.
    fn new(turns: usize, batch: usize) -> Self {
        let (commands, inbox) = channel();
        let (event, events) = channel();
        let (time, served) = channel();
        Self {
            turns: Turns::new(Concurrency {
                turns: NonZeroUsize::new(turns),
                batch: BatchLimit::Most(NonZeroUsize::new(batch).expect("it is not 0")),
            }),
            ready: ready("a", Fake::default()),
            sessions: ModelSessions::default(),
            sink: EventSink {
                event: Box::new(move |it| drop(event.send(it))),
                served: Box::new(move |client, it| drop(time.send((client.to_owned(), it)))),
            },
            events,
            served,
            inbox: Inbox::new(inbox),
            commands,
        }
    }

    /// Asks for a turn of four steps.
    fn ask(&self, turn: u64, client: &str) -> Arc<Control> {
        let request = TurnRequest {
            turn: TurnId(turn),
            input: prompt(4),
            params: Params {
                steps: 4,
                block_length: 4,
                ..Params::default()
            },
        };
        let sharing = Sharing {
            client: client.to_owned(),
            passes: Passes::Together,
        };
        let control = Arc::new(Control::new(|| ()));
        let command = EngineCommand::Turn(Box::new(request), sharing, Arc::clone(&control));
        self.commands.send(command).expect("the inbox is there");
        control
    }

    fn on<T>(&mut self, act: impl FnOnce(&mut Turns, &mut Inbox, &mut ModelInUse<'_>) -> T) -> T {
        let mut on = ModelInUse {
            ready: &self.ready,
            sessions: &mut self.sessions,
            events: &self.sink,
        };
        act(&mut self.turns, &mut self.inbox, &mut on)
    }

    /// Begins what was asked for.
    fn begin(&mut self) {
        self.on(|turns, inbox, on| {
            inbox.take_in();
            while let Some(EngineCommand::Turn(request, sharing, control)) =
                inbox.next(turns.occupied(Some(on.ready)))
            {
                let begun = turns.begin(*request, sharing, control, inbox, on);
                assert!(begun.is_ok(), "the model is there");
            }
        });
    }

    fn step(&mut self) {
        let stepped = self.on(|turns, _, on| turns.step(on));
        assert!(stepped.is_ok(), "the model is there");
    }

    fn step_before_measuring(&mut self, control: &Control) {
        let stepped = self.on(|turns, inbox, on| turns.step_before_measuring(control, inbox, on));
        assert!(stepped.is_ok(), "the model is there");
    }

    fn spend_measuring(&mut self, time: Duration) {
        self.on(|turns, _, on| turns.spent_measuring(time, on.events));
    }

    /// Whose steps were made since, and how long each took.
    fn steps(&self) -> Vec<(u64, Duration)> {
        let steps = self.events.try_iter().filter_map(|event| match event {
            EngineEvent::Turn(turn, TurnEvent::Step(step)) => Some((turn.0, step.elapsed)),
            _ => None,
        });
        steps.collect()
    }

    fn stepped(&self) -> Vec<u64> {
        self.steps().into_iter().map(|(turn, _)| turn).collect()
    }
}

#[test]
fn whoever_rests_saves_nothing_up() {
    let mut bare = Bare::new(3, 1);
    let rests = bare.ask(1, "a");
    bare.ask(2, "b");
    bare.begin();
    rests.request(Requested::Pause);
    bare.step();
    assert_eq!(bare.stepped(), [2]);
    bare.turns.share.spend("b", HOUR);
    // Neither for itself, nor for whoever comes meanwhile.
    bare.ask(3, "c");
    bare.begin();
    rests.request(Requested::Run);
    bare.step();
    for client in ["a", "c"] {
        assert!(bare.turns.share.of(client) >= HOUR, "{client}");
    }
}

#[test]
fn a_turn_that_rests_is_not_before_others_of_its_client_when_it_goes_on() {
    let mut bare = Bare::new(2, 1);
    let rests = bare.ask(1, "a");
    bare.ask(2, "a");
    bare.begin();
    rests.request(Requested::Pause);
    (0..3).for_each(|_| bare.step());
    assert_eq!(bare.stepped(), [2, 2, 2]);
    rests.request(Requested::Run);
    bare.step();
    bare.step();
    let mut stepped = bare.stepped();
    stepped.sort_unstable();
    assert_eq!(stepped, [1, 2]);
}

#[test]
fn a_pass_of_several_is_counted_in_equal_parts_once() {
    let mut bare = Bare::new(3, 3);
    for (turn, client) in [(1, "a"), (2, "b"), (3, "c")] {
        bare.ask(turn, client);
    }
    bare.begin();
    bare.step();
    let steps = bare.steps();
    let (_, pass) = steps[0];
    let expected: Vec<(u64, Duration)> = [3, 2, 1].map(|turn| (turn, pass)).to_vec();
    assert_eq!(steps, expected);
    let served: Vec<(String, Duration)> = bare.served.try_iter().collect();
    let expected = ["a", "b", "c"].map(|client| (client.to_owned(), pass / 3));
    assert_eq!(served, expected);
}

#[test]
fn a_pass_that_is_broken_off_is_counted_too() {
    for batch in [1, 2] {
        let mut bare = Bare::new(2, batch);
        let control = bare.ask(1, "a");
        bare.begin();
        control.cancel.raise();
        bare.step();
        let served: Vec<_> = bare.served.try_iter().map(|it| it.0).collect();
        assert_eq!((bare.stepped(), served), (vec![], vec!["a".to_owned()]));
    }
}

#[test]
fn a_measurement_is_counted_for_its_forwards_alone() {
    let mut bare = Bare::new(2, 1);
    bare.turns.measure("a");
    bare.ask(1, "b");
    let control = Control::new(|| ());
    bare.begin();
    bare.spend_measuring(HOUR);
    bare.step_before_measuring(&control);
    assert_eq!(bare.stepped(), [1, 1, 1, 1]);
    let served = bare.served.try_iter();
    let measured: Vec<_> = served.filter(|(client, _)| client == "a").collect();
    assert_eq!(measured, [("a".to_owned(), HOUR)]);
}

#[test]
fn a_turn_that_begins_beside_a_measurement_of_its_client_is_not_before_it() {
    let mut bare = Bare::new(2, 1);
    bare.turns.measure("a");
    bare.spend_measuring(HOUR);
    let turn = bare.ask(1, "a");
    let control = Control::new(|| ());
    // It has as much of its client's time as the measurement, so that they take turns.
    bare.step_before_measuring(&control);
    assert!(bare.stepped().is_empty());
    bare.spend_measuring(Duration::from_nanos(1));
    bare.step_before_measuring(&control);
    assert_eq!(bare.stepped(), [1]);
    turn.abandon();
    bare.step_before_measuring(&control);
    let ended = bare.events.try_iter().any(|event| match event {
        EngineEvent::Turn(_, TurnEvent::Finished(it)) => it.reason == FinishReason::Stopped,
        _ => false,
    });
    assert!(ended && bare.turns.is_empty());
}

#[test]
fn a_measurement_that_is_not_wanted_any_more_lets_no_turn_go_before_it() {
    let mut bare = Bare::new(2, 1);
    bare.turns.measure("a");
    bare.ask(1, "b");
    bare.begin();
    bare.spend_measuring(HOUR);
    let control = Control::new(|| ());
    control.abandon();
    bare.step_before_measuring(&control);
    assert!(bare.stepped().is_empty());
}
