//! The list of conversations, the search through prompts, and what a resumed conversation brings.

use super::*;

#[test]
fn the_list_is_filtered_and_its_choice_opened() {
    let mut driver = answered();
    driver.ctrl('x');
    let effects = driver.key(KeyCode::Char('l'));
    assert_eq!(effects, [Effect::Keep(Job::List)]);
    driver.receive_storage(StorageEvent::Listed(vec![
        row(id(), "hello", Condition::Here),
        row(other(), "Primes", Condition::Free),
    ]));
    driver.write("prim");
    assert_eq!(
        driver.key(KeyCode::Enter),
        [Effect::Keep(Job::Open(other()))]
    );
    assert_eq!(driver.state.overlays, []);
}

#[test]
fn the_chosen_conversation_gets_a_new_name() {
    let mut driver = answered();
    driver.order(Command::Sessions);
    driver.receive_storage(StorageEvent::Listed(vec![row(
        other(),
        "Primes",
        Condition::Free,
    )]));
    driver.key(KeyCode::Tab);
    driver.write("!");
    driver.key(KeyCode::Esc);
    driver.key(KeyCode::Tab);
    driver.ctrl('u');
    driver.write("Odd");
    let renamed = Job::Rename(other(), "Odd".to_owned());
    assert_eq!(driver.key(KeyCode::Enter), [Effect::Keep(renamed)]);
    let again = driver.receive_storage(StorageEvent::Changed);
    assert_eq!(again, [Effect::Keep(Job::List)]);
}

#[test]
fn the_chosen_conversation_is_deleted_after_asking_unless_it_is_in_use() {
    let mut driver = answered();
    driver.order(Command::Sessions);
    driver.receive_storage(StorageEvent::Listed(vec![
        row(other(), "Primes", Condition::InUse),
        row(other(), "Primes", Condition::Free),
    ]));
    driver.key(KeyCode::Delete);
    assert!(driver.notice().contains("another unmask"));
    driver.key(KeyCode::Down);
    driver.key(KeyCode::Delete);
    let effects = driver.key(KeyCode::Char('y'));
    assert_eq!(jobs(&effects), [&Job::Delete(other())]);
    assert_eq!(driver.entries().len(), 2);
}

#[test]
fn a_searched_prompt_goes_to_the_composer_and_is_not_sent() {
    let mut driver = Driver::ready();
    driver.receive_storage(StorageEvent::Recalled(vec!["What is a prime?".to_owned()]));
    driver.say("hello");
    driver.write("draft");
    driver.ctrl('r');
    driver.write("prime");
    driver.key(KeyCode::Esc);
    assert_eq!(driver.draft(), "draft");
    driver.ctrl('r');
    driver.write("prime");
    assert_eq!(driver.key(KeyCode::Enter), []);
    assert_eq!(driver.draft(), "What is a prime?");
    assert_eq!(driver.state.queue.len(), 0);
}

#[test]
fn searching_again_goes_to_the_next_older_prompt() {
    let mut driver = Driver::ready();
    let earlier = ["one a", "b", "two a"].map(str::to_owned);
    driver.receive_storage(StorageEvent::Recalled(earlier.to_vec()));
    driver.ctrl('r');
    driver.write("a");
    driver.ctrl('r');
    driver.key(KeyCode::Enter);
    assert_eq!(driver.draft(), "one a");
}

#[test]
fn sights_of_a_resumed_conversation_are_those_of_its_file() {
    let mut driver = kept();
    driver.state.saved.opening = Some(other());
    let mut it = opened_box();
    it.conversation.entries[1].1 = EntryVisibility::Replaced;
    let effects = driver.receive_storage(StorageEvent::Opened(it));
    assert_eq!(written(&effects), [] as [&str; 0]);
    let kept = driver.state.transcript.entries[1].kept;
    assert_eq!(kept.map(|kept| kept.visibility), Some(Visibility::Replaced));
}

/// What the second message of a resumed conversation has, once `loaded` is there: its canvas, or nothing.
fn canvas_with(model: &str, token: u32) -> Option<Canvas> {
    let mut canvas = Canvas::new(&[], CELLS.len(), MASK);
    canvas.commit(unmask_core::Position(0), unmask_core::TokenId(token));
    let mut it = opened_box();
    it.conversation.canvases.push(StoppedCanvas {
        id: MessageId(2),
        model: model.to_owned(),
        canvas: canvas.clone(),
    });
    let mut driver = Driver::bare();
    driver.state.saved.keeping = Persistence::All;
    driver.state.saved.opening = Some(other());
    driver.receive_storage(StorageEvent::Opened(it));
    driver.receive(EngineEvent::Loaded(fixture::loaded(CELLS)));
    let Some(Entry::Answer(answer)) = driver.entries().get(1).copied() else {
        panic!("it has an answer");
    };
    answer.trace.as_ref().map(|turn| turn.canvas().clone())
}

#[test]
fn a_stopped_canvas_comes_back_with_the_model_that_it_fits() {
    let is_back = |model, token| canvas_with(model, token).is_some();
    assert!(is_back("llada", 2));
    assert!(!is_back("dream", 2), "another model");
    assert!(!is_back("llada", 99), "another vocabulary");
}
