use std::fs;

use tempfile::TempDir;

use super::*;

/// A safetensors file with `tensors` of (name, dtype, shape, bytes).
fn file(tensors: &[(&str, &str, &str, &[u8])]) -> Vec<u8> {
    let mut start = 0;
    let mut entries = vec![r#""__metadata__":{"format":"pt"}"#.to_owned()];
    for (name, dtype, shape, bytes) in tensors {
        let end = start + bytes.len();
        entries.push(format!(
            r#""{name}":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[{start},{end}]}}"#
        ));
        start = end;
    }
    let header = format!("{{{}}}", entries.join(","));
    let mut out = (header.len() as u64).to_le_bytes().to_vec();
    out.extend(header.as_bytes());
    for (_, _, _, bytes) in tensors {
        out.extend_from_slice(bytes);
    }
    out
}

fn write(folder: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, bytes).expect("the files are fine");
    path
}

fn open(bytes: &[u8]) -> Result<Weights, BackendError> {
    let folder = TempDir::new().expect("the files are fine");
    Weights::open(&[write(&folder, "model.safetensors", bytes)])
}

#[track_caller]
fn check_error(result: Result<Weights, BackendError>, message: &str) {
    let error = result.expect_err("the file is broken").to_string();
    assert!(error.contains(message), "{error:?} says {message:?}");
}

const TWO: &[u8] = &[0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0];

// Windows lets nobody cut a file that is mapped.
#[cfg(not(windows))]
#[test]
fn a_file_that_is_cut_short_while_it_is_mapped_is_named_and_not_touched() {
    let folder = TempDir::new().expect("a folder can be made");
    let bytes = file(&[("full", "F32", "[2,1]", TWO)]);
    let path = write(&folder, "model.safetensors", &bytes);
    let weights = Weights::open(std::slice::from_ref(&path)).expect("it is whole");
    weights.check_whole().expect("it is whole");
    set_length(&path, 8);
    let errors = [weights.check_whole().err(), weights.get("full").err()];
    for error in errors {
        let error = error.expect("it lacks its end").to_string();
        let words = format!(
            "was cut short while it was in use: it has 8 of {} bytes",
            bytes.len()
        );
        assert!(error.contains(&words), "{error}");
    }
}

#[cfg(not(windows))]
fn set_length(path: &Path, bytes: u64) {
    let file = fs::File::options().write(true).open(path);
    file.and_then(|it| it.set_len(bytes)).expect("it is ours");
}

#[cfg(target_os = "linux")]
#[test]
fn what_is_cut_off_while_it_is_read_is_zeros_and_an_error() {
    let folder = TempDir::new().expect("a folder can be made");
    let ones = 1_f32.to_le_bytes().repeat(1 << 20);
    let bytes = file(&[("full", "F32", "[1024,1024]", &ones)]);
    let path = write(&folder, "model.safetensors", &bytes);
    let other = write(&folder, "other.safetensors", &bytes);
    let other = Weights::open(&[other]).expect("it is whole");
    for attempt in 0..3 {
        fs::write(&path, &bytes).expect("it is ours");
        let weights = Weights::open(std::slice::from_ref(&path)).expect("it is whole");
        let weight = weights.get("full").expect("it is there");
        let mut rows = vec![0.0; 1 << 10];
        weight.read_rows(0..1, &mut rows).expect("it is whole");
        set_length(&path, 1 << 20);
        // Without a guard the first of these is the end of the process; from several threads, as passes do it.
        std::thread::scope(|scope| {
            for thread in 0..4 {
                scope.spawn(move || {
                    let behind = weight.bytes[(2 + thread % 2) << 20..].iter();
                    assert!(behind.copied().all(|byte| byte == 0));
                });
            }
        });
        let gathered = weight.gather_rows([0, 1000].into_iter(), &mut vec![0.0; 2 << 10]);
        for error in [weight.to_f32().err(), gathered.err()] {
            let error = error.expect("its end is gone").to_string();
            assert!(
                error.contains("was cut short while it was in use"),
                "{error}"
            );
        }
        // Zeros stay where they were read, whatever its length is later.
        set_length(&path, bytes.len() as u64);
        let error = weights.check_whole().expect_err("it was cut").to_string();
        assert!(
            error.contains("could not be read while it was in use"),
            "{attempt}: {error}"
        );
    }
    other.check_whole().expect("it is another file");
    let read = other.get("full").and_then(|it| it.to_f32());
    assert!(read.is_ok_and(|read| read.iter().all(|&one| one == 1.0)));
}

/// In the environment of a process that is to fault: what handles it.
#[cfg(target_os = "linux")]
const FAULT: &str = "UNMASK_TEST_FAULT";

/// A handler that was there before the guard's.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "no safe interface ends a process in a handler")]
extern "C" fn end_with_seven(_: libc::c_int) {
    // SAFETY: it may be called in handlers.
    unsafe { libc::_exit(7) }
}

/// What the next tests start.
#[cfg(target_os = "linux")]
#[test]
#[expect(
    unsafe_code,
    reason = "a mapping that nobody guards, and the handler of a signal"
)]
fn a_process_with_a_guard_and_a_fault() {
    let Some(handled) = std::env::var_os(FAULT) else {
        return;
    };
    if handled == "own" {
        let handler: extern "C" fn(libc::c_int) = end_with_seven;
        // SAFETY: the handler calls only what handlers may.
        unsafe { libc::signal(libc::SIGBUS, handler as libc::sighandler_t) };
    }
    let bytes = file(&[("full", "F32", "[2,1]", TWO)]);
    let _guarded = open(&bytes).expect("it is whole");
    let folder = TempDir::new().expect("a folder can be made");
    let path = write(&folder, "unguarded", &bytes);
    let unguarded = fs::File::open(&path).expect("it is there");
    // SAFETY: it is cut short, and the end of the process is what is wanted.
    let unguarded = unsafe { memmap2::Mmap::map(&unguarded) }.expect("it can be mapped");
    set_length(&path, 0);
    panic!("there is no byte {}", unguarded[0]);
}

/// How such a process ends.
#[cfg(target_os = "linux")]
fn fault(handled: &str) -> std::process::ExitStatus {
    let program = std::env::current_exe().expect("a test has a program");
    let status = std::process::Command::new(program)
        .args([
            "--exact",
            "weights::tests::a_process_with_a_guard_and_a_fault",
        ])
        .env(FAULT, handled)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status();
    status.expect("it starts")
}

#[cfg(target_os = "linux")]
#[test]
fn a_fault_outside_of_the_weights_ends_the_process_as_before() {
    use std::os::unix::process::ExitStatusExt as _;
    assert_eq!(fault("by the system").signal(), Some(libc::SIGBUS));
}

#[cfg(target_os = "linux")]
#[test]
fn a_fault_outside_of_the_weights_reaches_the_handler_that_was_there_before() {
    assert_eq!(fault("own").code(), Some(7));
}

#[test]
fn numbers_of_every_float_type_are_read_as_f32() {
    let weights = open(&file(&[
        ("full", "F32", "[2,1]", TWO),
        ("half", "F16", "[2]", &[0x00, 0x3c, 0x00, 0xc0]),
        ("brain", "BF16", "[2]", &[0x80, 0x3f, 0x00, 0xc0]),
    ]))
    .expect("the files are fine");
    for name in ["full", "half", "brain"] {
        let numbers = weights
            .get(name)
            .expect("the files are fine")
            .to_f32()
            .expect("the files are fine");
        assert_eq!(numbers, [1.0, -2.0], "{name}");
    }
    let mut row = [0.0];
    let full = weights.shaped("full", &[2, 1]).expect("the files are fine");
    full.read_rows(1..2, &mut row).expect("the files are fine");
    assert_eq!(row, [-2.0]);
    let mut rows = [0.0; 4];
    full.gather_rows([1, 0, 1, 1].into_iter(), &mut rows)
        .expect("the files are fine");
    assert_eq!(rows, [-2.0, 1.0, -2.0, -2.0]);
    assert_eq!(weights.metadata("format"), Some("pt"));
}

#[test]
fn a_released_tensor_can_be_read_again() {
    let folder = TempDir::new().expect("the files are fine");
    let path = write(&folder, "a.safetensors", &file(&[("a", "F32", "[2]", TWO)]));
    let weights = Weights::open(&[path]).expect("the files are fine");
    for _ in 0..2 {
        let read = weights.get("a").expect("it is there").to_f32();
        assert_eq!(read.expect("it is F32"), [1.0, -2.0]);
        weights.release("a");
    }
    weights.release("absent");
}

#[test]
fn several_files_make_one_checkpoint() {
    let folder = TempDir::new().expect("the files are fine");
    let first = write(&folder, "1.safetensors", &file(&[("a", "F32", "[2]", TWO)]));
    let second = write(&folder, "2.safetensors", &file(&[("b", "F32", "[2]", TWO)]));
    let weights = Weights::open(&[first.clone(), second]).expect("the files are fine");
    assert_eq!(weights.names().collect::<Vec<_>>(), ["a", "b"]);
    let error = weights
        .get("c")
        .expect_err("the checkpoint is broken")
        .to_string();
    assert!(error.starts_with(&folder.path().display().to_string()));
    check_error(
        Weights::open(&[first.clone(), first]),
        "tensor a is also in",
    );
}

#[test]
fn a_truncated_file_says_how_many_bytes_are_missing() {
    let whole = file(&[("a", "F32", "[2]", TWO)]);
    let length = whole.len();
    check_error(
        open(&whole[..length - 3]),
        &format!(
            "the header says {length} bytes but the file has {}",
            length - 3
        ),
    );
    let longer = [&whole, b"\n".as_slice()].concat();
    check_error(open(&longer), "something was added behind the tensors");
    check_error(open(&whole[..20]), "the header alone takes");
    check_error(open(&whole[..4]), "has only 4 bytes");
    check_error(open(&[]), "has only 0 bytes");
}

#[test]
fn a_file_of_another_kind_is_named_as_such() {
    check_error(
        open(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n"),
        "Git LFS pointer",
    );
    let mut garbled = file(&[("a", "F32", "[2]", TWO)]);
    garbled[8] = b'x';
    check_error(open(&garbled), "is not a safetensors file");
    let lying = file(&[("a", "F32", "[3]", TWO)]);
    check_error(open(&lying), "is not a safetensors file");
}

#[test]
fn a_missing_tensor_names_the_nearest() {
    let weights =
        open(&file(&[("blocks.0.q_proj.weight", "F32", "[2]", TWO)])).expect("the files are fine");
    let error = weights
        .get("blocks.1.q_proj.weight")
        .expect_err("the checkpoint is broken")
        .to_string();
    assert!(
        error.contains("blocks.1.q_proj.weight is missing"),
        "{error}"
    );
    assert!(
        error.contains("the nearest is blocks.0.q_proj.weight"),
        "{error}"
    );
}

#[test]
fn a_wrong_shape_or_type_says_what_was_found() {
    let weights = open(&file(&[("a", "F32", "[2]", TWO), ("b", "I8", "[8]", TWO)]))
        .expect("the files are fine");
    let error = weights
        .shaped("a", &[2, 2])
        .expect_err("the checkpoint is broken")
        .to_string();
    assert!(
        error.contains("has shape [2], but config.json asks for [2, 2]"),
        "{error}"
    );
    let error = weights
        .get("b")
        .expect("the files are fine")
        .to_f32()
        .expect_err("the checkpoint is broken")
        .to_string();
    assert!(error.contains("tensor b is stored as I8"), "{error}");
}

#[test]
fn the_fingerprint_changes_with_any_byte_and_not_with_the_folder() {
    let mut bytes = file(&[("a", "F32", "[2]", TWO)]);
    let key = |bytes: &[u8]| {
        Weights::from_bytes(Path::new("a"), bytes.to_vec())
            .expect("the files are fine")
            .fingerprint()
    };
    let before = key(&bytes);
    assert_eq!(before, key(&bytes));
    *bytes.last_mut().expect("the files are fine") ^= 1;
    assert_ne!(before, key(&bytes));

    let folder = TempDir::new().expect("the files are fine");
    let path = write(&folder, "a.safetensors", &bytes);
    let before = Weights::open(std::slice::from_ref(&path))
        .expect("the files are fine")
        .fingerprint();
    let moved = folder.path().join("b.safetensors");
    fs::rename(path, &moved).expect("the files are fine");
    assert_eq!(
        before,
        Weights::open(&[moved])
            .expect("the files are fine")
            .fingerprint()
    );
}

#[test]
fn a_tensor_says_where_in_its_file_it_is() {
    let bytes = file(&[("a", "F32", "[2]", TWO), ("b", "F32", "[2]", TWO)]);
    let weights = open(&bytes).expect("the files are fine");
    for name in ["a", "b"] {
        let weight = weights.get(name).expect("the files are fine");
        assert_eq!(bytes[weight.offset..][..weight.bytes.len()], *weight.bytes);
    }
}

#[test]
fn numbers_that_are_not_finite_are_refused_in_every_float_type() {
    let cases: [(&str, &[u8]); 3] = [
        ("F32", &[0, 0, 0xc0, 0x7f]),
        ("F16", &[0x00, 0xfc]),
        ("BF16", &[0x80, 0x7f]),
    ];
    for (dtype, bytes) in cases {
        let weights = open(&file(&[("a", dtype, "[1]", bytes)])).expect("the file is whole");
        let weight = weights.get("a").expect("it is there");
        for error in [weight.to_f32().map(drop), weight.check_finite()] {
            let error = error.expect_err("it is not finite").to_string();
            assert!(error.contains("tensor a holds NaN or infinity"), "{error}");
        }
    }
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_named_at_once() {
    let folder = TempDir::new().expect("the files are fine");
    let pipe = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.is_ok_and(|status| status.success()));
    for (path, what) in [
        (pipe, "a pipe or a device"),
        (folder.path().to_owned(), "a folder"),
    ] {
        let error = Weights::open(&[path])
            .expect_err("it is no file")
            .full_text();
        assert!(
            error.contains(&format!("it is {what}, not a file")),
            "{error}"
        );
    }
}
