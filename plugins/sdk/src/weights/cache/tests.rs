use std::cell::Cell;
use std::ops::ControlFlow;

use tempfile::TempDir;

use super::*;

fn arrays() -> [Array; 3] {
    [
        Array::new("a".to_owned(), Dtype::I8, &[2, 5]),
        Array::new("b".to_owned(), Dtype::F16, &[32]),
        Array::new("c".to_owned(), Dtype::U32, &[1]),
    ]
}

fn bytes(array: &Array) -> Vec<u8> {
    (0..array.bytes()).map(|byte| byte as u8 ^ 0x5a).collect()
}

struct Desk {
    folder: TempDir,
    checkpoint: Weights,
    arrays: [Array; 3],
}

impl Desk {
    fn new() -> Self {
        Self {
            folder: TempDir::new().expect("there is room for a folder"),
            checkpoint: Weights::open(&[]).expect("no files are fine"),
            arrays: arrays(),
        }
    }

    fn cache(&self) -> Cache<'_> {
        Cache {
            label: "test-q1",
            edition: 1,
            checkpoint: &self.checkpoint,
            arrays: &self.arrays,
            folder: Some(self.folder.path()),
            progress: &|_| ControlFlow::Continue(()),
        }
    }

    fn files(&self) -> usize {
        let files = fs::read_dir(self.folder.path()).expect("the folder exists");
        files.count()
    }
}

/// Opens `cache` and tells how often the arrays were made.
#[track_caller]
fn open(cache: &Cache<'_>) -> (CachedArrays, usize) {
    let made = Cell::new(0);
    let kept = cache.open(|writer| {
        made.set(made.get() + 1);
        for array in cache.arrays {
            let bytes = bytes(array);
            // In two pieces, as who makes them in parts does.
            let (first, rest) = bytes.split_at(bytes.len() / 2);
            writer.write(first)?;
            writer.write(rest)?;
        }
        Ok(())
    });
    let kept = kept.expect("they can be made");
    for array in cache.arrays {
        let found = kept.weights.shaped(&array.name, &array.shape);
        let found = found.expect("it is kept");
        assert_eq!((found.dtype, found.bytes), (array.dtype, &bytes(array)[..]));
        let address = found.bytes.as_ptr().addr();
        assert_eq!((found.offset % 64, address % 64), (0, 0), "{}", array.name);
    }
    (kept, made.get())
}

#[test]
fn arrays_are_made_once_and_then_mapped() {
    let desk = Desk::new();
    for made in [1, 0, 0] {
        let (kept, count) = open(&desk.cache());
        assert_eq!((kept.held_bytes, kept.note, count), (0, None, made));
    }
    assert_eq!(desk.files(), 1);
}

#[test]
fn another_edition_shape_or_label_has_a_file_of_its_own() {
    let mut desk = Desk::new();
    open(&desk.cache());
    let edition = Cache {
        edition: 2,
        ..desk.cache()
    };
    assert_eq!(open(&edition).1, 1);
    let label = Cache {
        label: "other-q1",
        ..desk.cache()
    };
    assert_eq!(open(&label).1, 1);
    desk.arrays[0].shape = vec![5, 2];
    assert_eq!(open(&desk.cache()).1, 1);
    assert_eq!(desk.files(), 4);
}

#[test]
fn without_a_folder_arrays_are_held_in_as_many_bytes_as_told() {
    let desk = Desk::new();
    let nowhere = Cache {
        folder: None,
        ..desk.cache()
    };
    let (kept, made) = open(&nowhere);
    assert_eq!((kept.held_bytes, made), (held_bytes(&desk.arrays), 1));
    assert_eq!(desk.files(), 0);
}

#[test]
fn any_changed_byte_is_noticed_and_made_good() {
    let desk = Desk::new();
    open(&desk.cache());
    let path = desk.folder.path().join(desk.cache().file_name());
    let whole = fs::read(&path).expect("the file is readable");
    let data = whole.len() - 3 * 64;
    // The first and the last byte of each array, of 10, 64 and 4.
    for at in [0, 9, 64, 127, 128, 131] {
        let mut damaged = whole.clone();
        damaged[data + at] ^= 1;
        fs::write(&path, damaged).expect("the file is writable");
        let (kept, made) = open(&desk.cache());
        let note = kept.note.expect("damage is told");
        assert!(note.contains("has a wrong checksum for"), "{note}");
        assert_eq!(made, 1);
        assert_eq!(fs::read(&path).expect("it is there"), whole);
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_is_replaced_and_not_waited_for() {
    let desk = Desk::new();
    let path = desk.folder.path().join(desk.cache().file_name());
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    assert!(made.is_ok_and(|status| status.success()));
    let (kept, made) = open(&desk.cache());
    let note = kept.note.expect("it is told");
    assert!(note.contains("quantised again"), "{note}");
    assert_eq!((made, open(&desk.cache()).1), (1, 0));
}

#[test]
fn what_cannot_be_written_is_held_and_told_of() {
    let desk = Desk::new();
    let obstacle = desk.folder.path().join("a file");
    fs::write(&obstacle, "not a folder").expect("the folder is writable");
    let blocked = Cache {
        folder: Some(&obstacle),
        ..desk.cache()
    };
    let (kept, _) = open(&blocked);
    assert!(kept.held_bytes > 0);
    let note = kept.note.expect("it is told");
    assert!(note.contains("cannot be written"), "{note}");
}

#[test]
fn a_stopped_or_failed_making_leaves_nothing() {
    let desk = Desk::new();
    let stopped = Cache {
        progress: &|_| ControlFlow::Break(()),
        ..desk.cache()
    };
    let result = stopped.open(|writer| writer.write(&bytes(&desk.arrays[0])));
    assert!(matches!(result.err(), Some(BackendError::Cancelled)));
    let failed = desk
        .cache()
        .open(|_| Err(BackendError::Device("no".to_owned())));
    assert!(matches!(failed.err(), Some(BackendError::Device(_))));
    assert_eq!(desk.files(), 0);
}
