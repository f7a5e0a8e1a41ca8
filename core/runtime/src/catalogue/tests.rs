use std::path::Path;
use std::sync::Arc;

use unmask_api::{Backend, BackendError, Estimate, LoadSpec, Model, Probe, Progress};

use super::*;
use crate::checkpoint::SearchOutcome;
use crate::config::{Folders, Overrides};
use crate::plugin::Running;

/// A backend on one device.
struct Fake {
    name: &'static str,
    probe: Probe,
    device: Device,
}

impl Backend for Fake {
    fn name(&self) -> &str {
        self.name
    }
    fn version(&self) -> &'static str {
        "1"
    }
    fn probe(&self) -> Probe {
        self.probe.clone()
    }
    fn devices(&self) -> Vec<Device> {
        vec![self.device.clone()]
    }
    fn check(&self, spec: &LoadSpec) -> Result<Estimate, BackendError> {
        Ok(Estimate {
            weights_bytes: match &*spec.precision {
                "q4k" => 5,
                // As a ranking backend's: of 8 billion parameters, whatever the model.
                "int8" => 8 * GB,
                "int4" => 4 * GB,
                _ => 0,
            },
            ..Estimate::default()
        })
    }
    fn load(&self, _: &LoadSpec, _: &Progress<'_>) -> Result<Box<dyn Model>, BackendError> {
        Err(BackendError::Cancelled)
    }
}

const GB: u64 = 1_000_000_000;

fn fake(name: &'static str, score: u32, device: Device) -> Arc<dyn Backend> {
    let probe = match score {
        0 => Probe::Unusable {
            reason: "needs Apple silicon".to_owned(),
            remedy: String::new(),
        },
        score => Probe::Usable { score },
    };
    Arc::new(Fake {
        name,
        probe,
        device,
    })
}

fn device(id: &str, kind: DeviceKind, gigabytes: u64, precisions: &[&str]) -> Device {
    Device {
        id: id.to_owned(),
        name: id.to_uppercase(),
        kind,
        total_bytes: 2 * gigabytes * GB,
        free_bytes: gigabytes * GB,
        precisions: precisions.iter().map(|&it| it.to_owned()).collect(),
        ranked: false,
    }
}

fn registry() -> Registry {
    let all = ["f32", "bf16", "q8_0", "q6k", "q4k"];
    Registry::built_in(vec![
        fake("toy", 1, device("cpu", DeviceKind::Cpu, 0, &["f32"])),
        fake("candle", 10, device("cpu", DeviceKind::Cpu, 20, &all)),
        fake("fast", 100, device("cuda:0", DeviceKind::Gpu, 10, &["f16"])),
        fake("mlx", 0, device("gpu", DeviceKind::Gpu, 9, &["f16"])),
    ])
}

/// A backend that recommends int8 before int4, with so much memory free.
fn ranking(gigabytes: u64) -> Registry {
    let device = Device {
        ranked: true,
        ..device("cpu", DeviceKind::Cpu, gigabytes, &["int8", "int4", "f32"])
    };
    Registry::built_in(vec![fake("candle", 10, device)])
}

fn environment(root: &Path) -> Environment {
    let folder = |name: &str| root.join(name);
    Environment {
        folders: Some(Folders {
            home: folder("home"),
            config: folder("config"),
            data: folder("data"),
            cache: folder("cache"),
            state: folder("state"),
        }),
        current: root.to_owned(),
        ..Environment::default()
    }
}

const MODELS: &str = r#"active_model_key = "demo"
[available_models.llada]
framework = "candle"
model_id = "GSAI-ML/LLaDA-8B-Instruct"
precision = "q4k"
[available_models.demo]
framework = "candle"
model_id = "builtin:demo"
precision = "q6k"
"#;

fn look(text: &str) -> Catalogue {
    look_on(text, &registry())
}

fn look_on(text: &str, registry: &Registry) -> Catalogue {
    let root = tempfile::tempdir().expect("a folder can be made");
    let environment = environment(root.path());
    let source = ConfigSource::Named("m.toml".into());
    let config = Config::from_text(text, source, &Overrides::default(), &environment);
    Catalogue::of(&config.expect("it is valid"), &environment, registry)
}

fn rows(catalogue: &Catalogue) -> Vec<String> {
    let row = |it: &ModelChoice| {
        format!(
            "{} {} {} {}",
            it.name, it.framework, it.device, it.precision
        )
    };
    catalogue.choices.iter().map(row).collect()
}

#[test]
fn what_can_be_loaded_comes_first_on_its_own_backend_and_then_on_the_best() {
    let catalogue = look(MODELS);
    assert_eq!(
        rows(&catalogue),
        [
            "demo candle cpu q6k",
            "demo fast cuda:0 f16",
            "demo candle cpu f32",
            "demo candle cpu q8_0",
            "demo candle cpu q4k",
            "demo toy cpu f32",
            "LLaDA-8B-Instruct candle cpu q4k",
        ]
    );
    let last = catalogue.choices.last().and_then(ModelChoice::obstacle);
    assert!(
        last.is_some_and(|advice| advice.contains("unmask pull")),
        "{last:?}"
    );
    let own = catalogue.choices[0].request();
    assert_eq!(
        (
            own.key.as_str(),
            own.framework.as_deref(),
            own.precision.as_deref()
        ),
        ("demo", Some("candle"), Some("q6k"))
    );
}

#[test]
fn what_a_choice_needs_is_what_its_backend_says_also_of_a_known_model_that_is_not_here() {
    let catalogue = look(MODELS);
    let needs = |name: &str, precision: &str| {
        let mut rows = catalogue.choices.iter();
        let row = rows.find(|it| it.name == name && it.precision == precision);
        row.and_then(|it| it.needs_bytes)
    };
    assert_eq!(needs("demo", "q4k"), Some(5));
    assert_eq!(needs("LLaDA-8B-Instruct", "q4k"), Some(5));
    assert_eq!(needs("demo", "f32"), None, "it cannot be told");
}

#[test]
fn a_models_family_and_share_of_experts_are_told_where_it_is_not_here_too() {
    let catalogue = look(
        "active_model_key = \"demo\"\n[available_models.demo]\nframework = \"candle\"\nmodel_id = \"builtin:demo\"\n\
         [available_models.mini]\nframework = \"candle\"\nmodel_id = \"inclusionAI/LLaDA2.0-mini\"\n\
         [available_models.mine]\nframework = \"candle\"\nmodel_id = \"me/mine\"\n",
    );
    let kind = |key: &str| catalogue.kind(key);
    assert_eq!(kind("demo").family, Some("LLaDA"));
    assert_eq!(kind("demo").experts, None);
    assert_eq!(kind("mini").family, Some("LLaDA2"));
    let experts = kind("mini").experts.map(|it| (it.active, it.all));
    assert_eq!(experts, Some((8, 256)));
    assert_eq!(kind("mine"), ModelKind::default());
}

#[test]
fn models_of_a_family_stand_together_wherever_their_entries_are() {
    let entry = |key: &str, id: &str| {
        format!("[available_models.{key}]\nframework = \"candle\"\nmodel_id = \"{id}\"\n")
    };
    let text = [
        "active_model_key = \"a\"\n".to_owned(),
        entry("a", "me/mine"),
        entry("b", "JetLM/SDAR-1.7B-Chat"),
        entry("c", "inclusionAI/LLaDA2.0-mini"),
        entry("d", "JetLM/SDAR-4B-Chat"),
        entry("e", "builtin:demo"),
    ];
    let catalogue = look(&text.concat());
    let mut keys: Vec<&str> = catalogue.choices.iter().map(|it| it.key.as_str()).collect();
    keys.dedup();
    assert_eq!(keys, ["e", "b", "d", "c", "a"]);
}

#[test]
fn an_entry_without_a_precision_means_the_first_that_fits_and_says_why() {
    let unsaid = MODELS.replace("precision = \"q6k\"\n", "");
    for (free, precision) in [(9, "int8"), (8, "int8"), (5, "int4")] {
        let catalogue = look_on(&unsaid, &ranking(free));
        let own = catalogue.own("demo").expect("it is listed");
        let free_bytes = free * GB;
        assert_eq!(
            (&*own.precision, own.precision_reason),
            (precision, PrecisionReason::Fits { free_bytes })
        );
        let listed = catalogue.choices.iter().filter(|it| it.key == "demo");
        let mut precisions: Vec<&str> = listed.map(|it| &*it.precision).collect();
        assert_eq!(precisions[0], precision, "what it means comes first");
        precisions.sort_unstable();
        assert_eq!(precisions, ["f32", "int4", "int8"], "each is listed once");
    }
    let named = look_on(&MODELS.replace("q6k", "int4"), &ranking(9));
    let own = named.own("demo").expect("it is listed");
    assert_eq!(
        (&*own.precision, own.precision_reason),
        ("int4", PrecisionReason::Named)
    );
}

#[test]
fn an_entry_whose_backend_is_missing_says_so_and_runs_on_the_others() {
    let catalogue = look(&MODELS.replace("\"candle\"", "\"candel\""));
    let own = &catalogue.choices[0];
    assert_eq!(
        own.obstacle(),
        Some("there is no backend `candel`; did you mean `candle`?")
    );
    assert!(rows(&catalogue).contains(&"demo candle cpu q6k".to_owned()));
    let catalogue = look(&MODELS.replace("\"candle\"", "\"mlx\""));
    let reason = catalogue.choices[0].obstacle().unwrap_or_default();
    assert!(reason.ends_with("needs Apple silicon"), "{reason}");
}

#[test]
fn two_entries_of_one_model_are_told_apart_by_their_keys() {
    let more = "[available_models.slow]\nframework = \"toy\"\nmodel_id = \"builtin:demo\"\n";
    let catalogue = look(&format!("{MODELS}{more}"));
    let names: Vec<&str> = catalogue
        .choices
        .iter()
        .map(|it| it.name.as_str())
        .collect();
    assert!(
        names.contains(&"slow") && names.contains(&"demo"),
        "{names:?}"
    );
}

fn loaded(backend: &str, device: &str, gigabytes: u64) -> Loaded {
    use std::sync::Arc;
    Loaded {
        key: "llada".to_owned(),
        name: String::new(),
        provenance: crate::provenance::Provenance::default(),
        backend: backend.to_owned(),
        running: Running::Here,
        backend_version: String::new(),
        device: device.to_owned(),
        device_name: String::new(),
        device_kind: None,
        precision_reason: crate::precision::PrecisionReason::Named,
        facts: unmask_api::ModelFacts {
            vocab: 1,
            max_positions: 1,
            memory_bytes: gigabytes * GB,
            cell_bytes: 0,
            precision: "q4k".to_owned(),
            capabilities: unmask_api::Capabilities::default(),
            notes: Vec::new(),
        },
        special: crate::family::SpecialIds {
            mask: unmask_api::TokenId(0),
            eos: unmask_api::TokenId(0),
            eot: None,
            other_ends: Vec::new(),
            bos: None,
        },
        vocabulary: Arc::default(),
        text: Arc::new(crate::engine::tests::Fake::default()),
        defaults: crate::Params::default(),
        default_length: 1,
        rules: crate::family::FamilyRules::default(),
        default_seed: None,
        measured: None,
        presets: Vec::new(),
        text_alone: false,
        is_untold: true,
    }
}

#[test]
fn a_model_fits_beside_the_running_one_or_instead_of_it_or_not_at_all() {
    let catalogue = look(MODELS);
    let names: Vec<&str> = catalogue.memory.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["GPU", "RAM"]);
    let fit = |framework: &str, device: &str, gigabytes: Option<u64>, running: Option<&Loaded>| {
        let choice = ModelChoice {
            framework: framework.to_owned(),
            device: device.to_owned(),
            needs_bytes: gigabytes.map(|it| it * GB),
            ..catalogue.choices[0].clone()
        };
        catalogue.fit(&choice, running)
    };
    let running = loaded("candle", "cpu", 6);
    assert_eq!(
        fit("candle", "cpu", Some(20), Some(&running)),
        MemoryFit::Beside
    );
    assert_eq!(
        fit("candle", "cpu", Some(26), Some(&running)),
        MemoryFit::Alone
    );
    // The toy computes in the same memory, although it does not know how large that is.
    assert_eq!(
        fit("toy", "cpu", Some(26), Some(&running)),
        MemoryFit::Alone
    );
    let free_bytes = 26 * GB;
    assert_eq!(
        fit("candle", "cpu", Some(27), Some(&running)),
        MemoryFit::TooLarge { free_bytes }
    );
    // Another memory is not freed by unloading.
    let free_bytes = 10 * GB;
    assert_eq!(
        fit("fast", "cuda:0", Some(11), Some(&running)),
        MemoryFit::TooLarge { free_bytes }
    );
    assert_eq!(fit("candle", "cpu", None, None), MemoryFit::Unknown);
    assert_eq!(fit("gone", "cpu", Some(1), None), MemoryFit::Unknown);
}

#[test]
fn what_fits_a_memory_of_which_nobody_tells_what_is_free_is_unknown() {
    let silent = Device {
        free_bytes: 0,
        ..device("webgpu", DeviceKind::Gpu, 8, &["f32"])
    };
    let catalogue = look_on(MODELS, &Registry::built_in(vec![fake("candle", 1, silent)]));
    assert_eq!(catalogue.memory, []);
    let mut choice = catalogue.choices[0].clone();
    choice.device = "webgpu".to_owned();
    choice.needs_bytes = Some(GB);
    assert_eq!(catalogue.fit(&choice, None), MemoryFit::Unknown);
}

#[test]
fn the_places_that_were_looked_at_are_told_with_what_is_there() {
    let root = tempfile::tempdir().expect("a folder can be made");
    let environment = environment(root.path());
    let folder = root.path().join("data/unmask/models/ORG/NAME");
    std::fs::create_dir_all(&folder).expect("it can be made");
    let config = r#"{"model_type": "llada", "architectures": ["LLaDAModelLM"]}"#;
    std::fs::write(folder.join("config.json"), config).expect("it can be written");
    let source = ConfigSource::Named("m.toml".into());
    let config = Config::from_text(MODELS, source, &Overrides::default(), &environment);
    let locations = Locations::new(config.as_ref().expect("it is valid"), &environment);
    let searched = locations.searched(&config.expect("it is valid"), &environment);
    let found: Vec<SearchOutcome> = searched.iter().map(|it| it.found).collect();
    let hub = searched[2].place.replace('\\', "/");
    assert_eq!(hub, "~/.cache/huggingface/hub");
    assert_eq!(
        found,
        [
            SearchOutcome::NotSet,
            SearchOutcome::Models(1),
            SearchOutcome::NoFolder
        ]
    );
}
