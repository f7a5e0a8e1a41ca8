//! `unmask pull` against a hub on this machine: what comes, where it lies, and every way it goes wrong.

mod hub;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hub::{COMMIT, Fault, LocalHub, proxy};
use unmask_tests::gguf_files::{make, python};
use unmask_tests::program::{Home, Said, refused};

const SHARDS: [&str; 2] = [
    "model-00001-of-00002.safetensors",
    "model-00002-of-00002.safetensors",
];

fn model() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/models/tiny-llada-a-sharded")
}

fn repository(home: &Home) -> PathBuf {
    let cache = home.path().join("cache/huggingface/hub");
    cache.join("models--Org--Tiny")
}

fn snapshot(home: &Home) -> PathBuf {
    repository(home).join("snapshots").join(COMMIT)
}

fn pull(home: &Home, hub: &LocalHub, arguments: &[&str], more: &[(&str, &str)]) -> Said {
    let arguments = [&["pull", "Org/Tiny"], arguments].concat();
    let variables = [&[("HF_ENDPOINT", hub.url.as_str())], more].concat();
    home.run_with(&arguments, "", &variables)
}

/// The whole model lies in the cache as the hub sent it, and nothing that is unfinished.
#[track_caller]
fn check_whole(home: &Home, hub: &LocalHub) {
    let mut names: Vec<String> = fs::read_dir(snapshot(home))
        .expect("it was made")
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    let mut expected = [
        "config.json",
        "generation_config.json",
        "model.safetensors.index.json",
        "special_tokens_map.json",
        "tokenizer.json",
        "tokenizer_config.json",
    ]
    .to_vec();
    expected.extend(SHARDS);
    expected.sort_unstable();
    assert_eq!(names, expected);
    for name in names {
        let bytes = fs::read(snapshot(home).join(&name)).expect("it leads somewhere");
        assert!(bytes == hub.file(&name), "{name}");
    }
    assert_eq!(unfinished(home), Vec::<PathBuf>::new());
    let main = fs::read_to_string(repository(home).join("refs/main"));
    assert_eq!(main.expect("it was written"), COMMIT);
}

fn unfinished(home: &Home) -> Vec<PathBuf> {
    let blobs = fs::read_dir(repository(home).join("blobs"));
    let paths = blobs.into_iter().flatten().flatten().map(|it| it.path());
    paths
        .filter(|path| path.extension().is_some_and(|it| it == "incomplete"))
        .collect()
}

#[test]
fn a_model_comes_runs_and_is_not_fetched_again() {
    let (home, hub) = (Home::default(), LocalHub::of(&model(), Fault::None));
    let first = pull(&home, &hub, &[], &[]);
    assert_eq!(first.code, Some(0), "{first:?}");
    for words in [
        "Org/Tiny at 0123456: 8 files",
        "candle f32",
        "needs",
        "fits",
        "start it with: unmask -m Org/Tiny",
    ] {
        let said = format!("{}{}", first.stderr, first.stdout);
        assert!(said.contains(words), "{words}: {first:?}");
    }
    check_whole(&home, &hub);
    let paths: Vec<String> = hub.asked().into_iter().map(|it| it.path).collect();
    let unwanted = |path: &&String| path.contains(".py") || path.contains(".bin");
    assert_eq!(paths.iter().find(unwanted), None);
    let prompt = [
        "generate", "Hello", "-m", "Org/Tiny", "--len", "8", "--steps", "8",
    ];
    let answer = home.run(&prompt, "");
    assert_eq!(answer.code, Some(0), "{answer:?}");
    let before = hub.fetches(SHARDS[0]).len();
    let again = pull(&home, &hub, &[], &[]);
    assert_eq!(again.code, Some(0), "{again:?}");
    // Its header was looked at.
    let more = hub.fetches(SHARDS[0]).split_off(before);
    assert!(
        more.iter()
            .all(|it| it.as_ref().is_some_and(|it| !it.ends_with('-'))),
        "{more:?}"
    );
    assert!(again.stdout.contains("0.0 kB came now"), "{again:?}");
}

#[test]
#[cfg(unix)]
fn the_cache_is_laid_out_as_the_hubs_own_programs_have_it() {
    let (home, hub) = (Home::default(), LocalHub::of(&model(), Fault::None));
    assert_eq!(pull(&home, &hub, &[], &[]).code, Some(0));
    let link = fs::read_link(snapshot(&home).join("config.json")).expect("it is a link");
    assert!(link.starts_with("../../blobs"), "{link:?}");
    assert_eq!(link.file_name().expect("it has one").len(), 64);
}

#[test]
fn a_dry_run_tells_and_fetches_nothing() {
    let (home, hub) = (Home::default(), LocalHub::of(&model(), Fault::None));
    let said = pull(&home, &hub, &["--dry-run"], &[]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.stdout.contains("8 files") && said.stdout.contains("fits"),
        "{said:?}"
    );
    assert!(!repository(&home).exists());
}

#[test]
fn the_token_goes_to_the_hub_and_nowhere_else() {
    let (home, hub) = (Home::default(), LocalHub::of(&model(), Fault::Unauthorized));
    refused(
        &pull(&home, &hub, &[], &[]),
        1,
        &["accept its terms", "HF_TOKEN", "401", "restricted"],
    );
    let said = pull(&home, &hub, &[], &[("HF_TOKEN", "hf_secret")]);
    assert_eq!(said.code, Some(0), "{said:?}");
    check_whole(&home, &hub);
    let leaked = hub
        .asked()
        .into_iter()
        .find(|it| it.path.starts_with("/cdn/") && it.token.is_some());
    assert_eq!(leaked, None);
    let told = format!("{}{}", said.stdout, said.stderr);
    assert!(!told.contains("hf_secret"), "{said:?}");
    // Or in the file of `hf auth login`.
    let other = Home::default();
    fs::create_dir_all(other.path().join("cache/huggingface")).expect("it is ours");
    fs::write(other.path().join("cache/huggingface/token"), "hf_secret\n").expect("it is ours");
    assert_eq!(pull(&other, &hub, &[], &[]).code, Some(0));
}

#[test]
fn who_is_not_let_in_is_told_why() {
    let (home, hub) = (Home::default(), LocalHub::of(&model(), Fault::Forbidden));
    let said = pull(&home, &hub, &[], &[("HF_TOKEN", "hf_secret")]);
    refused(
        &said,
        1,
        &["accept its terms", "403", "You are not on the list"],
    );
}

#[test]
fn a_hub_that_is_behind_a_proxy_alone_is_reached() {
    let (home, hub) = (Home::default(), LocalHub::of(&model(), Fault::None));
    let (proxy, asked) = proxy(&hub);
    let behind = [
        ("HF_ENDPOINT", "http://hub.invalid"),
        ("ALL_PROXY", proxy.as_str()),
        ("NO_PROXY", ""),
    ];
    let said = pull(&home, &hub, &[], &behind);
    assert_eq!(said.code, Some(0), "{said:?}");
    check_whole(&home, &hub);
    let asked = asked.lock().expect("nobody panics");
    assert!(asked.iter().any(|it| it == "hub.invalid:80"), "{asked:?}");
}

#[test]
fn a_busy_hub_is_waited_for() {
    let (home, hub) = (Home::default(), LocalHub::of(&model(), Fault::Busy(2)));
    let said = pull(&home, &hub, &[], &[]);
    assert_eq!(said.code, Some(0), "{said:?}");
    check_whole(&home, &hub);
}

#[test]
fn a_connection_that_is_cut_goes_on_from_there() {
    let (home, hub) = (Home::default(), LocalHub::of(&model(), Fault::Cuts(3)));
    let said = pull(&home, &hub, &[], &[]);
    assert_eq!(said.code, Some(0), "{said:?}");
    check_whole(&home, &hub);
    let ranges: Vec<_> = SHARDS
        .iter()
        .flat_map(|it| hub.fetches(it))
        .flatten()
        .collect();
    assert!(ranges.iter().any(|it| it == "50000-"), "{ranges:?}");
}

#[test]
fn what_came_before_the_end_is_kept_for_the_next_time() {
    let home = Home::default();
    let gone = LocalHub::of(&model(), Fault::Vanishes);
    let said = pull(&home, &gone, &[], &[]);
    refused(&said, 1, &["broke off; the next try goes on from there"]);
    assert!(!unfinished(&home).is_empty());
    let hub = LocalHub::of(&model(), Fault::None);
    assert_eq!(pull(&home, &hub, &[], &[]).code, Some(0));
    check_whole(&home, &hub);
    let ranges: Vec<_> = SHARDS
        .iter()
        .flat_map(|it| hub.fetches(it))
        .flatten()
        .collect();
    assert!(ranges.iter().any(|it| it == "50000-"), "{ranges:?}");
}

#[test]
fn other_bytes_than_were_published_are_thrown_away() {
    let (home, hub) = (Home::default(), LocalHub::of(&model(), Fault::Wrong));
    let said = pull(&home, &hub, &[], &[]);
    refused(
        &said,
        1,
        &["came otherwise than it was published", "thrown away"],
    );
    assert!(
        SHARDS
            .iter()
            .all(|name| !snapshot(&home).join(name).exists())
    );
    assert!(!repository(&home).join("refs/main").exists());
}

#[test]
fn what_cannot_run_is_not_fetched_unless_it_is_asked_for() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    for entry in fs::read_dir(model()).expect("it is there").flatten() {
        fs::copy(entry.path(), folder.path().join(entry.file_name())).expect("it is ours");
    }
    let config = r#"{"model_type": "llama", "architectures": ["LlamaForCausalLM"]}"#;
    fs::write(folder.path().join("config.json"), config).expect("it is ours");
    let (home, hub) = (Home::default(), LocalHub::of(folder.path(), Fault::None));
    let said = pull(&home, &hub, &[], &[]);
    refused(
        &said,
        3,
        &["Org/Tiny was not fetched", "LlamaForCausalLM", "--force"],
    );
    assert!(!repository(&home).exists());
    assert_eq!(pull(&home, &hub, &["--force"], &[]).code, Some(0));
}

#[test]
fn of_gguf_files_the_largest_that_runs_comes_or_the_one_that_is_named() {
    let Some(python) = python() else {
        return;
    };
    let made = tempfile::tempdir().expect("a folder can be made");
    let published = made.path().join("published");
    fs::create_dir(&published).expect("it is ours");
    for kind in ["F16", "Q8_0"] {
        let folder = made.path().join(kind);
        let more = ["--pre", "gpt-2"];
        make(
            &python,
            "tests/golden/models/tiny-llada-gqa",
            kind,
            &folder,
            &more,
        );
        let named = published.join(format!("Tiny-{kind}.gguf"));
        fs::copy(folder.join("model.gguf"), named).expect("it was made");
    }
    // What is not read, and what is larger and no model.
    fs::write(published.join("Tiny-IQ2_M.gguf"), [0; 64]).expect("it is ours");
    fs::write(published.join("Tiny-BF16.GGUF"), vec![0; 4 << 20]).expect("it is ours");
    fs::write(published.join("config.json"), "{}").expect("it is ours");
    let (home, hub) = (Home::default(), LocalHub::of(&published, Fault::None));
    let said = pull(&home, &hub, &[], &[]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let told = format!("{}{}", said.stderr, said.stdout);
    for words in [
        "F16, the largest GGUF that fits; Org/Tiny:NAME is another: BF16 4.2 MB, Q8_0",
        "1 file",
        "start it with: unmask -m Org/Tiny:F16",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    let here = || -> Vec<String> {
        let entries = fs::read_dir(snapshot(&home)).expect("it was made");
        let names = entries.flatten().map(|it| it.file_name());
        let mut names: Vec<String> = names.map(|it| it.to_string_lossy().into_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(here(), ["Tiny-F16.gguf"]);
    let answer = |model: &str| {
        let asked = [
            "generate", "-q", "Hello", "-m", model, "--len", "8", "--steps", "8",
        ];
        home.run(&asked, "")
    };
    assert_eq!(answer("Org/Tiny").code, Some(0));
    refused(&answer("Org/Tiny:Q8_0"), 3, &["unmask pull Org/Tiny:Q8_0"]);
    let variables = [("HF_ENDPOINT", hub.url.as_str())];
    let ask = |what: &str| home.run_with(&["pull", what], "", &variables);
    refused(
        &ask("Org/Tiny:Q5_K_M"),
        3,
        &["called `Q5_K_M`", "BF16, F16, IQ2_M, Q8_0"],
    );
    let named = ask("Org/Tiny:q8_0");
    assert_eq!(named.code, Some(0), "{named:?}");
    assert_eq!(here(), ["Tiny-F16.gguf", "Tiny-Q8_0.gguf"]);
    assert_eq!(answer("Org/Tiny:Q8_0").code, Some(0));
    refused(
        &answer("Org/Tiny"),
        3,
        &["several GGUF files", "ORG/NAME:Q4_K_M"],
    );
    // What is here is not fetched again, nor another.
    let again = pull(&home, &hub, &[], &[]);
    assert!(again.stdout.contains("0.0 kB came now"), "{again:?}");
    assert_eq!(here().len(), 2);
}

#[test]
fn what_is_no_model_of_the_hub_is_told_apart() {
    let (home, hub) = (Home::default(), LocalHub::of(&model(), Fault::None));
    let variables = [("HF_ENDPOINT", hub.url.as_str())];
    let ask = |what: &str| home.run_with(&["pull", what], "", &variables);
    refused(
        &ask("Org/Other"),
        1,
        &["there is no model Org/Other", "404"],
    );
    refused(&ask("builtin:demo"), 2, &["carries this model"]);
    refused(&ask("."), 2, &["is a folder on this machine"]);
    refused(&ask("llada-9b"), 2, &["llada-9b"]);
    let elsewhere = ask("https://huggingface.co.example/Org/Tiny");
    refused(&elsewhere, 2, &["another host", "ORG/NAME"]);
    let offline = pull(&home, &hub, &[], &[("HF_HUB_OFFLINE", "1")]);
    refused(&offline, 2, &["HF_HUB_OFFLINE"]);
    let nobody = home.run_with(
        &["pull", "Org/Tiny"],
        "",
        &[("HF_ENDPOINT", "http://127.0.0.1:9")],
    );
    refused(
        &nobody,
        1,
        &["cannot reach http://127.0.0.1:9/", "is there a network?"],
    );
    let tree = format!("{}/Org/Tiny/tree/main", hub.url);
    let said = ask(&tree);
    assert_eq!(said.code, Some(0), "{said:?}");
    check_whole(&home, &hub);
}

#[test]
fn the_screen_asks_what_a_model_takes_gets_it_and_loads_it() {
    const LONG: Duration = Duration::from_secs(60);
    let (home, hub) = (Home::default(), LocalHub::of(&model(), Fault::None));
    let mut screen = home.start(&[], &[("HF_ENDPOINT", &hub.url)], (100, 30));
    screen.wait(LONG, "the demo model", |text| text.contains("● ready"));
    screen.press("/models get Org/Tiny\r");
    screen.wait(LONG, "a question", |text| {
        text.contains("Get Org/Tiny?") && text.contains("8 files")
    });
    assert!(!repository(&home).exists(), "nothing comes unasked");
    screen.press("y");
    screen.wait(LONG, "its end", |text| text.contains("is on disk now"));
    check_whole(&home, &hub);
    screen.press("/models Org/Tiny\r");
    screen.wait(LONG, "the model", |text| text.contains("Tiny · candle"));
}

#[test]
fn the_screen_tells_why_a_model_does_not_come() {
    const LONG: Duration = Duration::from_secs(60);
    let (home, hub) = (Home::default(), LocalHub::of(&model(), Fault::Unauthorized));
    let mut screen = home.start(&[], &[("HF_ENDPOINT", &hub.url)], (100, 30));
    screen.wait(LONG, "the demo model", |text| text.contains("● ready"));
    screen.press("/models get Org/Tiny\r");
    screen.wait(LONG, "why", |text| {
        text.contains("Org/Tiny was not fetched") && text.contains("HF_TOKEN")
    });
}
