//! The MLX backend against Python's MLX and against candle; in builds without MLX these tests do nothing and say so, and fail
//! with `UNMASK_REQUIRE_MLX` in the environment.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Once};

use safetensors::SafeTensors;
use serde_json::Value;
use unmask_api::{Backend, LoadSpec, SessionSpec};
use unmask_core::checkpoint::{Checkpoint, Locations};
use unmask_core::model_id::ModelId;
use unmask_core::plugin::load;
use unmask_tests::program::Home;
use unmask_tests::{OwnedPass, plugin, root, run};

/// In the environment: that MLX is missing is a failure.
const REQUIRED: &str = "UNMASK_REQUIRE_MLX";

/// The backend, if this build has MLX.
fn mlx() -> Option<Arc<dyn Backend>> {
    static SAID: Once = Once::new();
    let backend = load(&plugin("unmask-backend-mlx")).expect("the plugin loads");
    let has_mlx = !backend.devices().is_empty();
    if !has_mlx {
        let what = format!("{:?}", backend.probe());
        assert!(std::env::var_os(REQUIRED).is_none(), "{what}");
        SAID.call_once(|| {
            // Not captured, as what a passing test prints would be.
            let line = format!("TESTS OF MLX DO NOTHING: {what}\n");
            io::stderr().write_all(line.as_bytes()).ok();
        });
    }
    has_mlx.then_some(backend)
}

/// The logits of the ids in the folder's `logits.safetensors`, and those that Python's MLX has written there.
fn both(backend: &dyn Backend, folder: &Path, precision: &str) -> (Vec<f32>, Vec<f32>) {
    let locations = Locations::default();
    let id = ModelId::Folder(folder.to_owned());
    let checkpoint = Checkpoint::open(&id, &locations).expect("the folder is a checkpoint");
    let spec = LoadSpec {
        family: checkpoint.family.name.to_owned(),
        folder: checkpoint.folder().to_owned(),
        weights: checkpoint.weights,
        config_json: checkpoint.config_json,
        attention: checkpoint.attention,
        precision: precision.to_owned(),
        ..unmask_tests::load_spec("llada", 1)
    };
    let model = backend.load(&spec, &|_| ControlFlow::Continue(()));
    let model = model.expect("the folder can be loaded");

    let data = std::fs::read(folder.join("logits.safetensors")).expect("it is committed");
    let data = SafeTensors::deserialize(&data).expect("the file is whole");
    let words = |name: &str| -> Vec<[u8; 4]> {
        let tensor = data.tensor(name).expect("the script writes it");
        let (words, _) = tensor.data().as_chunks::<4>();
        words.to_vec()
    };
    let ids: Vec<u32> = words("ids").into_iter().map(u32::from_le_bytes).collect();
    let right = words("logits")
        .into_iter()
        .map(f32::from_le_bytes)
        .collect();

    let session = SessionSpec { cells: 0, slots: 1 };
    let mut session = model.session(session).expect("there is room");
    let logits = run(&mut *session, model.facts().vocab, &OwnedPass::whole(&ids));
    (
        logits.expect("the pass is computed").scores().to_vec(),
        right,
    )
}

/// Compares a folder's logits, which are around 1, with those of Python's MLX.
#[track_caller]
fn check(folder: &str, precision: &str, tolerance: f32) {
    let Some(backend) = mlx() else { return };
    let (got, right) = both(&*backend, &root().join("tests/mlx").join(folder), precision);
    assert_eq!(got.len(), right.len());
    let far = got
        .iter()
        .zip(&right)
        .map(|(got, right)| (got - right).abs());
    let far = far.fold(0.0, f32::max);
    assert!(far <= tolerance, "{folder}: {far} from Python's MLX");
}

#[test]
fn a_four_bit_folder_gives_the_numbers_of_pythons_mlx() {
    check("q4", "f32", 2e-5);
}

#[test]
fn an_eight_bit_folder_of_the_converter_gives_the_numbers_of_pythons_mlx() {
    check("q8", "bf16", 0.0);
}

#[test]
fn every_cache_gives_the_answers_of_candle() {
    if mlx().is_none() {
        return;
    }
    let home = Home::default();
    for cache in ["off", "prefix", "dual"] {
        let [mlx, candle] = ["mlx", "candle"].map(|backend| commits(&home, backend, cache));
        assert!(mlx.len() > 8, "{mlx:?}");
        assert_eq!(mlx, candle, "{cache}");
    }
}

/// The positions and tokens of every step of an answer of the demo model.
fn commits(home: &Home, backend: &str, cache: &str) -> Vec<(u64, u64)> {
    let line = "generate --quiet --precision f32 --len 32 --block 16 --steps 32 --format jsonl";
    let mut arguments: Vec<&str> = line.split(' ').collect();
    arguments.extend(["--backend", backend, "--cache", cache]);
    arguments.push("What is the capital of France?");
    let said = home.run(&arguments, "");
    assert_eq!(said.code, Some(0), "{said:?}");
    let events = said
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("every line is JSON"));
    let number = |commit: &Value, key: &str| commit[key].as_u64().expect("it is a number");
    let steps = events.filter_map(|event| event["commits"].as_array().cloned());
    steps
        .flatten()
        .map(|commit| (number(&commit, "position"), number(&commit, "token")))
        .collect()
}
