//! Getting a model from the hub.

use unmask_core::catalogue::{ModelChoice, Readiness};
use unmask_core::checkpoint::{ModelKind, ModelLocation, Surveyed};
use unmask_core::model_id::ModelId;

use super::*;
use crate::fixture::machine;
use crate::state::{GetJob, GetNews};

fn got(news: GetNews) -> Action {
    Action::Got(news)
}

fn planned(obstacle: Option<&str>) -> Action {
    got(GetNews::Planned {
        name: "Org/Tiny".to_owned(),
        lines: vec!["Org/Tiny: 8 files, 1 GB".to_owned()],
        obstacle: obstacle.map(str::to_owned),
    })
}

#[test]
fn a_model_is_asked_about_then_fetched_and_told_of() {
    let mut driver = Driver::ready();
    let look = Effect::Get(GetJob::Look("Org/Tiny".to_owned()));
    assert!(driver.say("/models get Org/Tiny").contains(&look));
    driver.act(planned(None));
    let Some(Overlay::Confirm(confirm)) = driver.state.overlays.last() else {
        panic!("it is asked first");
    };
    assert_eq!(confirm.title, "Get Org/Tiny?");
    assert_eq!(confirm.lines, ["Org/Tiny: 8 files, 1 GB"]);
    let fetch = Effect::Get(GetJob::Fetch("Org/Tiny".to_owned()));
    assert_eq!(driver.key(KeyCode::Char('y')), [fetch]);
    driver.act(got(GetNews::Progress {
        done: 250_000_000,
        total: 1_000_000_000,
    }));
    let share = driver.state.machine.fetched();
    assert!(share.is_some_and(|it| it.contains("of 1.0 GB")));
    // A second one has to wait.
    assert_eq!(driver.say("/models get Org/Other"), []);
    assert!(driver.notice().contains("/stop"), "{}", driver.notice());
    assert_eq!(driver.act(got(GetNews::Done)), [Effect::Scan]);
    assert!(driver.notice().contains("/models Org/Tiny loads it"));
    assert_eq!(driver.state.machine.getting, None);
}

#[test]
fn the_file_that_was_chosen_is_the_one_that_is_fetched() {
    let mut driver = Driver::ready();
    driver.say("/models get Org/Tiny");
    driver.act(got(GetNews::Planned {
        name: "Org/Tiny:Q4_K_M".to_owned(),
        lines: Vec::new(),
        obstacle: None,
    }));
    let fetch = Effect::Get(GetJob::Fetch("Org/Tiny:Q4_K_M".to_owned()));
    assert_eq!(driver.key(KeyCode::Char('y')), [fetch]);
    driver.act(got(GetNews::Done));
    assert!(driver.notice().contains("/models Org/Tiny:Q4_K_M loads it"));
}

#[test]
fn it_can_be_stopped_and_the_chat_goes_on_meanwhile() {
    let mut driver = Driver::ready();
    driver.say("/models get Org/Tiny");
    assert!(!driver.say("hello").is_empty(), "a turn begins");
    let mut driver = Driver::ready();
    driver.say("/models get Org/Tiny");
    assert_eq!(driver.say("/stop"), [Effect::StopGetting]);
    driver.act(got(GetNews::Stopped));
    assert!(driver.notice().contains("Stopped asking about Org/Tiny"));
    driver.say("/models get Org/Tiny");
    driver.act(got(GetNews::Progress { done: 1, total: 2 }));
    driver.say("/stop");
    driver.act(got(GetNews::Stopped));
    assert!(driver.notice().contains("what has come is kept"));
    driver.say("/models get Org/Tiny");
    assert_eq!(driver.ctrl('c'), [Effect::StopGetting]);
    // The hub is silent: it can be left all the same.
    driver.ctrl('c');
    assert_eq!(driver.ctrl('c'), [Effect::Quit]);
}

#[test]
fn no_question_comes_after_a_stop_or_over_what_is_being_written() {
    let mut driver = Driver::ready();
    driver.say("/models get Org/Tiny");
    driver.say("/stop");
    driver.act(planned(None));
    assert!(driver.notice().contains("Stopped asking about Org/Tiny"));
    driver.say("/models get Org/Tiny");
    driver.key(KeyCode::Char('w'));
    driver.act(planned(None));
    assert!(driver.notice().contains("/models get Org/Tiny asks"));
    assert!(driver.state.overlays.is_empty());
}

#[test]
fn what_does_not_fit_or_come_is_told_with_what_to_do() {
    let mut driver = Driver::ready();
    let toast = |driver: &Driver| {
        let toast = driver.state.toast.as_ref().expect("it is told");
        format!("{}: {}", toast.title, toast.lines.join(" "))
    };
    driver.say("/models get Org/Tiny");
    driver.act(planned(Some("its weights fit nowhere")));
    let told = toast(&driver);
    assert!(
        told.starts_with("Org/Tiny was not fetched: Its weights fit nowhere."),
        "{told}"
    );
    assert!(told.contains("--force"), "{told}");
    assert!(driver.state.overlays.is_empty());
    let mut driver = Driver::ready();
    driver.say("/models get Org/Tiny");
    driver.act(got(GetNews::Failed("cannot reach the hub".to_owned())));
    assert!(toast(&driver).contains("Cannot reach the hub."));
}

#[test]
fn enter_on_a_model_that_is_not_on_disk_asks_the_hub() {
    let mut driver = Driver::ready();
    let mut catalogue = machine();
    let key = "tiny".to_owned();
    catalogue.surveyed.push(Surveyed {
        key: key.clone(),
        id: ModelId::Hub {
            org: "Org".to_owned(),
            name: "Tiny".to_owned(),
            revision: None,
            quantisation: None,
        },
        location: ModelLocation::Absent { bytes: None },
        advice: String::new(),
        kind: ModelKind::default(),
    });
    let choice = ModelChoice {
        key: key.clone(),
        readiness: Readiness::NotOnDisk("run `unmask pull`".to_owned()),
        ..catalogue.choices[0].clone()
    };
    catalogue.choices = vec![choice];
    driver.act(Action::Do(Command::Models));
    driver.act(Action::Scanned(Ok(catalogue.into())));
    let effects = driver.key(KeyCode::Enter);
    assert_eq!(effects, [Effect::Get(GetJob::Look(key))]);
}
