//! The files by which systems start the server.

use std::io::Write as _;
use std::process::Command;

use unmask_tests::program::program;
use unmask_tests::root;

#[test]
fn systemd_finds_nothing_wrong_with_its_unit() {
    let unit = std::fs::read_to_string(root().join("tui/packaging/unmask-serve.service"));
    let unit = unit.expect("the unit is there");
    assert!(unit.contains("ExecStart=/usr/bin/unmask serve\n"));
    let folder = tempfile::tempdir().expect("a folder can be made");
    let file = folder.path().join("unmask-serve.service");
    let here = unit.replace("/usr/bin/unmask", &program().to_string_lossy());
    std::fs::write(&file, here).expect("it can be written");
    let Ok(output) = Command::new("systemd-analyze")
        .arg("verify")
        .arg(&file)
        .output()
    else {
        writeln!(std::io::stderr(), "skipped: there is no systemd-analyze").ok();
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr);
    let own: Vec<&str> = said
        .lines()
        .filter(|it| it.contains("unmask-serve"))
        .collect();
    assert!(output.status.success() && own.is_empty(), "{said}");
}

#[test]
fn the_plist_is_one() {
    let file = root().join("tui/packaging/unmask-serve.plist");
    let text = std::fs::read_to_string(&file).expect("the file is there");
    assert!(text.contains("<string>serve</string>"));
    let script = "import plistlib, sys; it = plistlib.load(open(sys.argv[1], 'rb')); print(it['ProgramArguments'][1])";
    let Ok(output) = Command::new("python3")
        .args(["-c", script])
        .arg(&file)
        .output()
    else {
        writeln!(std::io::stderr(), "skipped: there is no python3").ok();
        return;
    };
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "serve\n",
        "{output:?}"
    );
}
