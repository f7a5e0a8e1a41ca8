//! A stopped answer that goes on, with the demo model on a real backend.

use std::ops::ControlFlow;

use tempfile::TempDir;
use unmask_core::api::CancelFlag;
use unmask_core::denoise::Denoise;
use unmask_core::engine::{LoadRequest, Loader, Message, Ready, ReadyModel, Role};
use unmask_core::generate::Generation;
use unmask_core::params::Transfer;
use unmask_core::{Canvas, Params, TokenId};
use unmask_tests::demo::demo_loader;

const LENGTH: usize = 32;

/// The demo model, unpacked into this folder.
fn demo(folder: &TempDir) -> ReadyModel {
    let request = LoadRequest {
        key: "demo".to_owned(),
        ..LoadRequest::default()
    };
    let loaded = demo_loader(folder).load(&request, &|_| ControlFlow::Continue(()));
    match loaded.unwrap_or_else(|failure| panic!("{failure}")) {
        Ready::Here(ready) => ready,
        Ready::Away(_) => panic!("the demo model is carried"),
    }
}

fn question(ready: &ReadyModel) -> Canvas {
    let message = Message {
        role: Role::User,
        content: "What is the capital of France?".to_owned(),
    };
    let prompt = ready
        .loaded
        .text
        .prompt(&[message])
        .expect("the template takes it");
    Canvas::new(&prompt, LENGTH, ready.loaded.special.mask)
}

/// Makes at most `steps` steps; the canvas then, and the forwards made.
fn denoise(ready: &ReadyModel, canvas: Canvas, params: &Params, steps: usize) -> (Canvas, usize) {
    let denoise = Denoise::new(
        ready.loaded.special.clone(),
        ready.loaded.rules,
        canvas,
        params.clone(),
    );
    let denoise = denoise.expect("the settings fit the canvas");
    let mut generation =
        Generation::new(&*ready.model, denoise).expect("the settings fit the model");
    for _ in 0..steps {
        match generation.step(&CancelFlag::new()).expect("it computes") {
            Some(_) => (),
            None => break,
        }
    }
    let denoise = generation.denoise();
    (denoise.canvas().clone(), denoise.stats().nfe)
}

/// Stops early, in the middle and late, and goes on: the tokens and the forwards are those of an unbroken run.
#[track_caller]
fn check(ready: &ReadyModel, params: &Params) {
    let (whole, nfe) = denoise(ready, question(ready), params, usize::MAX);
    let tokens: Vec<TokenId> = whole.tokens().to_vec();
    for stop in [1, nfe / 3, nfe / 2 + 1, nfe - 1] {
        let (stopped, before) = denoise(ready, question(ready), params, stop);
        let (ended, after) = denoise(ready, stopped, params, usize::MAX);
        assert_eq!(ended.tokens(), tokens, "stopped after {stop} of {nfe}");
        assert_eq!(before + after, nfe, "stopped after {stop} of {nfe}");
    }
}

#[test]
fn stopping_and_going_on_gives_the_tokens_and_costs_the_forwards_of_an_unbroken_run() {
    let folder = TempDir::new().expect("a folder can be made");
    let ready = demo(&folder);
    let params = |steps, block_length| Params {
        steps,
        block_length,
        early_stop: false,
        ..ready.loaded.defaults.clone()
    };
    // One token a step, several a step with a remainder, and more steps than a block has masks.
    for (steps, block_length) in [(32, 32), (12, 32), (12, 16), (6, 16), (64, 8)] {
        check(&ready, &params(steps, block_length));
    }
    check(
        &ready,
        &Params {
            transfer: Transfer::Threshold(0.7),
            ..params(16, 16)
        },
    );
}

#[test]
fn noise_is_that_of_the_unbroken_run_with_the_same_seed() {
    let folder = TempDir::new().expect("a folder can be made");
    let ready = demo(&folder);
    let params = Params {
        temperature: 0.8,
        seed: 7,
        steps: 12,
        block_length: 16,
        early_stop: false,
        ..ready.loaded.defaults.clone()
    };
    check(&ready, &params);
}

#[test]
fn other_steps_hold_for_what_is_left() {
    let folder = TempDir::new().expect("a folder can be made");
    let ready = demo(&folder);
    let params = |steps| Params {
        steps,
        block_length: LENGTH,
        early_stop: false,
        ..ready.loaded.defaults.clone()
    };
    let (half, _) = denoise(&ready, question(&ready), &params(32), 16);
    let (ended, forwards) = denoise(&ready, half, &params(8), usize::MAX);
    let mask = ready.loaded.special.mask;
    assert!(!ended.answer().contains(&mask));
    assert_eq!(forwards, 4);
}
