//! Where the library may lie.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::ffi::OsString;
use std::fs;
use std::iter;
use std::path::{Path, PathBuf};

use unmask_sdk::runtimes;

use super::version::{self, Version};

/// The backend's name, which is that of its folder of runtimes.
const NAME: &str = "onnx";
/// The library's name, without what the system puts around it.
const LIBRARY: &str = "onnxruntime";
/// The plugin's name, in the same form.
const WEBGPU_PLUGIN: &str = "onnxruntime_providers_webgpu";
const VARIABLE: &str = "ORT_DYLIB_PATH";
/// Folders of the system, those that exist.
const SYSTEM: [&str; 6] = [
    "/usr/local/lib",
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib64",
    "/usr/lib",
    "/opt/homebrew/lib",
];

/// Who led to a library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LibraryOrigin {
    /// The model's option `library`.
    Option,
    /// `ORT_DYLIB_PATH`.
    Variable,
    /// It lies beside the program or a backend.
    Beside,
    /// `unmask backends install`.
    Installed,
    /// A Python package.
    Python,
    /// The system.
    System,
}

impl LibraryOrigin {
    /// What the user said to have this library and no other.
    pub(super) fn setting(self) -> Option<&'static str> {
        match self {
            Self::Option => Some("the option `library`"),
            Self::Variable => Some(VARIABLE),
            Self::Beside | Self::Installed | Self::Python | Self::System => None,
        }
    }
}

/// What decides where the library is looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LibrarySearch {
    /// The model's option `library`.
    pub(crate) option: Option<PathBuf>,
    /// `ORT_DYLIB_PATH`.
    pub(crate) variable: Option<PathBuf>,
    /// Folders of programs and backends.
    pub(crate) beside: Vec<PathBuf>,
    /// Where runtimes are installed, one folder each.
    pub(crate) installed: Option<PathBuf>,
    /// Folders that are, or hold, installations of Python: `lib/python3.12/site-packages` is below them.
    pub(crate) pythons: Vec<PathBuf>,
    /// Folders of the system.
    pub(crate) system: Vec<PathBuf>,
}

impl LibrarySearch {
    /// Those of this process, with the model's option.
    pub(crate) fn here(option: Option<&Path>) -> Self {
        let path = |name: &str| {
            let value = std::env::var_os(name).filter(|value| !value.is_empty())?;
            Some(PathBuf::from(value))
        };
        let list = |name: &str| std::env::var_os(name).unwrap_or_default();
        let loader = match std::env::consts::OS {
            "windows" => list("PATH"),
            "macos" => list("DYLD_LIBRARY_PATH"),
            _ => list("LD_LIBRARY_PATH"),
        };
        let home = path("HOME").or_else(|| path("USERPROFILE"));
        let below_home = |folder: &str| Some(home.as_ref()?.join(folder));
        let local = path("LOCALAPPDATA").map(|it| it.join("Programs/Python"));
        let roaming = path("APPDATA").map(|it| it.join("Python"));
        let pyenv = path("PYENV_ROOT").or_else(|| below_home(".pyenv"));
        let pythons = [
            path("VIRTUAL_ENV"),
            path("CONDA_PREFIX"),
            below_home(".local"),
            roaming,
            pyenv.map(|root| root.join("versions")),
            local,
            Some("/usr/local".into()),
            Some("/opt/homebrew".into()),
            Some("/usr".into()),
        ];
        Self {
            option: option.map(Path::to_owned),
            variable: path(VARIABLE),
            beside: beside(&list("UNMASK_BACKEND_PATH")),
            installed: runtimes::folder(NAME),
            pythons: pythons.into_iter().flatten().collect(),
            system: folders(&loader).chain(SYSTEM.map(PathBuf::from)).collect(),
        }
    }
}

/// The program's folder, its `../lib`, the folder around cargo's `deps`, and where the program looks for backends.
fn beside(backend_path: &OsString) -> Vec<PathBuf> {
    let program = std::env::current_exe().and_then(|path| path.canonicalize());
    let own = program
        .ok()
        .and_then(|path| Some(path.parent()?.to_owned()));
    let mut found = Vec::new();
    if let Some(own) = own {
        found.extend(own.parent().map(|around| around.join("lib")));
        found.extend(
            own.parent()
                .filter(|_| own.ends_with("deps"))
                .map(Path::to_owned),
        );
        found.insert(0, own);
    }
    for path in folders(backend_path) {
        // A file there is a backend.
        let folder = match path.is_dir() {
            true => Some(path.as_path()),
            false => path.parent(),
        };
        found.extend(folder.map(Path::to_owned));
    }
    found.extend(runtimes::backends_folder());
    found
}

/// The absolute folders of a list as in `PATH`; a relative one would load code from whatever folder is current.
fn folders(list: &OsString) -> impl Iterator<Item = PathBuf> {
    let all: Vec<PathBuf> = std::env::split_paths(list).collect();
    all.into_iter().filter(|path| path.is_absolute())
}

/// Every library that may be meant, the first choice first. What was named is there even if it does not exist; the rest is
/// looked for as it is asked for.
pub(super) fn candidates(
    around: &LibrarySearch,
) -> impl Iterator<Item = (LibraryOrigin, PathBuf)> + '_ {
    let named = [
        (LibraryOrigin::Option, &around.option),
        (LibraryOrigin::Variable, &around.variable),
    ];
    let named = named
        .into_iter()
        .filter_map(|(origin, path)| Some((origin, library_at(path.as_deref()?))));
    let beside = within(&around.beside).map(|path| (LibraryOrigin::Beside, path));
    let installed = iter::once_with(|| installed(around.installed.as_deref())).flatten();
    let python = around.pythons.iter().flat_map(|root| packages(root));
    let python = python.filter_map(|folder| library_in(&folder));
    let system = within(&around.system).map(|path| (LibraryOrigin::System, path));
    named
        .chain(beside)
        .chain(installed.map(|path| (LibraryOrigin::Installed, path)))
        .chain(python.map(|path| (LibraryOrigin::Python, path)))
        .chain(system)
}

fn within(folders: &[PathBuf]) -> impl Iterator<Item = PathBuf> + '_ {
    folders.iter().filter_map(|folder| library_in(folder))
}

/// What `unmask backends install` unpacked into `VERSION-FLAVOUR` folders: those for a GPU first, as they were asked for by
/// name and run on the processor too, then the newest.
fn installed(root: Option<&Path>) -> Vec<PathBuf> {
    let mut found: Vec<(bool, Option<Version>, PathBuf)> = entries(root)
        .filter_map(|folder| {
            let name = folder.file_name()?.to_str()?.to_owned();
            let is_plain = name.ends_with("-cpu");
            let library = library_in(&folder)?;
            // Begun and not finished.
            (!name.starts_with('.')).then(|| (!is_plain, version::of_library(&library), library))
        })
        .collect();
    found.sort();
    found.into_iter().rev().map(|(.., path)| path).collect()
}

/// `onnxruntime/capi` of every Python under `root`, the newest Python first.
fn packages(root: &Path) -> Vec<PathBuf> {
    let is_python = |path: &PathBuf| {
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().to_lowercase());
        name.is_some_and(|name| name.starts_with("python") || name.starts_with("3."))
    };
    let below = |folder: PathBuf| entries(Some(&folder)).filter(is_python).collect::<Vec<_>>();
    // `/usr/lib/python3`, the versions of a manager, Windows.
    let pythons: Vec<PathBuf> = [root.to_owned(), root.join("lib")]
        .into_iter()
        .flat_map(&below)
        .flat_map(|python| {
            let inner = below(python.join("lib"));
            iter::once(python).chain(inner)
        })
        .collect();
    let mut sites: Vec<PathBuf> = iter::once(root.join("Lib").join("site-packages"))
        .chain(pythons.into_iter().flat_map(|python| {
            let names = ["site-packages", "dist-packages", "Lib/site-packages"];
            names.map(|name| python.join(name))
        }))
        .map(|site| site.join(LIBRARY).join("capi"))
        .filter(|folder| folder.is_dir())
        .collect();
    sites.sort();
    sites.reverse();
    sites
}

/// The WebGPU plugin for the runtime at `library`: beside it, of the installed ones the newest, in Python's package.
pub(super) fn webgpu_plugin(library: &Path) -> Option<PathBuf> {
    let around = LibrarySearch::here(None);
    let beside = library.parent().map(Path::to_owned);
    let is_plugin = |folder: &PathBuf| {
        let name = folder.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.ends_with("-webgpu") && !name.starts_with('.'))
    };
    let mut installed: Vec<PathBuf> = entries(around.installed.as_deref())
        .filter(is_plugin)
        .collect();
    installed.sort_by_cached_key(|folder| numbers(folder));
    // `onnxruntime/capi` is two folders below where packages lie.
    let packages = library.ancestors().nth(3);
    let python = packages.map(|folder| folder.join("onnxruntime_ep_webgpu"));
    beside
        .into_iter()
        .chain(installed.into_iter().rev())
        .chain(python)
        .map(|folder| folder.join(file_name(WEBGPU_PLUGIN)))
        .find(|path| path.is_file())
}

/// The numbers in a folder's name, by which 0.10.0 is newer than 0.9.0.
pub(super) fn numbers(folder: &Path) -> Vec<u64> {
    let name = folder
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    let words = name.unwrap_or_default();
    let words = words.split(|c: char| !c.is_ascii_digit());
    words.filter_map(|word| word.parse().ok()).collect()
}

fn entries(folder: Option<&Path>) -> impl Iterator<Item = PathBuf> + use<> {
    // What is missing or closed has nothing for us.
    let entries = folder.and_then(|folder| fs::read_dir(folder).ok());
    entries
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
}

/// `path`, or the library in it if it is a folder; absolute, as the loader would search the system for a bare name.
pub(super) fn library_at(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let inside = path.is_dir().then(|| library_in(&path)).flatten();
    inside.unwrap_or(path)
}

/// The library in `folder`, of several the newest.
fn library_in(folder: &Path) -> Option<PathBuf> {
    let named = entries(Some(folder)).filter(|path| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(is_library) && path.is_file()
    });
    named.max_by_key(|path| (version::of_library(path), path.clone()))
}

/// The system's name for the library `name`.
pub(super) fn file_name(name: &str) -> String {
    format!("{DLL_PREFIX}{name}{DLL_SUFFIX}")
}

/// True for the library's own names: `libonnxruntime.so`, `libonnxruntime.so.1.32.0`, `libonnxruntime.1.32.0.dylib`,
/// `onnxruntime.dll`. Those of providers have another word behind the name.
fn is_library(name: &str) -> bool {
    let stem = format!("{DLL_PREFIX}{LIBRARY}");
    let Some(rest) = name.strip_prefix(&stem) else {
        return false;
    };
    let is_version = |text: &str| text.chars().all(|c| c.is_ascii_digit() || c == '.');
    let around = rest.split_once(DLL_SUFFIX);
    around.is_some_and(|(before, after)| is_version(before) && is_version(after))
}
