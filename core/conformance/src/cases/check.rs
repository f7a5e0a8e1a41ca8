//! What is told of a load before it.

use std::fs::File;
use std::io;
use std::num::NonZeroU32;
use std::path::Path;

use unmask_api::{BackendError, Estimate, LoadSpec};

use super::attention::KINDS;
use super::facts::worded;
use super::kept;
use crate::rig::{Rig, ensure};
use crate::{Explored, Finding, Outcome, report::Figure};

/// What an estimate may be off by: a part of the whole, and tables that small models have as well as large ones.
const LARGEST_ERROR: f64 = 0.25;
const SLACK_BYTES: f64 = 1e6;

pub(super) fn told(rig: &mut Rig) -> Explored {
    let spec = LoadSpec {
        threads: NonZeroU32::new(1),
        ..rig.spec.clone()
    };
    let estimate = check(rig, &spec)?;
    unread(rig, &spec, &estimate)?;
    ensure(estimate.threads <= 1, || {
        format!("one thread is asked for and {} told", estimate.threads)
    })?;
    let (told, held) = (estimate.weights_bytes as f64, rig.facts.memory_bytes as f64);
    let is_told = estimate.weights_bytes > 0 && rig.facts.memory_bytes > 0;
    let off = (told - held).abs();
    ensure(
        !is_told || off <= LARGEST_ERROR * held + SLACK_BYTES,
        || format!("{told} bytes of weights are told before, {held} after the load"),
    )?;
    let cells = [estimate.cell_bytes, rig.facts.cell_bytes];
    ensure(cells.contains(&0) || cells[0] == cells[1], || {
        format!(
            "{} bytes a cell are told before, {} after",
            cells[0], cells[1]
        )
    })?;
    Ok(Finding::Kept(vec![Figure::new("weights_bytes", told)]))
}

fn check(rig: &Rig, spec: &LoadSpec) -> Result<Estimate, String> {
    let told = rig.backend.check(spec);
    told.map_err(|error| format!("what loads is refused before: {}", error.full_text()))
}

/// `Err` unless files of the same names and sizes, with nothing in them, are told the same of.
fn unread(rig: &Rig, spec: &LoadSpec, expected: &Estimate) -> Outcome {
    let folder = tempfile::tempdir().map_err(|error| no_room(&error))?;
    let mut hollow = spec.clone();
    for path in &mut hollow.weights {
        let copy = folder.path().join(path.file_name().unwrap_or_default());
        hollow_copy(path, &copy).map_err(|error| no_room(&error))?;
        *path = copy;
    }
    let told = check(rig, &hollow)?;
    ensure(told == *expected, || {
        format!("it depends on what the weights hold: {told:?}, not {expected:?}")
    })
}

/// A file of the same length without contents, which takes no room.
fn hollow_copy(path: &Path, copy: &Path) -> io::Result<()> {
    File::create(copy)?.set_len(path.metadata()?.len())
}

fn no_room(error: &io::Error) -> String {
    format!("there is no room for empty files: {error}; free some, or set TMPDIR")
}

pub(super) fn refused(rig: &mut Rig) -> Explored {
    rig.unload();
    let good = rig.spec.clone();
    let with = |change: &dyn Fn(&mut LoadSpec)| {
        let mut spec = good.clone();
        change(&mut spec);
        spec
    };
    let bad = [
        (
            "the family",
            with(&|spec| spec.family = "nobodys".to_owned()),
        ),
        (
            "the device",
            with(&|spec| spec.device = "abacus:0".to_owned()),
        ),
        (
            "the precision",
            with(&|spec| spec.precision = "f7".to_owned()),
        ),
        (
            "the configuration",
            with(&|spec| spec.config_json = "no JSON".to_owned()),
        ),
    ];
    for (what, spec) in &bad {
        agree(rig, what, spec)?;
    }
    for kind in KINDS {
        agree(
            rig,
            &format!("{kind:?}"),
            &with(&|spec| spec.attention = kind),
        )?;
    }
    kept()
}

/// `Err` unless `spec` is refused, or not, before the load as by the load.
fn agree(rig: &Rig, what: &str, spec: &LoadSpec) -> Outcome {
    let told = rig.backend.check(spec).map(|_| ());
    let loaded = rig.try_load(spec).map(|_| ());
    let code = |result: &Result<(), BackendError>| result.as_ref().err().map(BackendError::code);
    ensure(code(&told) == code(&loaded), || {
        format!(
            "{what}: told before: {:?}, by the load: {:?}",
            code(&told),
            code(&loaded)
        )
    })?;
    told.map_or_else(|error| worded(what, &error), Ok)
}
