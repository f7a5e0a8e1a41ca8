//! From a wheel, another zip archive or a folder to a folder of libraries.

use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use sha2::{Digest as _, Sha256};
use unmask::amount::bytes;
use unmask_core::partial::PartialFolder;
use unmask_core::plugin::Runtime;
use zip::ZipArchive;

use super::super::meter::ProgressMeter;

/// Bytes between two words on progress.
const CHUNK: usize = 1 << 18;
/// Folders below a given one that are looked into: enough for a package in a Python environment.
const DEEPEST: usize = 6;

/// Where the libraries come from.
#[derive(Debug)]
pub(super) struct LibrarySource {
    /// A file or folder of the user's; `None` for the pinned file, which is to be fetched.
    pub(super) path: Option<PathBuf>,
    /// The version, as its name tells it.
    pub(super) version: String,
    /// What the user should know.
    pub(super) notes: Vec<String>,
}

impl LibrarySource {
    /// The file that the backend names.
    pub(super) fn pinned(runtime: &Runtime) -> Self {
        Self {
            path: None,
            version: runtime.version.clone(),
            notes: Vec::new(),
        }
    }

    /// A wheel, an archive or a folder. A file called as the pinned one must be it.
    pub(super) fn open(path: &Path, runtime: &Runtime) -> anyhow::Result<Self> {
        let mut this = Self {
            path: Some(path.to_owned()),
            ..Self::pinned(runtime)
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            let (library, _) = libraries(path, runtime)?;
            let told = [library.canonicalize().ok(), Some(path.to_owned())];
            let told = told
                .into_iter()
                .flatten()
                .find_map(|path| version_in(&path));
            this.version = told.unwrap_or_else(|| "local".to_owned());
        } else if !path.is_file() {
            let what = match path.symlink_metadata() {
                Ok(_) => "is no file and no folder",
                Err(_) => "is not there",
            };
            bail!(
                "{} {what}; name a wheel, a zip archive or a folder",
                path.display()
            );
        } else if name == runtime.file {
            check_hash(path, runtime)?;
        } else {
            if let Some(wrong) = wrong_tag(&name, &runtime.file) {
                bail!("{} is for {wrong}; take {}", path.display(), runtime.file);
            }
            this.version = version_in(path).unwrap_or_else(|| "local".to_owned());
            let note = format!("{name} is not the file that was tested, {}", runtime.file);
            this.notes.push(note);
        }
        Ok(this)
    }
}

/// The first `1.2.3` in a path, looked for from its end.
fn version_in(path: &Path) -> Option<String> {
    let is_part = |c: char| c.is_ascii_digit() || c == '.';
    let is_version = |word: &&str| {
        let parts: Vec<&str> = word.split('.').collect();
        parts.len() == 3 && parts.iter().all(|part| !part.is_empty())
    };
    path.iter().rev().find_map(|part| {
        let part = part.to_str()?;
        let words = part
            .split(|c| !is_part(c))
            .map(|word| word.trim_matches('.'));
        words.into_iter().find(is_version).map(str::to_owned)
    })
}

/// The machine that the wheel `name` is for, if it is another than that of the wheel `wanted`.
fn wrong_tag(name: &str, wanted: &str) -> Option<String> {
    let tag = |name: &str| Some(name.strip_suffix(".whl")?.rsplit('-').next()?.to_owned());
    let processors = ["x86_64", "amd64", "aarch64", "arm64", "universal2"];
    let machine = |tag: &str| {
        let system = tag.chars().take_while(char::is_ascii_alphabetic);
        let processor = processors.iter().find(|word| tag.ends_with(**word));
        (system.collect::<String>(), processor.copied())
    };
    let (tag, wanted) = (tag(name)?, tag(wanted)?);
    let (system, processor) = machine(&tag);
    let fits = machine(&wanted);
    let is_right = system == fits.0 && (processor == fits.1 || processor == Some("universal2"));
    (!is_right && processor.is_some()).then_some(tag)
}

/// Tests that the file at `path` is the pinned one.
pub(super) fn check_hash(path: &Path, runtime: &Runtime) -> anyhow::Result<()> {
    let found = hash(path).with_context(|| format!("cannot read {}", path.display()))?;
    if found.eq_ignore_ascii_case(&runtime.sha256) {
        return Ok(());
    }
    bail!(
        "{} is not the file that was published: its SHA-256 is {found}, not {}; fetch it again, from another place",
        path.display(),
        runtime.sha256
    )
}

fn hash(path: &Path) -> io::Result<String> {
    let (mut file, mut hasher) = (File::open(path)?, Sha256::new());
    let mut buffer = vec![0; CHUNK];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            n => hasher.update(&buffer[..n]),
        }
    }
    let digits = hasher.finalize();
    Ok(digits.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// True if the library itself lies in `target`; it gets there with all the rest or not at all.
pub(super) fn is_complete(target: &Path, runtime: &Runtime) -> bool {
    let entries = fs::read_dir(target).into_iter().flatten().flatten();
    let mut names = entries.map(|entry| entry.file_name());
    names.any(|name| name.to_str().is_some_and(|it| runtime.is_library_name(it)))
}

/// Puts the libraries of `source` into `target`: all of them, or none.
pub(super) fn unpack(
    source: &Path,
    runtime: &Runtime,
    target: &Path,
    meter: &mut ProgressMeter,
) -> anyhow::Result<()> {
    let around = target.parent().unwrap_or(target);
    let writing = || format!("cannot write into {}", around.display());
    fs::create_dir_all(around).with_context(writing)?;
    // A point hides it from the backend until it gets its name.
    let unfinished = PartialFolder::beside(target, None).with_context(writing)?;
    match source.is_dir() {
        true => copy_folder(source, runtime, unfinished.path(), meter)?,
        false => extract(source, runtime, unfinished.path(), meter)?,
    }
    if target.exists() {
        // Without its library, or it would have been left alone.
        fs::remove_dir_all(target).with_context(writing)?;
    }
    unfinished.put().with_context(writing)
}

fn extract(
    archive: &Path,
    runtime: &Runtime,
    target: &Path,
    meter: &mut ProgressMeter,
) -> anyhow::Result<()> {
    let reading = || format!("cannot read {} as a zip archive", archive.display());
    let file = File::open(archive).with_context(reading)?;
    let mut zip = ZipArchive::new(file).with_context(reading)?;
    let is_pinned = archive
        .file_name()
        .is_some_and(|name| name == &*runtime.file);
    let mut wanted: Vec<(usize, String)> = Vec::new();
    let mut total = 0;
    for index in 0..zip.len() {
        let member = zip.by_index(index).with_context(reading)?;
        let path = member.name().with_context(reading)?;
        let name = path.rsplit('/').next().unwrap_or_default();
        // Other archives have other folders.
        let is_wanted = match is_pinned {
            true => runtime.member(&path).is_some(),
            false => runtime.is_member_name(name),
        };
        if is_wanted && member.is_file() && wanted.iter().all(|(_, other)| other != name) {
            wanted.push((index, name.to_owned()));
            total += member.size();
        }
    }
    let mut names = wanted.iter().map(|(_, name)| name);
    if !names.any(|name| runtime.is_library_name(name)) {
        return Err(no_library(archive, runtime));
    }
    let mut done = 0;
    for (index, name) in wanted {
        let mut member = zip.by_index(index).with_context(reading)?;
        write(&mut member, &target.join(name), &mut done, total, meter)?;
    }
    Ok(())
}

fn copy_folder(
    folder: &Path,
    runtime: &Runtime,
    target: &Path,
    meter: &mut ProgressMeter,
) -> anyhow::Result<()> {
    let (_, files) = libraries(folder, runtime)?;
    let size = |path: &PathBuf| fs::metadata(path).map_or(0, |it| it.len());
    let total = files.iter().map(size).sum();
    let mut done = 0;
    for path in files {
        let opened = File::open(&path);
        let mut file = opened.with_context(|| format!("cannot read {}", path.display()))?;
        let name = path.file_name().unwrap_or_default();
        write(&mut file, &target.join(name), &mut done, total, meter)?;
    }
    Ok(())
}

/// The library in or below `folder`, and everything beside it that belongs to it, links resolved and each file once.
fn libraries(folder: &Path, runtime: &Runtime) -> anyhow::Result<(PathBuf, Vec<PathBuf>)> {
    let found = search(folder, runtime, DEEPEST);
    let library = found.ok_or_else(|| no_library(folder, runtime))?;
    let beside = fs::read_dir(library.parent().unwrap_or(folder))?;
    let mut files: Vec<PathBuf> = beside
        .flatten()
        .filter(|entry| {
            let name = entry.file_name();
            name.to_str().is_some_and(|it| runtime.is_member_name(it))
        })
        .filter_map(|entry| entry.path().canonicalize().ok())
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    files.dedup();
    Ok((library, files))
}

/// The library itself, the folder before those in it.
fn search(folder: &Path, runtime: &Runtime, depth: usize) -> Option<PathBuf> {
    let mut entries: Vec<_> = fs::read_dir(folder).ok()?.flatten().collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    let is_library = |entry: &&fs::DirEntry| {
        let name = entry.file_name();
        name.to_str().is_some_and(|it| runtime.is_library_name(it)) && entry.path().is_file()
    };
    if let Some(entry) = entries.iter().rev().find(is_library) {
        return Some(entry.path());
    }
    let deeper = depth.checked_sub(1)?;
    // Links are not followed: they may lead round.
    let is_folder = |entry: &&fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
    let mut folders = entries.iter().filter(is_folder);
    folders.find_map(|entry| search(&entry.path(), runtime, deeper))
}

fn no_library(source: &Path, runtime: &Runtime) -> anyhow::Error {
    let library = runtime.members.first().map_or("", String::as_str);
    anyhow!(
        "{} holds no {} for {} on {}; take {}",
        source.display(),
        library.rsplit('/').next().unwrap_or_default(),
        runtime.os,
        runtime.arch,
        runtime.file
    )
}

fn write(
    from: &mut impl Read,
    to: &Path,
    done: &mut u64,
    total: u64,
    meter: &mut ProgressMeter,
) -> anyhow::Result<()> {
    let copied = (|| {
        let (mut file, mut buffer) = (File::create(to)?, vec![0; CHUNK]);
        loop {
            let n = from.read(&mut buffer)?;
            if n == 0 {
                return file.sync_all();
            }
            file.write_all(&buffer[..n])?;
            *done += n as u64;
            meter.at("unpacking", *done, total);
            if meter.check().is_err() {
                return Ok(());
            }
        }
    })();
    meter.check()?;
    copied.map_err(|error| full(error, to, total))
}

/// Says how much room is needed if there is none.
pub(super) fn full(error: io::Error, path: &Path, total: u64) -> anyhow::Error {
    let is_full = matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    );
    let text = match is_full {
        true => format!(
            "no room for {}; free {} on its disk",
            path.display(),
            bytes(total)
        ),
        false => format!("cannot write {}", path.display()),
    };
    anyhow::Error::new(error).context(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_version(path: &str, version: Option<&str>) {
        assert_eq!(version_in(Path::new(path)).as_deref(), version);
    }

    #[test]
    fn a_version_is_read_from_the_end_of_a_path() {
        check_version("/a/libp.so.1.32.0", Some("1.32.0"));
        check_version("/a/p-1.31.1-cp312-cp312-linux_x86_64.whl", Some("1.31.1"));
        check_version("/a/p-linux-x64-1.30.2/lib", Some("1.30.2"));
        check_version("/a/p-1.24.4/lib/libp.so.1.32.0", Some("1.32.0"));
        check_version("/a/lib/libp.so.1", None);
    }

    #[test]
    fn a_wheel_for_another_machine_is_known_by_its_name() {
        let wanted = "p-1.0.0-cp312-cp312-manylinux_2_28_x86_64.whl";
        let wrong = |name: &str| wrong_tag(name, wanted);
        assert_eq!(wrong("p-1.1.0-cp311-cp311-manylinux_2_27_x86_64.whl"), None);
        assert_eq!(wrong("p.zip"), None);
        for tag in ["manylinux_2_28_aarch64", "win_amd64", "macosx_14_0_arm64"] {
            let name = format!("p-1.0.0-cp312-cp312-{tag}.whl");
            assert_eq!(wrong(&name).as_deref(), Some(tag));
        }
        let mac = "p-1.0.0-cp312-cp312-macosx_14_0_arm64.whl";
        let both = "p-1.0.0-cp312-cp312-macosx_13_0_universal2.whl";
        assert_eq!(wrong_tag(both, mac), None);
    }
}
