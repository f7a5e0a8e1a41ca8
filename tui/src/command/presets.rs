//! `unmask presets`: settings by name, and the scores that were published for them.

use serde_json::json;
use unmask_core::config::{Environment, Presets, TaskPreset};

use super::table::table;
use super::{Usage, code, print};
use crate::cli::{PresetsArguments, TableFormat};

pub(super) fn run(environment: &Environment, arguments: &PresetsArguments) -> anyhow::Result<u8> {
    let presets = Presets::load(environment)?;
    let is_wanted =
        |it: &&TaskPreset| (arguments.name.as_ref()).is_none_or(|name| *name == it.name);
    let wanted: Vec<&TaskPreset> = presets.iter().filter(is_wanted).collect();
    if let (Some(name), true) = (&arguments.name, wanted.is_empty()) {
        let text = format!("no preset is called `{name}`; `unmask presets` lists them");
        return Err(Usage(text).into());
    }
    let text = match arguments.format {
        TableFormat::Json => format!("{}\n", json!(wanted)),
        TableFormat::Text => {
            let heading = ["preset", "models", "settings", "published", "source"];
            let mut rows = vec![heading.map(str::to_owned).to_vec()];
            rows.extend(wanted.into_iter().map(row));
            table(&rows)
        }
    };
    print(&text)?;
    Ok(code::DONE)
}

fn row(preset: &TaskPreset) -> Vec<String> {
    let generation = json!(preset.generation);
    let likelihood = json!(preset.likelihood);
    let said = [generation, likelihood];
    let said = said.iter().filter_map(|it| it.as_object()).flatten();
    let settings = said.filter(|(_, value)| !value.is_null());
    let settings: Vec<String> = settings
        .map(|(key, value)| format!("{key} {value}"))
        .collect();
    let published = preset.published.iter();
    let published: Vec<String> = published
        .map(|(who, score)| format!("{score} % {who}"))
        .collect();
    vec![
        preset.name.clone(),
        preset.models.join(", "),
        settings.join(", "),
        published.join(", "),
        preset.source.clone(),
    ]
}
