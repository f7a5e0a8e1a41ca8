//! The model that the program carries, so that it runs without any download.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::partial::replace;
use crate::regular_file;

/// Its name behind `builtin:`.
pub(super) const NAME: &str = "demo";

/// The first eight hex digits of the SHA-256 of the files, one after the other: a new model gets a new folder.
const HASH: &str = "9e308adf";

/// What it consists of.
const FILES: [(&str, &[u8]); 5] = [
    (
        "config.json",
        include_bytes!("../../demo-model/config.json"),
    ),
    (
        "generation_config.json",
        include_bytes!("../../demo-model/generation_config.json"),
    ),
    (
        "tokenizer.json",
        include_bytes!("../../demo-model/tokenizer.json"),
    ),
    (
        "tokenizer_config.json",
        include_bytes!("../../demo-model/tokenizer_config.json"),
    ),
    (
        "model.safetensors",
        include_bytes!("../../demo-model/model.safetensors"),
    ),
];

/// Why the carried model could not be unpacked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DemoError {
    /// The account has no home.
    #[error("there is no folder to unpack the demo model to; set HOME or XDG_CACHE_HOME")]
    NoCache,
    /// The cache cannot be written to.
    #[error(
        "cannot unpack the demo model to {path}; make the folder writable, free 15 MB, or set XDG_CACHE_HOME",
        path = path.display()
    )]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
}

/// Its `config.json`.
pub(super) fn config() -> Value {
    let [(_, config), ..] = FILES;
    serde_json::from_slice(config).unwrap_or_default()
}

/// Size of its weights, in bytes.
pub(super) fn weight_bytes() -> u64 {
    FILES[4].1.len() as u64
}

/// Whether a folder of this name holds the model of this version; `None` if it holds none.
#[must_use]
pub fn demo_folder(name: &str) -> Option<bool> {
    let hash = name.strip_prefix(NAME)?.strip_prefix('-')?;
    let is_hash = hash.len() == HASH.len() && hash.bytes().all(|it| it.is_ascii_hexdigit());
    is_hash.then_some(hash == HASH)
}

/// Unpacks the model into a folder of `cache`, unless it is there already, and tells where.
///
/// Every file is compared byte by byte at each start, which takes a few milliseconds; one that differs is replaced. A file
/// appears at once or not at all, so that two programs may do this at the same time.
///
/// # Errors
/// [`DemoError`] if there is no cache folder or it cannot be written to.
pub(super) fn unpack(cache: Option<&Path>) -> Result<PathBuf, DemoError> {
    let folder = cache
        .ok_or(DemoError::NoCache)?
        .join(format!("{NAME}-{HASH}"));
    for (name, bytes) in FILES {
        let path = folder.join(name);
        let found = regular_file::read(&path, bytes.len() as u64);
        let intact = found.is_ok_and(|found| found == bytes);
        if !intact {
            replace(&path, bytes).map_err(|source| DemoError::Write { path, source })?;
        }
    }
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn the_folder_is_named_after_the_files() {
        let mut hash = Sha256::new();
        for (_, bytes) in FILES {
            hash.update(bytes);
        }
        let digits: String = hash
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(HASH, &digits[..8]);
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_or_a_device_is_replaced_and_not_waited_for() {
        let cache = tempfile::tempdir().expect("a folder can be made");
        let folder = unpack(Some(cache.path())).expect("it can be unpacked");
        let [pipe, device] = ["config.json", "tokenizer.json"].map(|name| folder.join(name));
        for path in [&pipe, &device] {
            fs::remove_file(path).expect("it is there");
        }
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.is_ok_and(|status| status.success()));
        std::os::unix::fs::symlink("/dev/zero", &device).expect("it can be made");
        unpack(Some(cache.path())).expect("it can be unpacked");
        for (name, bytes) in FILES {
            assert_eq!(fs::read(folder.join(name)).ok().as_deref(), Some(bytes));
        }
    }

    #[test]
    fn a_damaged_file_is_repaired_and_nothing_else_is_touched() {
        let cache = tempfile::tempdir().expect("a folder can be made");
        let folder = unpack(Some(cache.path())).expect("it can be unpacked");
        let tokenizer = folder.join("tokenizer.json");
        let weights = folder.join("model.safetensors");
        let before = fs::metadata(&weights)
            .and_then(|data| data.modified())
            .expect("it is there");
        fs::write(&tokenizer, "{").expect("it can be written");
        assert_eq!(unpack(Some(cache.path())).ok(), Some(folder.clone()));
        assert_eq!(fs::read(tokenizer).ok().as_deref(), Some(FILES[2].1));
        let after = fs::metadata(&weights)
            .and_then(|data| data.modified())
            .expect("it is there");
        assert_eq!(before, after);
        let names = fs::read_dir(folder).expect("it is there").count();
        assert_eq!(names, FILES.len(), "no partial file is left");
    }

    #[test]
    fn a_cache_that_is_no_folder_is_told_with_what_to_do() {
        let file = tempfile::NamedTempFile::new().expect("a file can be made");
        let error = unpack(Some(file.path()))
            .expect_err("it is no folder")
            .to_string();
        assert!(
            error.starts_with("cannot unpack the demo model to "),
            "{error}"
        );
        assert!(error.ends_with("set XDG_CACHE_HOME"), "{error}");
    }
}
