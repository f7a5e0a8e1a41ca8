//! A weight file that another program cuts short ends the turn, and neither the process nor the screen.

#![cfg(unix)]

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use unmask_core::api::{LoadSpec, SessionSpec};
use unmask_core::plugin::{BackendSearch, Registry, SearchPath};
use unmask_tests::{OwnedPass, load_spec, root, run};

/// Cuts every file below `folder` whose weights are mapped.
fn cut(folder: &Path) {
    for entry in fs::read_dir(folder).expect("it is there").flatten() {
        let path = entry.path();
        if path.is_dir() {
            cut(&path);
        } else if path.extension().is_some_and(|it| it == "safetensors") {
            let file = fs::File::options().write(true).open(&path);
            file.and_then(|it| it.set_len(64)).expect("it is ours");
        }
    }
}

/// `precision` reads its weights in mapped files: the checkpoint's or those that the cache keeps.
#[track_caller]
fn check(backend: &str, precision: &str) {
    let registry = Registry::discover(&SearchPath::new(&BackendSearch::here(Vec::new())));
    let found = registry.find(backend);
    let is_required = backend == "candle" || std::env::var_os("UNMASK_REQUIRE_RUNTIME").is_some();
    assert!(found.is_ok() || !is_required, "{backend} is required");
    let Ok(backend) = found else { return };
    let folder = tempfile::tempdir().expect("a folder can be made");
    let (model, cache) = (folder.path().join("model"), folder.path().join("cache"));
    fs::create_dir_all(&model).expect("the folder is ours");
    fs::create_dir_all(&cache).expect("the folder is ours");
    let demo = root().join("core/runtime/demo-model");
    for name in ["config.json", "model.safetensors"] {
        fs::copy(demo.join(name), model.join(name)).expect("the folder is ours");
    }
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
    check("candle", "q8_0");
}

#[test]
fn onnx_fails_the_pass() {
    check("onnx", "f32");
    check("onnx", "int8");
}
