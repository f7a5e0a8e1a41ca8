//! What is on disk of an answer that is being written.

use super::*;

#[test]
fn a_running_answer_is_on_disk_step_by_step_and_that_goes_once_its_trace_is_whole() {
    let mut driver = kept();
    driver.say("hello");
    driver.receive_storage(StorageEvent::Saved(id()));
    let started = TurnEvent::Started {
        canvas: Canvas::new(&[], CELLS.len(), MASK),
        params: Box::new(driver.state.settings.params.clone()),
        left_out: 0,
    };
    let begun = driver.receive_turn(started);
    assert!(
        matches!(jobs(&begun)[..], [Job::BeginTrace(_)]),
        "{begun:?}"
    );
    let commit = fixture::new(0, fixture::token(CELLS, 0), 0.9);
    let step = TurnEvent::Step(fixture::step(1, 4, vec![commit]));
    let stepped = driver.receive_turn(step);
    assert!(
        matches!(jobs(&stepped)[..], [Job::MoreTrace(events)] if events.len() == 1),
        "{stepped:?}"
    );
    assert!(
        jobs(&driver.key(KeyCode::Tab)).is_empty(),
        "nothing has happened since"
    );
    let ended = driver.finish("Two", FinishReason::Complete);
    assert!(
        matches!(
            jobs(&ended)[..],
            [Job::Write(..), Job::Trace(..), Job::EndTrace]
        ),
        "{ended:?}"
    );
    driver.state.saved.traces = TracesKept::Off;
    driver.say("more");
    driver.begin();
    assert_eq!(driver.state.saved.running, None);
}

#[test]
fn what_a_killed_program_has_left_of_an_answer_is_taken_up_and_kept() {
    let left = std::sync::Arc::new(fixture::turn_of(&[
        FixtureCell::Text(b"Two"),
        FixtureCell::Mask,
    ]));
    let recovering = |with_answer: bool| {
        let StorageEvent::Opened(mut opened) = opened(Access::Write) else {
            panic!("it was opened");
        };
        opened.recovered = Some(std::sync::Arc::clone(&left));
        if !with_answer {
            opened.conversation.entries.pop();
            opened.conversation.parents.clear();
        }
        StorageEvent::Opened(opened)
    };
    for (with_answer, visibility) in [
        (false, EntryVisibility::Seen),
        (true, EntryVisibility::Replaced),
    ] {
        let mut driver = kept();
        let effects = driver.receive_storage(recovering(with_answer));
        let entries = driver.state.transcript.entries.iter();
        let answer = entries
            .rev()
            .find(|item| matches!(item.entry, Entry::Answer(_)));
        let answer = answer.expect("it is taken up");
        assert_eq!(answer.visibility, visibility);
        let Entry::Answer(said) = &answer.entry else {
            panic!("{answer:?}");
        };
        assert_eq!(
            (said.text.as_str(), said.reason),
            ("Two", FinishReason::Stopped)
        );
        let kinds = jobs(&effects);
        assert!(
            matches!(kinds[..], [Job::Write(..), Job::Trace(..), Job::EndTrace]),
            "{kinds:?}"
        );
    }
}

#[test]
fn an_answer_that_was_compared_follows_the_message_on_disk_too() {
    let mut driver = answered();
    driver.say("/compare steps=2");
    driver.begin();
    let ended = driver.finish("uno", FinishReason::Complete);
    let written = written(&ended);
    assert!(
        written.contains(&"gen 3 after 1: uno".to_owned()),
        "{written:?}"
    );
}
