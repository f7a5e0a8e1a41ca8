//! Helpers shared by the cross-crate tests.

mod compile;
mod fixtures;

pub mod chat;
pub mod demo;
pub mod gguf_files;
pub mod http;
pub mod imports;
pub mod program;
pub mod served;
pub mod svg;
pub mod terminal;

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use unmask_core::plugin::Launcher;

pub use compile::{Compiled, Language, c_program, compile_plugin, compiler};
pub use fixtures::{SPEC, load_spec, model, open, session, spoiled, try_model};
pub use unmask_conformance::{OwnedPass, run};

/// The root of the repository.
#[must_use]
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests lie in a folder of the repository")
}

/// True if the backend called `name` has to be there, although its runtime is not part of this repository: whoever installed
/// it says so in the environment.
#[must_use]
pub fn is_demanded(name: &str) -> bool {
    let variable = match name {
        "onnx" => "UNMASK_REQUIRE_RUNTIME",
        "mlx" => "UNMASK_REQUIRE_MLX",
        _ => return false,
    };
    std::env::var_os(variable).is_some()
}

/// A program of this machine; `None`, said aloud, if there is none of these names.
///
/// # Panics
/// If there is none, and `UNMASK_REQUIRE_BROWSER` is set.
#[must_use]
pub fn tool(names: &[&str]) -> Option<PathBuf> {
    tool_required_by("UNMASK_REQUIRE_BROWSER", names)
}

/// The same with another variable.
///
/// # Panics
/// If there is none, and that variable is set.
#[must_use]
pub fn tool_required_by(variable: &str, names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let places = names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    let found = { places }.find(|place| place.is_file());
    if found.is_none() {
        assert!(
            std::env::var_os(variable).is_none(),
            "{variable} is set, and there is no {names:?}"
        );
        writeln!(std::io::stderr(), "skipped: there is no {names:?}").ok();
    }
    found
}

/// How tests start the workers of isolated backends: by the program of this crate, which cargo tells only to tests.
#[must_use]
pub fn worker_launcher(program: &str) -> Launcher {
    Launcher {
        program: Some(PathBuf::from(program)),
        arguments: Vec::new(),
        ..Launcher::default()
    }
}

/// The library of the workspace's plugin crate `package`, one of this crate's dependencies.
///
/// Cargo writes a dependency's cdylib beside the test binary, in `deps`. The folder above has one only if it was built by
/// its own name, and that one may be old.
///
/// # Panics
/// If it was not built.
#[must_use]
pub fn plugin(package: &str) -> PathBuf {
    let file = format!("{DLL_PREFIX}{}{DLL_SUFFIX}", package.replace('-', "_"));
    let program = std::env::current_exe().expect("a test binary has a path");
    let folders = program.ancestors().skip(1).take(2);
    let path = folders
        .map(|folder| folder.join(&file))
        .find(|path| path.exists());
    path.unwrap_or_else(|| panic!("{file} is not beside {}", program.display()))
}
