//! The plugin border before the first call: a file that is no backend, or none of ours, is refused with its reason.

use std::path::Path;

use unmask_core::plugin::{PluginError, load};
use unmask_tests::spoiled;

/// What loading the file says, its path left out.
#[track_caller]
fn refusal(path: &Path) -> String {
    let error = load(path)
        .map(|it| it.name().to_owned())
        .expect_err("it must be refused");
    error
        .to_string()
        .replace(&path.display().to_string(), "FILE")
}

#[track_caller]
fn check_refusal(name: &str, message: &str) {
    assert_eq!(refusal(&spoiled(name).path), message);
}

#[test]
fn a_missing_file_and_a_file_of_another_kind_are_refused_with_the_loaders_words() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("libunmask_backend_text.so");
    let missing = refusal(&file);
    assert!(missing.starts_with("FILE cannot be loaded: "), "{missing}");
    assert!(
        missing.len() > "FILE cannot be loaded: dlopen failed".len(),
        "{missing}"
    );
    std::fs::write(&file, "no library").expect("the folder is ours");
    let text = refusal(&file);
    assert!(text.starts_with("FILE cannot be loaded: "), "{text}");
    assert_ne!(text, missing);
}

#[test]
fn a_relative_path_is_refused() {
    let error = load(Path::new("libfoo.so"))
        .map(|_| ())
        .expect_err("it must be refused");
    assert!(matches!(error, PluginError::Relative { .. }), "{error}");
}

#[test]
fn a_library_without_the_table_is_no_backend() {
    check_refusal(
        "no_entry",
        "FILE is not a backend for unmask: it exports no UNMASK_PLUGIN",
    );
}

// The functions of the next four end the process when they are called.

#[test]
fn another_major_version_is_refused_before_any_call() {
    check_refusal(
        "wrong_version",
        "FILE speaks plugin ABI 3.1, this program speaks 2.1; rebuild it against unmask-sdk or unmask_backend.h of ABI 2",
    );
}

#[test]
fn a_table_too_short_for_its_functions_is_refused_before_any_call() {
    check_refusal(
        "short_table",
        "FILE: its table has 24 bytes, at least 128 are needed; the plugin must be repaired by its maker",
    );
}

#[test]
fn a_null_function_is_refused_before_any_call() {
    check_refusal(
        "null_function",
        "FILE: its function `forward` is null; the plugin must be repaired by its maker",
    );
}

#[test]
fn a_missing_name_is_refused_before_any_call() {
    check_refusal(
        "null_name",
        "FILE: its name is missing, empty or endless; the plugin must be repaired by its maker",
    );
}

#[test]
fn an_empty_text_on_runtimes_is_refused_before_any_call() {
    check_refusal(
        "empty_runtimes",
        "FILE: what it says of its runtimes is empty or endless; the plugin must be repaired by its maker",
    );
}

#[test]
#[cfg(target_os = "linux")]
fn a_function_that_no_library_has_is_found_out_while_loading() {
    let text = refusal(&spoiled("undefined_symbol").path);
    assert!(text.contains("nowhere_to_be_found"), "{text}");
}

#[test]
fn a_failing_init_is_told_in_the_plugins_words_every_time() {
    let file = spoiled("failing_init");
    for _ in 0..2 {
        assert_eq!(
            refusal(&file.path),
            "FILE did not start: spoiled: no driv\u{fffd}r"
        );
    }
}
