//! The guide for authors of backends is true: its commands run as they stand, from the template to an installed backend.

#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use unmask_tests::program::{Home, program};
use unmask_tests::root;

/// The commands of the guide, block after block.
fn commands(guide: &str) -> Vec<String> {
    let blocks = guide.split("```sh\n").skip(1);
    let block = |text: &str| text.split("```").next().unwrap_or_default().to_owned();
    blocks.map(block).collect()
}

/// What the blocks print, one after the other, run in one shell.
fn run(home: &Home, checkout: &Path, blocks: &[String]) -> Vec<String> {
    const BETWEEN: &str = "=== the next block ===";
    let own = program();
    let folder = own.parent().expect("a program lies in a folder");
    let path = std::env::var("PATH").expect("there is a path");
    let script = blocks.join(&format!("echo '{BETWEEN}'\n"));
    // Only the libraries that the guide makes are at hand, besides the program's own.
    let environment = home.environment();
    let environment = environment
        .into_iter()
        .filter(|(name, _)| !["HOME", "UNMASK_BACKEND_PATH"].contains(name));
    let output = Command::new("sh")
        .args(["-eu", "-c", &script])
        .current_dir(checkout)
        .envs(environment)
        .env("PATH", format!("{}:{path}", folder.display()))
        .env("CARGO_NET_OFFLINE", "true")
        // Cargo's own flags and folders are those of the tests' build.
        .env_remove("CARGO_TARGET_DIR")
        .env_remove("RUSTFLAGS")
        .output()
        .expect("there is a shell");
    let stdout = String::from_utf8(output.stdout).expect("it prints text");
    assert!(
        output.status.success(),
        "{stdout}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    stdout.split(BETWEEN).map(str::to_owned).collect()
}

/// A folder that looks like a checkout and may be written to.
fn checkout() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for name in ["core", "plugins"] {
        symlink(root().join(name), folder.path().join(name)).expect("the folder is ours");
    }
    folder
}

#[test]
fn every_command_of_the_guide_does_what_the_guide_says() {
    let guide = fs::read_to_string(root().join("plugins/README.md")).expect("it is there");
    let (home, checkout) = (Home::default(), checkout());
    let said = run(&home, checkout.path(), &commands(&guide));
    let [_, built, installed, in_c, proved, revoked, log] = &said[..] else {
        panic!("the guide has other blocks: {said:#?}");
    };
    let line = |text: &str, name: &str, word: &str| {
        let mut lines = text.lines();
        lines.any(|line| line.contains(name) && line.contains(word))
    };
    assert!(built.contains("1 passed"), "{built}");
    assert!(line(built, "mine", "usable"), "{built}");
    assert!(line(installed, "mine", "not approved"), "{installed}");
    let [_, after] = installed
        .split_once("approved: /")
        .map(<[_; 2]>::from)
        .unwrap_or_default();
    assert!(line(after, "mine", "usable"), "{installed}");
    assert!(line(in_c, "ctoy", "usable"), "{in_c}");
    // Without a network both want the tokens in their order.
    let answer = |text: &str| text.lines().last().map(str::to_owned);
    assert_eq!(answer(built), answer(in_c));
    assert!(answer(built).is_some_and(|it| !it.is_empty()), "{built}");
    assert!(proved.contains(" passed, 0 failed, "), "{proved}");
    assert!(revoked.contains("no longer approved"), "{revoked}");
    assert!(log.contains("tokens, no weights"), "{log}");
}
