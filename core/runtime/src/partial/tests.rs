use super::*;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder can be made")
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("it is there");
    let names = entries.map(|entry| entry.expect("it is there").file_name());
    let mut names: Vec<String> = names.map(|it| it.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn what_is_replaced_keeps_its_permissions_and_leaves_nothing_beside_it() {
    let folder = folder();
    let path = folder.path().join("sub").join("a");
    replace(&path, b"one").expect("it can be written");
    replace(&path, b"two").expect("it can be written");
    assert_eq!(fs::read(&path).expect("it is there"), b"two");
    assert_eq!(names(path.parent().expect("it has one")), ["a"]);
}

#[cfg(unix)]
#[test]
fn a_name_of_any_length_can_be_written_and_its_leftovers_are_swept() {
    let folder = folder();
    for name in ["a".repeat(255), "ä".repeat(127), "漢".repeat(85)] {
        let path = folder.path().join(&name);
        let held = locked_file(&path, Readers::AsBefore).expect("it can be made");
        let left = held.path().to_owned();
        held.as_file().unlock().expect("it is ours");
        replace(&path, b"one").expect("it can be written");
        assert!(!left.exists(), "{left:?}");
        assert_eq!(names(folder.path()), [name]);
        fs::remove_file(path).expect("it is there");
    }
}

#[test]
fn what_is_to_be_kept_is_kept() {
    let folder = folder();
    let path = folder.path().join("a");
    put(&path, b"one", Existing::Kept, None).expect("nothing is there");
    let again = put(&path, b"two", Existing::Kept, None).expect_err("it is there");
    assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read(&path).expect("it is there"), b"one");
    let mut file = put(&path, b"two", Existing::Replaced, None).expect("it may be");
    file.write_all(b" three").expect("it can be added to");
    assert_eq!(fs::read(&path).expect("it is there"), b"two three");
    assert_eq!(names(folder.path()), ["a"]);
}

#[test]
fn a_sweep_removes_what_nobody_holds_and_nothing_else() {
    let folder = folder();
    let path = folder.path().join("a");
    let held = locked_file(&path, Readers::AsBefore).expect("it can be made");
    let held_folder = PartialFolder::beside(&folder.path().join("b"), None);
    let held_folder = held_folder.expect("it can be made");
    let dead = folder.path().join(".a.123456.partial");
    let dead_folder = folder.path().join(".b.123456.partial");
    let old = folder.path().join("candle-q4k.4711.partial");
    fs::write(&dead, "x").expect("it can be written");
    fs::write(&old, "x").expect("it can be written");
    fs::create_dir(&dead_folder).expect("it can be made");
    fs::write(dead_folder.join("x"), "x").expect("it can be written");
    fs::write(&path, "x").expect("it can be written");
    let persons = ["config.toml.partial", "4711.partial", "notes.47b.partial"];
    for name in persons {
        fs::write(folder.path().join(name), "x").expect("it can be written");
    }
    sweep(folder.path());
    assert!(held.path().exists() && held_folder.path().exists() && path.exists());
    assert!(!dead.exists() && !old.exists() && !dead_folder.exists());
    drop((held, held_folder));
    let mut left = [&persons[..], &["a"]].concat();
    left.sort_unstable();
    assert_eq!(names(folder.path()), left);
}

#[test]
fn who_makes_a_folder_and_who_removes_it_keep_each_other_away() {
    let folder = folder();
    let place = folder.path().join("out");
    let made = PartialFolder::beside(&place, None).expect("it can be made");
    let path = made.path().to_owned();
    folder_lock::taken(&path).expect_err("its maker lives");
    drop(made);
    assert!(!path.exists());
    fs::create_dir(&path).expect("nothing is there");
    let taken = folder_lock::taken(&path).expect("its maker is gone");
    folder_lock::held(&path).expect_err("it is being removed");
    drop(taken);
    let held = folder_lock::held(&path).expect("nobody has it");
    fs::rename(&path, &place).expect("its maker may put it");
    drop(held);
    assert!(place.exists());
}

#[test]
fn a_folder_is_put_where_nothing_is_or_an_empty_one() {
    let folder = folder();
    let place = folder.path().join("out");
    for _ in 0..2 {
        let partial = PartialFolder::beside(&place, None).expect("it can be made");
        fs::write(partial.path().join("x"), "x").expect("it can be written");
        partial.put().expect("there is room");
        assert_eq!(names(folder.path()), ["out"]);
        fs::remove_file(place.join("x")).expect("it is there");
    }
    fs::write(place.join("y"), "y").expect("it can be written");
    let partial = PartialFolder::beside(&place, None).expect("it can be made");
    partial.put().expect_err("it is not empty");
    assert_eq!(names(folder.path()), ["out"]);
    assert_eq!(names(&place), ["y"]);
}

#[test]
fn a_dead_note_leads_to_what_its_process_left_in_a_foreign_folder() {
    let (cache, foreign) = (folder(), folder());
    let notes = Notes::within(cache.path());
    let place = foreign.path().join("out");
    let note = notes.write(&place).expect("it can be made");
    let left = foreign.path().join(".out.123456.partial");
    let other = foreign.path().join(".other.123456.partial");
    for path in [&left, &other] {
        fs::write(path, "x").expect("it can be written");
    }
    notes.sweep();
    assert!(left.exists(), "its process lives");
    // A copy is what stays of a note whose process is gone.
    let copy = cache.path().join("unfinished").join(".note.dead.partial");
    fs::write(copy, place.as_os_str().as_encoded_bytes()).expect("it can be written");
    // What no note can be is not read.
    let endless = cache
        .path()
        .join("unfinished")
        .join(".note.endless.partial");
    let made = fs::File::create(&endless).and_then(|file| file.set_len(1 << 40));
    made.expect("it has no content");
    notes.sweep();
    assert!(!left.exists() && other.exists());
    drop(note);
    assert_eq!(names(&cache.path().join("unfinished")), [""; 0]);
}
