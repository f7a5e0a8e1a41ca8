//! Another answer, a stopped one that goes on, a turn taken back; slow motion.

use unmask_core::{Params, TokenId};

use super::*;
use crate::state::{Answer, EntryVisibility, Measure, StopKeep, TurnOrigin};

impl Driver {
    /// After one answered message.
    fn once_answered() -> Self {
        let mut driver = Self::denoising();
        driver.finish("hi", FinishReason::Complete);
        driver
    }

    /// After an answer that was stopped.
    fn stopped() -> Self {
        let mut driver = Self::denoising();
        driver.ctrl('c');
        driver.finish("Two", FinishReason::Stopped);
        driver
    }

    fn visibilities(&self) -> Vec<EntryVisibility> {
        let item = self.state.transcript.entries.iter();
        item.map(|item| item.visibility).collect()
    }

    fn answer(&self, at: usize) -> &Answer {
        match self.entries()[at] {
            Entry::Answer(answer) => answer,
            other => panic!("no answer: {other:?}"),
        }
    }
}

fn request(effects: &[Effect]) -> &TurnRequest {
    match effects {
        [Effect::Start(request)] => request,
        other => panic!("no turn was started: {other:?}"),
    }
}

fn seed(effects: &[Effect]) -> u64 {
    request(effects).params.seed
}

#[test]
fn a_retry_asks_the_same_and_keeps_the_earlier_answer_out_of_the_models_view() {
    let mut driver = Driver::once_answered();
    let effects = driver.say("/retry");
    assert_eq!(sent(&effects), [(Role::User, "hello".to_owned())]);
    driver.begin();
    driver.finish("ho", FinishReason::Complete);
    assert_eq!(
        driver.visibilities(),
        [
            EntryVisibility::Seen,
            EntryVisibility::Replaced,
            EntryVisibility::Seen
        ]
    );
    let effects = driver.say("more");
    let said: Vec<String> = sent(&effects).into_iter().map(|it| it.1).collect();
    assert_eq!(said, ["hello", "ho", "more"]);
}

#[test]
fn a_retry_with_a_seed_has_that_seed_and_one_without_another() {
    let mut driver = Driver::once_answered();
    let first = driver.answer(1).params.seed;
    let effects = driver.say("/retry");
    assert_ne!(seed(&effects), first);
    driver.begin();
    driver.finish("ho", FinishReason::Complete);
    let effects = driver.say("/retry seed=7");
    assert_eq!(seed(&effects), 7);
}

#[test]
fn an_answer_tells_the_seed_with_which_it_comes_again() {
    let mut driver = Driver::once_answered();
    driver.say("/set temperature=1");
    driver.say("/retry");
    driver.begin();
    driver.finish("ho", FinishReason::Complete);
    let first = request(&driver.say("/retry seed=1")).clone();
    driver.begin();
    driver.finish("ha", FinishReason::Complete);
    let again = request(&driver.say("/retry seed=1")).clone();
    assert_eq!((first.input, first.params), (again.input, again.params));
}

#[test]
fn a_retry_that_comes_to_nothing_leaves_the_earlier_answer_standing() {
    for end in [
        TurnEvent::Failed(failure()),
        TurnEvent::Finished(Outcome {
            canvas: Canvas::new(&[], CELLS.len(), MASK),
            text: String::new(),
            holes: Vec::new(),
            reason: FinishReason::Stopped,
            stats: Stats::default(),
        }),
    ] {
        let mut driver = Driver::once_answered();
        driver.say("/retry");
        driver.begin();
        driver.receive_turn(end);
        assert_eq!(
            driver.visibilities()[..2],
            [EntryVisibility::Seen, EntryVisibility::Seen]
        );
        assert_eq!(driver.draft(), "", "the question was answered before");
    }
}

#[test]
fn a_retry_of_a_message_that_failed_sends_it_once() {
    let mut driver = Driver::denoising();
    driver.receive_turn(TurnEvent::Failed(failure()));
    assert_eq!(driver.draft(), "hello");
    driver.ctrl('x');
    let effects = driver.key(KeyCode::Char('r'));
    assert_eq!(sent(&effects), [(Role::User, "hello".to_owned())]);
    assert_eq!(driver.draft(), "");
    let questions = driver.entries();
    let questions = questions
        .iter()
        .filter(|it| matches!(it, Entry::You { .. }));
    assert_eq!(questions.count(), 1);
}

#[test]
fn nothing_is_answered_anew_while_an_answer_is_written_or_without_one() {
    let mut driver = Driver::denoising();
    assert_eq!(driver.say("/retry"), []);
    assert!(driver.notice().contains("stop it first"));
    let mut driver = Driver::ready();
    assert_eq!(driver.say("/retry"), []);
    assert_eq!(driver.notice(), "There is no message to answer anew");
}

#[test]
fn a_stopped_answer_goes_on_from_its_canvas_with_its_own_settings() {
    let mut driver = Driver::stopped();
    let params = driver.answer(1).params.clone();
    driver.say("/set steps=128");
    let effects = driver.say("/continue");
    let request = request(&effects);
    let TurnInput::Canvas(canvas) = &request.input else {
        panic!("no canvas: {request:?}");
    };
    let committed = fixture::token(CELLS, 0);
    assert_eq!(canvas.answer(), [committed, MASK, MASK]);
    assert_eq!(request.params, *params);
    let origin = driver.state.running().map(|turn| turn.origin);
    assert_eq!(origin, Some(TurnOrigin::Continued(1)));
}

#[test]
fn the_longer_answer_takes_the_place_of_the_stopped_one_with_the_work_of_both() {
    let mut driver = Driver::denoising();
    driver.ctrl('c');
    let canvas = Canvas::new(&[], CELLS.len(), MASK);
    let outcome = |text: &str, reason, stats| {
        TurnEvent::Finished(Outcome {
            canvas: canvas.clone(),
            text: text.to_owned(),
            holes: Vec::new(),
            reason,
            stats,
        })
    };
    let stats = |steps, nfe_saved| Stats {
        steps,
        nfe: steps,
        nfe_saved,
        committed: steps,
        text_tokens: steps,
        elapsed: Duration::from_secs(1),
        text_alone: false,
    };
    driver.receive_turn(outcome("Two", FinishReason::Stopped, stats(1, 0.0)));
    driver.say("/continue");
    let params = Params::default();
    driver.receive_turn(TurnEvent::Started {
        canvas: canvas.clone(),
        params: Box::new(params),
        left_out: 0,
    });
    driver.receive_turn(outcome(
        "Two and three",
        FinishReason::Complete,
        stats(2, 1.0),
    ));
    assert_eq!(
        driver.visibilities(),
        [EntryVisibility::Seen, EntryVisibility::Seen]
    );
    let answer = driver.answer(1);
    assert_eq!(
        (&*answer.text, answer.reason),
        ("Two and three", FinishReason::Complete)
    );
    let stats = answer.stats;
    assert_eq!((stats.nfe, stats.nfe_saved, stats.text_tokens), (3, 0.0, 2));
    assert_eq!(stats.elapsed, Duration::from_secs(2));
}

#[test]
fn only_a_stopped_answer_of_the_same_model_goes_on() {
    let mut driver = Driver::once_answered();
    assert_eq!(driver.say("/continue"), []);
    assert!(driver.notice().contains("complete"));
    let mut driver = Driver::denoising();
    driver.finish("Two", FinishReason::MasksLeft);
    assert_eq!(driver.say("/continue"), []);
    assert!(
        driver.notice().contains("left masks"),
        "{}",
        driver.notice()
    );
    let mut driver = Driver::stopped();
    let mut other = (*fixture::loaded(CELLS)).clone();
    other.key = "other".to_owned();
    driver.receive(EngineEvent::Loaded(other.into()));
    assert_eq!(driver.say("/continue"), []);
    assert!(driver.notice().contains("LLaDA-8B-Instruct"));
}

#[test]
fn an_undone_turn_stays_on_the_screen_and_its_question_returns() {
    let mut driver = Driver::once_answered();
    driver.ctrl('x');
    driver.key(KeyCode::Char('u'));
    assert_eq!(
        driver.visibilities(),
        [EntryVisibility::Undone, EntryVisibility::Undone]
    );
    assert_eq!(driver.draft(), "hello");
    let effects = driver.key(KeyCode::Enter);
    assert_eq!(sent(&effects), [(Role::User, "hello".to_owned())]);
}

#[test]
fn turns_are_undone_one_after_the_other() {
    let mut driver = Driver::once_answered();
    driver.say("more");
    driver.begin();
    driver.finish("ho", FinishReason::Complete);
    driver.say("/undo");
    assert_eq!(driver.draft(), "more");
    driver.write("x");
    driver.act(Action::Do(Command::UndoTurn));
    assert_eq!(driver.visibilities(), [EntryVisibility::Undone; 4]);
    assert_eq!(driver.draft(), "morex", "a draft is not overwritten");
    driver.act(Action::Do(Command::UndoTurn));
    assert_eq!(driver.notice(), "There is no turn to take back");
}

fn step(at: usize) -> TurnEvent {
    let commit = fixture::new(at, fixture::token(CELLS, at), 0.9);
    TurnEvent::Step(fixture::step(at + 1, 4, vec![commit]))
}

/// In slow motion, one step shown and two waiting.
fn slow() -> Driver {
    let mut driver = Driver::ready();
    driver.say("/set delay=1000");
    driver.say("hello");
    driver.begin();
    driver.receive_turn(step(1));
    driver.receive_turn(step(2));
    driver
}

fn shown(driver: &Driver) -> Option<usize> {
    driver.state.running().map(|turn| turn.step)
}

#[test]
fn in_slow_motion_steps_are_shown_one_by_one_and_the_end_comes_last() {
    let mut driver = slow();
    driver.finish("Two and three", FinishReason::Complete);
    assert_eq!(shown(&driver), Some(1));
    assert_eq!(
        driver.state.wakes_at(),
        Some(driver.now + Duration::from_secs(1))
    );
    driver.wait(999);
    assert_eq!(shown(&driver), Some(1));
    driver.wait(1);
    assert_eq!(shown(&driver), Some(2));
    driver.wait(1000);
    assert_eq!(shown(&driver), Some(3));
    driver.wait(1000);
    assert_eq!(shown(&driver), None);
    assert_eq!(driver.answer(1).text, "Two and three");
}

/// What is on the canvas that goes on, as text.
fn continued(driver: &mut Driver) -> Vec<TokenId> {
    let effects = driver.say("/continue");
    match &request(&effects).input {
        TurnInput::Canvas(canvas) => canvas.answer().to_vec(),
        other => panic!("no canvas: {other:?}"),
    }
}

#[test]
fn a_stop_in_slow_motion_keeps_what_is_seen_and_the_rest_can_be_shown() {
    for end in [None, Some(FinishReason::Complete)] {
        let mut driver = slow();
        if let Some(reason) = end {
            driver.finish("Two and three", reason);
        }
        driver.state.queue.push_back("next".to_owned());
        assert_eq!(driver.ctrl('c'), [Effect::Abandon]);
        let answer = driver.answer(1);
        assert_eq!(
            (&*answer.text, answer.reason),
            ("Two", FinishReason::Stopped)
        );
        assert_eq!(driver.state.queue, ["next"]);
        assert!(driver.state.playback.waiting.is_empty());
        let seen = [fixture::token(CELLS, 0), MASK, MASK];
        assert_eq!(continued(&mut driver), seen);
    }
}

#[test]
fn a_stopped_answer_joins_what_is_there_if_that_is_wished() {
    let mut driver = Driver::denoising();
    driver.state.stop_keep = StopKeep::All;
    driver.receive_turn(step(2));
    driver.ctrl('c');
    driver.finish("Two", FinishReason::Stopped);
    let answer = driver.answer(1);
    assert_eq!((&*answer.text, answer.stats.text_tokens), ("Two three", 2));
    let seen = [fixture::token(CELLS, 0), MASK, fixture::token(CELLS, 2)];
    assert_eq!(continued(&mut driver), seen);
}

#[test]
fn a_stop_of_a_paused_picture_keeps_what_is_seen() {
    let mut driver = slow();
    driver.key(KeyCode::Esc);
    assert_eq!(driver.stage(), Some(Stage::Paused));
    driver.ctrl('c');
    assert_eq!(shown(&driver), None);
    assert_eq!(driver.answer(1).text, "Two");
}

#[test]
fn a_stop_that_finds_only_the_end_waiting_keeps_the_whole_answer_and_the_queue() {
    let mut driver = slow();
    driver.state.queue.push_back("next".to_owned());
    driver.finish("Two and three", FinishReason::Complete);
    driver.wait(1000);
    driver.wait(1000);
    assert_eq!(shown(&driver), Some(3));
    assert_eq!(driver.ctrl('c'), []);
    assert_eq!(driver.answer(1).reason, FinishReason::Complete);
    assert_eq!(driver.state.queue, ["next"]);
}

#[test]
fn a_pause_holds_the_picture_even_behind_the_end() {
    let mut driver = slow();
    driver.finish("Two and three", FinishReason::Complete);
    driver.key(KeyCode::Esc);
    assert_eq!(driver.stage(), Some(Stage::Paused));
    driver.wait(5000);
    assert_eq!(shown(&driver), Some(1));
    assert_eq!(driver.state.wakes_at(), None);
    driver.key(KeyCode::Char(' '));
    driver.wait(1);
    assert_eq!(shown(&driver), Some(2));
}

#[test]
fn without_the_delay_what_waits_is_shown_at_once() {
    let mut driver = slow();
    driver.say("/set delay=0");
    driver.wait(1);
    assert_eq!(shown(&driver), Some(3));
}

#[test]
fn the_timeline_shows_time_what_was_saved_and_tokens_again() {
    use Measure::{Barcode, Saved, Time, Tokens};
    let mut driver = Driver::denoising();
    driver.key(KeyCode::Tab);
    for measure in [Tokens, Time, Saved, Barcode] {
        driver.key(KeyCode::Char('m'));
        assert_eq!(driver.state.measure, measure);
    }
}
