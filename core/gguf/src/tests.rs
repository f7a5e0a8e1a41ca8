use std::path::Path;

use proptest::prelude::*;

use super::*;

/// With everything in it that is looked at.
fn whole() -> TestFile {
    TestFile::default()
        .text("general.architecture", "llada")
        .count("llada.block_count", 2)
        .float("llada.rope.freq_base", 5e5)
        .flag("diffusion.shift_logits", false)
        .texts("tokenizer.ggml.tokens", ["a", "", "Ġb"])
        .integers("tokenizer.ggml.token_type", &[1, 3, -5])
        .tensor("token_embd.weight", &[3, 32], 8, &[7; 3 * 34])
        .tensor("output_norm.weight", &[32], 0, &[0; 128])
}

fn parse(bytes: &[u8]) -> Result<GgufHeader<'_>, GgufError> {
    GgufHeader::parse(bytes, bytes.len() as u64)
}

#[test]
fn a_header_says_what_was_written() {
    let bytes = whole().bytes();
    let header = parse(&bytes).expect("it is whole");
    assert_eq!(header.text("general.architecture"), Some("llada"));
    assert_eq!(header.count("llada.block_count"), Some(2));
    assert_eq!(header.number("llada.rope.freq_base"), Some(5e5));
    assert_eq!(header.flag("diffusion.shift_logits"), Some(false));
    assert_eq!(header.count("general.architecture"), None);
    let list = header.list("tokenizer.ggml.tokens").expect("it is a list");
    let texts: Vec<&str> = list.texts().expect("of texts").collect();
    assert_eq!((list.len(), texts), (3, vec!["a", "", "Ġb"]));
    assert!(list.integers().is_none());
    let types = header
        .list("tokenizer.ggml.token_type")
        .expect("it is a list");
    let types: Vec<i64> = types.integers().expect("of numbers").collect();
    assert_eq!(types, [1, 3, -5]);
    let tensor = header.tensor("token_embd.weight").expect("it is there");
    assert_eq!(
        (tensor.kind, &*tensor.shape),
        (GgmlType::Q8_0, &[3, 32][..])
    );
    assert_eq!(tensor.bytes, header.data_start..header.data_start + 102);
    let next = &header.tensors[1];
    assert_eq!(next.bytes.end, bytes.len() as u64);
}

#[test]
fn a_file_cut_anywhere_is_told_to_be_incomplete() {
    let bytes = whole().bytes();
    for length in 0..bytes.len() {
        let error = parse(&bytes[..length]).expect_err("it is cut");
        let told = error.to_string();
        let is_told = match length {
            0 => told.contains("not a GGUF file"),
            _ => told.contains("incomplete"),
        };
        assert!(is_told, "{length}: {told}");
    }
}

#[track_caller]
fn refused(bytes: &[u8], expected: &str) {
    let error = parse(bytes).expect_err("it is refused").to_string();
    assert!(error.contains(expected), "{error}");
}

#[test]
fn what_cannot_be_meant_is_refused_by_name() {
    let with = |at: usize, new: &[u8]| {
        let mut bytes = whole().bytes();
        bytes[at..at + new.len()].copy_from_slice(new);
        bytes
    };
    refused(b"\x02\0\0\0\0\0\0\0{}", "is not a GGUF file");
    refused(&with(4, &9_u32.to_le_bytes()), "is GGUF version 9");
    refused(&with(4, &3_u32.to_be_bytes()), "big-endian");
    // Counts and lengths of which nothing may be allocated.
    for (at, what) in [(8, "tensors"), (16, "keys"), (24, "the first key")] {
        for absurd in [u64::MAX, 1 << 40] {
            let bytes = with(at, &absurd.to_le_bytes());
            let error = parse(&bytes).err();
            assert_ne!(error, None, "{what}");
        }
    }
    let raw = |kind: u32, value: &[u8]| TestFile::default().raw("k", kind, value).bytes();
    refused(&raw(13, &[]), "k is of kind 13");
    let list = |kind: u32, count: u64| [&kind.to_le_bytes()[..], &count.to_le_bytes()].concat();
    refused(&raw(9, &list(9, 1)), "k is a list of lists");
    refused(&raw(9, &list(4, u64::MAX)), "ends inside its header");
    refused(&raw(9, &list(8, u64::MAX)), "ends inside its header");
    refused(
        &raw(8, &[&2_u64.to_le_bytes()[..], b"\xff\xff"].concat()),
        "k is not UTF-8",
    );
    let twice = TestFile::default().count("k", 1).count("k", 2);
    refused(&twice.bytes(), "k is said twice");
    for alignment in [0, 1, 3, 48, 1 << 20] {
        let file = TestFile::default().count("general.alignment", alignment);
        refused(&file.bytes(), "general.alignment is no power of two");
    }
    let tensor = |shape: &[u64], kind| {
        TestFile::default()
            .tensor("t", shape, kind, &[0; 64])
            .bytes()
    };
    refused(&tensor(&[], 0), "tensor t has 0 dimensions");
    refused(&tensor(&[1; 5], 0), "tensor t has 5 dimensions");
    refused(
        &tensor(&[1 << 40, 1 << 40], 0),
        "tensor t is larger than memory",
    );
    // Any number beside a 0 takes no bytes.
    refused(&tensor(&[1 << 40, 0, 0], 0), "tensor t has a side of 0");
    refused(
        &tensor(&[2, 31], 8),
        "tensor t has rows that blocks of Q8_0 do not fill",
    );
    refused(&tensor(&[1, 256], 0), "the download is incomplete");
    let twice = TestFile::default()
        .tensor("t", &[1], 0, &[0; 4])
        .tensor("t", &[1], 0, &[0; 4]);
    refused(&twice.bytes(), "the tensor t twice");
    let other = tensor(&[2, 32], 2);
    let header = parse(&other).expect("the type is told, not refused");
    assert_eq!(header.tensors[0].kind.to_string(), "Q4_0");
}

#[test]
fn a_long_header_is_read_whole_and_a_file_that_is_none_is_named() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("model.gguf");
    let long = "x".repeat(3 << 20);
    let file = TestFile::default()
        .text("a", &long)
        .tensor("t", &[8], 0, &[0; 32]);
    std::fs::write(&path, file.bytes()).expect("there is room");
    let read = HeaderBytes::read(&path).expect("it is whole");
    assert_eq!(read.header().text("a").map(str::len), Some(3 << 20));
    assert_eq!(read.bytes().len() as u64, read.header().data_start);
    assert!(HeaderBytes::read(folder.path()).is_err());
    std::fs::write(&path, b"GGU").expect("there is room");
    let error = HeaderBytes::read(&path).expect_err("it is cut").to_string();
    assert!(error.contains("ends inside its header"), "{error}");
}

#[test]
fn names_of_files_that_were_cut_tell_of_the_others() {
    let split = SplitName::of(Path::new("/m/a-b-00002-of-00003.gguf")).expect("it is one of three");
    assert_eq!((split.number, split.count), (2, 3));
    let all: Vec<_> = split.all().collect();
    assert_eq!(all[2], Path::new("/m/a-b-00003-of-00003.gguf"));
    assert_eq!(split.stem(), "a-b");
    let split = SplitName::of(Path::new("A-00001-of-00002.GGUF")).expect("it is one of two");
    assert_eq!(
        split.all().last(),
        Some("A-00002-of-00002.GGUF".into()),
        "as the first is written"
    );
    for whole in [
        "a.gguf",
        "a-1-of-2.gguf",
        "a-00003-of-00002.gguf",
        "a-00000-of-00002.gguf",
        "a-00001-of-00002.bin",
    ] {
        assert_eq!(SplitName::of(Path::new(whole)), None, "{whole}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn any_bytes_are_read_or_refused(
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..3, any::<u64>()), 1..6),
    ) {
        let mut bytes = whole().bytes();
        for (at, kind, with) in changes {
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] = with as u8,
                1 => bytes.splice(at..(at + 8).min(bytes.len()), with.to_le_bytes()).for_each(drop),
                _ => bytes.truncate(at.max(1)),
            }
        }
        if let Ok(header) = parse(&bytes) {
            for tensor in &header.tensors {
                prop_assert!(tensor.bytes.end <= bytes.len() as u64);
            }
            for key in header.keys() {
                let list = header.list(key);
                prop_assert!(list.is_none_or(|list| list.values().count() == list.len()));
            }
        }
    }
}
