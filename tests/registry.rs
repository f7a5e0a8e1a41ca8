//! The list of backends: every file on the search path is a row, and a name gives a backend or says why not.

use std::path::Path;

use unmask_core::plugin::{BackendSearch, BackendState, FindError, Registry, SearchPath};
use unmask_tests::{open, plugin, spoiled};

/// The registry of these files, in this order; the tests vouch for them.
fn registry(files: &[&Path]) -> Registry {
    Registry::discover(&SearchPath::new(&BackendSearch {
        plugins: files.iter().map(|path| path.to_path_buf()).collect(),
        ..BackendSearch::default()
    }))
}

#[test]
fn every_file_is_a_row_and_only_usable_ones_are_found() {
    let toy = plugin("example-toy");
    let (probe, fluxed, version) = (
        spoiled("failing_probe"),
        spoiled("unusable"),
        spoiled("wrong_version"),
    );
    let missing = version.path.with_file_name("libunmask_backend_gone.so");
    let relative = Path::new("here.so");
    let found = registry(&[
        relative,
        &toy,
        &probe.path,
        &fluxed.path,
        &version.path,
        &missing,
        &toy,
    ]);
    let rows: Vec<(&str, &str)> = found
        .rows()
        .iter()
        .map(|row| (&*row.name, kind(&row.state)))
        .collect();
    assert_eq!(
        rows,
        [
            ("here", "broken"),
            ("toy", "usable"),
            ("spoiled", "broken"),
            ("fluxed", "unusable"),
            ("wrong_version", "broken"),
            ("gone", "broken"),
        ]
    );
    assert_eq!(found.rows()[1].path, toy);
    assert_eq!(found.rows()[1].state, BackendState::Usable { score: 1 });
    assert_eq!(found.rows()[1].devices[0].id, "cpu");

    let say = |name| match found.find(name) {
        Ok(backend) => backend.name().to_owned(),
        Err(error) => error.to_string(),
    };
    assert_eq!(say("toy"), "toy");
    assert_eq!(
        say("tory"),
        "there is no backend `tory`; did you mean `toy`?"
    );
    assert_eq!(
        say("tensorflow"),
        "there is no backend `tensorflow`; usable here: toy"
    );
    assert_eq!(
        say("fluxed"),
        "backend `fluxed` cannot be used here: needs a flux capacitor; install one"
    );
    let lacking = |name| found.find_lacking(name).map(|it| it.name().to_owned());
    assert_eq!(lacking("fluxed"), Ok("fluxed".to_owned()));
    assert_eq!(lacking("toy"), Ok("toy".to_owned()));
    assert!(lacking("spoiled").is_err());
    assert_eq!(
        say("spoiled"),
        "backend `spoiled` does not work: spoiled: the driver does not answer; restart it"
    );
    assert!(say("wrong_version").contains("speaks plugin ABI 3.1"));
}

fn kind(state: &BackendState) -> &'static str {
    match state {
        BackendState::Usable { .. } => "usable",
        BackendState::Unusable { .. } => "unusable",
        BackendState::Broken(_) => "broken",
        BackendState::Unapproved { .. } => "unapproved",
    }
}

#[test]
fn of_two_backends_with_one_name_the_first_wins() {
    let (first, second) = (spoiled("good"), spoiled("newer_table"));
    let found = registry(&[&first.path, &second.path]);
    assert_eq!(
        found.find("spoiled").map(|it| it.devices().len()).ok(),
        Some(1)
    );
    assert_eq!(
        found.rows()[1].state,
        BackendState::Unusable {
            reason: format!("{} has the same name and comes first", first.path.display()),
            remedy: "remove one of them".to_owned(),
        }
    );
}

#[test]
fn a_link_to_a_library_is_not_a_second_backend() {
    let file = spoiled("good");
    let link = file.path.with_file_name("other_name.so");
    std::fs::hard_link(&file.path, &link).expect("the folder is ours");
    assert_eq!(registry(&[&file.path, &link]).rows().len(), 1);
}

#[test]
fn without_backends_the_searched_places_are_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let found = Registry::discover(&SearchPath::new(&BackendSearch {
        config: vec![folder.path().to_owned()],
        ..BackendSearch::default()
    }));
    let error = found.find("candle").map(|_| ());
    assert_eq!(
        error,
        Err(FindError::Unknown {
            name: "candle".to_owned(),
            hint: format!("none was found in {}", folder.path().display()),
        })
    );
}

#[test]
fn a_backend_of_the_program_is_found_like_any_other() {
    let backends = vec![open(&plugin("example-toy"))];
    let found = Registry::built_in(backends);
    assert_eq!(
        found.find("toy").map(|it| it.name().to_owned()),
        Ok("toy".to_owned())
    );
    assert_eq!(found.rows()[0].path, Path::new(""));
}
