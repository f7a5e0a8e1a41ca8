//! The machine's C compiler.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX, EXE_SUFFIX};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

const TARGET: &str = env!("UNMASK_TESTS_TARGET");

/// What the compiler reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// C99
    C,
    /// C++11
    Cpp,
}

/// Something built, deleted with this value.
pub struct Compiled {
    /// The file.
    pub path: PathBuf,
    _folder: TempDir,
}

/// The compiler for `language` with the header's folder on its path, every warning an error; `None` if there is none.
#[must_use]
pub fn compiler(language: Language) -> Option<Command> {
    let mut build = cc::Build::new();
    build
        .target(TARGET)
        .host(TARGET)
        .opt_level(1)
        .debug(false)
        .cargo_metadata(false)
        .cpp(language == Language::Cpp)
        .include(crate::root().join("core/api/include"));
    let tool = build.try_get_compiler().ok()?;
    let mut command = tool.to_command();
    if tool.is_like_msvc() {
        command.args(["/W3", "/WX"]);
    } else {
        let standard = match language {
            Language::C => "-std=c99",
            Language::Cpp => "-std=c++11",
        };
        command.args([standard, "-Wall", "-Wextra", "-pedantic", "-Werror"]);
    }
    // cc names a compiler without asking whether it is there.
    let mut version = Command::new(tool.path());
    let there = version.arg("--version").output().is_ok();
    there.then_some(command)
}

/// Builds the plugin of one C file, `source` from the repository's root.
///
/// # Panics
/// If there is no C compiler, or it complains.
#[must_use]
#[track_caller]
pub fn compile_plugin(source: &str) -> Compiled {
    let stem = Path::new(source).file_stem().expect("a source has a name");
    let name = format!(
        "{DLL_PREFIX}unmask_backend_{}{DLL_SUFFIX}",
        stem.to_string_lossy()
    );
    let shared: &[&str] = if cfg!(windows) {
        &["/LD", "/wd4100", "/wd4505", "/wd4723"]
    } else {
        &[
            "-shared",
            "-fPIC",
            "-Wno-unused-function",
            "-Wno-unused-variable",
            "-lm",
        ]
    };
    build(&crate::root().join(source), &name, shared)
}

/// Builds the program whose source is `text`.
///
/// # Panics
/// If there is no C compiler, or it complains.
#[must_use]
#[track_caller]
pub fn c_program(text: &str) -> Compiled {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let source = folder.path().join("program.c");
    std::fs::write(&source, text).expect("the folder is ours");
    let dynamic: &[&str] = if cfg!(unix) { &["-ldl"] } else { &[] };
    build(&source, &format!("program{EXE_SUFFIX}"), dynamic)
}

#[track_caller]
fn build(source: &Path, name: &str, flags: &[&str]) -> Compiled {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join(name);
    let mut command = compiler(Language::C).expect("these tests need a C compiler");
    command.current_dir(folder.path()).arg(source).args(flags);
    if cfg!(windows) {
        command.arg(format!("/Fe:{}", path.display()));
    } else {
        command.arg("-o").arg(&path);
    }
    let output = command.output().expect("the compiler was found");
    assert!(
        output.status.success(),
        "{} does not compile:\n{}{}",
        source.display(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    Compiled {
        path,
        _folder: folder,
    }
}
