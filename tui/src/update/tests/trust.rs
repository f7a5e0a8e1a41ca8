//! Libraries of others: a question, its answer, and what comes of it.

use unmask_core::catalogue::{Catalogue, ModelChoice, Readiness};
use unmask_core::plugin::{BackendRow, BackendState, Since};

use super::*;
use crate::action::Approve;
use crate::fixture::machine;

const PATH: &str = "/opt/strange/libunmask_backend_stranger.so";

/// The machine of the mock-up with a library that nobody has approved.
fn strange_machine(since: Since) -> Catalogue {
    let mut machine = machine();
    let row = machine.backends[0].clone();
    machine.backends.push(BackendRow {
        path: PATH.into(),
        name: "stranger".to_owned(),
        state: BackendState::Unapproved {
            sha256: "ab".repeat(32),
            since,
        },
        devices: Vec::new(),
        ..row
    });
    let choice = machine.choices[0].clone();
    machine.choices.push(ModelChoice {
        framework: "stranger".to_owned(),
        device: String::new(),
        device_name: String::new(),
        precision: String::new(),
        precision_reason: unmask_core::precision::PrecisionReason::Named,
        readiness: Readiness::Refused("stranger is not approved".to_owned()),
        ..choice
    });
    machine
}

/// Asked whether it may run.
fn asked(since: Since) -> Driver {
    let mut driver = Driver::ready();
    driver.act(Action::Scanned(Ok(strange_machine(since).into())));
    driver.ctrl('x');
    driver.key(KeyCode::Char('m'));
    driver.write("stranger");
    driver.act(Action::Scanned(Ok(strange_machine(since).into())));
    assert_eq!(driver.key(KeyCode::Enter), []);
    driver
}

fn question(driver: &Driver) -> String {
    match driver.state.overlays.last() {
        Some(Overlay::Confirm(confirm)) => {
            format!("{}\n{}", confirm.title, confirm.lines.join("\n"))
        }
        _ => String::new(),
    }
}

fn approve() -> Approve {
    Approve {
        path: PATH.into(),
        sha256: "ab".repeat(32),
        key: "llada".to_owned(),
    }
}

#[test]
fn a_stranger_is_shown_by_path_and_hash_before_it_runs() {
    let said = question(&asked(Since::Ever));
    for words in [
        "Let stranger run?",
        "was never approved",
        PATH,
        &"ab".repeat(32),
    ] {
        assert!(said.contains(words), "{words:?} is not in {said}");
    }
    let said = question(&asked(Since::ItChanged));
    assert!(said.contains("has changed since it was approved"), "{said}");
}

#[test]
fn only_the_letter_is_yes_to_a_stranger() {
    let mut driver = asked(Since::Ever);
    assert_eq!(driver.key(KeyCode::Enter), []);
    assert_ne!(question(&driver), "", "the question stays");
    assert_eq!(driver.key(KeyCode::Char('n')), []);
    assert_eq!(question(&driver), "");
    driver.key(KeyCode::Enter);
    assert_eq!(driver.key(KeyCode::Esc), []);
    assert_eq!(question(&driver), "");
    driver.key(KeyCode::Enter);
    let effects = driver.key(KeyCode::Char('a'));
    assert_eq!(effects, [Effect::Approve(approve())]);
}

#[test]
fn what_was_approved_is_looked_at_and_loaded_under_its_own_name() {
    let mut driver = asked(Since::Ever);
    driver.key(KeyCode::Char('a'));
    assert_eq!(driver.act(Action::Approved(Ok(approve()))), [Effect::Scan]);
    let mut seen = strange_machine(Since::Ever);
    let row = seen.backends.last_mut().expect("it was put there");
    row.state = BackendState::Usable { score: 1 };
    row.name = "friend".to_owned();
    let choice = seen.choices.last_mut().expect("it was put there");
    choice.framework = "friend".to_owned();
    choice.readiness = Readiness::Ready;
    let effects = driver.act(Action::Scanned(Ok(seen.into())));
    match &effects[..] {
        [Effect::Load(request)] => assert_eq!(request.framework.as_deref(), Some("friend")),
        other => panic!("nothing is loaded: {other:?}"),
    }
}

#[test]
fn what_was_approved_and_cannot_be_used_says_why() {
    let mut driver = asked(Since::Ever);
    driver.key(KeyCode::Char('a'));
    driver.act(Action::Approved(Ok(approve())));
    let mut seen = strange_machine(Since::Ever);
    let row = seen.backends.last_mut().expect("it was put there");
    row.state = BackendState::Broken("it speaks plugin ABI 9.0".to_owned());
    seen.choices.pop();
    assert_eq!(driver.act(Action::Scanned(Ok(seen.into()))), []);
    let notice = format!("{:?}", driver.state.notice);
    assert!(notice.contains("it speaks plugin ABI 9.0"), "{notice}");
}

#[test]
fn an_approval_that_cannot_be_kept_is_told_and_the_machine_is_looked_at_again() {
    let mut driver = asked(Since::Ever);
    driver.key(KeyCode::Char('a'));
    let why = "it has changed while you were asked";
    let effects = driver.act(Action::Approved(Err(why.to_owned())));
    assert_eq!(effects, [Effect::Scan]);
    let toast = driver.state.toast.as_ref().expect("it is told");
    assert_eq!(toast.lines, [why]);
}
