//! What the program keeps in its cache folder, so that it need not be made or fetched again: listed, and removed.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::checkpoint::demo_folder;
use crate::partial::is_unfinished;
use crate::regular_file::is_there;

/// The longest header of a safetensors file that is read.
const LONGEST_HEADER: u64 = 64 << 20;

/// Something that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// What it is called in its folder.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// What it is.
    pub kind: KeptKind,
    /// Its size on the disk.
    pub bytes: u64,
    /// How long ago it was written, if the system tells.
    pub age: Option<Duration>,
    /// Whether a process has it open.
    pub in_use: bool,
}

/// What is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeptKind {
    /// Weights that a backend derived from a checkpoint.
    Weights {
        /// The backend.
        backend: String,
        /// What it made of them, such as a precision.
        precision: String,
        /// The model: its hub id or its folder; empty if the file does not say.
        model: String,
    },
    /// The unpacked demo model: that of this version, or of another one.
    Demo {
        /// True for that of this version.
        is_current: bool,
    },
    /// A file that is being fetched, or was and not used.
    Download,
}

/// Why something was not removed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemoveError {
    /// A process has it open.
    #[error("{0} is in use; end the program that uses it first")]
    InUse(String),
    /// The system refuses.
    #[error("cannot remove {path}", path = path.display())]
    Io {
        /// What.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

/// Everything that is kept in `cache`, the program's own cache folder; the largest first.
#[must_use]
pub fn list(cache: &Path) -> Vec<Kept> {
    let in_folder = |folder: &Path, kind: fn(&Path) -> Option<KeptKind>| {
        let with_kind = move |path: PathBuf| kept(kind(&path)?, path);
        entries(folder).into_iter().filter_map(with_kind)
    };
    let mut all: Vec<Kept> = in_folder(cache, demo)
        .chain(in_folder(&cache.join("weights"), weights))
        .chain(in_folder(&cache.join("downloads"), download))
        .collect();
    all.sort_by(|one, other| (other.bytes, &one.name).cmp(&(one.bytes, &other.name)));
    all
}

/// Removes it, unless a process has it open.
///
/// # Errors
/// [`RemoveError`].
pub fn remove(kept: &Kept) -> Result<(), RemoveError> {
    let io = |source| RemoveError::Io {
        path: kept.path.clone(),
        source,
    };
    if kept.path.is_dir() {
        return fs::remove_dir_all(&kept.path).map_err(io);
    }
    // Held until it is gone, so that nobody begins to use it meanwhile.
    let _lock = lock(&kept.path).map_err(|InUse| RemoveError::InUse(kept.name.clone()))?;
    fs::remove_file(&kept.path).map_err(io)
}

struct InUse;

/// Locks a file against all who use it; where there are no locks, nobody is known to.
fn lock(path: &Path) -> Result<Option<File>, InUse> {
    let opened = File::options().read(true).write(true).open(path);
    let Ok(file) = opened.or_else(|_| File::open(path)) else {
        return Ok(None);
    };
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(InUse),
        Ok(()) | Err(TryLockError::Error(_)) => Ok(Some(file)),
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    paths.filter(|path| !is_unfinished(path)).collect()
}

fn kept(kind: KeptKind, path: PathBuf) -> Option<Kept> {
    let data = fs::symlink_metadata(&path).ok()?;
    let age = |at| SystemTime::now().duration_since(at).ok();
    let bytes = match data.is_dir() {
        true => entries(&path)
            .iter()
            .filter_map(|file| fs::metadata(file).ok())
            .map(|data| data.len())
            .sum(),
        false => data.len(),
    };
    Some(Kept {
        name: path.file_name()?.to_string_lossy().into_owned(),
        in_use: data.is_file() && lock(&path).is_err(),
        age: data.modified().ok().and_then(age),
        bytes,
        path,
        kind,
    })
}

fn demo(path: &Path) -> Option<KeptKind> {
    let is_current = demo_folder(path.file_name()?.to_str()?)?;
    path.is_dir().then_some(KeptKind::Demo { is_current })
}

fn download(path: &Path) -> Option<KeptKind> {
    path.is_file().then_some(KeptKind::Download)
}

fn weights(path: &Path) -> Option<KeptKind> {
    // A pipe would be waited for.
    is_there(path).ok()?.then_some(())?;
    let stem = path.file_name()?.to_str()?.strip_suffix(".safetensors")?;
    // LABEL-KEY, where the label is BACKEND-PRECISION.
    let (label, _) = stem.rsplit_once('-')?;
    let (backend, precision) = label.split_once('-').unwrap_or((label, ""));
    let checkpoint = checkpoint(path).unwrap_or_default();
    Some(KeptKind::Weights {
        backend: backend.to_owned(),
        precision: precision.to_owned(),
        model: hub_id(&checkpoint).unwrap_or(checkpoint),
    })
}

/// The folder of the checkpoint, as the file's header tells it.
fn checkpoint(path: &Path) -> Option<String> {
    let mut file = File::open(path).ok()?;
    let mut length = [0; 8];
    file.read_exact(&mut length).ok()?;
    let length = u64::from_le_bytes(length);
    let mut header = Vec::new();
    let mut bounded = file.take(length.min(LONGEST_HEADER));
    bounded.read_to_end(&mut header).ok()?;
    let header: Value = serde_json::from_slice(&header).ok()?;
    let folder = header["__metadata__"]["checkpoint"].as_str()?;
    Some(folder.to_owned())
}

/// `ORG/NAME` of a folder in the hub's cache.
fn hub_id(folder: &str) -> Option<String> {
    let mut parts = folder.split(std::path::is_separator);
    let (org, name) = parts.find_map(|part| part.strip_prefix("models--")?.split_once("--"))?;
    Some(format!("{org}/{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(cache: &Path, name: &str, checkpoint: &str) {
        let folder = cache.join("weights");
        fs::create_dir_all(&folder).expect("it can be made");
        let header = format!(r#"{{"__metadata__":{{"checkpoint":"{checkpoint}"}}}}"#);
        let length = (header.len() as u64).to_le_bytes();
        let bytes = [&length, header.as_bytes()].concat();
        fs::write(folder.join(name), bytes).expect("it can be written");
    }

    #[test]
    fn what_is_kept_tells_what_it_is_of() {
        let cache = tempfile::tempdir().expect("a folder can be made");
        let hub = "/h/models--GSAI-ML--LLaDA-1.5/snapshots/abc";
        write(cache.path(), "candle-q4k-0123.safetensors", hub);
        write(cache.path(), "onnx-int8-4567.safetensors", "/models/mine");
        let beside = |name: &str| cache.path().join("weights").join(name);
        fs::write(beside("odd-1.safetensors"), "x").expect("it can be written");
        fs::write(beside(".odd-1.safetensors.abc.partial"), "x").expect("it can be written");
        fs::create_dir(cache.path().join("demo-00000000")).expect("it can be made");
        fs::create_dir(cache.path().join("elsewhere")).expect("it can be made");
        let mut found: Vec<(String, KeptKind)> = list(cache.path())
            .into_iter()
            .map(|it| (it.name, it.kind))
            .collect();
        found.sort_by(|one, other| one.0.cmp(&other.0));
        let of = |backend: &str, precision: &str, model: &str| KeptKind::Weights {
            backend: backend.to_owned(),
            precision: precision.to_owned(),
            model: model.to_owned(),
        };
        let expected = [
            (
                "candle-q4k-0123.safetensors",
                of("candle", "q4k", "GSAI-ML/LLaDA-1.5"),
            ),
            ("demo-00000000", KeptKind::Demo { is_current: false }),
            ("odd-1.safetensors", of("odd", "", "")),
            (
                "onnx-int8-4567.safetensors",
                of("onnx", "int8", "/models/mine"),
            ),
        ];
        assert_eq!(found, expected.map(|(name, kind)| (name.to_owned(), kind)));
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_not_what_is_kept_and_not_waited_for() {
        let cache = tempfile::tempdir().expect("a folder can be made");
        for folder in ["weights", "downloads"] {
            let folder = cache.path().join(folder);
            fs::create_dir(&folder).expect("it can be made");
            let pipe = folder.join("odd-q4k-1.safetensors");
            let made = std::process::Command::new("mkfifo").arg(&pipe).status();
            assert!(made.is_ok_and(|status| status.success()));
            fs::create_dir(folder.join("odd-q4k-2.safetensors")).expect("it can be made");
        }
        assert_eq!(list(cache.path()), []);
    }

    #[test]
    fn what_is_in_use_stays() {
        let cache = tempfile::tempdir().expect("a folder can be made");
        write(cache.path(), "candle-q4k-0123.safetensors", "/m");
        let user = File::open(cache.path().join("weights/candle-q4k-0123.safetensors"));
        let user = user.expect("it is there");
        user.try_lock_shared().expect("nobody has it");
        let [kept] = &list(cache.path())[..] else {
            panic!("one is there");
        };
        assert!(kept.in_use);
        assert!(matches!(remove(kept), Err(RemoveError::InUse(_))));
        assert!(kept.path.exists());
        drop(user);
        remove(kept).expect("nobody has it");
        assert!(list(cache.path()).is_empty());
    }
}
