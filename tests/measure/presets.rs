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
    ] {
        refused(&generate(&home(text), "a"), 2, &words);
    }
}
