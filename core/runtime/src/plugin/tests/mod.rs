//! Plugins that say anything at all: whatever bytes cross the border, the host gets a sound value or a named error.
//!
//! `PROPTEST_CASES` asks for more than the usual number of cases.

mod hostile;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::Path;
use std::ptr::NonNull;

use proptest::collection::vec;
use proptest::prelude::{any, proptest};
use proptest::test_runner::{Config, RngAlgorithm, RngSeed, TestRunner};
use unmask_api::abi::Plugin;
use unmask_api::{
    Attention, Backend, BackendError, CancelFlag, Cell, LoadProgress, LoadSpec, Logits, Pass,
    Position, Row, Session, SessionSpec, TokenId, TopRequest, TopRows,
};

use super::backend::PluginBackend;
use super::{Runtimes, library};
use hostile::Script;

/// Larger vocabularies are believed too, but their rows would only take time.
const LARGEST: usize = 1 << 12;
const PATH: &str = "/somewhere/hostile.so";

/// The same cases every time.
fn config() -> Config {
    Config {
        rng_algorithm: RngAlgorithm::ChaCha,
        rng_seed: RngSeed::Fixed(7),
        failure_persistence: None,
        cases: 3000,
        ..Config::default()
    }
}

/// Runs `say` on many lists of bytes, and holds that each of `words` is in something that it said: a case that is never
/// reached tests nothing.
#[track_caller]
fn check(say: impl Fn(Vec<u8>) -> String, words: &[&str]) {
    let said = RefCell::new(BTreeSet::new());
    let run = TestRunner::new(config()).run(&vec(any::<u8>(), 0..3000), |bytes| {
        said.borrow_mut().insert(say(bytes));
        Ok(())
    });
    run.expect("no case fails");
    let said = said.into_inner();
    for word in words {
        let n = said.iter().filter(|text| text.contains(word)).count();
        assert!(n > 0, "{word:?} is in none of {} answers", said.len());
    }
}

#[test]
fn a_table_of_any_bytes_is_refused_in_words_or_sound() {
    let say = |bytes| {
        let table = Script::new(bytes).wild_table();
        match inspect(&table) {
            Ok(exports) => {
                assert!(!exports.name.is_empty() && !exports.version.is_empty());
                assert_eq!(table.abi_major, 2);
                "sound".to_owned()
            }
            Err(error) => {
                assert!(error.contains(PATH), "{error}");
                error
            }
        }
    };
    let words = [
        "sound",
        "speaks plugin ABI",
        "bytes, at least 128 are needed",
        "its function `init` is null",
        "its function `forward` is null",
        "its name is missing, empty or endless",
        "its version is missing, empty or endless",
        "of its runtimes is empty or endless",
    ];
    check(say, &words);
}

#[test]
fn a_plugin_that_says_anything_is_an_error_or_sound() {
    let say = |bytes| {
        let mut script = Script::new(bytes);
        let table = script.sound_table();
        let handles = hostile::play(script);
        let said = drive(&table).unwrap_or_else(|error| {
            assert!(
                error.contains("hostile") || error == "stopped on request",
                "{error}"
            );
            error
        });
        assert_eq!(handles.left(), 0, "every handle is given back once");
        said
    };
    let words = [
        "sound in full",
        "sound at the top",
        "vocabulary of 0, which cannot be",
        "vocabulary of 4294967295, which cannot be",
        "a model for 0 positions",
        "reported a loaded model, but gave none",
        "reported an open session, but gave none",
        "and said nothing more",
        "\u{fffd}",
        "gave NaN",
        "gave infinity",
        "outside the vocabulary",
        "it is not sorted",
        "needs top-k output",
        "stopped on request",
    ];
    check(say, &words);
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_text_on_runtimes_is_refused_or_stays_in_its_folder(
        text in "[{}\\[\\]\":,.a-z0-9/*\\\\-]{0,60}",
        words in vec("[.a-z/\\\\:*-]{1,6}", 6),
    ) {
        let _ = Runtimes::parse(&text);
        let package = serde_json::json!({"packages": [{
            "os": "linux", "arch": "x86_64", "flavour": words[0], "package": words[1], "version": words[2],
            "file": words[3], "bytes": 1, "sha256": "0".repeat(64), "members": [words[4]],
        }]});
        if let Ok(runtimes) = Runtimes::parse(&package.to_string()) {
            let runtime = &runtimes.packages[0];
            for word in [&runtime.flavour, &runtime.version, &runtime.file] {
                assert_eq!(Path::new(word).components().count(), 1);
                assert!(!word.starts_with('.'));
            }
            if let Some(name) = runtime.member(&words[5]) {
                assert_eq!(Path::new(name).file_name().and_then(|it| it.to_str()), Some(name));
            }
        }
    }
}

fn inspect(table: &Plugin) -> Result<library::Exports, String> {
    let read = library::inspect(NonNull::from(table), Path::new(PATH));
    read.map_err(|error| error.to_string())
}

/// Asks everything of the plugin that the program asks, and holds what comes back against what it may be.
fn drive(table: &Plugin) -> Result<String, String> {
    let backend = PluginBackend::init(inspect(table)?)?;
    let told = |error: BackendError| error.to_string();
    // A failure of these keeps nobody from asking the rest.
    let _ = backend.try_probe();
    if let Ok(devices) = backend.try_devices() {
        assert!(devices.len() <= 4096);
    }
    let go_on = |_: LoadProgress<'_>| ControlFlow::Continue(());
    let _ = backend.export(&spec(), Path::new("/somewhere"), &go_on);
    let model = backend.load(&spec(), &go_on).map_err(told)?;
    let facts = model.facts();
    assert!(facts.vocab >= 1 && facts.max_positions >= 1);
    let session = SessionSpec {
        cells: 16,
        slots: 2,
    };
    let mut session = model.session(session).map_err(told)?;
    // The session keeps its model.
    drop(model);
    if facts.vocab > LARGEST {
        return Ok("sound, but large".to_owned());
    }
    let full = compute(&mut *session, facts.vocab);
    let top = compute_top(&mut *session, facts.vocab);
    match (full, top) {
        (Ok(()), Ok(())) => Ok("sound in full, sound at the top".to_owned()),
        (Ok(()), Err(error)) => Ok(format!("hostile was sound in full: {error}")),
        (Err(error), Ok(())) => Ok(format!("hostile was sound at the top: {error}")),
        (Err(full), Err(top)) => Err(format!("{full}, {top}")),
    }
}

/// One row of three tokens, of which two are wanted.
fn ask<T>(ask: impl FnOnce(&Pass<'_>) -> T) -> T {
    ask(&Pass {
        rows: &[Row {
            fed: 3,
            slot: 0,
            context: 0..3,
            padding: 0,
        }],
        tokens: &[TokenId(0); 3],
        positions: &[0, 1, 2].map(Position),
        cells: &[0, 1, 2].map(Cell),
        mask: None,
        wanted: &[0, 2],
        cancel: &CancelFlag::new(),
    })
}

fn compute(session: &mut dyn Session, vocab: usize) -> Result<(), BackendError> {
    let mut logits = Logits::default();
    logits.reset(2, vocab);
    ask(|pass| session.forward(pass))?;
    session.read_logits(&[0, 1], logits.view())?;
    let scores = (0..2).flat_map(|row| logits.row(row));
    assert!(scores.into_iter().all(|score| score.is_finite()));
    Ok(())
}

fn compute_top(session: &mut dyn Session, vocab: usize) -> Result<(), BackendError> {
    let mut top = TopRows::default();
    let request = TopRequest {
        rows: &[0, 1],
        ..TopRequest::default()
    };
    top.reset(&request, vocab.min(3));
    ask(|pass| session.forward(pass))?;
    session.read_top(&request, top.view())?;
    for row in 0..2 {
        assert!(top.ids(row).iter().all(|id| id.index() < vocab));
        assert!(top.logits(row).iter().all(|score| score.is_finite()));
        assert!(
            top.logits(row)
                .is_sorted_by(|better, worse| better >= worse)
        );
        assert!(top.tail(row).is_finite() && top.tail(row) >= 0.0 && top.entropy(row) >= 0.0);
    }
    Ok(())
}

fn spec() -> LoadSpec {
    LoadSpec {
        family: "llada".to_owned(),
        folder: "/somewhere".into(),
        weights: vec!["/somewhere/model.safetensors".into()],
        config_json: "{}".to_owned(),
        device: "cpu".to_owned(),
        precision: "f32".to_owned(),
        threads: None,
        attention: Attention::Bidirectional,
        cache_folder: None,
        options_json: "{}".to_owned(),
    }
}
