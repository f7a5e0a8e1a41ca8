//! Turns and loads: what is sent, paused, stopped, given up.

use unmask_core::event::StepEvent;

use super::*;
use crate::update::last_turn;

#[test]
fn a_stopped_answer_holds_the_queue_until_enter() {
    let mut driver = Driver::denoising();
    driver.say("second");
    driver.ctrl('c');
    assert_eq!(driver.finish("Two", FinishReason::Stopped), []);
    let effects = driver.key(KeyCode::Enter);
    assert_eq!(sent(&effects).len(), 3);
}

#[test]
fn escape_pauses_space_resumes() {
    let mut driver = Driver::denoising();
    assert_eq!(driver.key(KeyCode::Esc), [Effect::Pause]);
    assert_eq!(driver.key(KeyCode::Esc), []);
    driver.receive_turn(TurnEvent::Paused(1));
    assert_eq!(driver.stage(), Some(Stage::Paused));
    assert_eq!(driver.key(KeyCode::Char(' ')), [Effect::Resume]);
    assert_eq!(driver.stage(), Some(Stage::Denoising));
}

#[test]
fn empty_enter_resumes_but_a_draft_is_queued() {
    let mut driver = Driver::paused();
    driver.write("x");
    assert_eq!(driver.key(KeyCode::Enter), []);
    assert_eq!(driver.state.queue, ["x"]);
    assert_eq!(driver.key(KeyCode::Enter), [Effect::Resume]);
}

#[test]
fn escape_stops_a_paused_turn_and_the_answer_is_kept() {
    let mut driver = Driver::paused();
    assert_eq!(driver.key(KeyCode::Esc), [], "it leaves the canvas first");
    assert_eq!(driver.key(KeyCode::Esc), [Effect::Stop]);
    driver.finish("Two", FinishReason::Stopped);
    let last = driver.entries().pop().cloned();
    assert!(matches!(last, Some(Entry::Answer(answer)) if answer.text == "Two"));
}

#[test]
fn news_of_a_pause_does_not_undo_a_stop() {
    let mut driver = Driver::denoising();
    driver.key(KeyCode::Esc);
    driver.ctrl('c');
    driver.receive_turn(TurnEvent::Paused(1));
    assert!(matches!(driver.stage(), Some(Stage::Stopping { .. })));
}

#[test]
fn a_second_interrupt_abandons_and_late_news_changes_nothing() {
    let mut driver = Driver::denoising();
    let abandoned = driver.state.turn;
    assert_eq!(driver.ctrl('c'), [Effect::Stop]);
    assert_eq!(driver.ctrl('c'), [Effect::Abandon]);
    let kept = driver.entries().len();
    let late = TurnEvent::Failed(failure());
    assert_eq!(driver.receive(EngineEvent::Turn(abandoned, late)), []);
    assert_eq!(driver.entries().len(), kept);
    assert!(matches!(driver.entries()[kept - 1], Entry::Answer(answer) if answer.text == "Two"));
}

#[test]
fn an_abandoned_turn_keeps_what_its_steps_have_saved() {
    let mut driver = Driver::denoising();
    driver.receive_turn(TurnEvent::Step(StepEvent {
        nfe_saved: 1.5,
        ..fixture::step(2, 4, Vec::new())
    }));
    driver.ctrl('c');
    driver.ctrl('c');
    let last = driver.entries().pop();
    assert!(matches!(last, Some(Entry::Answer(answer)) if answer.stats.nfe_saved == 1.5));
}

#[test]
fn a_turn_after_an_abandoned_one_has_a_new_name() {
    let mut driver = Driver::denoising();
    driver.ctrl('c');
    driver.ctrl('c');
    driver.say("again");
    assert_eq!(driver.state.turn, TurnId(3));
}

#[test]
fn a_prompt_without_an_answer_returns_to_an_empty_composer() {
    let mut driver = Driver::denoising();
    driver.ctrl('c');
    driver.finish("", FinishReason::Stopped);
    assert_eq!(driver.draft(), "hello");

    let mut driver = Driver::denoising();
    driver.write("next");
    driver.receive_turn(TurnEvent::Failed(failure()));
    assert_eq!(driver.draft(), "next");
}

#[test]
fn a_failed_turn_is_a_line_in_the_transcript() {
    let mut driver = Driver::denoising();
    driver.receive_turn(TurnEvent::Failed(failure()));
    assert_eq!(driver.entries().last(), Some(&&Entry::Failure(failure())));
    assert_eq!(driver.stage(), None);
    let effects = driver.key(KeyCode::Enter);
    assert_eq!(
        sent(&effects).len(),
        1,
        "the failed message is not sent twice"
    );
}

#[test]
fn a_turn_that_fails_half_way_keeps_its_canvas_and_goes_on_as_a_stopped_one() {
    let mut driver = Driver::denoising();
    let failure = Failure {
        kind: FailureKind::Generation,
        ..failure()
    };
    driver.receive_turn(TurnEvent::Failed(failure.clone()));
    let entries = driver.entries();
    let [
        Entry::You { .. },
        Entry::Answer(answer),
        Entry::Failure(told),
    ] = &entries[..]
    else {
        panic!("{entries:?}");
    };
    assert_eq!(
        (&*answer.text, answer.reason),
        ("Two", FinishReason::Stopped)
    );
    assert_eq!((told, driver.draft().as_str()), (&failure, ""));
    let loaded = driver.state.model.clone().expect("it is loaded");
    assert!(last_turn::can_go_on(&driver.state, &loaded));
    let effects = driver.say("/continue");
    assert!(
        matches!(&effects[..], [Effect::Start(request)] if matches!(request.input, TurnInput::Canvas(_))),
        "{effects:?}"
    );
}

#[test]
fn a_message_that_is_too_long_is_not_sent_and_says_how_to_go_on() {
    let mut driver = Driver::denoising();
    driver.finish("hi", FinishReason::Complete);
    driver.say("too long");
    driver.receive_turn(TurnEvent::Failed(failure()));
    assert_eq!(driver.draft(), "too long");
    driver.key(KeyCode::Enter);
    driver.receive_turn(TurnEvent::Failed(failure()));
    let entries = driver.entries();
    let [Entry::You { .. }, Entry::Answer(_), Entry::Failure(failure)] = &entries[..] else {
        panic!("more than the last failure: {entries:?}");
    };
    assert!(failure.hint.contains("^X n"), "{failure:?}");
}

#[test]
fn interrupt_clears_the_draft_into_the_history() {
    let mut driver = Driver::ready();
    driver.write("draft");
    assert_eq!(driver.ctrl('c'), []);
    assert_eq!(driver.draft(), "");
    driver.key(KeyCode::Up);
    assert_eq!(driver.draft(), "draft");
}

#[test]
fn two_interrupts_within_two_seconds_quit() {
    let mut driver = Driver::ready();
    assert_eq!(driver.ctrl('c'), []);
    assert_eq!(driver.ctrl('c'), [Effect::Quit]);

    let mut driver = Driver::ready();
    driver.ctrl('c');
    driver.wait(2_000);
    assert_eq!(driver.ctrl('c'), []);
}

#[test]
fn end_of_file_quits_only_when_nothing_is_written() {
    let mut driver = Driver::ready();
    driver.write("ab");
    driver.key(KeyCode::Home);
    assert_eq!(driver.ctrl('d'), []);
    assert_eq!(driver.draft(), "b");
    driver.ctrl('d');
    assert_eq!(driver.ctrl('d'), [Effect::Quit]);
}

#[test]
fn escape_alone_destroys_nothing() {
    let mut driver = Driver::ready();
    driver.write("draft");
    for _ in 0..5 {
        assert_eq!(driver.key(KeyCode::Esc), []);
    }
    assert_eq!(driver.draft(), "draft");
}

#[test]
fn a_load_can_be_cancelled_without_a_red_line() {
    let mut driver = Driver::ready();
    let progress = EngineEvent::Loading {
        key: "big".to_owned(),
        stage: "reading weights".to_owned(),
        done: 1,
        total: 2,
    };
    driver.receive(progress.clone());
    assert_eq!(driver.key(KeyCode::Esc), [Effect::CancelLoad]);
    driver.receive(progress);
    assert_eq!(driver.key(KeyCode::Esc), []);
    driver.receive(EngineEvent::LoadFailed {
        key: "big".to_owned(),
        failure: failure(),
    });
    assert_eq!(
        driver.notice(),
        "Stopped loading big. Kept LLaDA-8B-Instruct."
    );
    assert!(driver.entries().is_empty());
    assert!(driver.state.model.is_some(), "the one before still answers");
}

#[test]
fn settings_that_do_not_divide_are_rounded_and_said() {
    let mut driver = Driver::bare();
    let mut loaded = (*fixture::loaded(CELLS)).clone();
    loaded.default_length = 192;
    loaded.defaults.steps = 500;
    loaded.defaults.block_length = 40;
    driver.receive(EngineEvent::Loaded(loaded.into()));
    let settings = &driver.state.settings;
    assert_eq!((settings.length, settings.params.steps), (192, 500));
    let fit = settings.fit();
    assert_eq!((fit.length, fit.params.steps), (200, 190));
    assert_eq!(
        driver.notice(),
        "steps 500 → 192, one for each token · length 192 → 200 = 5 × 40 · steps 192 → 190 = 5 × 38"
    );
}

#[test]
fn waiting_for_a_step_is_counted() {
    let mut driver = Driver::denoising();
    driver.key(KeyCode::Esc);
    driver.state.is_dirty = false;
    driver.wait(100);
    assert!(driver.state.is_dirty);
    assert!(driver.state.wakes_at().is_some());
}

#[test]
fn news_of_a_load_leaves_a_turn_alone() {
    let mut driver = Driver::denoising();
    driver.receive(EngineEvent::Loading {
        key: "big".to_owned(),
        stage: "reading weights".to_owned(),
        done: 1,
        total: 2,
    });
    assert_eq!(driver.stage(), Some(Stage::Denoising));
    driver.receive(EngineEvent::Loaded(fixture::loaded(CELLS)));
    assert_eq!(driver.stage(), Some(Stage::Denoising));
}
