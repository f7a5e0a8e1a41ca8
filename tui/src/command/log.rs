//! The log file: what the program, its backends and their libraries have to say while the screen is up.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::Context as _;
use tracing_subscriber::EnvFilter;
use unmask::run::Log;
use unmask_core::config::Environment;

use super::output::open_at_once;

/// What is written at the least; `UNMASK_LOG` says otherwise, in the words of `RUST_LOG`.
const LEVEL: &str = "info";
/// A log longer than this, in bytes, is begun anew; the one before is kept.
const LONGEST: u64 = 8 << 20;

/// Where the log is; `None` if the user has no folder for it.
pub(super) fn path(environment: &Environment) -> Option<PathBuf> {
    let folders = environment.folders.as_ref()?;
    Some(folders.state.join("unmask").join("unmask.log"))
}

/// The log file, opened to be appended to; `None` if the user has no folder for it.
pub(super) fn file(environment: &Environment) -> anyhow::Result<Option<Log>> {
    let Some(path) = path(environment) else {
        return Ok(None);
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    make_room(&path)?;
    let file = open_at_once(File::options().create(true).append(true), &path);
    let file = file.with_context(|| format!("cannot write the log {}", path.display()))?;
    Ok(Some(Log { file, path }))
}

/// Gives a log that has grown another name, in place of the one that had it before.
///
/// By size and at a start alone, since the screen lends the file to standard error: `tracing-appender` starts files by the
/// clock, and bounds neither.
fn make_room(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(log) if log.is_file() && log.len() > LONGEST => {
            let mut before = path.as_os_str().to_owned();
            before.push(".1");
            fs::rename(path, before)
        }
        // What is not there or no file is told by the opening.
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Sends tracing to the log file. A log that cannot be written is no reason not to work.
pub(super) fn start(environment: &Environment) {
    let Ok(Some(log)) = file(environment) else {
        return;
    };
    let filter = EnvFilter::try_from_env("UNMASK_LOG").unwrap_or_else(|_| EnvFilter::new(LEVEL));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(Mutex::new(log.file))
        .init();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_has_grown_is_begun_anew_and_one_before_it_is_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let (log, before) = (
            folder.path().join("unmask.log"),
            folder.path().join("unmask.log.1"),
        );
        make_room(&log).expect("a log that is not there needs no room");
        let write = |byte: u8, length: u64| {
            fs::write(&log, [byte]).expect("it is written");
            let file = File::options().write(true).open(&log).expect("it is there");
            file.set_len(length).expect("it grows");
        };
        write(b'a', LONGEST);
        make_room(&log).expect("it stays");
        assert!(log.exists() && !before.exists());
        for byte in [b'b', b'c'] {
            write(byte, LONGEST + 1);
            make_room(&log).expect("it goes");
            assert!(!log.exists());
            assert_eq!(fs::read(&before).expect("it is kept")[0], byte);
        }
    }
}
