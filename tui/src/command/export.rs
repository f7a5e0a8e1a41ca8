//! `unmask export`: the model as files of a backend's own kind.

use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Mutex;

use anyhow::Context as _;
use unmask::amount::bytes;
use unmask_core::config::{Config, ConfigReader};
use unmask_core::engine::{Failure, LoadRequest};
use unmask_core::loader::ConfigLoader;
use unmask_core::partial::PartialFolder;

use super::meter::ProgressMeter;
use super::output::{Force, notes};
use super::signals::Interrupts;
use super::table::table;
use super::{Usage, code, print};
use crate::cli::ExportArguments;

pub(super) fn run(
    config: Config,
    reader: ConfigReader,
    arguments: &ExportArguments,
) -> anyhow::Result<u8> {
    let folder = arguments.folder.as_deref().expect("clap asks for it");
    let folder = reader.environment.expand(folder);
    let place = Place::look(&folder, Force::from(arguments.force))?;
    let interrupts = Interrupts::watch()?;
    let request = LoadRequest {
        key: config.active.value.clone(),
        ..LoadRequest::default()
    };
    let partial = PartialFolder::beside(&folder, notes(&reader.environment).as_ref());
    let partial = partial.with_context(|| format!("cannot write {}", folder.display()))?;
    // A backend may tell from several threads.
    let meter = Mutex::new(ProgressMeter::new(arguments.quiet));
    let mut loader = ConfigLoader::new(config, reader);
    let exporting = "exporting; nothing is left of it";
    let written = loader.export(&request, partial.path(), &|progress| {
        if let Ok(mut meter) = meter.lock() {
            meter.at(progress.stage, progress.done, progress.total);
        }
        match interrupts.check(exporting) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    });
    if let Ok(mut meter) = meter.lock() {
        meter.clear();
    }
    interrupts.check(exporting)?;
    // What failed is told with the place that was asked for, not with that beside it.
    let shown = |text: &str| {
        let beside = partial.path().display().to_string();
        text.replace(&beside, &folder.display().to_string())
    };
    written.map_err(|failure| Failure {
        text: shown(&failure.text),
        ..failure
    })?;
    let put = match place {
        Place::Free => partial.put(),
        Place::Taken => put_into(&partial, &folder),
    };
    put.with_context(|| format!("cannot write {}", folder.display()))?;
    print(&list(&folder)?)?;
    Ok(code::DONE)
}

/// What is where the folder is to be.
enum Place {
    /// Nothing, or an empty folder.
    Free,
    /// A folder with files, of which those of the same names are replaced.
    Taken,
}

impl Place {
    /// Looks at `folder` and changes nothing, but for the folders around it, which are made.
    fn look(folder: &Path, force: Force) -> anyhow::Result<Self> {
        match fs::read_dir(folder) {
            Ok(mut entries) => match (entries.next(), force) {
                (None, _) => Ok(Self::Free),
                (Some(_), Force::Yes) => Ok(Self::Taken),
                (Some(_), Force::No) => {
                    let text = format!(
                        "{} is not empty; name another folder, or write into it with --force",
                        folder.display()
                    );
                    Err(Usage(text).into())
                }
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let around = folder.parent().unwrap_or(folder);
                let made = fs::create_dir_all(around);
                made.with_context(|| format!("cannot make {}", around.display()))?;
                Ok(Self::Free)
            }
            Err(error) => {
                Err(error).with_context(|| format!("cannot write into {}", folder.display()))
            }
        }
    }
}

/// Moves what was written into a folder with other files.
fn put_into(partial: &PartialFolder, folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(partial.path())? {
        let entry = entry?;
        fs::rename(entry.path(), folder.join(entry.file_name()))?;
    }
    Ok(())
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
