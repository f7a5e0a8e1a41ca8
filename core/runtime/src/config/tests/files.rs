//! Which file is read, and that its documentation is whole.

use std::path::Path;

use super::*;

#[test]
fn a_named_file_must_exist_and_a_found_one_is_taken_from_the_nearest_place() {
    let root = tempfile::tempdir().expect("a folder can be made");
    let folder = |name: &str| root.path().join(name);
    let mut place = Environment {
        current: folder("current"),
        folders: Some(Folders {
            home: folder("home"),
            config: folder("config"),
            data: folder("data"),
            cache: folder("cache"),
            state: folder("state"),
        }),
        ..Environment::default()
    };
    let source = |place: &Environment| {
        Config::load(&Overrides::default(), place).map(|config| config.source)
    };
    assert_eq!(source(&place).ok(), Some(ConfigSource::Embedded));
    let user = user_file(&place).expect("there are folders");
    write(&user);
    assert_eq!(source(&place).ok(), Some(ConfigSource::User(user)));
    let current = folder("current").join(FILE_NAME);
    write(&current);
    assert_eq!(source(&place).ok(), Some(ConfigSource::Current(current)));
    place
        .variables
        .insert("UNMASK_CONFIG".to_owned(), OsString::from("none.toml"));
    let error = source(&place).expect_err("it does not exist").to_string();
    assert!(
        error.contains("none.toml that UNMASK_CONFIG names"),
        "{error}"
    );
}

fn write(path: &Path) {
    let folder = path.parent().expect("it is in a folder");
    std::fs::create_dir_all(folder).expect("a folder can be made");
    std::fs::write(path, SMALL).expect("a file can be written");
}

/// An entry has one of these; the other keys are all there.
pub(super) const WAYS: [&str; 10] = [
    "threshold = ",
    "factor = ",
    "entropy_bound = ",
    "klass = ",
    "local_leap = ",
    "slow_fast = ",
    "wino = ",
    "hierarchy = ",
    "credit = ",
    "dynamic = ",
];

/// The lines of the embedded file's comments that say a key, without their marks.
pub(super) fn documented() -> String {
    let (text, _) = EMBEDDED.split_once("\n[available_models").expect("entries");
    let lines = text.lines().map(|line| line.trim_start_matches("# "));
    let says = |line: &&str| line.starts_with('[') || line.contains(" = ");
    lines.filter(says).map(|line| format!("{line}\n")).collect()
}

#[test]
fn every_documented_key_is_read_from_the_file() {
    for with in WAYS {
        let without = WAYS.into_iter().filter(|&way| way != with);
        let text = without.clone().fold(documented(), |text, way| {
            text.replace(way, &format!("# {way}"))
        });
        let text = text.replace("= \"demo\"", "= \"KEY\"") + "library = \"x\"\n";
        let config = load(&text, &Overrides::default(), &[]).expect("all of it is read");
        let shown = config.show(&config.explain());
        let unsaid: Vec<&str> = (shown.lines())
            .filter(|line| line.ends_with("# default"))
            .collect();
        let left_out = without.map(|way| format!("generation.{way}"));
        assert!(
            left_out.zip(&unsaid).all(|(way, line)| line.contains(&way)),
            "{unsaid:?}"
        );
        assert_eq!(unsaid.len(), WAYS.len() - 1, "{unsaid:?}");
        assert!(config.active_model().isolated.value);
    }
}

#[test]
fn every_key_that_is_read_is_documented() {
    let documented = documented();
    for (table, least) in [
        ("", 4),
        (".big", 10),
        (".big.generation", 13),
        (".big.tokens", 4),
    ] {
        let text = match table {
            "" => format!("zzz = 1\n{SMALL}"),
            ".big" => format!("{SMALL}zzz = 1\n"),
            table => format!("{SMALL}[available_models{table}]\nzzz = 1\n"),
        };
        let error = load(&text, &Overrides::default(), &[]).expect_err("there is no such key");
        let (_, known) = error.split_once("; known are ").expect("all are listed");
        let known: Vec<&str> = known.split(", ").collect();
        assert!(known.len() >= least, "{known:?}");
        for key in known {
            let is_it = |line: &str| line.starts_with(&format!("{key} = "));
            let is_table = |line: &str| line.starts_with('[') && line.contains(key);
            let mut lines = documented.lines();
            assert!(lines.any(|line| is_it(line) || is_table(line)), "{key}");
        }
    }
}
