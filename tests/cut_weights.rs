//! A weight file that another program cuts short ends the turn, and neither the process nor the screen.

#![cfg(unix)]

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use unmask_core::api::{Backend, LoadSpec, SessionSpec};
use unmask_core::plugin::{BackendSearch, Registry, SearchPath};
use unmask_tests::{OwnedPass, load_spec, root, run};

/// Cuts every file below `folder` whose weights are mapped.
fn cut(folder: &Path) {
    for entry in fs::read_dir(folder).expect("it is there").flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            cut(&path);
        } else if path.extension().is_some_and(|it| it == "safetensors") {
            let file = fs::File::options().write(true).open(&path);
            file.and_then(|it| it.set_len(64)).expect("it is ours");
        }
    }
}

/// The backend; `None` if it lacks what it needs, unless that is required.
fn found(backend: &str) -> Option<Arc<dyn Backend>> {
    let registry = Registry::discover(&SearchPath::new(&BackendSearch::here(Vec::new())));
    let found = registry.find(backend);
    let is_required = backend == "candle" || std::env::var_os("UNMASK_REQUIRE_RUNTIME").is_some();
    assert!(found.is_ok() || !is_required, "{backend} is required");
    found.ok()
}

fn copy_demo(folder: &Path) {
    fs::create_dir_all(folder).expect("the folder is ours");
    let demo = root().join("core/runtime/demo-model");
    for entry in fs::read_dir(demo).expect("it is committed").flatten() {
        if entry.path().is_file() {
            fs::copy(entry.path(), folder.join(entry.file_name())).expect("the folder is ours");
        }
    }
}

/// `precision` reads its weights in mapped files: the checkpoint's or those that the cache keeps.
#[track_caller]
fn check(backend: &str, precision: &str) {
    let Some(backend) = found(backend) else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder can be made");
    let (model, cache) = (folder.path().join("model"), folder.path().join("cache"));
    copy_demo(&model);
    fs::create_dir_all(&cache).expect("the folder is ours");
    let spec = LoadSpec {
        weights: vec![model.join("model.safetensors")],
        config_json: fs::read_to_string(model.join("config.json")).expect("it is there"),
        folder: model,
        precision: precision.to_owned(),
        cache_folder: Some(cache),
        ..load_spec("llada", 8)
    };
    let loaded = backend.load(&spec, &|_| ControlFlow::Continue(()));
    let loaded = loaded.unwrap_or_else(|error| panic!("{error}"));
    let session = loaded.session(SessionSpec { cells: 0, slots: 1 });
    let mut session = session.expect("there is room");
    let vocab = loaded.facts().vocab;
    let mut pass = || run(&mut *session, vocab, &OwnedPass::whole(&[5, 6, 2, 7]));
    pass().expect("the files are whole");
    cut(folder.path());
    for _ in 0..2 {
        let error = pass().expect_err("the files lack their ends").full_text();
        assert!(
            error.contains("was cut short while it was in use: it has 64 of "),
            "{error}"
        );
    }
}

#[test]
fn candle_fails_the_pass() {
    check("candle", "f32");
    check("candle", "int8");
    check("candle", "q8_0");
}

#[test]
fn onnx_fails_the_pass() {
    check("onnx", "f32");
    check("onnx", "int8");
}

/// A whole turn of the program, whose files are cut while it computes, most likely within a pass.
#[cfg(target_os = "linux")]
mod turns {
    use std::fs;
    use std::io::{BufRead as _, BufReader};
    use std::path::PathBuf;
    use std::process::{Command, Stdio};

    use unmask_tests::program::{Home, program};

    use super::{copy_demo, cut, found};

    /// A home with the runtimes that this user has installed.
    fn home_with_runtimes() -> Home {
        let home = Home::default();
        let users = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from);
        let users = users.or_else(|| Some(std::env::home_dir()?.join(".local/share")));
        let own = home.path().join("data/unmask");
        fs::create_dir_all(&own).expect("it is ours");
        let runtimes = users
            .expect("who runs tests has a home")
            .join("unmask/runtimes");
        std::os::unix::fs::symlink(runtimes, own.join("runtimes")).expect("it is ours");
        home
    }

    #[track_caller]
    fn check_turn(backend: &str, precision: &str) {
        const TRIES: usize = 5;
        const BEGINNING: usize = 4;
        if found(backend).is_none() {
            return;
        }
        for _ in 0..TRIES {
            let home = home_with_runtimes();
            copy_demo(&home.path().join("model"));
            let ask = ["generate", "Hello", "--model", "./model", "--no-early-stop"];
            let how = ["--format", "jsonl", "--backend", backend];
            let mut child = Command::new(program())
                .args([&ask[..], &how, &["--precision", precision]].concat())
                .envs(home.environment())
                .current_dir(home.path())
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .expect("the program starts");
            let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
            let begun = lines.by_ref().take(BEGINNING);
            let begun = begun.filter(Result::is_ok).count();
            cut(home.path());
            lines.for_each(drop);
            let output = child.wait_with_output().expect("the program ends");
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert_eq!(begun, BEGINNING, "the turn has begun: {stderr}");
            assert_eq!(output.status.code(), Some(1), "{}: {stderr}", output.status);
            let words = "was cut short while it was in use: it has 64 of ";
            assert!(stderr.contains(words), "{stderr}");
        }
    }

    #[test]
    fn candle_fails_the_turn() {
        check_turn("candle", "q8_0");
    }

    #[test]
    fn onnx_fails_the_turn() {
        check_turn("onnx", "f32");
    }
}
