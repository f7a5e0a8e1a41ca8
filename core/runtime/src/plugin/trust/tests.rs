use super::*;
use crate::config::Folders;

/// A user with folders below `home`.
fn user(home: &Path) -> Environment {
    let at = |name: &str| home.join(name);
    Environment {
        folders: Some(Folders {
            home: home.to_owned(),
            config: at("config"),
            data: at("data"),
            cache: at("cache"),
            state: at("state"),
        }),
        ..Environment::default()
    }
}

fn home() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// A file that could be a library.
fn library(home: &Path, name: &str) -> PathBuf {
    let path = home.join(name);
    fs::write(&path, "code").expect("the folder is ours");
    path
}

fn read(home: &Path) -> Approvals {
    Approvals::read(&user(home)).expect("it can be read")
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, ApprovalsError>) -> String {
    result.expect_err("it must be refused").to_string()
}

#[test]
fn nothing_is_approved_at_first() {
    let home = home();
    assert_eq!(read(home.path()).list(), []);
}

#[test]
fn what_is_larger_than_any_library_is_not_read() {
    let home = home();
    let path = library(home.path(), "a.so");
    let file = File::options().write(true).open(&path);
    let grown = file.and_then(|file| file.set_len(LARGEST_LIBRARY + 1));
    grown.expect("it has no content");
    let error = Approval::of(&path).expect_err("it is too large");
    assert!(error.to_string().contains("more than 4 GiB"), "{error}");
    refused(read(home.path()).approve(&path, None));
}

#[test]
fn an_approval_is_remembered_by_path_and_content() {
    let home = home();
    let path = library(home.path(), "a.so");
    let approval = read(home.path()).approve(&path, None);
    let approval = approval.expect("it may be approved");
    // As sha256sum says it.
    assert_eq!(
        approval.sha256,
        "5694d08a2e53ffcae0c3103e5ad6f6076abd960eb1f8a56577040bc1028f702b"
    );
    assert_eq!(read(home.path()).list(), std::slice::from_ref(&approval));
    assert_eq!(Approval::of(&path).ok(), Some(approval.clone()));
    let copy = library(home.path(), "b.so");
    assert_ne!(Approval::of(&copy).ok(), Some(approval.clone()));
    fs::write(&path, "other code").expect("it is ours");
    assert_ne!(Approval::of(&path).ok(), Some(approval));
}

#[test]
fn a_second_approval_of_a_place_replaces_the_first() {
    let home = home();
    let path = library(home.path(), "a.so");
    read(home.path()).approve(&path, None).expect("it may");
    fs::write(&path, "other code").expect("it is ours");
    let second = read(home.path()).approve(&path, None).expect("it may");
    assert_eq!(read(home.path()).list(), [second]);
}

#[test]
fn what_has_changed_while_the_user_was_asked_is_not_approved() {
    let home = home();
    let path = library(home.path(), "a.so");
    let seen = Approval::of(&path).expect("it is there").sha256;
    fs::write(&path, "other code").expect("it is ours");
    let error = refused(read(home.path()).approve(&path, Some(&seen)));
    assert!(
        error.contains("has changed while you were asked"),
        "{error}"
    );
    assert_eq!(read(home.path()).list(), []);
}

#[test]
fn a_revoked_approval_is_gone_also_when_the_file_is() {
    let home = home();
    let path = library(home.path(), "a.so");
    let path = read(home.path()).approve(&path, None).expect("it may").path;
    fs::remove_file(&path).expect("it is ours");
    assert!(read(home.path()).revoke(&path).expect("it can be written"));
    assert!(!read(home.path()).revoke(&path).expect("nothing is written"));
    assert_eq!(read(home.path()).list(), []);
}

#[test]
fn only_files_can_be_approved() {
    let home = home();
    let error = refused(read(home.path()).approve(home.path(), None));
    assert!(error.ends_with("give the file of a backend"), "{error}");
    let error = refused(read(home.path()).approve(&home.path().join("gone"), None));
    assert!(error.ends_with("give the file of a backend"), "{error}");
}

#[test]
fn without_a_home_nothing_is_approved() {
    let home = home();
    let path = library(home.path(), "a.so");
    let mut approvals = Approvals::read(&Environment::default()).expect("there is none");
    let error = refused(approvals.approve(&path, None));
    assert!(error.ends_with("set HOME"), "{error}");
}

#[test]
fn a_damaged_file_of_approvals_approves_nothing() {
    let home = home();
    let path = home.path().join("state").join(FILE);
    fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("the home is ours");
    for text in [
        "",
        "{}",
        "[1]",
        "[{\"path\": \"/a\"}]",
        "[{\"path\":\"/a\",\"sha256\":\"\",\"x\":1}]",
    ] {
        fs::write(&path, text).expect("it is ours");
        let error = refused(Approvals::read(&user(home.path())));
        assert!(error.contains("remove it and approve again"), "{error}");
    }
}

#[cfg(unix)]
mod rights {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn set(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
    }

    /// `home/outer/inner/a.so` with these modes.
    #[track_caller]
    fn check([outer, inner, file]: [u32; 3], exposed: Option<&str>) {
        let home = home();
        let root = home.path().canonicalize().expect("it is there");
        let folder = root.join("outer").join("inner");
        fs::create_dir_all(&folder).expect("the home is ours");
        let path = library(&folder, "a.so");
        set(&path, file);
        set(&folder, inner);
        set(&root.join("outer"), outer);
        let what = exposure(&path, Rule::Library).err();
        let expected = exposed.map(|name| {
            let part = root.join(name);
            format!(
                "everybody may write to {}; run `chmod o-w` on it, or move the library",
                part.display()
            )
        });
        assert_eq!(what, expected, "{outer:o} {inner:o} {file:o}");
    }

    #[test]
    fn what_everybody_may_exchange_is_exposed() {
        check([0o755, 0o755, 0o755], None);
        check([0o755, 0o755, 0o646], Some("outer/inner/a.so"));
        check([0o755, 0o777, 0o755], Some("outer/inner"));
        check([0o755, 0o1777, 0o755], Some("outer/inner"));
        check([0o757, 0o755, 0o755], Some("outer"));
        check([0o1777, 0o755, 0o755], None);
    }

    #[test]
    fn an_exposed_library_cannot_be_approved() {
        let home = home();
        let path = library(home.path(), "a.so");
        set(&path, 0o666);
        let error = refused(read(home.path()).approve(&path, None));
        assert!(error.contains("everybody may write to"), "{error}");
    }

    #[test]
    fn approvals_are_the_users_alone_and_believed_only_then() {
        let home = home();
        let path = library(home.path(), "a.so");
        read(home.path()).approve(&path, None).expect("it may");
        let file = home.path().join("state").join(FILE);
        let mode = || {
            fs::metadata(&file)
                .expect("it is there")
                .permissions()
                .mode()
                & 0o777
        };
        assert_eq!(mode(), 0o600);
        set(&file, 0o666);
        let error = refused(Approvals::read(&user(home.path())));
        assert!(error.contains("everybody may write to"), "{error}");
        set(&file, 0o644);
        read(home.path()).approve(&path, None).expect("it may");
        assert_eq!(mode(), 0o600, "it is private again");
    }

    #[test]
    fn a_link_is_approved_as_the_file_that_it_leads_to() {
        let home = home();
        let path = library(home.path(), "a.so");
        let link = home.path().join("link.so");
        symlink(&path, &link).expect("the home is ours");
        let approval = read(home.path()).approve(&link, None).expect("it may");
        assert_eq!(Some(&approval.path), path.canonicalize().ok().as_ref());
        let other = library(home.path(), "b.so");
        fs::remove_file(&link).expect("it is ours");
        symlink(&other, &link).expect("the home is ours");
        assert_ne!(Approval::of(&link).ok(), Some(approval));
    }
}
