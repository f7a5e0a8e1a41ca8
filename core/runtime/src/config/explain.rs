use std::fmt::{Debug, Write};

use super::{Config, GenerationSettings, ModelEntry, Setting};

/// One value of the configuration, for `--show-config`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// The dotted key.
    pub key: String,
    /// The value as TOML writes it, or words in brackets where nothing is said.
    pub value: String,
    /// `default`, `FILE:LINE`, a variable or a flag.
    pub origin: String,
}

impl Config {
    /// Every value with its origin, in the order of the file.
    #[must_use]
    pub fn explain(&self) -> Vec<Explained> {
        let mut rows = Rows {
            config: self,
            rows: Vec::new(),
        };
        rows.text("active_model_key", &self.active);
        let paths = self
            .backend_paths
            .value
            .iter()
            .map(|path| path.display().to_string());
        let paths = format!("{:?}", paths.collect::<Vec<_>>());
        rows.push("backend_paths", paths, &self.backend_paths);
        let folder = self.models_folder.value.as_ref();
        let folder = folder.map_or("(usual places)".to_owned(), |path| {
            format!("{:?}", path.display().to_string())
        });
        rows.push("models_folder", folder, &self.models_folder);
        for entry in &self.models {
            rows.entry(entry);
        }
        rows.rows
    }

    /// [`explain`](Self::explain) as lines `key = value  # origin`.
    #[must_use]
    pub fn show(&self) -> String {
        let rows = self.explain();
        let said = |row: &Explained| format!("{} = {}", row.key, row.value);
        let width = rows
            .iter()
            .map(|row| said(row).chars().count())
            .max()
            .unwrap_or(0);
        let mut out = format!("# {}\n", self.source);
        for row in &rows {
            let said = said(row);
            // Writing to a String cannot fail.
            let _ = writeln!(out, "{said:width$}  # {}", row.origin);
        }
        out
    }
}

struct Rows<'a> {
    config: &'a Config,
    rows: Vec<Explained>,
}

impl Rows<'_> {
    fn push<T>(&mut self, key: &str, value: String, setting: &Setting<T>) {
        let origin = match setting.origin {
            super::Origin::File(line) => format!("{}:{line}", self.config.source),
            _ => setting.origin.to_string(),
        };
        self.rows.push(Explained {
            key: key.to_owned(),
            value,
            origin,
        });
    }

    fn text(&mut self, key: &str, setting: &Setting<String>) {
        self.push(key, format!("{:?}", setting.value), setting);
    }

    fn choice<T: Debug>(&mut self, key: &str, setting: &Setting<Option<T>>) {
        let value = setting.value.as_ref();
        let value = value.map_or("(the backend's choice)".to_owned(), |value| {
            format!("{value:?}")
        });
        self.push(key, value, setting);
    }

    fn number<T: serde::Serialize>(&mut self, key: &str, setting: Option<&Setting<T>>) {
        let unsaid = Setting::default(());
        match setting {
            // Numbers, booleans and words are written alike in JSON and TOML.
            Some(setting) => {
                let value =
                    serde_json::to_string(&setting.value).unwrap_or_else(|error| error.to_string());
                self.push(key, value, setting);
            }
            None => self.push(key, "(the model's own)".to_owned(), &unsaid),
        }
    }

    fn entry(&mut self, entry: &ModelEntry) {
        let name = format!("available_models.{}", entry.key);
        let key = |last: &str| format!("{name}.{last}");
        self.text(&key("framework"), &entry.framework);
        let id = format!("{:?}", entry.model_id.value.to_string());
        self.push(&key("model_id"), id, &entry.model_id);
        self.choice(&key("device"), &entry.device);
        self.choice(&key("precision"), &entry.precision);
        self.choice(&key("threads"), &entry.threads);
        self.number(&key("isolated"), Some(&entry.isolated));
        let tokens = entry.tokens.value;
        for (name, id) in [
            ("mask", tokens.mask),
            ("eos", tokens.eos),
            ("eot", tokens.eot),
            ("bos", tokens.bos),
        ] {
            if let Some(id) = id {
                self.push(
                    &key(&format!("tokens.{name}")),
                    id.to_string(),
                    &entry.tokens,
                );
            }
        }
        for (name, value) in &entry.options.value {
            self.push(
                &key(&format!("options.{name}")),
                value.to_string(),
                &entry.options,
            );
        }
        self.generation(&name, &entry.generation);
    }

    fn generation(&mut self, name: &str, generation: &GenerationSettings) {
        let key = |last: &str| format!("{name}.generation.{last}");
        self.number(&key("length"), generation.length.as_ref());
        self.number(&key("steps"), generation.steps.as_ref());
        self.number(&key("block_length"), generation.block_length.as_ref());
        self.number(&key("temperature"), generation.temperature.as_ref());
        self.number(&key("cfg_scale"), generation.cfg_scale.as_ref());
        self.number(&key("remasking"), generation.remasking.as_ref());
        self.number(&key("threshold"), generation.threshold.as_ref());
        self.number(&key("factor"), generation.factor.as_ref());
        self.number(&key("cache"), generation.cache.as_ref());
        self.number(&key("logits_eos_inf"), generation.logits_eos_inf.as_ref());
        self.number(
            &key("confidence_eos_eot_inf"),
            generation.confidence_eos_eot_inf.as_ref(),
        );
        self.number(&key("early_stop"), generation.early_stop.as_ref());
        self.number(&key("seed"), generation.seed.as_ref());
    }
}
