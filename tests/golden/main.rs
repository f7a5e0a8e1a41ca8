//! Runs the reference numbers: every case of a folder, through a backend loaded over the C table.
//!
//! `UNMASK_GOLDEN_DIR` names the folder (default: this one, then `further`), `UNMASK_GOLDEN_BACKEND` the backend (default: all of ours that
//! are usable here), `UNMASK_GOLDEN_DEVICE` its device (default: its first), `UNMASK_GOLDEN_KINDS` kinds with commas between
//! them (default: all). What was demanded has to be there: that backend, or ONNX Runtime's where `UNMASK_REQUIRE_RUNTIME` says
//! that it was installed. Prints a line per kind, names each failure with what differs first, and lists what belongs to families
//! that are not supported yet.

#![expect(
    clippy::print_stdout,
    reason = "a test program without the harness reports for itself"
)]

mod case;
mod kinds;
mod models;
mod published;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use serde_json::Value;
use unmask_core::api::Backend;
use unmask_core::family::detect;
use unmask_core::plugin::{BackendFilter, BackendSearch, Isolation, Registry, Running, SearchPath};
use unmask_tests::{is_demanded, worker_launcher};

use case::{Case, Verdict};
use models::Models;

/// Ours; only the first runs everywhere.
const BACKENDS: [&str; 3] = ["candle", "onnx", "mlx"];

/// Kinds that are run once more on a backend in a process of its own.
const ISOLATED: [&str; 3] = ["forward", "forward_cached", "generate"];

/// How the cases of a kind went.
#[derive(Default)]
struct Tally {
    passed: usize,
    failed: usize,
    /// Cases of models whose family is not supported yet, by family.
    later: BTreeMap<String, usize>,
}

fn main() -> ExitCode {
    // Cargo's own flags for test programs, such as `--list`, have no meaning here but must not fail.
    if std::env::args().any(|argument| argument == "--list") {
        return ExitCode::SUCCESS;
    }
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("golden: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<bool, String> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
    let roots = match std::env::var_os("UNMASK_GOLDEN_DIR") {
        Some(root) => vec![PathBuf::from(root)],
        None => vec![own.clone(), own.join("further")],
    };
    let sets = roots.into_iter().map(CaseSet::read);
    let sets = sets.collect::<Result<Vec<CaseSet>, String>>()?;
    let registry = Registry::discover(&SearchPath::new(&BackendSearch {
        isolation: Isolation {
            launcher: worker_launcher(env!("CARGO_BIN_EXE_backend_worker")),
            ..Isolation::default()
        },
        ..BackendSearch::here(Vec::new())
    }));
    let mut backends = Vec::new();
    match std::env::var("UNMASK_GOLDEN_BACKEND") {
        Ok(name) => backends.push(registry.find(&name).map_err(|error| error.to_string())?),
        Err(_) => {
            for (index, name) in BACKENDS.into_iter().enumerate() {
                match registry.find(name) {
                    Ok(backend) => backends.push(backend),
                    Err(error) if index == 0 || is_demanded(name) => {
                        return Err(error.to_string());
                    }
                    Err(error) => println!("golden: not on {name}: {error}"),
                }
            }
        }
    }
    let mut all_pass = true;
    for backend in backends {
        for set in &sets {
            println!("golden: {} on {}", set.root.display(), backend.name());
            all_pass &= run_on(Arc::clone(&backend), set, is_wanted)?;
        }
    }
    if std::env::var_os("UNMASK_GOLDEN_BACKEND").is_none() {
        let isolated = registry.find_running(BACKENDS[0], BackendFilter::Usable, Running::Alone);
        let isolated = isolated.map_err(|error| error.to_string())?;
        let crosses = |kind: &str| ISOLATED.contains(&kind);
        println!("golden: {} isolated, {}", BACKENDS[0], ISOLATED.join(", "));
        all_pass &= run_on(isolated, &sets[0], crosses)?;
    }
    Ok(all_pass)
}

/// Kinds of `UNMASK_GOLDEN_KINDS`, or all.
fn is_wanted(kind: &str) -> bool {
    let named = std::env::var("UNMASK_GOLDEN_KINDS");
    named.map_or(true, |named| named.split(',').any(|word| word == kind))
}

/// The cases of a folder.
struct CaseSet {
    root: PathBuf,
    index: Value,
}

impl CaseSet {
    fn read(root: PathBuf) -> Result<Self, String> {
        let path = root.join("index.json");
        let named = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let text = std::fs::read_to_string(&path).map_err(|error| named(&error))?;
        let index = serde_json::from_str(&text).map_err(|error| named(&error))?;
        Ok(Self { root, index })
    }
}

/// True if every case of a kind that `counts` passes on `backend`.
fn run_on(
    backend: Arc<dyn Backend>,
    set: &CaseSet,
    counts: impl Fn(&str) -> bool,
) -> Result<bool, String> {
    let CaseSet { root, index } = set;
    let models = Models::new(root.clone(), backend);
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    for json in index["cases"].as_array().ok_or("the index has no cases")? {
        let kind = json["kind"].as_str().unwrap_or("?").to_owned();
        if !counts(&kind) {
            continue;
        }
        let tally = tallies.entry(kind.clone()).or_default();
        match check(json, &kind, root, &models) {
            Outcome::Later(family) => *tally.later.entry(family).or_default() += 1,
            Outcome::Done(Ok(())) => tally.passed += 1,
            Outcome::Done(Err(error)) => {
                tally.failed += 1;
                println!(
                    "FAILED {} ({kind}): {error}",
                    json["id"].as_str().unwrap_or("?")
                );
            }
        }
    }
    Ok(report(&tallies))
}

enum Outcome {
    Done(Verdict),
    Later(String),
}

fn check(json: &Value, kind: &str, root: &Path, models: &Models) -> Outcome {
    let Some(check) = kinds::check_of(kind) else {
        return Outcome::Later(family_of_kind(kind).to_owned());
    };
    if let Some(family) = unsupported_family(json, kind, root) {
        return Outcome::Later(family);
    }
    let case = match Case::new(json.clone(), root) {
        Ok(case) => case,
        Err(error) => return Outcome::Done(Err(error)),
    };
    if needs_network(kind)
        && models.may_refuse()
        && let Some(refused) = models.refusal(&case)
    {
        return Outcome::Later(refused);
    }
    let verdict = catch_unwind(AssertUnwindSafe(|| check(&case, models)))
        .unwrap_or_else(|_| Err("the check panicked; see above".to_owned()));
    Outcome::Done(verdict)
}

/// Kinds that only other families have.
fn family_of_kind(kind: &str) -> &str {
    kind.split('_').next().unwrap_or(kind)
}

/// The family of the case's network, unless it can be run. Text kinds need no network.
fn unsupported_family(json: &Value, kind: &str, root: &Path) -> Option<String> {
    let model = json["model"].as_str().filter(|_| needs_network(kind))?;
    let config = root.join(model).join("config.json");
    // Models of other families are not copied to this repository.
    let Ok(text) = std::fs::read_to_string(config) else {
        return Some(model.rsplit("tiny-").next().unwrap_or(model).to_owned());
    };
    let config: Value = serde_json::from_str(&text).ok()?;
    match detect(&config, model) {
        Ok(_) => None,
        Err(_) => Some(config["model_type"].as_str()?.to_lowercase()),
    }
}

fn needs_network(kind: &str) -> bool {
    !matches!(
        kind,
        "tokenize" | "chat_template" | "chat_prompt" | "encode_pair" | "until_postprocess"
    )
}

fn report(tallies: &BTreeMap<String, Tally>) -> bool {
    let (mut passed, mut failed) = (0, 0);
    for (kind, tally) in tallies {
        let later: Vec<String> = (tally.later.iter())
            .map(|(family, cases)| format!("{cases} of {family} not supported"))
            .collect();
        let later = if later.is_empty() {
            String::new()
        } else {
            format!(" ({})", later.join(", "))
        };
        println!(
            "{kind}: {} passed, {} failed{later}",
            tally.passed, tally.failed
        );
        passed += tally.passed;
        failed += tally.failed;
    }
    println!("{passed} passed, {failed} failed");
    failed == 0 && passed > 0
}
