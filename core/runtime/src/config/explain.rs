use std::fmt::{Debug, Write};

use super::{Config, ModelEntry, Resolved};
use crate::settings::{SettingValue, TABLE};

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

    /// Rows of [`explain`](Self::explain) as lines `key = value  # origin`.
    #[must_use]
    pub fn show(&self, rows: &[Explained]) -> String {
        let said = |row: &Explained| format!("{} = {}", row.key, row.value);
        let width = rows
            .iter()
            .map(|row| said(row).chars().count())
            .max()
            .unwrap_or(0);
        let mut out = format!("# {}\n", self.source);
        for row in rows {
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
    fn push<T>(&mut self, key: &str, value: String, setting: &Resolved<T>) {
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

    fn text(&mut self, key: &str, setting: &Resolved<String>) {
        self.push(key, format!("{:?}", setting.value), setting);
    }

    fn choice<T: Debug>(&mut self, key: &str, setting: &Resolved<Option<T>>) {
        let value = setting.value.as_ref();
        let value = value.map_or("(the backend's choice)".to_owned(), |value| {
            format!("{value:?}")
        });
        self.push(key, value, setting);
    }

    fn number<T: serde::Serialize>(&mut self, key: &str, setting: Option<&Resolved<T>>) {
        let unsaid = Resolved::default(());
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
        if let Some(of) = &entry.preset_of.value {
            self.push(&key("preset_of"), format!("{of:?}"), &entry.preset_of);
        }
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
        for row in TABLE {
            let key = key(&format!("generation.{}", row.key));
            match entry.generation.get(row.setting) {
                Some(off) if off.value == SettingValue::Off => {
                    self.push(&key, format!("\"{}\"", off.value), off);
                }
                said => self.number(&key, said),
            }
        }
    }
}
