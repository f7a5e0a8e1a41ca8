//! What processes leave that end before they can clean up.

use std::fs;
use std::io;
use std::path::Path;

use crate::config::Environment;
use crate::partial::{Notes, PartialFolder, sweep};
use crate::plugin::isolate::sweep_channels;

/// Folders within one another, below those of the program, in which it makes something.
const DEPTH: usize = 2;

/// Removes what dead processes left in the program's own folders, and elsewhere as their notes say. What a living process
/// holds stays, and so does what is another user's.
pub fn remove(environment: &Environment) {
    sweep_channels();
    let Some(folders) = &environment.folders else {
        return;
    };
    let cache = folders.cache.join("unmask");
    Notes::within(&cache).sweep();
    sweep_below(&cache, DEPTH);
    sweep_below(&folders.data.join("unmask").join("runtimes"), DEPTH);
    for folder in [&folders.state, &folders.config] {
        sweep(&folder.join("unmask"));
    }
}

/// A folder in the program's cache folder, removed with what is returned or by a later start; where nothing can be written
/// there, in the system's folder for temporary files, of which the system removes what is left.
///
/// # Errors
/// The system's.
pub fn temporary_folder(environment: &Environment, name: &str) -> io::Result<PartialFolder> {
    let beside = |folder: &Path| PartialFolder::beside(&folder.join(name), None);
    let cache = environment
        .folders
        .as_ref()
        .map(|it| it.cache.join("unmask"));
    let in_cache = cache.and_then(|it| fs::create_dir_all(&it).and_then(|()| beside(&it)).ok());
    in_cache.map_or_else(|| beside(&std::env::temp_dir()), Ok)
}

fn sweep_below(folder: &Path, depth: usize) {
    sweep(folder);
    if depth == 0 {
        return;
    }
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|it| it.is_dir()));
    folders.for_each(|entry| sweep_below(&entry.path(), depth - 1));
}
