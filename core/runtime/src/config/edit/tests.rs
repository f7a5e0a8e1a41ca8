use super::*;
use crate::checkpoint::Locations;
use crate::config::{Environment, Folders, Overrides};
use crate::model_id::ModelId;

const FILE: &str = r#"# mine
active_model_key = "a" # the first

[available_models.a] # one
framework = "toy"
model_id = "ORG/A"

[available_models.a.generation]
steps = 9 # few
threshold = 0.9

# two
[available_models.b]
framework = "toy"
model_id = "ORG/B"
"#;

struct Bench {
    root: tempfile::TempDir,
    reader: ConfigReader,
}

impl Bench {
    fn new(text: Option<&str>) -> Self {
        let root = tempfile::tempdir().expect("a folder can be made");
        let folder = |name: &str| root.path().join(name);
        let environment = Environment {
            folders: Some(Folders {
                home: folder("home"),
                config: folder("config"),
                data: folder("data"),
                cache: folder("cache"),
                state: folder("state"),
            }),
            current: root.path().to_owned(),
            ..Environment::default()
        };
        let overrides = Overrides {
            config: text.map(|text| {
                let file = folder("mine.toml");
                fs::write(&file, text).expect("it can be written");
                file
            }),
            ..Overrides::default()
        };
        let reader = ConfigReader {
            overrides,
            environment,
        };
        Self { root, reader }
    }

    fn text(&self) -> String {
        fs::read_to_string(self.root.path().join("mine.toml")).expect("it is there")
    }

    fn demo(&self) -> PathBuf {
        let config = self.reader.read().expect("it is valid");
        let locations = Locations::new(&config, &self.reader.environment);
        let id = ModelId::Builtin("demo".to_owned());
        locations.find(&id).expect("it can be unpacked")
    }
}

fn quick() -> Params {
    Params {
        steps: 16,
        block_length: 8,
        cfg_scale: 0.1,
        ..Params::default()
    }
}

#[test]
fn saved_settings_are_read_again_and_the_rest_of_the_file_stays() {
    let bench = Bench::new(Some(FILE));
    let saved = bench.reader.save_generation("a", &quick(), 32);
    assert!(saved.is_ok(), "{saved:?}");
    let text = bench.text();
    for kept in [
        "# mine",
        "# the first",
        "# one",
        "steps = 16 # few",
        "# two\n[av",
    ] {
        assert!(text.contains(kept), "{kept} is missing in:\n{text}");
    }
    assert!(!text.contains("threshold"), "{text}");
    let config = bench.reader.read().expect("it is valid");
    let entry = config.model("a").expect("it is there");
    let (mut params, mut length) = (Params::default(), 1);
    entry.generation.apply(&mut params, &mut length);
    assert_eq!((params, length), (quick(), 32));
}

#[test]
fn settings_are_saved_to_an_entry_written_on_one_line() {
    let line = r#"active_model_key = "a"
available_models = { a = { framework = "toy", model_id = "ORG/A" } }
"#;
    let bench = Bench::new(Some(line));
    let saved = bench.reader.save_generation("a", &quick(), 32);
    assert!(saved.is_ok(), "{saved:?}");
    assert!(
        bench.text().contains("generation = { length = 32"),
        "{}",
        bench.text()
    );
}

#[test]
fn the_embedded_file_is_not_changed_but_becomes_the_users() {
    let bench = Bench::new(None);
    let file = bench.reader.save_generation("demo", &quick(), 32);
    let expected = bench.root.path().join("config/unmask/model_config.toml");
    assert_eq!(file.ok(), Some(expected.clone()));
    let config = bench.reader.read().expect("it is valid");
    assert_eq!(config.source, ConfigSource::User(expected));
    let carried = EMBEDDED.matches("\nmodel_id = ").count();
    assert_eq!(config.models.len(), carried);
}

#[test]
fn a_folder_is_added_once_under_a_key_of_its_own() {
    let bench = Bench::new(Some(FILE));
    let folder = bench.demo();
    let model = folder.to_str().expect("plain names");
    let added = bench.reader.add_model(model).expect("it is a checkpoint");
    assert_eq!(added.key, "demo-9e308adf");
    let again = bench.reader.add_model(&format!("{model}/config.json"));
    let error = again.expect_err("it is there already").to_string();
    assert!(error.ends_with("already, as `demo-9e308adf`"), "{error}");
    let added = bench.reader.add_model("OTHER/a").expect("it is a hub id");
    assert_eq!(added.key, "a-2");
    assert!(bench.text().contains("# two"), "{}", bench.text());
}

#[test]
fn what_cannot_be_added_is_refused_with_what_is_expected() {
    let bench = Bench::new(Some(FILE));
    for (model, expected) in [
        (".", "has no config.json; name the folder that holds it"),
        ("./none", "name one that holds a checkpoint"),
        ("a b", "names no model; write ORG/NAME"),
        ("https://github.com/a/b", "address of another host"),
    ] {
        let error = bench.reader.add_model(model).expect_err("it is no model");
        assert!(error.to_string().contains(expected), "{error}");
    }
    assert_eq!(bench.text(), FILE);
}

#[test]
fn a_file_that_is_broken_read_only_or_lacks_the_entry_is_left_alone() {
    let bench = Bench::new(Some("active_model_key = "));
    let error = bench.reader.add_model("ORG/A").expect_err("it is broken");
    assert!(error.to_string().contains("mine.toml:1:"), "{error}");
    let bench = Bench::new(Some(FILE));
    let error = bench.reader.save_generation("z", &quick(), 1);
    let error = error.expect_err("there is no such entry").to_string();
    assert!(error.ends_with("has no model `z`; add it first"), "{error}");
    let file = bench.root.path().join("mine.toml");
    let mut permissions = fs::metadata(&file).expect("it is there").permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&file, permissions).expect("it is ours");
    let error = bench.reader.save_generation("a", &quick(), 1);
    let error = error.expect_err("it is read-only").to_string();
    assert!(error.contains("is read-only; make it writable"), "{error}");
    assert_eq!(bench.text(), FILE);
}
