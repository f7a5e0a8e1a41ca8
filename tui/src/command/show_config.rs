//! `unmask --show-config`: every value, where it is said, and what is chosen where nothing is.

use unmask::precision::why;
use unmask_core::catalogue::Catalogue;
use unmask_core::config::{Config, Environment, Explained, Origin};
use unmask_core::loader::discover;

use super::{code, print};

pub(super) fn run(config: &Config, environment: &Environment) -> anyhow::Result<u8> {
    let mut rows = config.explain();
    let is_open = |origin: &Origin| *origin == Origin::Default;
    if config.models.iter().any(|it| is_open(&it.precision.origin)) {
        let catalogue = Catalogue::of(config, environment, &discover(config, environment));
        for entry in config
            .models
            .iter()
            .filter(|it| is_open(&it.precision.origin))
        {
            let Some(own) = catalogue.own(&entry.key) else {
                continue;
            };
            let key = format!("available_models.{}.precision", entry.key);
            let row = rows.iter_mut().find(|row| row.key == key);
            if let (Some(row), Some(why)) = (row, why(own.precision_reason)) {
                *row = Explained {
                    key,
                    value: format!("{:?}", own.precision),
                    origin: format!("chosen: {why}"),
                };
            }
        }
    }
    print(&config.show(&rows))?;
    Ok(code::DONE)
}
