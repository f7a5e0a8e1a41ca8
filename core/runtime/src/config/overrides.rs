use std::ffi::OsString;
use std::num::NonZeroU32;
use std::path::PathBuf;

use super::names::variable;
use super::{ConfigError, Environment};
use crate::settings::{Domain, GenerationPatch, SettingValue, TABLE};

/// What the command line says: the highest layer. [`Overrides::of_environment`] makes the one below from variables.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Overrides {
    /// `--config`: the file.
    pub config: Option<PathBuf>,
    /// `--model`: a key, a hub id, a folder or `builtin:demo`.
    pub model: Option<String>,
    /// `--backend`, for every model.
    pub framework: Option<String>,
    /// `--device`, for every model.
    pub device: Option<String>,
    /// `--precision`, for every model.
    pub precision: Option<String>,
    /// `--threads`, for every model.
    pub threads: Option<NonZeroU32>,
    /// `--isolate`, for every model.
    pub isolated: Option<bool>,
    /// `--backend-path`; empty if not given.
    pub backend_paths: Vec<PathBuf>,
    /// `--plugin`; empty if not given.
    pub plugins: Vec<PathBuf>,
    /// `--models-folder`.
    pub models_folder: Option<PathBuf>,
    /// `--preset`, for the active model and others that have it.
    pub preset: Option<String>,
    /// `--len`, `--steps` and so on, for every model.
    pub generation: GenerationPatch,
}

impl Overrides {
    /// What the environment says.
    ///
    /// # Errors
    /// [`ConfigError::Setting`] naming the variable and what it may hold.
    pub fn of_environment(environment: &Environment) -> Result<Self, ConfigError> {
        let text = |key| Ok(environment.text(variable(key))?.map(str::to_owned));
        let paths = environment.variables.get(variable("backend_paths"));
        Ok(Self {
            config: None,
            model: text("model")?,
            framework: text("framework")?,
            device: text("device")?,
            precision: text("precision")?,
            threads: read(environment, variable("threads"), |text| {
                let threads = text.trim().parse().ok();
                threads.ok_or_else(|| "a whole number, 1 or more".to_owned())
            })?,
            isolated: read(environment, variable("isolated"), |text| {
                Domain::Switch.parse(text).map(SettingValue::is_on)
            })?,
            backend_paths: paths.map(split).unwrap_or_default(),
            plugins: Vec::new(),
            models_folder: environment.path(variable("models_folder")),
            preset: None,
            generation: (TABLE.iter())
                .filter_map(|row| {
                    let value = read(environment, row.variable, |text| row.domain.parse(text));
                    let said = |value| (row.setting, value);
                    value.map(|value| value.map(said)).transpose()
                })
                .collect::<Result<_, _>>()?,
        })
    }
}

/// The paths between the separators; nothing between them is no path.
fn split(paths: &OsString) -> Vec<PathBuf> {
    let paths = std::env::split_paths(paths);
    paths.filter(|path| !path.as_os_str().is_empty()).collect()
}

/// What a variable says; `parse` gives what it may hold if it cannot be read.
fn read<T>(
    environment: &Environment,
    name: &'static str,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Option<T>, ConfigError> {
    let Some(text) = environment.text(name)? else {
        return Ok(None);
    };
    let value = parse(text).map_err(|allowed| ConfigError::Setting {
        name: name.to_owned(),
        message: format!("`{text}` cannot be used; write {allowed}"),
    })?;
    Ok(Some(value))
}
