//! The page of `unmask serve`: its scripts by node, and all of it in Chromium against the program with the demo model.
//! Without node or Chromium the tests that need them say so and pass, unless `UNMASK_REQUIRE_BROWSER` is set.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use unmask_tests::program::Home;
use unmask_tests::served::Served;
use unmask_tests::{root, tool};

#[track_caller]
fn passes(node: &Path, files: &[PathBuf], variables: &[(&str, &str)]) {
    let ran = Command::new(node)
        .args(["--test", "--test-reporter=spec"])
        .args(files)
        .envs(variables.iter().copied())
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{said}");
    assert!(said.contains("pass"), "{said}");
}

#[test]
fn the_scripts_of_the_page_do_as_they_say() {
    let Some(node) = tool(&["node"]) else { return };
    let folder = root().join("core/pages/tests");
    let files = ["pure.test.mjs", "update.test.mjs"].map(|name| folder.join(name));
    passes(&node, &files, &[]);
}

#[test]
fn the_page_is_used_and_looked_at() {
    let Some(node) = tool(&["node"]) else { return };
    let Some(chromium) = tool(&["chromium", "chromium-browser", "google-chrome"]) else {
        return;
    };
    const KEY: &str = "a-key-of-more-than-24-characters";
    let home = Home::default();
    let keys = home.path().join("keys");
    fs::write(&keys, format!("me {KEY}\n")).expect("it can be written");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let own = fs::Permissions::from_mode(0o600);
        fs::set_permissions(&keys, own).expect("the file is ours");
    }
    let (open, keyed) = (
        Served::start(&home, &[]),
        Served::start(&home, &["--key-file", "keys"]),
    );
    let chromium = chromium.display().to_string();
    let variables = [
        ("UNMASK_PAGE", &*open.address),
        ("UNMASK_PAGE_KEYED", &*keyed.address),
        ("UNMASK_PAGE_KEY", KEY),
        ("UNMASK_CHROMIUM", &*chromium),
    ];
    passes(
        &node,
        &[root().join("tests/page/page.test.mjs")],
        &variables,
    );
}
