//! The walls of the house, checked: who may depend on whom, between crates and inside them, how long a file may grow, who
//! may print, that the name of a type means one thing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use unmask_tests::imports::Imports;
use unmask_tests::root;

/// Which of our crates each crate may name; a star ends a pattern. What is not listed may name nobody.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("unmask-core", &["unmask-api", "unmask-gguf"]),
    ("unmask-conformance", &["unmask-api"]),
    ("unmask-sdk", &["unmask-api", "unmask-gguf"]),
    ("unmask-backend-*", &["unmask-sdk", "unmask-kernels"]),
    (
        "unmask",
        &[
            "unmask-core",
            "unmask-conformance",
            "unmask-download",
            "unmask-pages",
            "unmask-remote",
            "unmask-serve",
        ],
    ),
    ("unmask-remote", &["unmask-core"]),
    ("unmask-serve", &["unmask-core", "unmask-pages"]),
    ("example-*", &["unmask-sdk"]),
    ("test-plugin-*", &["unmask-sdk"]),
    ("unmask-tests", &["*"]),
];

/// Lines of a source file, its tests apart.
const LONGEST_FILE: usize = 600;
/// Lines of a file that holds nothing but tests.
const LONGEST_TESTS: usize = 400;
/// Our sources, the cross-crate tests apart.
const FLOORS: [&str; 4] = ["core", "backends", "plugins", "tui"];
/// Words of code that only some places may say.
struct Reserved {
    words: &'static [&'static str],
    /// Where nobody else may say them.
    under: &'static [&'static str],
    /// Who may.
    places: &'static [&'static str],
}

const RESERVED: [Reserved; 6] = [
    // One crate speaks HTTP to those who ask.
    Reserved {
        words: &["axum", "hyper"],
        under: &FLOORS,
        places: &["core/serve/src"],
    },
    // Elsewhere it would be written over the screen. A build script speaks to Cargo so.
    Reserved {
        words: &["println!(", "print!(", "dbg!("],
        under: &FLOORS,
        places: &[
            "tui/src/main.rs",
            "tui/src/command",
            "tui/benches",
            "backends/candle/benches",
            "backends/kernels/benches",
            "backends/mlx/build.rs",
        ],
    },
    // One place asks sessions, and the suite that tests them. Networks have forwards of their own, and the SDK and the worker of
    // an isolated backend hand on what came over a border.
    Reserved {
        words: &[".forward(", ".read_logits(", ".read_top("],
        under: &["core", "tui"],
        places: &[
            "core/runtime/src/scorer.rs",
            "core/runtime/src/plugin/isolate/worker_session.rs",
            "core/conformance/src",
        ],
    },
    // One place opens backends, and one the driver of a vendor, to ask it what there is.
    Reserved {
        words: &["libloading", "dlopen", "RTLD_"],
        under: &FLOORS,
        places: &[
            "core/runtime/src/plugin",
            "backends/onnx/src/cuda/driver.rs",
        ],
    },
    // One crate has vectors of its own.
    Reserved {
        words: &["std::arch", "core::arch", "target_feature("],
        under: &FLOORS,
        places: &["backends/kernels"],
    },
    // What may lift the ban on `unsafe`: kernels, the C border, mapped files, memory shared between processes, and calls of the
    // system or a vendor that no safe interface makes.
    Reserved {
        words: &["unsafe_code"],
        under: &FLOORS,
        places: &[
            "backends/kernels",
            "core/api/src/abi.rs",
            "core/runtime/src/plugin",
            "plugins/sdk/src/export",
            "plugins/sdk/src/export.rs",
            "plugins/sdk/src/weights",
            "backends/candle/src/blocks.rs",
            // The clock of processors.
            "backends/candle/benches/attention.rs",
            "backends/mlx/src/bytes.rs",
            "backends/mlx/src/device.rs",
            "backends/onnx/src/cuda/driver.rs",
            "backends/onnx/src/emit/editor.rs",
            "backends/onnx/src/graph/data.rs",
            "backends/onnx/src/slot",
            "backends/onnx/src/slot.rs",
            "backends/onnx/src/webgpu/adapter.rs",
            "tui/src/command/signals.rs",
            "tui/src/terminal/fatal.rs",
        ],
    },
];

/// Names of types that mean two things, and why they may.
const TWO_MEANINGS: [(&str, &str); 3] = [
    (
        "Format",
        "answers are written in one, and packed weights are kept in one; no file sees both",
    ),
    (
        "Role",
        "chat templates and screen themes both have roles by their own standards",
    ),
    (
        "Row",
        "a batch of the contract has rows, and so has a screen; no file sees both",
    ),
];

/// Every package with the names of what it depends on, in any way.
fn packages() -> Vec<(String, Vec<String>)> {
    let output = Command::new(env!("CARGO"))
        .current_dir(root())
        .args(["metadata", "--no-deps", "--format-version=1"])
        .output()
        .expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo speaks JSON");
    let list = |value: &Value| value.as_array().cloned().expect("cargo lists it");
    let name = |value: &Value| {
        value["name"]
            .as_str()
            .expect("everything has a name")
            .to_owned()
    };
    list(&metadata["packages"])
        .iter()
        .map(|package| {
            (
                name(package),
                list(&package["dependencies"]).iter().map(name).collect(),
            )
        })
        .collect()
}

fn fits(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => name == pattern,
    }
}

fn may_know(from: &str, to: &str) -> bool {
    let mut lines = MAY_KNOW.iter().filter(|(who, _)| fits(who, from));
    lines.any(|(_, whom)| whom.iter().any(|pattern| fits(pattern, to)))
}

#[test]
fn no_crate_knows_more_than_it_may() {
    let packages = packages();
    let ours = |name: &String| packages.iter().any(|(package, _)| package == name);
    let arrows = packages
        .iter()
        .flat_map(|(from, known)| known.iter().map(move |to| (from, to)));
    let trespasses: Vec<String> = arrows
        .filter(|(from, to)| ours(to) && !may_know(from, to))
        .map(|(from, to)| format!("{from} -> {to}"))
        .collect();
    assert_eq!(trespasses, Vec::<String>::new());
    assert!(packages.len() > 5, "cargo listed the workspace");
}

#[test]
fn the_contract_depends_on_thiserror_alone() {
    let packages = packages();
    let api = packages.iter().find(|(name, _)| name == "unmask-api");
    assert_eq!(api.expect("it is there").1, ["thiserror"]);
}

#[test]
fn no_file_or_folder_imports_in_a_circle() {
    for src in ["core/runtime/src", "core/serve/src", "tui/src"] {
        let circles = Imports::read(&root().join(src)).circles();
        assert!(circles.is_empty(), "{src}:\n{}", circles.join("\n"));
    }
}

#[test]
fn no_file_outgrows_its_idea() {
    let long: Vec<String> = sources()
        .into_iter()
        .map(|(path, text)| (path, before_tests(&text).count()))
        .filter(|(_, lines)| *lines > LONGEST_FILE)
        .map(|(path, lines)| format!("{}: {lines} lines", path.display()))
        .collect();
    assert_eq!(long, Vec::<String>::new());
}

#[test]
fn no_file_of_tests_outgrows_its_idea() {
    let mut files = Vec::new();
    for floor in FLOORS.iter().chain(&["tests"]) {
        collect(Path::new(floor), &|_| true, &mut files);
    }
    let is_of_tests = |path: &Path| {
        path.starts_with("tests")
            || path
                .iter()
                .any(|part| part == "tests" || part == "tests.rs")
    };
    let tests = files.iter().filter(|(path, _)| is_of_tests(path));
    let lines = tests.map(|(path, text)| (path, text.lines().count()));
    let long: Vec<_> = lines
        .clone()
        .filter(|(_, lines)| *lines > LONGEST_TESTS)
        .collect();
    assert_eq!(long, []);
    assert!(lines.count() > 100, "the tests are found");
}

#[test]
fn a_type_name_means_one_thing() {
    let mut places: BTreeMap<String, BTreeSet<PathBuf>> = BTreeMap::new();
    for (path, text) in sources() {
        for name in before_tests(&text).filter_map(public_type) {
            // Backends never see each other, and who knows one knows all: they share their names.
            let place = match path.starts_with("backends") {
                true => PathBuf::from("backends"),
                false => path.clone(),
            };
            places.entry(name.to_owned()).or_default().insert(place);
        }
    }
    assert!(places.len() > 300, "the types are found");
    places.retain(|_, places| places.len() > 1);
    let doubles: Vec<&String> = places.keys().collect();
    assert_eq!(doubles, TWO_MEANINGS.map(|(name, _)| name), "{places:#?}");
}

/// The name of the type that a line makes for more than its own module.
fn public_type(line: &str) -> Option<&str> {
    let rest = line.trim_start().strip_prefix("pub")?;
    let rest = match rest.strip_prefix('(') {
        Some(within) => within.split_once(')')?.1,
        None => rest,
    };
    let (keyword, rest) = rest.trim_start().split_once(' ')?;
    let is_type = ["struct", "enum", "union", "trait", "type"].contains(&keyword);
    let end = rest
        .find(|it: char| !it.is_alphanumeric())
        .unwrap_or(rest.len());
    is_type.then_some(&rest[..end])
}

#[test]
fn reserved_words_are_said_only_where_they_belong() {
    let sources = sources();
    let mut trespasses = Vec::new();
    for reserved in &RESERVED {
        let says = |line: &str| {
            let code = line.split("//").next().unwrap_or_default();
            reserved.words.iter().any(|word| code.contains(word))
        };
        let within = |path: &Path, folders: &[&str]| folders.iter().any(|it| path.starts_with(it));
        let speakers = sources.iter().filter(|(path, text)| {
            within(path, reserved.under)
                && !within(path, reserved.places)
                && before_tests(text).any(says)
        });
        let name =
            |(path, _): &(PathBuf, String)| format!("{}: {:?}", path.display(), reserved.words);
        trespasses.extend(speakers.map(name));
    }
    assert_eq!(trespasses, Vec::<String>::new());
}

fn before_tests(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .take_while(|line| !line.starts_with("#[cfg(test)]"))
}

/// Every Rust source of the floors, its path from the root, with its text; files and folders of tests apart.
fn sources() -> Vec<(PathBuf, String)> {
    let is_of_tests = |path: &Path| path.ends_with("tests") || path.ends_with("tests.rs");
    let mut found = Vec::new();
    for floor in FLOORS {
        collect(Path::new(floor), &|path| !is_of_tests(path), &mut found);
    }
    assert!(
        found.len() > 20,
        "the sources are where they are looked for"
    );
    found
}

fn collect(folder: &Path, is_wanted: &dyn Fn(&Path) -> bool, found: &mut Vec<(PathBuf, String)>) {
    let entries = std::fs::read_dir(root().join(folder)).expect("the folder is readable");
    for entry in entries.flatten() {
        let path = folder.join(entry.file_name());
        if path.ends_with("target") || !is_wanted(&path) {
            continue;
        }
        if entry.path().is_dir() {
            collect(&path, is_wanted, found);
        } else if path.extension().is_some_and(|it| it == "rs") {
            let text = std::fs::read_to_string(entry.path()).expect("sources are UTF-8");
            found.push((path, text));
        }
    }
}
