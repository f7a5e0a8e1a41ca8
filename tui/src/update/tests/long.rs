//! Conversations and messages that outgrow the context.

use unmask_core::engine::Overflow;

use super::*;

fn title(driver: &Driver) -> &str {
    let toast = driver.state.toast.as_ref();
    toast.map_or("", |toast| &toast.title)
}

#[test]
fn what_the_model_no_longer_sees_is_marked_and_sent_again() {
    let mut driver = Driver::ready();
    for _ in 0..2 {
        driver.say("hello");
        driver.begin();
        driver.finish("hi", FinishReason::Complete);
    }
    let effects = driver.say("more");
    assert_eq!(sent(&effects).len(), 5);
    driver.receive_turn(TurnEvent::Started {
        canvas: Canvas::new(&[], CELLS.len(), MASK),
        params: Box::new(driver.state.settings.params.clone()),
        left_out: 2,
    });
    assert_eq!(driver.state.transcript.horizon(), Some((1, 2)));
    driver.finish("ok", FinishReason::Complete);
    assert_eq!(sent(&driver.say("and more")).len(), 7);
}

fn too_long(room: usize) -> Failure {
    Failure {
        kind: FailureKind::Context {
            tokens: 5210,
            limit: 4096,
            room,
        },
        ..failure()
    }
}

#[test]
fn a_message_that_is_too_long_comes_back_with_an_offer_that_g_takes() {
    let mut driver = Driver::ready();
    driver.say("hello");
    driver.receive_turn(TurnEvent::Failed(too_long(86)));
    let Some(Overlay::Confirm(confirm)) = driver.state.overlays.last() else {
        panic!("nothing is offered");
    };
    assert_eq!(
        confirm.lines,
        ["5 210 tokens, limit 4 096: shorten by 1 114, /new, or length ≤ 86"]
    );
    assert!(driver.entries().is_empty(), "it was not sent");
    let effects = driver.key(KeyCode::Char('g'));
    assert_eq!(sent(&effects), [(Role::User, "hello".to_owned())]);
    // Whole blocks of 32, and steps that divide.
    let settings = &driver.state.settings;
    assert_eq!((settings.length, settings.params.steps), (64, 64));
}

#[test]
fn a_message_without_room_for_any_answer_is_told_in_the_corner() {
    let mut driver = Driver::ready();
    driver.say("hello");
    driver.receive_turn(TurnEvent::Failed(too_long(0)));
    assert_eq!(title(&driver), "Not sent: too long for the model");
    assert_eq!(driver.draft(), "hello");
}

#[test]
fn no_question_is_asked_under_the_hands_of_somebody_who_writes() {
    let mut driver = Driver::ready();
    driver.say("hello");
    driver.write("g");
    driver.receive_turn(TurnEvent::Failed(too_long(86)));
    assert!(driver.state.overlays.is_empty());
    assert_eq!(driver.draft(), "g");
    assert!(matches!(driver.entries().last(), Some(Entry::Failure(_))));
}

#[test]
fn the_setting_for_what_outgrows_the_context_outlives_a_load() {
    let mut driver = Driver::ready();
    driver.state.settings.overflow = Overflow::Refuse;
    driver.receive(EngineEvent::Loaded(fixture::loaded(CELLS)));
    let effects = driver.say("hello");
    let [Effect::Start(request)] = effects.as_slice() else {
        panic!("{effects:?}");
    };
    let TurnInput::Chat { overflow, .. } = &request.input else {
        panic!("{request:?}");
    };
    assert_eq!(*overflow, Overflow::Refuse);
}
