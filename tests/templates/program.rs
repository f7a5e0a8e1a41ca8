//! Checkpoints with templates of others, as the program meets them.

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use unmask_tests::program::{Home, refused};
use unmask_tests::root;

/// The demo model with another template.
fn checkpoint(template: &str) -> TempDir {
    let folder = TempDir::new().expect("a folder");
    let demo = root().join("core/runtime/demo-model");
    for entry in fs::read_dir(demo).expect("the demo model is there") {
        let path = entry.expect("an entry").path();
        if path.is_file() {
            let name = path.file_name().expect("a file has a name");
            fs::copy(&path, folder.path().join(name)).expect("it is copied");
        }
    }
    fs::write(folder.path().join("chat_template.jinja"), template).expect("it is written");
    folder
}

fn path(folder: &TempDir) -> &str {
    folder.path().to_str().expect("a path of ours")
}

#[test]
fn templates_of_others_load_and_render() {
    for case in ["crlf-template", "generation-tag", "none-is-iterable"] {
        let template = Path::new(root())
            .join("tests/cases")
            .join(case)
            .join("chat_template.jinja");
        let folder = checkpoint(&fs::read_to_string(template).expect("the case has a template"));
        let said = Home::default().run(
            &["generate", "-q", "-m", path(&folder), "--steps", "2", "hi"],
            "",
        );
        assert_eq!(said.code, Some(0), "{case}: {said:?}");
    }
}

#[test]
fn a_template_that_costs_too_much_is_named() {
    let loops = "{% for i in range(99999) %}".repeat(3) + &"{% endfor %}".repeat(3);
    let folder = checkpoint(&loops);
    let said = Home::default().run(&["generate", "-m", path(&folder), "hi"], "");
    let file = folder
        .path()
        .join("chat_template.jinja")
        .display()
        .to_string();
    refused(&said, 3, &[&file, "more time or memory", "fetch it again"]);
}

#[test]
fn a_fault_of_a_template_is_told_with_its_line() {
    let folder = checkpoint("\n{{ messages[0].content + 1 }}");
    let said = Home::default().run(&["generate", "-m", path(&folder), "hi"], "");
    refused(
        &said,
        3,
        &["line 2 of", "chat_template.jinja", "a text and a number"],
    );
    let folder = checkpoint("\n\n{% nope %}");
    let said = Home::default().run(&["generate", "-m", path(&folder), "hi"], "");
    refused(
        &said,
        3,
        &["line 3 of", "chat_template.jinja", "`nope` is not known"],
    );
}
