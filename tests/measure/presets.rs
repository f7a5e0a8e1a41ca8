use std::fs;

use serde_json::{Value, json};
use unmask_tests::program::{Home, refused};

const OWN: &str = r#"
[[preset]]
name = "short"
models = ["builtin:demo", "GSAI-ML/LLaDA-8B-Base"]
generation = { length = 16, steps = 8, block_length = 16 }
likelihood = { samples = 24, strata = 8 }
"#;

fn home(own: &str) -> Home {
    let home = Home::default();
    let folder = home.path().join("config/unmask");
    fs::create_dir_all(&folder).expect("it can be made");
    fs::write(folder.join("presets.toml"), own).expect("it can be written");
    home
}

#[test]
fn presets_are_listed_with_their_scores_the_user_s_first() {
    let home = home(OWN);
    let said = home.run(&["presets", "gsm8k", "--format", "json"], "");
    let listed: Value = serde_json::from_str(&said.stdout).unwrap_or_else(|_| panic!("{said:?}"));
    assert_eq!(
        listed[0]["generation"],
        json!({"length": 512, "steps": 512, "block_length": 512, "confidence_eos_eot_inf": true})
    );
    assert_eq!(
        listed[0]["published"],
        json!({"internal": 69.4, "opencompass": 68.8})
    );
    let table = home.run(&["presets"], "");
    let first = table.stdout.lines().nth(1).unwrap_or_default();
    assert!(first.contains("short"), "{table:?}");
    assert!(table.stdout.contains("gpqa-nocfg"), "{table:?}");
    refused(
        &home.run(&["presets", "none"], ""),
        2,
        &["`none`", "unmask presets"],
    );
}

#[test]
fn a_preset_goes_above_the_file_and_below_the_flags() {
    let home = home(OWN);
    let shown = |more: &[&str]| home.run(&[&["--show-config"], more].concat(), "").stdout;
    let line = |shown: &str, key: &str| -> Vec<String> {
        let key = format!("available_models.demo.generation.{key} ");
        let line = shown
            .lines()
            .find(|it| it.starts_with(&key))
            .unwrap_or_else(|| panic!("{shown}"));
        line.split_whitespace().map(str::to_owned).collect()
    };
    let all = shown(&["--preset", "short", "--steps", "4"]);
    assert_eq!(line(&all, "length")[2..], ["16", "#", "preset", "short"]);
    assert_eq!(line(&all, "steps")[2..], ["4", "#", "--steps"]);
    let said = home.run(
        &[
            "generate",
            "-q",
            "--preset",
            "short",
            "--format",
            "json",
            "What is 2 + 2?",
        ],
        "",
    );
    assert_eq!(said.code, Some(0), "{said:?}");
    let item = json!({"context": "a", "continuation": " b c d e f g"}).to_string();
    let score = |more: &[&str]| {
        let said = home.run(
            &[&["score", "-", "-q", "--format", "json"], more].concat(),
            &item,
        );
        let report: Value =
            serde_json::from_str(&said.stdout).unwrap_or_else(|_| panic!("{said:?}"));
        (
            report["texts"][0]["draws"].clone(),
            report["settings"]["measure"]["strata"].clone(),
        )
    };
    assert_eq!(score(&["--preset", "short"]), (json!(24), json!(8)));
    assert_eq!(
        score(&["--preset", "short", "--samples", "8"]),
        (json!(8), json!(8))
    );
}

#[test]
fn a_preset_that_is_not_the_model_s_is_refused_with_those_that_are() {
    let own = home(OWN);
    let generate =
        |home: &Home, name: &str| home.run(&["generate", "-q", "--preset", name, "x"], "");
    refused(
        &generate(&own, "shrt"),
        2,
        &[
            "--preset: no preset `shrt` for builtin:demo",
            "did you mean `short`?",
        ],
    );
    refused(&generate(&own, "gsm8k"), 2, &["known are short"]);
    refused(
        &generate(&Home::default(), "gsm8k"),
        2,
        &["unmask presets", "preset_of"],
    );
    let folder = own.path().join("config/unmask");
    let config = "active_model_key = \"d\"\n[available_models.d]\nframework = \"candle\"\nmodel_id = \"builtin:demo\"\npreset_of = \"GSAI-ML/LLaDA-8B-Instruct\"\n";
    fs::write(folder.join("model_config.toml"), config).expect("it can be written");
    let shown = own.run(&["--show-config", "--preset", "gsm8k"], "");
    assert!(shown.stdout.contains("# preset gsm8k"), "{shown:?}");
    for (text, words) in [
        ("[[preset]]\nname = 1\n", ["presets.toml:2: ", "string"]),
        (
            "[[preset]]\nname = \"a\"\nmodels = []\ngeneration = { modle = 1 }\n",
            ["presets.toml:4: ", "modle"],
        ),
        (
            "[[preset]]\nname = \"a\"\nmodels = []\ngeneration = { temperature = -1.0 }\n",
            ["presets.toml:2: ", "out of range"],
        ),
        (
            "[[preset]]\nname = \"a\"\nmodels = []\nlikelihood = { cfg_scale = -1.0 }\n",
            [
                "presets.toml:2: ",
                "likelihood.cfg_scale: it must be 0 or more",
            ],
        ),
        (
            "[[preset]]\nname = \"a\"\nmodels = []\nlikelihood = { cfg_scale = nan }\n",
            ["presets.toml:2: ", "likelihood.cfg_scale"],
        ),
        (
            "[[preset]]\nname = \"a\"\nmodels = []\nlikelihood = { samples = 0 }\n",
            [
                "presets.toml:2: ",
                "likelihood.samples: it must be 1 or more",
            ],
        ),
        (
            "[[preset]]\nname = \"a\"\nmodels = []\nlikelihood = { samples = 24 }\n",
            ["presets.toml:2: ", "a multiple of the strata, 16"],
        ),
        (
            "[[preset]]\nname = \"a\"\nmodels = []\nlikelihood = { strata = 0 }\n",
            [
                "presets.toml:2: ",
                "likelihood.strata: it must be 1 or more",
            ],
        ),
        (
            "[[preset]]\nname = \"a\"\nmodels = []\nlikelihood = { strata = 48 }\n",
            ["presets.toml:2: ", "128 draws do not split into it"],
        ),
        (
            "[[preset]]\nname = \"a\"\nmodels = []\npublished = { x = inf }\n",
            ["presets.toml:2: ", "a score must be a number"],
        ),
    ] {
        refused(&generate(&home(text), "a"), 2, &words);
    }
}

#[test]
fn a_preset_that_says_nothing_of_what_is_asked_is_refused() {
    let home = home(
        "[[preset]]\nname = \"answers\"\nmodels = [\"builtin:demo\"]\ngeneration = { length = 16 }\n\
         [[preset]]\nname = \"texts\"\nmodels = [\"builtin:demo\"]\nlikelihood = { samples = 16 }\n",
    );
    let score = ["score", "-q", "--continuation", "a b", "--preset"];
    refused(
        &home.run(&[&score[..], &["answers"]].concat(), ""),
        2,
        &[
            "preset `answers` says nothing of how likelihoods are measured",
            "`eval`",
        ],
    );
    for command in [
        &["eval", "q.jsonl"][..],
        &["generate", "x"],
        &["bench"],
        &["chat", "--plain"],
    ] {
        refused(
            &home.run(&[command, &["--preset", "texts"]].concat(), ""),
            2,
            &[
                "preset `texts` says nothing of how answers are denoised",
                "`score`",
            ],
        );
    }
    let generate = json!({"id": 1, "do": "generate", "prompt": "a"});
    let measure = json!({"id": 2, "do": "rolling", "items": [{"text": "a b"}]});
    for (preset, refused) in [("texts", 1), ("answers", 2)] {
        let asked = format!("{generate}\n{measure}\n");
        let said = home.run(&["worker", "--jsonl", "--preset", preset], &asked);
        let answers = super::lines(&said);
        let of = |id: u64| {
            let mut answers = answers.iter();
            answers
                .find(|it| it["id"] == id)
                .unwrap_or_else(|| panic!("{said:?}"))
        };
        let why = of(refused)["error"]["text"].to_string();
        assert!(why.contains("says nothing of"), "{said:?}");
        assert!(of(3 - refused)["error"].is_null(), "{said:?}");
    }
}

#[test]
fn the_user_s_presets_are_named_among_the_files_and_checked() {
    let good = home(OWN);
    let line = |home: &Home| {
        let said = home.run(&["config", "path"], "");
        let mut lines = said.stdout.lines();
        let line = lines.find(|it| it.starts_with("presets "));
        line.unwrap_or_else(|| panic!("{said:?}")).to_owned()
    };
    assert!(line(&good).ends_with("unmask/presets.toml"));
    assert!(line(&Home::default()).ends_with("unmask/presets.toml  (not there)"));
    let said = good.run(&["config", "check"], "");
    assert!(said.stdout.contains("presets.toml: fine"), "{said:?}");
    let bad = home("[[preset]]\nname = 1\n").run(&["config", "check"], "");
    assert_eq!(bad.code, Some(2), "{bad:?}");
    assert!(bad.stderr.contains("presets.toml:2: "), "{bad:?}");
}
