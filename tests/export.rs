//! `unmask export`: a model as files of a backend's own kind.

use std::fs;

use unmask_tests::plugin;
use unmask_tests::program::{Home, refused};

#[test]
fn export_writes_a_backends_own_files_into_a_folder_of_their_own() {
    let home = Home::default();
    let toy = plugin("example-toy");
    let toy = [("UNMASK_BACKEND_PATH", toy.to_str().expect("plain names"))];
    let export = |words: &[&str]| {
        let arguments = [&["export"], words].concat();
        home.run_with(&arguments, "", &toy)
    };
    let said = export(&["toy", "out"]);
    let path = home.path().join("out").join("toy.txt");
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.stdout.starts_with(&*path.to_string_lossy()),
        "{said:?}"
    );
    let text = fs::read_to_string(&path).expect("it was written");
    assert!(text.ends_with(" tokens, no weights\n"), "{text}");
    refused(&export(&["toy", "out"]), 2, &["out is not empty"]);
    let none = export(&["candle", "other"]);
    refused(&none, 2, &["candle: this backend has no files of its own"]);
    assert!(!home.path().join("other").exists());
    let unknown = export(&["tory", "other"]);
    refused(&unknown, 3, &["no backend `tory`; did you mean `toy`?"]);
    let missing = export(&["toy", "other", "-m", "gone/model"]);
    refused(&missing, 3, &["gone/model"]);
}

#[test]
fn an_export_needs_no_library_that_computes() {
    let home = Home::default();
    let nowhere = [("ORT_DYLIB_PATH", "/nowhere/libonnxruntime.so")];
    let said = home.run_with(&["export", "onnx", "out"], "", &nowhere);
    assert_eq!(said.code, Some(0), "{said:?}");
    let chat = home.run_with(&["generate", "--backend", "onnx", "Hello"], "", &nowhere);
    refused(&chat, 3, &["backend `onnx` cannot be used here"]);
    let config = "active_model_key = \"here\"\n[available_models.here]\nmodel_id = \"builtin:demo\"\n\
                  framework = \"onnx\"\noptions = { library = \"/elsewhere/libonnxruntime.so\" }\n";
    let file = home.path().join("named.toml");
    fs::write(&file, config).expect("it can be written");
    let file = file.to_str().expect("plain names");
    let named = home.run_with(&["generate", "--config", file, "Hello"], "", &nowhere);
    refused(&named, 2, &["/elsewhere/libonnxruntime.so"]);
}
