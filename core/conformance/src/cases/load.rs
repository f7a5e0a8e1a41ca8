//! Loading: again, otherwise, and what cannot be loaded. The model is always freed before, for two may not fit into memory.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::num::NonZeroU32;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use unmask_api::{BackendError, ErrorCode, LoadSpec, Logits, ModelFacts};

use super::facts::{refused, worded};
use super::kept;
use crate::owned_pass::OwnedPass;
use crate::rig::{Rig, ensure, session};
use crate::{Explored, Finding, Outcome};

pub(super) fn again(rig: &mut Rig) -> Explored {
    let known = Known::of(rig, 45)?;
    known.load(rig, "another load")?;
    let facts = rig.model().facts();
    let of = |facts: &ModelFacts| {
        let precision = facts.precision.clone();
        let capabilities = facts.capabilities;
        (facts.vocab, facts.max_positions, capabilities, precision)
    };
    let (now, before) = (of(&facts), of(&rig.facts));
    ensure(now == before, || {
        format!("another load has {now:?}, the first had {before:?}")
    })?;
    kept()
}

pub(super) fn threads(rig: &mut Rig) -> Explored {
    let pass = OwnedPass::whole(&rig.tokens(20, 46));
    rig.unload();
    let answer = |count: u32| {
        let model = rig.load_again(&LoadSpec {
            threads: NonZeroU32::new(count),
            ..rig.spec.clone()
        })?;
        rig.alone_on(&*model, &pass)
    };
    let (one, two) = (answer(1)?, answer(2)?);
    let rows = (0..20).map(|at| (at, at));
    rig.tolerance.all("with two threads", (&two, &one), rows)?;
    kept()
}

pub(super) fn outlived(rig: &mut Rig) -> Explored {
    let known = Known::of(rig, 40)?;
    let model = rig.load_again(&rig.spec)?;
    let mut session = session(&*model)?;
    drop(model);
    let logits = rig.run(&mut *session, &known.pass)?;
    rig.alike("without its model", &logits, &known.logits)?;
    kept()
}

pub(super) fn ended(rig: &mut Rig) -> Explored {
    let known = Known::of(rig, 47)?;
    let heard = AtomicBool::new(false);
    let result = rig.backend.load(&rig.spec, &|_| {
        heard.store(true, Ordering::Relaxed);
        ControlFlow::Break(())
    });
    let cancelled = matches!(result, Err(BackendError::Cancelled));
    // A load that tells nothing cannot be ended.
    ensure(cancelled || !heard.load(Ordering::Relaxed), || {
        format!("the load goes on: {:?}", result.as_ref().map(|_| ()))
    })?;
    drop(result);
    known.load(rig, "after a load that was ended")?;
    kept()
}

pub(super) fn unknown_choices(rig: &mut Rig) -> Explored {
    rig.unload();
    let mut spec = rig.spec.clone();
    spec.precision = "f7".to_owned();
    refused("precision f7", rig.try_load(&spec).map(|_| ()))?;
    let mut spec = rig.spec.clone();
    spec.device = "abacus:0".to_owned();
    refused("device abacus:0", rig.try_load(&spec).map(|_| ()))?;
    kept()
}

pub(super) fn bad_weights(rig: &mut Rig) -> Explored {
    let Some(good) = rig.spec.weights.first().cloned() else {
        return Ok(Finding::Untested("it is given no weights".to_owned()));
    };
    let known = Known::of(rig, 48)?;
    let folder = tempfile::tempdir().map_err(|error| no_room(&error))?;
    for (what, path) in damaged(&good, folder.path()).map_err(|error| no_room(&error))? {
        let mut spec = rig.spec.clone();
        spec.weights[0] = path;
        known.refuses(rig, what, &spec)?;
    }
    known.load(rig, "after bad weights")?;
    kept()
}

pub(super) fn bad_configuration(rig: &mut Rig) -> Explored {
    let known = Known::of(rig, 49)?;
    for text in ["", "{", "no JSON", "[]", "null"] {
        let mut spec = rig.spec.clone();
        spec.config_json = text.to_owned();
        known.refuses(rig, &format!("config.json of `{text}`"), &spec)?;
    }
    known.load(rig, "after a bad configuration")?;
    kept()
}

pub(super) fn bad_family(rig: &mut Rig) -> Explored {
    let known = Known::of(rig, 44)?;
    let mut spec = rig.spec.clone();
    spec.family = "nobodys".to_owned();
    known.refuses(rig, "the family `nobodys`", &spec)?;
    known.load(rig, "after a family that nobody has")?;
    kept()
}

/// What the model answers as it should be.
struct Known {
    pass: OwnedPass,
    logits: Logits,
}

impl Known {
    /// Computes a pass, then frees the model.
    fn of(rig: &mut Rig, seed: u32) -> Result<Self, String> {
        let pass = OwnedPass::whole(&rig.tokens(10, seed));
        let logits = rig.alone(&pass)?;
        rig.unload();
        Ok(Self { pass, logits })
    }

    /// `Err` unless the model loads again and answers the same; it stays loaded.
    fn load(&self, rig: &mut Rig, when: &str) -> Outcome {
        let loaded = rig.load_if_needed();
        loaded.map_err(|what| format!("{when}: {what}"))?;
        rig.alike(when, &rig.alone(&self.pass)?, &self.logits)
    }

    /// `Err` unless `spec` is refused in words, or makes no difference: then `what` is bad about it was never read.
    fn refuses(&self, rig: &Rig, what: &str, spec: &LoadSpec) -> Outcome {
        match rig.try_load(spec) {
            Ok(model) => {
                let got = rig.alone_on(&*model, &self.pass);
                let same = got.and_then(|got| rig.alike("its answer", &got, &self.logits));
                same.map_err(|how| format!("{what}: it loads, and {how}"))
            }
            Err(error) => told(what, &error),
        }
    }
}

/// `Err` unless the error is one that people can act upon.
fn told(what: &str, error: &BackendError) -> Outcome {
    match error.code() {
        ErrorCode::Panicked | ErrorCode::Cancelled => Err(format!("{what}: {error}")),
        _ => worded(what, error),
    }
}

fn no_room(error: &io::Error) -> String {
    format!("there is no room for damaged files: {error}; free some, or set TMPDIR")
}

/// Of larger weights, only so much is copied: a truncated file is truncated wherever it ends.
const LARGEST_COPY: u64 = 32 << 20;

/// Files that are no weights, with what is wrong with them; the last ones are made from the good ones.
fn damaged(good: &Path, folder: &Path) -> io::Result<Vec<(&'static str, PathBuf)>> {
    let length = fs::metadata(good)?.len();
    let mut half = Vec::new();
    let mut file = File::open(good)?.take((length / 2).min(LARGEST_COPY));
    file.read_to_end(&mut half)?;
    // The first eight bytes of safetensors are the length of its header.
    let mut endless = half[..half.len().min(4096)].to_vec();
    endless.iter_mut().take(8).for_each(|byte| *byte = 0xff);
    let noise = |at: u32| (at.wrapping_mul(2_654_435_761) >> 23) as u8;
    let all: [(_, _, Vec<u8>); 4] = [
        ("empty weights", "empty", Vec::new()),
        (
            "weights of noise",
            "noise",
            (0..1 << 16).map(noise).collect(),
        ),
        ("weights with an endless header", "endless", endless),
        ("truncated weights", "truncated", half),
    ];
    let extension = good.extension().unwrap_or_default();
    let named = |name: &str| folder.join(name).with_extension(extension);
    let mut files = vec![("missing weights", named("missing"))];
    for (what, name, bytes) in all {
        let path = named(name);
        fs::write(&path, bytes)?;
        files.push((what, path));
    }
    Ok(files)
}
