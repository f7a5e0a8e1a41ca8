use std::fs;
use std::path::{Path, PathBuf};
#[cfg(unix)]
use std::time::{Duration, SystemTime};

use super::SpecialIdsOf;
use crate::checkpoint::{Checkpoint, Locations, ModelLocation};
use crate::config::{Config, ConfigSource, Environment, Folders, Overrides, TokenOverrides};
use crate::model_id::ModelId;

fn environment(root: &Path) -> Environment {
    Environment {
        folders: Some(Folders {
            home: root.join("home"),
            config: root.join("config"),
            data: root.join("data"),
            cache: root.join("cache"),
            state: root.join("state"),
        }),
        current: root.to_owned(),
        ..Environment::default()
    }
}

fn config(environment: &Environment) -> Config {
    let embedded = crate::config::EMBEDDED;
    Config::from_text(
        embedded,
        ConfigSource::Embedded,
        &Overrides::default(),
        environment,
    )
    .expect("the embedded configuration is valid")
}

#[test]
fn the_carried_model_opens_and_knows_its_settings() {
    let root = tempfile::tempdir().expect("a folder can be made");
    let environment = environment(root.path());
    let locations = Locations::new(&config(&environment), &environment);
    let id = ModelId::Builtin("demo".to_owned());
    let checkpoint = Checkpoint::open(&id, &locations).expect("it is carried");
    let (params, length) = checkpoint.defaults();
    assert_eq!((params.steps, params.block_length, length), (64, 32, 64));
    let text = checkpoint
        .text(&TokenOverrides::default())
        .expect("it is whole");
    assert_eq!(
        SpecialIdsOf::from(text.special),
        SpecialIdsOf(2, 1, Some(5), Some(0))
    );
    assert_eq!(text.vocabulary.len(), 3072);
    let unknown = ModelId::Builtin("demi".to_owned());
    let error = Checkpoint::open(&unknown, &locations)
        .expect_err("there is none")
        .to_string();
    assert_eq!(
        error,
        "builtin:demi is not carried by the program; builtin:demo is"
    );
}

#[test]
fn a_hub_id_is_found_in_the_models_folders_and_then_in_the_hubs_cache() {
    let root = tempfile::tempdir().expect("a folder can be made");
    let environment = environment(root.path());
    let locations = Locations::new(&config(&environment), &environment);
    let id = ModelId::Hub {
        org: "A".to_owned(),
        name: "B-2B".to_owned(),
        revision: None,
        quantisation: None,
    };
    let models = root.path().join("data").join("unmask").join("models");
    let error = locations.find(&id).expect_err("it is absent").to_string();
    let place = models.join("A").join("B-2B");
    assert_eq!(
        error,
        format!(
            "A/B-2B is not on this machine; run `unmask pull A/B-2B`, or put its files into {}",
            place.display()
        )
    );
    let repository = root
        .path()
        .join("home/.cache/huggingface/hub/models--A--B-2B");
    fs::create_dir_all(repository.join("snapshots/only")).expect("a folder can be made");
    assert_eq!(
        locations.find(&id).ok(),
        Some(repository.join("snapshots/only"))
    );
    fs::create_dir_all(&place).expect("a folder can be made");
    assert_eq!(locations.find(&id).ok(), Some(place));
}

/// The hub's cache with two snapshots, the second of which came last, and references.
#[cfg(unix)]
#[track_caller]
fn check_snapshot(references: &[(&str, &str)], revision: Option<&str>, expected: Option<&str>) {
    let root = tempfile::tempdir().expect("a folder can be made");
    let environment = environment(root.path());
    let locations = Locations::new(&config(&environment), &environment);
    let repository = root.path().join("home/.cache/huggingface/hub/models--A--B");
    let past = SystemTime::now() - Duration::from_secs(60);
    for (name, when) in [
        ("abcde1", past),
        ("abcde2", SystemTime::now()),
        ("fedcba", past),
    ] {
        let folder = repository.join("snapshots").join(name);
        fs::create_dir_all(&folder).expect("a folder can be made");
        let opened = fs::File::open(&folder).expect("it is there");
        opened.set_modified(when).expect("it is ours");
    }
    for (name, commit) in references {
        let path = repository.join("refs").join(name);
        fs::create_dir_all(path.parent().expect("it has one")).expect("a folder can be made");
        fs::write(path, commit).expect("a file can be written");
    }
    let id = ModelId::Hub {
        org: "A".to_owned(),
        name: "B".to_owned(),
        revision: revision.map(str::to_owned),
        quantisation: None,
    };
    let found = locations.find(&id).ok();
    let expected = expected.map(|name| repository.join("snapshots").join(name));
    assert_eq!(found, expected, "{references:?}, {revision:?}");
}

#[test]
#[cfg(unix)]
fn a_snapshot_is_found_by_its_revision_or_is_the_one_that_came_last() {
    check_snapshot(&[], None, Some("abcde2"));
    check_snapshot(&[("main", "abcde1\n")], None, Some("abcde1"));
    // Cut short, stale, and of what is not clear.
    check_snapshot(&[("main", "fedc")], None, Some("fedcba"));
    check_snapshot(&[("main", "0123456")], None, Some("abcde2"));
    check_snapshot(&[("main", "abcd")], None, Some("abcde2"));
    check_snapshot(&[("main", "../../x")], None, Some("abcde2"));
    check_snapshot(&[("main", "")], None, Some("abcde2"));
    let references = [("main", "abcde1"), ("refs/pr/1", "fedcba")];
    check_snapshot(&references, Some("refs/pr/1"), Some("fedcba"));
    check_snapshot(&references, Some("abcde2"), Some("abcde2"));
    check_snapshot(&references, Some("fedc"), Some("fedcba"));
    // What is asked for and not there is not replaced by something else.
    check_snapshot(&references, Some("v2"), None);
    check_snapshot(&references, Some("abcd"), None);
}

#[test]
fn the_hubs_cache_is_where_its_variables_say() {
    let root = PathBuf::from("root");
    let hub = |variables: &[(&str, &str)]| {
        let mut environment = environment(&root);
        for (name, value) in variables {
            environment
                .variables
                .insert((*name).to_owned(), value.into());
        }
        Locations::new(&config(&environment), &environment).hub
    };
    assert_eq!(hub(&[]), Some(root.join("home/.cache/huggingface/hub")));
    assert_eq!(
        hub(&[("XDG_CACHE_HOME", "x")]),
        Some(root.join("x/huggingface/hub"))
    );
    assert_eq!(
        hub(&[("XDG_CACHE_HOME", "x"), ("HF_HOME", "h")]),
        Some(root.join("h/hub"))
    );
    assert_eq!(
        hub(&[("HF_HOME", "h"), ("HF_HUB_CACHE", "c")]),
        Some(root.join("c"))
    );
    assert_eq!(
        hub(&[("HF_HOME", "h"), ("HUGGINGFACE_HUB_CACHE", "d")]),
        Some(root.join("d"))
    );
    assert_eq!(
        hub(&[("HF_HUB_CACHE", "$HOME/c")]),
        Some(root.join("home/c"))
    );
}

#[test]
fn a_survey_tells_what_is_there_what_it_takes_and_how_to_get_it() {
    let root = tempfile::tempdir().expect("a folder can be made");
    let environment = environment(root.path());
    let config = config(&environment);
    let locations = Locations::new(&config, &environment);
    fs::create_dir_all(root.path().join("data/unmask/models/LLaDA-1.5"))
        .expect("a folder can be made");
    let survey = locations.survey(&config);
    let row = |key: &str| {
        survey
            .iter()
            .find(|row| row.key == key)
            .expect("it is surveyed")
    };
    assert_eq!(
        row("demo").location,
        ModelLocation::Builtin { bytes: 14_100_328 }
    );
    let llada = row("llada-8b-instruct");
    assert_eq!(
        llada.location,
        ModelLocation::Absent {
            bytes: Some(16_031_162_368)
        }
    );
    assert!(
        llada
            .advice
            .starts_with("run `unmask pull GSAI-ML/LLaDA-8B-Instruct`")
    );
    let damaged = row("llada-1_5");
    assert!(
        matches!(damaged.location, ModelLocation::Damaged { .. }),
        "it is an empty folder"
    );
    assert!(
        damaged.advice.contains("has no config.json"),
        "{}",
        damaged.advice
    );
    assert!(
        !root.path().join("cache").exists(),
        "a survey unpacks nothing"
    );
}
