//! A backend that needs a library, and the wheel that has it, both made up.

use std::env::consts::{ARCH, DLL_PREFIX, DLL_SUFFIX, OS};
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use unmask_tests::program::{Home, Said};
use unmask_tests::{Compiled, compile_plugin, root};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// The wheel that the backend names.
pub(crate) const WHEEL: &str = "needed-1.2.3-cp312-cp312-none_any_x86_64.whl";
/// What its library holds: long enough to come in parts, and nothing that can be packed smaller.
pub(crate) fn library_bytes() -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..400_000).map(|_| next()).collect()
}

/// The name of the made-up library, with a version behind it.
pub(crate) fn library(version: &str) -> String {
    format!("{DLL_PREFIX}needed{DLL_SUFFIX}{version}")
}

/// A home, a backend `needy`, and its wheel, in a folder beside the home.
pub(crate) struct Rig {
    pub(crate) home: Home,
    backend: Compiled,
    folder: TempDir,
}

impl Rig {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let wheel = folder.path().join(WHEEL);
        let members = [
            ("needed/__init__.py", &b"import this"[..]),
            (
                &format!("needed/lib/{}", library(".1.2.3")),
                &library_bytes(),
            ),
            ("needed/lib/extra.txt", b"extra"),
            ("needed/LICENSE", b"do as you like"),
        ];
        write_wheel(&wheel, &members);
        let backend = backend(folder.path(), &runtimes(&wheel));
        Self {
            home: Home::default(),
            backend,
            folder,
        }
    }

    /// A path beside the home.
    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn wheel(&self) -> PathBuf {
        self.at(WHEEL)
    }

    /// Where the libraries are to be.
    pub(crate) fn installed(&self, version: &str) -> PathBuf {
        let runtimes = self.home.data("runtimes/needy");
        runtimes.join(format!("{version}-plain"))
    }

    /// Runs `unmask backends install needy`, with more words, and without Python.
    pub(crate) fn install(&self, words: &[&str]) -> Said {
        self.install_with(words, &[("PATH", "")])
    }

    pub(crate) fn install_with(&self, words: &[&str], variables: &[(&str, &str)]) -> Said {
        let mut arguments = [&["backends", "install", "needy"], words].concat();
        let path = self
            .backend
            .path
            .to_str()
            .expect("test folders have plain names");
        arguments.extend(["--plugin", path]);
        let mut all = vec![
            ("PIP_INDEX_URL", ""),
            ("UV_DEFAULT_INDEX", ""),
            ("UV_INDEX_URL", ""),
            ("http_proxy", ""),
            ("HTTP_PROXY", ""),
            ("ALL_PROXY", ""),
            ("all_proxy", ""),
        ];
        all.extend(variables);
        self.home.run_with(&arguments, "", &all)
    }

    /// The names of what is installed.
    pub(crate) fn names(&self, version: &str) -> Vec<String> {
        let entries = fs::read_dir(self.installed(version)).into_iter().flatten();
        let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
        let mut names: Vec<String> = entries.flatten().map(name).collect();
        names.sort();
        names
    }
}

/// Holds an answer to be a success that says `words` on standard output.
#[track_caller]
pub(crate) fn said(said: &Said, words: &[&str]) {
    assert_eq!(said.code, Some(0), "{said:?}");
    for word in words {
        assert!(said.stdout.contains(word), "{word:?} is not in {said:?}");
    }
}

pub(crate) fn write_wheel(path: &Path, members: &[(&str, &[u8])]) {
    let mut zip = ZipWriter::new(File::create(path).expect("the folder is ours"));
    for (name, bytes) in members {
        zip.start_file(*name, SimpleFileOptions::default())
            .expect("it is a name");
        zip.write_all(bytes).expect("there is room");
    }
    zip.finish().expect("there is room");
}

fn runtimes(wheel: &Path) -> String {
    let bytes = fs::read(wheel).expect("it was just written");
    let digits = Sha256::digest(&bytes);
    let sha256: String = digits.iter().map(|byte| format!("{byte:02x}")).collect();
    let package = |os: &str, flavour: &str| {
        serde_json::json!({
            "os": os, "arch": ARCH, "flavour": flavour, "package": "needed", "version": "1.2.3",
            "file": WHEEL, "bytes": bytes.len(), "sha256": sha256,
            "members": [format!("needed/lib/{}*", library("")), "needed/LICENSE"],
        })
    };
    let mut plugin = package(OS, "plugin");
    plugin["beside"] = "plain".into();
    let packages = [
        package("plan9", "other"),
        package(OS, "plain"),
        package(OS, "loud"),
        plugin,
    ];
    serde_json::json!({ "packages": packages }).to_string()
}

/// A well-behaved backend that says `runtimes`.
fn backend(folder: &Path, runtimes: &str) -> Compiled {
    let base = root().join("tests/plugins/base.h");
    // A C string and a path are escaped as Rust's are.
    let source = format!(
        "#include {:?}\n#undef NAME\n#define NAME \"needy\"\n#undef RUNTIMES\n#define RUNTIMES {runtimes:?}\n\
         UNMASK_EXPORT const unmask_plugin UNMASK_PLUGIN = TABLE;\n",
        base.display().to_string()
    );
    let path = folder.join("needy.c");
    fs::write(&path, source).expect("the folder is ours");
    compile_plugin(path.to_str().expect("test folders have plain names"))
}
