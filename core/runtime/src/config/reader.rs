use super::{Config, ConfigError, Environment, Overrides};

/// Reads the configuration as often as it is needed, so that a file that was corrected needs no restart.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConfigReader {
    /// What the command line says.
    pub overrides: Overrides,
    /// What the process was started with.
    pub environment: Environment,
}

impl ConfigReader {
    /// The configuration as it is now.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn read(&self) -> Result<Config, ConfigError> {
        Config::load(&self.overrides, &self.environment)
    }

    /// The configuration as it is now, with `model` as the active one: a key, or a folder or id that needs no entry.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn read_for(&self, model: &str) -> Result<Config, ConfigError> {
        let overrides = Overrides {
            model: Some(model.to_owned()),
            ..self.overrides.clone()
        };
        Config::load(&overrides, &self.environment)
    }
}
