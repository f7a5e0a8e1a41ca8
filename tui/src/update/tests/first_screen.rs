//! The first screen: what its options do, and when it is shown.

use std::sync::Arc;

use unmask_core::catalogue::{Catalogue, ModelChoice, Readiness};
use unmask_core::engine::LoadRequest;

use super::models::load_of;
use super::*;
use crate::action::AfterScan;
use crate::fixture::machine;
use crate::state::{PROMPTS, Welcome};

#[test]
fn the_first_screen_does_what_its_options_say() {
    let mut driver = Driver::bare();
    assert_eq!(driver.key(KeyCode::Char('1')), []);
    assert_eq!(driver.draft(), "/models add ");
    let mut driver = Driver::bare();
    driver.key(KeyCode::Down);
    assert_eq!(driver.key(KeyCode::Enter), [Effect::Scan]);
    assert_eq!(driver.state.machine.wanted, Some(AfterScan::Get));
    let mut driver = Driver::bare();
    let effects = driver.key(KeyCode::Char('3'));
    assert_eq!(load_of(&effects).key, "builtin:demo");
}

#[test]
fn the_carried_model_is_loaded_where_it_can_be() {
    let mut driver = Driver::bare();
    let mut catalogue: Catalogue = machine();
    let carried = |framework: &str, readiness| ModelChoice {
        key: "mini".to_owned(),
        framework: framework.to_owned(),
        needs_bytes: None,
        readiness,
        ..catalogue.choices[0].clone()
    };
    let refused = carried("gone", Readiness::Refused("it is gone".to_owned()));
    let there = carried("candle", Readiness::Carried);
    catalogue.choices.extend([refused, there]);
    driver.act(Action::Scanned(Ok(catalogue.into())));
    let effects = driver.key(KeyCode::Char('3'));
    let request = load_of(&effects);
    assert_eq!(
        (request.key.as_str(), request.framework.as_deref()),
        ("mini", Some("candle"))
    );
}

#[test]
fn a_start_without_a_model_shows_the_first_screen_and_looks_around() {
    let mut driver = Driver::bare();
    driver.act(Action::Do(Command::Load(LoadRequest::default())));
    assert!(!driver.state.is_first_run());
    let effects = driver.receive(EngineEvent::LoadFailed {
        key: "demo".to_owned(),
        failure: failure(),
    });
    assert_eq!(effects, [Effect::Scan]);
    assert!(driver.state.is_first_run());
    driver.say("hello");
    assert_eq!(driver.state.queue.len(), 1, "the message is kept");
    driver.key(KeyCode::Enter);
    assert_eq!(driver.list(), "models");
}

#[test]
fn a_number_asks_while_the_model_still_loads() {
    let mut driver = Driver::bare();
    driver.state.welcome = Some(Welcome {
        turn: Arc::new(fixture::turn_of(CELLS)),
        began: None,
    });
    driver.act(Action::Do(Command::Load(LoadRequest::default())));
    assert!(driver.state.welcomed().is_some());
    assert_eq!(driver.key(KeyCode::Char('2')), []);
    assert_eq!(
        (driver.draft(), driver.state.queue.len()),
        (String::new(), 1)
    );
    driver.receive(EngineEvent::Loaded(fixture::loaded(CELLS)));
    let turn = driver.state.running().expect("it is asked");
    assert_eq!(turn.prompt, PROMPTS[1]);
}
