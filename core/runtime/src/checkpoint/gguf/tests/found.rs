//! Which file a folder, or an id of the hub, means.

use super::*;

#[test]
fn a_file_is_found_however_its_ending_is_written_and_beside_a_config() {
    let bytes = llada(|it| it);
    let saved = Saved::new(&[("Model.GGUF", &bytes), ("config.json", b"{}")]);
    assert!(saved.open("").is_ok());
    let row = [0_u8; 34];
    let first = tokens(keys(TestFile::default(), "llada"), "qwen2").count("split.count", 2);
    let second = TestFile::default().count("split.count", 2).tensor(
        "token_embd.weight",
        &[3072, 32],
        8,
        &row.repeat(3072),
    );
    let saved = Saved::new(&[
        ("m-00001-of-00002.GGUF", &first.bytes()),
        ("m-00002-of-00002.GGUF", &second.bytes()),
    ]);
    let (checkpoint, _) = saved.open("").expect("it is whole");
    assert_eq!(checkpoint.weights.len(), 2);
}

#[test]
fn an_adapter_beside_a_file_is_told_that_it_cannot_be_merged() {
    let bytes = llada(|it| it);
    let saved = Saved::new(&[
        ("x.gguf", &bytes),
        ("config.json", br#"{"model_type": "llada"}"#),
        ("adapter_config.json", b"{}"),
        ("adapter_model.safetensors", b""),
    ]);
    saved.refused("", "x.gguf is a GGUF file, into which no adapter is merged");
}

#[test]
fn a_model_of_the_hub_is_told_from_others_by_its_quantisation() {
    let bytes = llada(|it| it);
    let root = tempfile::tempdir().expect("a folder can be made");
    let folder = root.path().join("A/B");
    fs::create_dir_all(folder.join("Q8_0")).expect("it is ours");
    let locations = Locations {
        models: vec![root.path().to_owned()],
        ..Locations::default()
    };
    let find = |id: &str| {
        let id = ModelId::parse(id, Path::new("/"), None, None).expect("it is an id");
        let opened = Checkpoint::open(&id, &locations);
        opened.map(|it| {
            it.place
                .strip_prefix(&folder)
                .expect("it is there")
                .to_owned()
        })
    };
    fs::write(folder.join("Q8_0/b-Q8_0.gguf"), &bytes).expect("there is room");
    let below = find("A/B").expect("it is the only one");
    assert_eq!(below, Path::new("Q8_0/b-Q8_0.gguf"));
    assert!(find("A/B:q8_0").is_ok());
    for name in ["b-Q6_K.gguf", "b-Q4_K_M.gguf"] {
        fs::write(folder.join(name), &bytes).expect("there is room");
    }
    assert_eq!(find("A/B:Q6_K").ok(), Some("b-Q6_K.gguf".into()));
    let told = find("A/B").expect_err("there are several").to_string();
    assert!(told.contains("as ORG/NAME:Q4_K_M"), "{told}");
    let told = find("A/B:F16").expect_err("it is not there").to_string();
    assert!(told.contains("run `unmask pull A/B:F16`"), "{told}");
}

#[test]
fn files_are_put_into_the_order_of_their_numbers_and_one_that_is_missing_is_named() {
    let part = |file: TestFile, number: u32| {
        let file = file.count("split.count", 3).count("split.no", number);
        file.bytes()
    };
    let first = part(tokens(keys(TestFile::default(), "llada"), "qwen2"), 0);
    let row = [0_u8; 34].repeat(3072);
    let second = TestFile::default().tensor("token_embd.weight", &[3072, 32], 8, &row);
    let (second, third) = (part(second, 1), part(TestFile::default(), 2));
    let save = |files: [&[u8]; 3]| {
        let names = [
            "M-00001-of-00003.GGUF",
            "M-00002-of-00003.GGUF",
            "M-00003-of-00003.GGUF",
        ];
        Saved::new(&[
            (names[0], files[0]),
            (names[1], files[1]),
            (names[2], files[2]),
        ])
    };
    for mixed in [
        [&first[..], &second, &third],
        [&third, &first, &second],
        [&second, &first, &third],
    ] {
        let (checkpoint, _) = save(mixed).open("").expect("all are there");
        assert_eq!(checkpoint.rows(), Some(3072));
    }
    let told = "says that it is number 3 of its files, and none says that it is number 2";
    save([&first, &third, &third]).refused("", told);
    save([&second, &second, &third]).refused("", "none says that it is number 1");
}
