//! `unmask backends install`: a backend's libraries from a wheel, a folder, pip and an index, and every way it goes wrong.

mod index;
mod rig;

use std::fs;

use index::{Index, Manner};
use rig::{Rig, WHEEL, library, library_bytes, said, write_wheel};
use unmask_tests::program::{Home, refused};

fn text(path: &std::path::Path) -> &str {
    path.to_str().expect("test folders have plain names")
}

#[test]
fn a_wheels_libraries_are_unpacked_and_found_to_be_there_next_time() {
    let rig = Rig::new();
    let wheel = rig.wheel();
    let target = rig.installed("1.2.3");
    let first = rig.install(&["--from", text(&wheel)]);
    let what = format!("needed 1.2.3 (plain) is installed: {}\n", target.display());
    assert_eq!(
        (first.stdout.as_str(), first.code),
        (&*what, Some(0)),
        "{first:?}"
    );
    assert!(first.stderr.contains("needy is usable"), "{first:?}");
    assert_eq!(rig.names("1.2.3"), ["LICENSE", &library(".1.2.3")]);
    let bytes = fs::read(target.join(library(".1.2.3"))).expect("it is there");
    assert!(bytes == library_bytes());
    let again = rig.install(&["--from", text(&wheel)]);
    said(&again, &["needed 1.2.3 (plain) is there already: "]);
    let plain = rig.install(&[]);
    said(&plain, &["is there already"]);
    let around = target.parent().expect("it has one");
    assert_eq!(
        fs::read_dir(around).expect("it is there").count(),
        1,
        "nothing is left over"
    );
}

#[test]
fn a_flavour_has_a_folder_of_its_own_and_an_unknown_one_is_refused() {
    let rig = Rig::new();
    let wheel = rig.wheel();
    let loud = rig.install(&["--gpu", "loud", "--from", text(&wheel)]);
    said(&loud, &["needed 1.2.3 (loud) is installed: ", "1.2.3-loud"]);
    let unknown = rig.install(&["--gpu", "quiet"]);
    refused(
        &unknown,
        2,
        &[
            "no libraries of flavour `quiet`",
            "it has plain, loud, plugin",
        ],
    );
}

#[test]
fn a_folder_is_searched_and_its_library_gives_the_version() {
    let rig = Rig::new();
    let lib = rig.at("site-packages/needed/lib");
    fs::create_dir_all(&lib).expect("the folder is ours");
    fs::write(lib.join(library(".1.3.0")), "new").expect("the folder is ours");
    fs::write(lib.join("notes.txt"), "notes").expect("the folder is ours");
    #[cfg(unix)]
    std::os::unix::fs::symlink(library(".1.3.0"), lib.join(library(""))).expect("links are there");
    let from = rig.install(&["--from", text(&rig.at("site-packages"))]);
    said(&from, &["needed 1.3.0 (plain) is installed: "]);
    assert_eq!(rig.names("1.3.0"), [library(".1.3.0")]);
}

#[test]
fn what_has_no_library_is_refused_and_leaves_nothing() {
    let rig = Rig::new();
    let empty = rig.at("empty");
    fs::create_dir(&empty).expect("the folder is ours");
    fs::write(empty.join("LICENSE"), "do as you like").expect("the folder is ours");
    let other = rig.at("needed-9.9.9-py3-none-any.whl");
    write_wheel(&other, &[("needed/LICENSE", b"do as you like")]);
    let text_file = rig.at("notes.zip");
    fs::write(&text_file, "notes").expect("the folder is ours");
    let wanted = library("*");
    refused(
        &rig.install(&["--from", text(&empty)]),
        1,
        &["holds no", &wanted, WHEEL],
    );
    refused(
        &rig.install(&["--from", text(&other)]),
        1,
        &["holds no", &wanted, WHEEL],
    );
    refused(
        &rig.install(&["--from", text(&text_file)]),
        1,
        &["as a zip archive"],
    );
    refused(
        &rig.install(&["--from", "nowhere.whl"]),
        1,
        &["nowhere.whl is not there"],
    );
    #[cfg(unix)]
    refused(
        &rig.install(&["--from", "/dev/zero"]),
        1,
        &["/dev/zero is no file and no folder"],
    );
    let foreign = rig.at("needed-1.2.3-cp312-cp312-win_arm64.whl");
    fs::copy(rig.wheel(), &foreign).expect("the folder is ours");
    refused(
        &rig.install(&["--from", text(&foreign)]),
        1,
        &["is for win_arm64", WHEEL],
    );
    let runtimes = rig.installed("1.2.3");
    let left = fs::read_dir(runtimes.parent().expect("it has one"));
    assert_eq!(left.map_or(0, Iterator::count), 0);
}

#[test]
fn a_wheel_of_another_python_is_taken_with_a_note() {
    let rig = Rig::new();
    let other = rig.at("needed-1.2.4-cp311-cp311-none_any_x86_64.whl");
    fs::copy(rig.wheel(), &other).expect("the folder is ours");
    let from = rig.install(&["--from", text(&other)]);
    said(&from, &["needed 1.2.4 (plain) is installed: "]);
    assert!(
        from.stderr.contains("is not the file that was tested"),
        "{from:?}"
    );
}

#[test]
fn a_wrong_hash_is_refused_wherever_the_file_comes_from() {
    let rig = Rig::new();
    let mut bytes = fs::read(rig.wheel()).expect("it is there");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let wheel = rig.at("copy").join(WHEEL);
    fs::create_dir(rig.at("copy")).expect("the folder is ours");
    fs::write(&wheel, &bytes).expect("the folder is ours");
    let words = ["is not the file that was published", "SHA-256"];
    refused(&rig.install(&["--from", text(&wheel)]), 1, &words);
    let index = Index::of(bytes, Manner::Good);
    let fetched = rig.install(&["--index", &index.url]);
    refused(
        &fetched,
        1,
        &["its hash is", "was thrown away", "try again"],
    );
    assert_eq!(rig.names("1.2.3"), Vec::<String>::new());
    let downloads = rig.home.path().join("cache/unmask/downloads");
    assert_eq!(fs::read_dir(downloads).expect("it is there").count(), 0);
}

#[test]
fn without_pip_the_index_of_the_environment_is_asked() {
    let rig = Rig::new();
    let index = Index::of(fs::read(rig.wheel()).expect("it is there"), Manner::Good);
    let fetched = rig.install_with(&[], &[("PATH", ""), ("PIP_INDEX_URL", &index.url)]);
    said(&fetched, &["needed 1.2.3 (plain) is installed: "]);
    assert_eq!(rig.names("1.2.3"), ["LICENSE", &library(".1.2.3")]);
    let file = format!("/files/{WHEEL}");
    assert_eq!(index.asked(), ["/simple/needed/", &file]);
}

#[test]
fn a_plugin_brings_the_library_that_it_is_of_no_use_without() {
    let rig = Rig::new();
    let index = Index::of(fs::read(rig.wheel()).expect("it is there"), Manner::Good);
    let install = || rig.install(&["--gpu", "plugin", "--index", &index.url]);
    let first = install();
    said(
        &first,
        &[
            "needed 1.2.3 (plain) is installed: ",
            "needed 1.2.3 (plugin) is installed: ",
        ],
    );
    let plugin = rig.installed("1.2.3").with_file_name("1.2.3-plugin");
    assert!(plugin.join(library(".1.2.3")).is_file());
    assert_eq!(rig.names("1.2.3"), ["LICENSE", &library(".1.2.3")]);
    let again = install();
    said(
        &again,
        &["(plain) is there already", "(plugin) is there already"],
    );
}

#[test]
fn a_fetch_that_breaks_off_goes_on_from_there() {
    let rig = Rig::new();
    let wheel = fs::read(rig.wheel()).expect("it is there");
    let index = Index::of(wheel.clone(), Manner::Breaks(1));
    said(&rig.install(&["--index", &index.url]), &["is installed"]);
    let file = format!("/files/{WHEEL}");
    let rest = format!("{file} from 100000");
    assert_eq!(index.asked(), ["/simple/needed/", &file, &rest]);
    assert_eq!(rig.names("1.2.3"), ["LICENSE", &library(".1.2.3")]);
}

#[test]
fn a_fetch_that_comes_on_may_break_often() {
    let rig = Rig::new();
    let wheel = fs::read(rig.wheel()).expect("it is there");
    let index = Index::of(wheel, Manner::Breaks(3));
    said(&rig.install(&["--index", &index.url]), &["is installed"]);
    assert_eq!(rig.names("1.2.3"), ["LICENSE", &library(".1.2.3")]);
}

#[test]
fn a_fetch_that_was_given_up_goes_on_next_time() {
    let rig = Rig::new();
    let wheel = fs::read(rig.wheel()).expect("it is there");
    let index = Index::of(wheel.clone(), Manner::Vanishes);
    let broken = rig.install(&["--index", &index.url]);
    refused(&broken, 1, &["cannot reach http://", "is there a network?"]);
    assert_eq!(rig.names("1.2.3"), Vec::<String>::new());
    let index = Index::of(wheel, Manner::Good);
    said(&rig.install(&["--index", &index.url]), &["is installed"]);
    let rest = format!("/files/{WHEEL} from 100000");
    assert_eq!(index.asked(), ["/simple/needed/", &rest]);
}

#[test]
fn an_index_that_sends_whole_files_alone_is_begun_anew() {
    let rig = Rig::new();
    let wheel = fs::read(rig.wheel()).expect("it is there");
    let index = Index::of(wheel, Manner::BreaksWhole(1));
    said(&rig.install(&["--index", &index.url]), &["is installed"]);
    assert_eq!(rig.names("1.2.3"), ["LICENSE", &library(".1.2.3")]);
}

#[test]
fn an_index_without_the_file_no_network_and_no_way_at_all_are_told_apart() {
    let rig = Rig::new();
    let lacking = Index::of(Vec::new(), Manner::Lacks);
    let said = rig.install(&["--index", &lacking.url]);
    refused(
        &said,
        1,
        &["the package index answers 404", "/simple/needed/"],
    );
    // Nobody listens on a port that was just given back.
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("there is a loopback");
        listener.local_addr().expect("it is bound").port()
    };
    let nobody = format!("http://me:secret@127.0.0.1:{port}/simple");
    let said = rig.install(&["--index", &nobody]);
    refused(
        &said,
        1,
        &[
            "cannot ask the package index at http://127.0.0.1",
            "is there a network?",
        ],
    );
    assert!(!said.stderr.contains("secret"), "{said:?}");
    let none = rig.install(&[]);
    refused(&none, 1, &["no Python with pip", "--index", "--from"]);
}

#[test]
#[cfg(unix)]
fn pip_is_asked_first_and_the_index_if_it_fails() {
    let rig = Rig::new();
    let pip = |body: &str| {
        use std::os::unix::fs::PermissionsExt as _;
        let path = rig.at("python3");
        let script = format!(
            "#!/bin/sh\ncase \"$*\" in *--version*--*) ;; *--version*) exit 0 ;; esac\n{body}\n"
        );
        fs::write(&path, script).expect("the folder is ours");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
    };
    let folder = rig
        .wheel()
        .parent()
        .map(|it| text(it).to_owned())
        .expect("it has one");
    let path = format!("{folder}:/usr/bin:/bin");
    pip("echo 'ERROR: No matching distribution found for needed' >&2; exit 1");
    let alone = rig.install_with(&[], &[("PATH", &path)]);
    refused(
        &alone,
        1,
        &[
            "pip says: No matching distribution found for needed",
            "--from",
        ],
    );
    let index = Index::of(fs::read(rig.wheel()).expect("it is there"), Manner::Lacks);
    let both = rig.install_with(&[], &[("PATH", &path), ("PIP_INDEX_URL", &index.url)]);
    refused(
        &both,
        1,
        &["pip says: No matching", "the package index answers 404"],
    );
    pip(&format!(
        "while [ \"$1\" != --dest ]; do echo \"$1\" >>{folder}/words; shift; done\ncp {folder}/{WHEEL} \"$2\""
    ));
    let fetched = rig.install_with(&[], &[("PATH", &path)]);
    said(&fetched, &["is installed"]);
    let words = fs::read_to_string(rig.at("words")).expect("pip was asked");
    assert!(
        words.contains("--abi\ncp312\n--platform\nnone_any_x86_64\n"),
        "{words}"
    );
}

#[test]
fn backends_that_need_nothing_and_unknown_ones_say_so() {
    let home = Home::default();
    said(
        &home.run(&["backends", "install", "candle"], ""),
        &["candle needs nothing more"],
    );
    let unknown = home.run(&["backends", "install", "candel"], "");
    refused(
        &unknown,
        3,
        &["there is no backend `candel`; did you mean `candle`?"],
    );
}
