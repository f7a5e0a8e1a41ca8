//! Traces of answers, as the screen has them written and read.

use super::*;

/// A trace of one step for the answer of this name.
fn trace(id: u64) -> Job {
    let turn = std::sync::Arc::new(crate::fixture::turn_of(&[
        crate::fixture::FixtureCell::Text(b"a"),
        crate::fixture::FixtureCell::Mask,
    ]));
    let Entry::Answer(answer) = answer("a") else {
        panic!("it is an answer");
    };
    Job::Trace(MessageId(id), turn, Box::new(TracedAnswer::of(&answer)))
}

#[test]
fn a_copy_shows_the_traces_of_what_it_took_over_and_of_nothing_else() {
    let desk = Desk::new();
    let mut first = desk.storage();
    let id = saved(write(&mut first, &[you("a"), answer("b")], 1));
    assert_eq!(act(&mut first, trace(2)), None);
    let copy_of = |id| {
        let mut storage = desk.storage();
        open(&mut storage, id);
        act(&mut storage, Job::Branch);
        storage
    };
    let mut second = copy_of(id);
    let copy = saved(write(&mut second, &[you("c"), answer("d")], 3));
    // An answer of the same name that the copy has not seen.
    write(&mut first, &[you("e"), answer("f")], 3);
    assert_eq!(act(&mut first, trace(4)), None);
    let mut third = copy_of(copy);
    saved(write(&mut third, &[you("g")], 5));
    for storage in [&mut second, &mut third] {
        let mut read = |id| match act(storage, Job::ReadTrace(MessageId(id))) {
            Some(StorageEvent::TraceRead(_, read)) => read,
            other => panic!("{other:?}"),
        };
        assert_eq!(read(2).map(|turn| turn.log().entries.len()), Ok(1));
        assert!(read(4).is_err());
    }
}

#[test]
fn a_trace_that_cannot_be_written_is_told_once() {
    let desk = Desk::new();
    let mut storage = desk.storage();
    let news = act(&mut storage, trace(2));
    assert!(matches!(news, Some(StorageEvent::NotTraced(why)) if why.contains("no conversation")));
    assert_eq!(act(&mut storage, trace(2)), None);
    saved(write(&mut storage, &[you("a"), answer("b")], 1));
    assert_eq!(act(&mut storage, trace(2)), None);
    assert_eq!(act(&mut storage, Job::Trim(0)), None);
    let id = MessageId(2);
    let read = act(&mut storage, Job::ReadTrace(id));
    let is_there = matches!(read, Some(StorageEvent::TraceRead(_, Ok(_))));
    assert!(is_there, "the open conversation is not trimmed");
}

#[test]
fn ids_of_a_trace_that_no_vocabulary_has_take_no_room() {
    let Job::Trace(_, turn, ended) = trace(2) else {
        panic!("it is a trace");
    };
    let mut events = trace_events(&turn, &ended, Timestamp::UNIX_EPOCH);
    let unmask_core::wire::Event::Start(start) = &mut events[0] else {
        panic!("it begins with a start");
    };
    let piece = unmask_core::wire::TokenText::Text("x".to_owned());
    start
        .pieces
        .extend([(u32::MAX, piece.clone()), (1 << 20, piece)]);
    let recording = unmask_core::wire::Recording {
        events,
        is_cut: false,
    };
    let turn = recorded_turn(&recording).expect("it fits");
    assert!(turn.loaded.facts.vocab < 1 << 20);
}

#[test]
fn a_lean_trace_has_every_step_and_no_runners_up() {
    let desk = Desk::new();
    let mut storage = desk.storage();
    let Job::Trace(_, turn, ended) = trace(2) else {
        panic!("it is a trace");
    };
    let events = crate::session::trace_events(&turn, &ended, jiff::Timestamp::UNIX_EPOCH);
    let tops = |events: &[unmask_core::wire::Event]| -> Vec<usize> {
        let steps = events.iter().filter_map(|event| match event {
            unmask_core::wire::Event::Step(step) => Some(&step.commits),
            _ => None,
        });
        steps.flatten().map(|commit| commit.top.len()).collect()
    };
    assert!(
        tops(&events).iter().any(|&top| top > 0),
        "there is something to leave out"
    );
    write(&mut storage, &[you("a"), answer("b")], 1);
    act(&mut storage, Job::Detail(crate::state::TracesKept::Lean));
    assert_eq!(act(&mut storage, trace(2)), None);
    let Some(StorageEvent::TraceRead(_, Ok(read))) =
        act(&mut storage, Job::ReadTrace(MessageId(2)))
    else {
        panic!("it cannot be read");
    };
    assert_eq!(read.answer(), turn.answer());
    assert_eq!(read.log().entries.len(), turn.log().entries.len());
    let commits = read.log().entries.iter().flat_map(|entry| entry.commits());
    assert!(commits.map(|commit| commit.top.len()).all(|top| top == 0));

    // Who exports it, or keeps it once more, still says what is missing, once and in its place.
    let again = crate::session::trace_events(&read, &ended, jiff::Timestamp::UNIX_EPOCH);
    for events in [again.clone(), crate::session::trace::lean(again)] {
        let is_trimmed = |event: &_| matches!(event, unmask_core::wire::Event::Trimmed { .. });
        let places: Vec<usize> = (0..events.len())
            .filter(|&at| is_trimmed(&events[at]))
            .collect();
        assert_eq!(places, [1], "behind the start");
    }
}
