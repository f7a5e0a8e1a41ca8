use std::env::consts::{ARCH, OS};
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::*;

/// A folder of made-up libraries.
struct Disk(TempDir);

impl Disk {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn at(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    /// Puts a library for this machine there, called as this system calls version 1.`minor`.0.
    fn put(&self, folder: &str, minor: u32) -> PathBuf {
        let name = match OS {
            "windows" => "onnxruntime.dll".to_owned(),
            "macos" => format!("libonnxruntime.1.{minor}.0.dylib"),
            _ => format!("libonnxruntime.so.1.{minor}.0"),
        };
        self.put_as(&format!("{folder}/{name}"), &binary::head_for(OS, ARCH))
    }

    fn put_as(&self, path: &str, bytes: &[u8]) -> PathBuf {
        let path = self.at(path);
        fs::create_dir_all(path.parent().expect("it is in the folder")).expect("it is ours");
        fs::write(&path, bytes).expect("it is ours");
        path
    }
}

fn find_in(around: &LibrarySearch) -> Result<FoundLibrary, Missing> {
    first_fit(around, |_, _| Ok(()))
}

#[track_caller]
fn check(around: &LibrarySearch, origin: LibraryOrigin, path: &Path) {
    let found = find_in(around).map(|it| (it.origin, it.path));
    assert_eq!(found, Ok((origin, path.to_owned())));
}

/// Every place, each with a library.
fn everywhere(disk: &Disk) -> LibrarySearch {
    LibrarySearch {
        option: Some(disk.put("option", 24)),
        variable: Some(disk.put("variable", 24)),
        beside: vec![disk.put("beside", 24)],
        installed: Some(disk.put("installed/1.24.0-cpu", 24)),
        pythons: vec![disk.put("python/lib/python3.9/site-packages/onnxruntime/capi", 24)],
        system: vec![disk.put("system", 24)],
    }
}

#[test]
fn places_are_searched_in_the_promised_order() {
    let disk = Disk::new();
    let mut around = everywhere(&disk);
    let parent = |path: &Path| path.parent().expect("it has one").to_owned();
    let (option, variable) = (around.option.clone(), around.variable.clone());
    let (beside, system) = (around.beside[0].clone(), around.system[0].clone());
    let installed = around.installed.clone();
    let python = around.pythons[0].clone();
    around.beside = vec![parent(&beside)];
    around.system = vec![parent(&system)];
    around.installed = Some(disk.at("installed"));
    around.pythons = vec![disk.at("python")];

    check(&around, LibraryOrigin::Option, &option.expect("it is set"));
    around.option = None;
    check(
        &around,
        LibraryOrigin::Variable,
        &variable.expect("it is set"),
    );
    around.variable = None;
    check(&around, LibraryOrigin::Beside, &beside);
    around.beside.clear();
    check(
        &around,
        LibraryOrigin::Installed,
        &installed.expect("it is set"),
    );
    around.installed = None;
    check(&around, LibraryOrigin::Python, &python);
    around.pythons.clear();
    check(&around, LibraryOrigin::System, &system);
    around.system.clear();
    assert_eq!(
        find_in(&around),
        Err(Missing {
            reason: "the ONNX Runtime library was not found".to_owned(),
            remedy: "run `unmask backends install onnx`".to_owned(),
        })
    );
}

#[test]
fn of_the_installed_ones_a_gpus_comes_first_and_then_the_newest() {
    let disk = Disk::new();
    let around = LibrarySearch {
        installed: Some(disk.at("onnx")),
        ..LibrarySearch::default()
    };
    disk.put("onnx/1.30.0-cpu", 30);
    let newest = disk.put("onnx/1.32.0-cpu", 32);
    disk.put("onnx/.1.40.0-cpu", 40);
    disk.put_as("onnx/1.50.0-cpu/readme.txt", b"no library");
    check(&around, LibraryOrigin::Installed, &newest);
    let gpu = disk.put("onnx/1.31.1-cuda", 31);
    check(&around, LibraryOrigin::Installed, &gpu);
}

#[test]
fn a_folder_may_be_named_and_the_newest_in_it_is_meant() {
    let disk = Disk::new();
    disk.put("lib", 24);
    let newest = disk.put("lib", 32);
    disk.put_as("lib/libonnxruntime_providers_shared.so", b"\x7fELF");
    let around = LibrarySearch {
        variable: Some(disk.at("lib")),
        ..LibrarySearch::default()
    };
    check(&around, LibraryOrigin::Variable, &newest);
}

#[test]
#[cfg(unix)]
fn what_does_not_fit_is_passed_over_and_told_if_nothing_else_does() {
    let disk = Disk::new();
    let old = disk.put("old", 22);
    let foreign = match ARCH {
        "aarch64" => "x86_64",
        _ => "aarch64",
    };
    disk.put_as("foreign/libonnxruntime.so", &binary::head_for(OS, foreign));
    let mut around = LibrarySearch {
        beside: vec![disk.at("old"), disk.at("foreign")],
        ..LibrarySearch::default()
    };
    let missing = find_in(&around).expect_err("neither fits");
    assert_eq!(
        missing.reason,
        format!(
            "{} is ONNX Runtime 1.22.0; 1.24 or later is needed",
            old.display()
        )
    );
    let good = disk.put("good", 24);
    around.beside.push(disk.at("good"));
    check(&around, LibraryOrigin::Beside, &good);
}

#[test]
fn what_was_named_has_to_fit() {
    let disk = Disk::new();
    let text = disk.put_as("notes.txt", b"no library");
    disk.put("good", 32);
    let mut around = LibrarySearch {
        variable: Some(text.clone()),
        beside: vec![disk.at("good")],
        ..LibrarySearch::default()
    };
    let say = |around: &LibrarySearch| find_in(around).expect_err("it does not fit").reason;
    assert_eq!(
        say(&around),
        format!(
            "ORT_DYLIB_PATH names {}, which is no shared library",
            text.display()
        )
    );
    around.option = Some(disk.at("nowhere.so"));
    assert_eq!(
        say(&around),
        format!(
            "the option `library` names {}, which is not there",
            disk.at("nowhere.so").display()
        )
    );
}

#[test]
fn a_library_that_does_not_open_gives_way_to_the_next() {
    let disk = Disk::new();
    let broken = disk.put("broken", 32);
    let good = disk.put("good", 24);
    let around = LibrarySearch {
        beside: vec![disk.at("broken"), disk.at("good")],
        ..LibrarySearch::default()
    };
    let open = |path: &Path, _| match path == broken {
        true => Err("cannot be loaded: no such symbol".to_owned()),
        false => Ok(()),
    };
    let found = first_fit(&around, open).map(|it| it.path);
    assert_eq!(found, Ok(good));
}

#[test]
fn opening_what_is_no_library_is_an_error_and_no_panic() {
    let disk = Disk::new();
    let stump = disk.put("stump", 32);
    let why = open(&stump).expect_err("it has nothing but a header");
    assert!(why.starts_with("cannot be loaded: "), "{why}");
    assert!(why.len() > "cannot be loaded: dlopen failed".len(), "{why}");
}

#[test]
fn every_kind_of_python_is_found() {
    let disk = Disk::new();
    for (root, site) in [
        ("venv", "venv/lib/python3.12/site-packages"),
        ("debian", "debian/lib/python3/dist-packages"),
        (
            "pyenv/versions",
            "pyenv/versions/3.11.7/lib/python3.11/site-packages",
        ),
        (
            "Programs/Python",
            "Programs/Python/Python312/Lib/site-packages",
        ),
        ("winvenv", "winvenv/Lib/site-packages"),
        ("Roaming/Python", "Roaming/Python/Python312/site-packages"),
    ] {
        let library = disk.put(&format!("{site}/onnxruntime/capi"), 32);
        let around = LibrarySearch {
            pythons: vec![disk.at(root)],
            ..LibrarySearch::default()
        };
        check(&around, LibraryOrigin::Python, &library);
    }
}

#[test]
fn the_newest_plugin_is_the_one_of_the_largest_numbers() {
    let numbers = |name: &str| places::numbers(Path::new(name));
    assert!(numbers("0.10.0-webgpu") > numbers("0.9.1-webgpu"));
    assert!(numbers("1.0.0-webgpu") > numbers("0.10.0-webgpu"));
}
