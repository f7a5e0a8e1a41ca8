//! A paused answer is changed and goes on.

use super::*;

/// A pause after two steps, with the replay open.
fn paused_after_two() -> Driver {
    let mut driver = Driver::denoising();
    driver.fix(2, 1);
    driver.key(KeyCode::Esc);
    driver.receive_turn(TurnEvent::Paused(2));
    driver.replay(ReplayAct::Open);
    driver
}

#[test]
fn a_pause_says_how_to_steer() {
    let driver = Driver::paused();
    let hints = crate::hints::hints(&driver.state);
    assert!(hints.contains(&("i".to_owned(), "steer")), "{hints:?}");
}

#[test]
fn a_paused_answer_goes_on_as_a_run_from_the_canvas_with_the_edit() {
    let mut driver = paused_after_two();
    let before = driver.state.running().expect("it runs").clone();
    driver.replay(ReplayAct::Remask);
    driver.replay(ReplayAct::TokenLeft);
    driver.replay(ReplayAct::Pin);
    let effects = driver.replay(ReplayAct::Play);
    assert!(matches!(effects[..], [Effect::Abandon, Effect::Start(_)]));
    let request = request(&effects);
    let TurnInput::Canvas(canvas) = &request.input else {
        panic!("{request:?}");
    };
    let mut wanted = before.canvas().clone();
    wanted.remask(Position(1));
    wanted.pin(Position(0), token(0));
    assert_eq!(*canvas, wanted);
    assert_eq!(request.params, before.params);
    let turn = driver.state.running().expect("it runs");
    assert_eq!(turn.canvas(), &wanted);
    let LogEntry::Edit(steering) = &turn.log().entries[2] else {
        panic!("{:?}", turn.log().entries);
    };
    let kinds: Vec<CommitKind> = steering.commits.iter().map(|it| it.kind).collect();
    assert_eq!(kinds, [CommitKind::Pinned, CommitKind::Remasked]);
    // The engine begins anew to count; the answer does not.
    driver.receive_turn(TurnEvent::Started {
        canvas: wanted,
        params: Box::new(before.params.clone()),
        left_out: 0,
    });
    driver.fix(1, 1);
    let turn = driver.state.running().expect("it runs");
    assert_eq!((turn.step, turn.nfe, turn.log().steps().count()), (3, 3, 3));
}

#[test]
fn a_paused_answer_goes_on_from_the_step_that_is_shown() {
    let mut driver = paused_after_two();
    driver.replay(ReplayAct::Back);
    let effects = driver.replay(ReplayAct::Refill);
    let TurnInput::Canvas(canvas) = &request(&effects).input else {
        panic!("{effects:?}");
    };
    assert_eq!(canvas.answer(), [token(0), MASK, MASK]);
}

#[test]
fn late_news_of_the_run_before_an_edit_changes_nothing() {
    let mut driver = paused_after_two();
    let before = driver.state.turn;
    driver.replay(ReplayAct::Remask);
    driver.replay(ReplayAct::Play);
    let commit = fixture::new(2, token(2), 0.9);
    let late = TurnEvent::Step(fixture::step(3, 4, vec![commit]));
    driver.receive(EngineEvent::Turn(before, late));
    let turn = driver.state.running().expect("it runs");
    assert_eq!(turn.answer(), [token(0), MASK, MASK]);
}

#[test]
fn settings_changed_at_a_pause_hold_from_there_on() {
    let mut driver = paused_after_two();
    driver.key(KeyCode::Esc);
    driver.say("/set temperature=0.7");
    let effects = driver.say("/resume");
    let request = request(&effects);
    assert!((request.params.temperature - 0.7).abs() < 1e-9);
    let turn = driver.state.running().expect("it runs");
    let entries = &turn.log().entries;
    assert!(matches!(&entries[..], [.., LogEntry::Edit(it)] if it.params.is_some()));
}

#[test]
fn what_is_not_paused_is_not_steered() {
    let mut driver = Driver::denoising();
    driver.replay(ReplayAct::Open);
    driver.replay(ReplayAct::Remask);
    assert_eq!(driver.replay(ReplayAct::Refill), []);
    assert_eq!(
        driver.notice(),
        "The answer is being written: pause it first"
    );
}

#[test]
fn text_takes_the_place_of_tokens() {
    let mut driver = Driver::three_steps();
    driver.replay(ReplayAct::Open);
    driver.replay(ReplayAct::Span);
    driver.replay(ReplayAct::TokenLeft);
    driver.replay(ReplayAct::Write);
    driver.ctrl('u');
    driver.write("one");
    let effects = driver.key(KeyCode::Enter);
    let [Effect::Encode(question)] = &effects[..] else {
        panic!("{effects:?}");
    };
    assert_eq!((question.text.as_str(), &question.span), ("one", &(1..=2)));
    driver.act(Action::Encoded(question.clone(), Ok(vec![token(0)])));
    let replay = driver.state.replay.as_ref().expect("it is open");
    assert_eq!(replay.patch.pinned.get(&1), Some(&token(0)));
    assert!(replay.patch.remasked.contains(&2));
    driver.act(Action::Encoded(question.clone(), Ok(vec![token(0); 3])));
    assert!(driver.notice().contains("3 tokens"), "{}", driver.notice());
}
