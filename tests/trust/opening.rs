//! What is opened are the bytes that were approved, with the libraries that lie beside them.

use super::*;

/// A library of which this process is told by a file if any of its code runs.
fn intruder(trace: &Path) -> Compiled {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let source = folder.path().join("intruder.c");
    let text = format!(
        "#include \"{}\"\n#include <stdio.h>\n__attribute__((constructor)) static void intrude(void) {{\n\
           FILE *file = fopen(\"{}\", \"a\");\n  if (file != NULL) fclose(file);\n}}\n",
        unmask_tests::root()
            .join("plugins/examples/c/toy.c")
            .display(),
        trace.display()
    );
    fs::write(&source, text).expect("the folder is ours");
    compile_plugin(source.to_str().expect("plain names"))
}

/// Puts `first` and `second` into the place of the file at `path` by turns, in both ways there are, until `done`.
fn swap(path: &Path, first: &[u8], second: &[u8], done: &AtomicBool) {
    let beside = path.with_extension("next");
    let replace = |bytes: &[u8]| {
        fs::write(&beside, bytes).expect("the folder is ours");
        fs::rename(&beside, path).expect("the folder is ours");
    };
    while !done.load(Ordering::Relaxed) {
        replace(second);
        replace(first);
        fs::write(path, second).expect("it is ours");
        fs::write(path, first).expect("it is ours");
    }
}

/// Looks for backends `times` times while the approved one is exchanged for another all the time; how often it was usable.
fn race(times: usize, names: &[&str]) -> usize {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let trace = folder.path().join("trace");
    let bytes = |library: &Compiled| fs::read(&library.path).expect("it is there");
    let approved = bytes(&compile_plugin("plugins/examples/c/toy.c"));
    let other = bytes(&intruder(&trace));
    let mut usable = 0;
    for time in 0..times {
        // One that was opened from here before is not opened anew.
        let folder = folder.path().join(time.to_string());
        fs::create_dir(&folder).expect("the folder is ours");
        let path = folder.join("libunmask_backend_toy.so");
        fs::write(&path, &approved).expect("the folder is ours");
        let search = SearchPath::new(&BackendSearch {
            approved: vec![Approval::of(&path).expect("it is there")],
            config: vec![path.clone()],
            isolation: Isolation {
                names: names.iter().map(|&name| name.to_owned()).collect(),
                launcher: worker_launcher(env!("CARGO_BIN_EXE_backend_worker")),
            },
            ..BackendSearch::default()
        });
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| swap(&path, &approved, &other, &done));
            let rows = Registry::discover(&search).rows().to_vec();
            let is_usable = |row: &BackendRow| matches!(row.state, BackendState::Usable { .. });
            usable += rows.iter().filter(|row| is_usable(row)).count();
            done.store(true, Ordering::Relaxed);
        });
        assert!(!trace.exists(), "code that nobody approved has run");
        let names = fs::read_dir(&folder).expect("it is there").flatten();
        let left: Vec<_> = names.map(|it| it.file_name()).collect();
        assert_eq!(
            left,
            ["libunmask_backend_toy.so"],
            "nothing is left beside it"
        );
    }
    usable
}

#[test]
fn what_is_exchanged_while_it_is_opened_never_runs() {
    let usable = race(300, &[]);
    assert!(usable > 0, "the approved one was never opened");
}

#[test]
fn what_is_exchanged_while_a_process_of_its_own_opens_it_never_runs() {
    let usable = race(40, &["toy"]);
    assert!(usable > 0, "the approved one was never opened");
}

#[cfg(target_os = "linux")]
#[test]
fn an_approved_library_finds_those_that_lie_beside_it() {
    use unmask_tests::{Language, compiler};

    let folder = tempfile::tempdir().expect("a folder can be made");
    let at = |name: &str| folder.path().join(name);
    let toy = unmask_tests::root().join("plugins/examples/c/toy.c");
    let write = |name: &str, text: &str| fs::write(at(name), text).expect("the folder is ours");
    let compile = |arguments: &[&str]| {
        let mut compiler = compiler(Language::C).expect("these tests need a C compiler");
        compiler.current_dir(&folder).args(["-shared", "-fPIC"]);
        let done = compiler.args(arguments).status();
        assert!(done.is_ok_and(|it| it.success()), "{arguments:?}");
    };
    fs::create_dir(at("lib")).expect("the folder is ours");
    write(
        "beside.c",
        "int beside(void);\nint beside(void) { return 7; }\n",
    );
    let needs =
        "int beside(void);\n__attribute__((constructor)) static void use(void) { beside(); }\n";
    write("toy.c", &format!("#include \"{}\"\n{needs}", toy.display()));
    compile(&["beside.c", "-o", "libbeside.so"]);
    compile(&["beside.c", "-o", "lib/libbeside.so"]);
    for (name, run_path) in [("a", "$ORIGIN"), ("b", "$ORIGIN/../lib")] {
        let library = format!("sub-{name}/libunmask_backend_{name}.so");
        fs::create_dir(at(&format!("sub-{name}"))).expect("the folder is ours");
        let run_path = format!("-Wl,-rpath,{run_path}");
        let libraries = ["toy.c", "-o", &library, "-L.", "-lbeside", &run_path, "-lm"];
        compile(
            &[
                &libraries[..],
                &["-Wno-unused-function", "-Wno-unused-variable"],
            ]
            .concat(),
        );
    }
    fs::copy(at("libbeside.so"), at("sub-a/libbeside.so")).expect("the folder is ours");
    let (a, b) = (
        at("sub-a/libunmask_backend_a.so"),
        at("sub-b/libunmask_backend_b.so"),
    );
    for library in [a, b] {
        let registry = Registry::discover(&SearchPath::new(&BackendSearch {
            approved: vec![Approval::of(&library).expect("it is there")],
            config: vec![library.clone()],
            ..BackendSearch::default()
        }));
        let state = &registry.rows()[0].state;
        assert!(matches!(state, BackendState::Usable { .. }), "{state:?}");
    }
}

#[test]
fn a_library_in_a_process_of_its_own_that_changes_once_it_was_found_is_not_opened_again() {
    let library = compile_plugin("tests/plugins/eager.c");
    let approval = Approval::of(&library.path).expect("it is there");
    let registry = Registry::discover(&SearchPath::new(&BackendSearch {
        config: vec![library.path.clone()],
        approved: vec![approval],
        isolation: Isolation {
            names: ["eager".to_owned()].into(),
            launcher: worker_launcher(env!("CARGO_BIN_EXE_backend_worker")),
        },
        ..BackendSearch::default()
    }));
    let backend = registry.find("eager").expect("it is approved");
    let load = || backend.load(&load_spec("llada", 8), &|_| ControlFlow::Continue(()));
    load().expect("it is as it was");
    let mut bytes = fs::read(&library.path).expect("it is there");
    bytes.push(0);
    fs::write(&library.path, &bytes).expect("it is ours");
    let refusal = load().err().expect("it is another").to_string();
    assert!(
        refusal.contains("has changed since it was approved; approve it again"),
        "{refusal}"
    );
    let here = registry.find_running("eager", BackendFilter::Usable, Running::Here);
    let refusal = here.err().expect("it is another").to_string();
    assert!(refusal.contains("has changed since"), "{refusal}");
}
