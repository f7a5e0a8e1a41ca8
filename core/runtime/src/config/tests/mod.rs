use std::ffi::OsString;

mod files;
mod fuzz;

use super::*;
use crate::Params;
use crate::params::Transfer;
use crate::settings::{GenerationPatch, Setting, SettingValue};

const SMALL: &str = r#"active_model_key = "demo"
[available_models.demo]
framework = "toy"
model_id = "builtin:demo"
[available_models.demo.generation]
steps = 32
[available_models.big]
framework = "other"
model_id = "ORG/NAME"
"#;

fn named() -> ConfigSource {
    ConfigSource::Named(PathBuf::from("m.toml"))
}

fn environment(variables: &[(&str, &str)]) -> Environment {
    Environment {
        variables: variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), OsString::from(value)))
            .collect(),
        folders: None,
        current: PathBuf::from("here"),
    }
}

fn load(text: &str, flags: &Overrides, variables: &[(&str, &str)]) -> Result<Config, String> {
    Config::from_text(text, named(), flags, &environment(variables))
        .map_err(|error| error.to_string())
}

/// `SMALL` with `line` added must fail with `expected`.
#[track_caller]
fn refused(line: &str, expected: &str) {
    let got = load(&format!("{SMALL}{line}\n"), &Overrides::default(), &[]);
    assert_eq!(got.expect_err("it is refused"), expected);
}

#[test]
fn the_embedded_configuration_starts_with_the_demo_and_knows_the_families() {
    let config = Config::from_text(
        EMBEDDED,
        ConfigSource::Embedded,
        &Overrides::default(),
        &environment(&[]),
    )
    .expect("it is valid");
    assert_eq!(
        config.active_model().model_id.value.to_string(),
        "builtin:demo"
    );
    let ids: Vec<String> = config
        .models
        .iter()
        .map(|entry| entry.model_id.value.to_string())
        .collect();
    assert_eq!(
        ids,
        [
            "builtin:demo",
            "GSAI-ML/LLaDA-8B-Instruct",
            "mlx-community/LLaDA-8B-Instruct-mlx-4bit",
            "mlx-community/LLaDA-8B-Instruct-mlx-8bit",
            "GSAI-ML/LLaDA-8B-Instruct",
            "GSAI-ML/LLaDA-8B-Instruct",
            "GSAI-ML/LLaDA-8B-Instruct",
            "howey/LLaDA-8B-Instruct-DLPO",
            "GSAI-ML/LLaDA-1.5",
            "GSAI-ML/LLaDA-8B-Base",
            "GSAI-ML/iLLaDA-8B-Instruct",
            "GSAI-ML/iLLaDA-8B-Base",
            "Dream-org/Dream-v0-Instruct-7B",
            "Dream-org/Dream-v0-Base-7B",
            "Dream-org/Dream-Coder-v0-Instruct-7B",
            "apple/DiffuCoder-7B-cpGRPO",
            "inclusionAI/LLaDA-MoE-7B-A1B-Instruct",
            "inclusionAI/LLaDA-MoE-7B-A1B-Instruct-TD",
            "inclusionAI/LLaDA-MoE-7B-A1B-Base",
            "inclusionAI/LLaDA2.0-mini",
            "inclusionAI/LLaDA2.0-mini-CAP",
            "inclusionAI/LLaDA2.0-flash",
            "inclusionAI/LLaDA2.1-mini",
            "JetLM/SDAR-1.7B-Chat",
            "JetLM/SDAR-4B-Chat",
            "JetLM/SDAR-8B-Chat",
            "Efficient-Large-Model/Fast_dLLM_v2_1.5B",
            "Efficient-Large-Model/Fast_dLLM_v2_7B",
        ]
    );
}

#[test]
fn an_unknown_key_is_named_with_its_line_and_the_nearest_known_one() {
    refused(
        "modelid = 1",
        "m.toml:10: unknown key `available_models.big.modelid`; did you mean `model_id`?",
    );
    refused(
        "[available_models.big.generation]\nstep = 3",
        "m.toml:11: unknown key `available_models.big.generation.step`; did you mean `steps`?",
    );
    refused(
        "[available_models.big.tokens]\nxyz = 3",
        "m.toml:11: unknown key `available_models.big.tokens.xyz`; known are mask, eos, eot, bos",
    );
    refused(
        "[availabel_models.x]",
        "m.toml:10: unknown key `availabel_models`; did you mean `available_models`?",
    );
}

#[test]
fn a_wrong_value_is_named_with_its_key_and_what_is_allowed() {
    refused(
        "[available_models.big.generation]\nremasking = \"low\"",
        "m.toml:11: available_models.big.generation.remasking: `low` is not known; it must be low_confidence, random, entropy, margin or sequential",
    );
    refused(
        "[available_models.big.generation]\nsteps = -1",
        "m.toml:11: available_models.big.generation.steps: invalid value: integer `-1`, expected a whole number, 0 or more",
    );
    refused(
        "[available_models.big.generation]\nthreshold = 1.5",
        "m.toml:11: available_models.big.generation.threshold: 1.5 is out of range; it must be 0 to 1",
    );
    refused(
        "threads = 0",
        "m.toml:10: available_models.big.threads: invalid value: integer `0`, expected a whole number, 1 or more",
    );
    refused(
        "[available_models.c]\nframework = \"x\"\nmodel_id = \"llada\"",
        "m.toml:12: available_models.c.model_id: `llada` names no model; write ORG/NAME, ORG/NAME@REVISION or ORG/NAME:Q4_K_M for a hub id, ./FOLDER or an \
         absolute path for a folder, NAME.gguf for a file, or builtin:demo",
    );
}

#[test]
fn a_missing_key_is_named_with_the_entry_that_lacks_it() {
    refused(
        "[available_models.c]\nmodel_id = \"a/b\"",
        "m.toml:10: available_models.c: missing field `framework`",
    );
    let error = load("[available_models]\n", &Overrides::default(), &[]);
    assert_eq!(
        error.expect_err("it is refused"),
        "m.toml:1: missing field `active_model_key`"
    );
    let error = load(
        SMALL.split_once('\n').expect("lines").1,
        &Overrides::default(),
        &[],
    );
    assert_eq!(
        error.expect_err("it is refused"),
        "m.toml:1: missing field `active_model_key`"
    );
    refused(
        "options = 3",
        "m.toml:10: available_models.big.options: invalid type: integer `3`, expected a map",
    );
    refused(
        "tokens = 3",
        "m.toml:10: available_models.big.tokens: invalid type: integer `3`, expected a table",
    );
}

#[test]
fn options_reach_the_backend_as_json() {
    let text =
        format!("{SMALL}[available_models.big.options]\na = [1, 2.5, true]\nb.c = 1979-05-27\n");
    let config = load(&text, &Overrides::default(), &[]).expect("it is valid");
    let json = config.model("big").map(ModelEntry::options_json);
    assert_eq!(
        json.as_deref(),
        Some(r#"{"a":[1,2.5,true],"b":{"c":"1979-05-27"}}"#)
    );
}

#[test]
fn a_text_that_is_not_toml_is_refused_with_its_line() {
    let error = load("a = 1\nb = = 2\n", &Overrides::default(), &[]).expect_err("it is not TOML");
    assert!(error.starts_with("m.toml:2: "), "{error}");
}

#[test]
fn trust_remote_code_is_refused_wherever_it_stands() {
    let why = "is not needed: no code of a checkpoint is ever run here, the network is part of the backend; \
               remove the line";
    refused(
        "trust_remote_code = true",
        &format!("m.toml:10: `available_models.big.trust_remote_code` {why}"),
    );
    refused(
        "[available_models.big.options.deep]\ntrust_remote_code = false",
        &format!("m.toml:11: `available_models.big.options.deep.trust_remote_code` {why}"),
    );
}

#[test]
fn a_file_found_in_the_current_folder_names_no_libraries() {
    let check = |text: &str, source: ConfigSource| {
        Config::from_text(text, source, &Overrides::default(), &environment(&[])).is_ok()
    };
    let current = || ConfigSource::Current(PathBuf::from("here/model_config.toml"));
    let option = |line: &str| format!("{SMALL}[available_models.big.options]\n{line}\n");
    for text in [
        format!("backend_paths = [\"evil\"]\n{SMALL}"),
        option("library = \"./evil\""),
        option("list = [{ x = \"evil.so\" }]"),
    ] {
        assert!(check(&text, named()), "{text}");
        assert!(!check(&text, current()), "{text}");
    }
    assert!(check(&option("level = \"fast\""), current()));
}

#[test]
fn flags_win_over_variables_and_variables_over_the_file() {
    let flags = Overrides {
        generation: [(Setting::Steps, SettingValue::Count(8))].into(),
        ..Overrides::default()
    };
    let variables = [
        ("UNMASK_STEPS", "16"),
        ("UNMASK_REMASKING", "random"),
        ("UNMASK_BACKEND", "third"),
        ("UNMASK_DEVICE", ""),
    ];
    let config = load(SMALL, &flags, &variables).expect("it is valid");
    let entry = config.active_model();
    let said = |setting| {
        let said = entry.generation.get(setting).cloned();
        said.map(|said| (said.value, said.origin))
    };
    let eight = (SettingValue::Count(8), Origin::Flag("--steps"));
    assert_eq!(said(Setting::Steps), Some(eight));
    let random = SettingValue::Choice("random");
    assert_eq!(
        said(Setting::Remasking),
        Some((random, Origin::Variable("UNMASK_REMASKING")))
    );
    assert_eq!(entry.framework.value, "third");
    assert_eq!(
        entry.device,
        Resolved::default(None),
        "an empty variable is not set"
    );
}

#[test]
fn a_bad_variable_or_flag_is_named_with_what_it_may_hold() {
    let error = load(SMALL, &Overrides::default(), &[("UNMASK_CACHE", "both")]);
    assert_eq!(
        error.expect_err("it is refused"),
        "UNMASK_CACHE: `both` cannot be used; write off, prefix or dual"
    );
    let flags = Overrides {
        generation: [(Setting::Temperature, SettingValue::Number(-1.0))].into(),
        ..Overrides::default()
    };
    assert_eq!(
        load(SMALL, &flags, &[]).expect_err("it is refused"),
        "--temp: -1 is out of range; it must be 0 or more"
    );
}

#[test]
fn an_unknown_model_is_named_with_the_nearest_key() {
    let flags = Overrides {
        model: Some("dmo".to_owned()),
        ..Overrides::default()
    };
    assert_eq!(
        load(SMALL, &flags, &[]).expect_err("it is refused"),
        "--model: no model `dmo` in m.toml; did you mean `demo`?"
    );
}

#[test]
fn a_hub_id_needs_no_entry() {
    let config =
        load(SMALL, &Overrides::default(), &[("UNMASK_MODEL", "A/B")]).expect("it is valid");
    let entry = config.active_model();
    assert_eq!(
        (entry.key.as_str(), entry.framework.value.as_str()),
        ("A/B", "toy")
    );
}

#[test]
fn every_value_is_shown_with_its_origin() {
    let variables = [("UNMASK_THREADS", "3"), ("UNMASK_THRESHOLD", "off")];
    let config = load(SMALL, &Overrides::default(), &variables).expect("it is valid");
    let shown = config.show(&config.explain());
    for line in [
        "available_models.demo.generation.threshold = \"off\" # UNMASK_THRESHOLD",
        "active_model_key = \"demo\" # m.toml:1",
        "available_models.demo.threads = 3 # UNMASK_THREADS",
        "available_models.demo.generation.steps = 32 # m.toml:6",
        "available_models.demo.generation.seed = (the model's own) # default",
        "available_models.big.framework = \"other\" # m.toml:8",
    ] {
        let found = shown
            .lines()
            .any(|shown| shown.split_whitespace().eq(line.split_whitespace()));
        assert!(found, "{line} is missing in\n{shown}");
    }
}

fn applied(patches: &[(GenerationPatch, Origin)]) -> (Params, usize) {
    let mut settings = GenerationSettings::default();
    for (patch, origin) in patches {
        settings.lay(patch, &|_| origin.clone());
    }
    let (mut params, mut length) = (Params::default(), 128);
    settings.apply(&mut params, &mut length);
    (params, length)
}

#[test]
fn a_shorter_answer_shrinks_the_counts_of_lower_layers_only() {
    let low = [(Setting::Steps, SettingValue::Count(100))].into();
    let high = [
        (Setting::Length, SettingValue::Count(64)),
        (Setting::BlockLength, SettingValue::Count(96)),
    ]
    .into();
    let (params, length) = applied(&[(low, Origin::File(1)), (high, Origin::Flag("--len"))]);
    assert_eq!((params.steps, params.block_length, length), (64, 96, 64));
}

#[test]
fn a_factor_above_replaces_a_threshold_below() {
    let low = [(Setting::Threshold, SettingValue::Number(0.9))].into();
    let high = [(Setting::Factor, SettingValue::Number(1.0))].into();
    let (params, _) = applied(&[(low, Origin::File(1)), (high, Origin::Flag("--factor"))]);
    assert_eq!(params.transfer, Transfer::Factor(1.0));
}
