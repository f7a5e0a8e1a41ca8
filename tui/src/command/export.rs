//! `unmask export`: the model as files of a backend's own kind.

use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Mutex;

use anyhow::Context as _;
use unmask::amount::bytes;
use unmask_core::config::{Config, ConfigReader};
use unmask_core::engine::LoadRequest;
use unmask_core::loader::ConfigLoader;

use super::meter::Meter;
use super::table::table;
use super::{Usage, code, print};
use crate::cli::Export;

pub(super) fn run(config: Config, reader: ConfigReader, arguments: &Export) -> anyhow::Result<u8> {
    let folder = reader.environment.expand(&arguments.folder);
    let is_ours = make_room(&folder)?;
    let request = LoadRequest {
        key: config.active.value.clone(),
        ..LoadRequest::default()
    };
    // A backend may tell from several threads.
    let meter = Mutex::new(Meter::new(arguments.quiet));
    let mut loader = ConfigLoader::new(config, reader);
    let written = loader.export(&request, &folder, &|progress| {
        if let Ok(mut meter) = meter.lock() {
            meter.at(progress.stage, progress.done, progress.total);
        }
        ControlFlow::Continue(())
    });
    if let Ok(mut meter) = meter.lock() {
        meter.clear();
    }
    if written.is_err() && is_ours {
        // Only if it is empty: what was written before the failure may be wanted.
        fs::remove_dir(&folder).ok();
    }
    written?;
    print(&list(&folder)?)?;
    Ok(code::DONE)
}

/// Makes the folder, or tests that it is empty; true if it was made.
fn make_room(folder: &Path) -> anyhow::Result<bool> {
    match fs::read_dir(folder) {
        Ok(mut entries) => match entries.next() {
            None => Ok(false),
            Some(_) => {
                let text = format!("{} is not empty; name another folder", folder.display());
                Err(Usage(text).into())
            }
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let made = fs::create_dir_all(folder);
            made.with_context(|| format!("cannot make {}", folder.display()))?;
            Ok(true)
        }
        Err(error) => Err(error).with_context(|| format!("cannot write into {}", folder.display())),
    }
}

/// Every file with its size.
fn list(folder: &Path) -> anyhow::Result<String> {
    let mut rows = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path().display().to_string();
        rows.push(vec![path, bytes(entry.metadata()?.len())]);
    }
    rows.sort();
    Ok(table(&rows))
}
