//! The demo model without the program.

use tempfile::TempDir;
use unmask_core::config::{ConfigReader, Environment, Folders, Overrides};
use unmask_core::loader::ConfigLoader;

/// What loads it by the key `demo`, unpacked into this folder.
///
/// # Panics
/// If the carried configuration cannot be read.
#[must_use]
pub fn demo_loader(folder: &TempDir) -> ConfigLoader {
    let path = || folder.path().to_owned();
    let reader = ConfigReader {
        overrides: Overrides::default(),
        environment: Environment {
            folders: Some(Folders {
                home: path(),
                config: path(),
                data: path(),
                cache: path(),
                state: path(),
            }),
            ..Environment::default()
        },
    };
    let config = reader.read().expect("the embedded configuration is fine");
    ConfigLoader::new(config, reader)
}
