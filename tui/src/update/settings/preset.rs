//! `/set preset=NAME`: what a preset of the loaded model says of denoising, all of it or nothing.

use unmask_core::config::PresetHalf;

use super::which_answer;
use crate::clean::clean_line;
use crate::state::{Field, Settings, State};

/// Sets what the preset says, and tells it; or tells why not.
pub(in crate::update) fn lay_preset(state: &mut State, name: &str) {
    let said = match laid(state, name) {
        Ok((settings, what)) => {
            state.settings = settings;
            let which = which_answer(state);
            format!("Preset {}{which}: {what}", clean_line(name))
        }
        Err(why) => clean_line(&why),
    };
    state.notify(said);
}

/// The settings with the preset's over them, and those by name; or why not.
fn laid(state: &State, name: &str) -> Result<(Settings, String), String> {
    let loaded = (state.model.as_ref()).ok_or("No model is loaded; a preset is of a model")?;
    let found = loaded.presets.iter().find(|it| it.name == name);
    let preset = found.ok_or_else(|| {
        let names: Vec<&str> = loaded.presets.iter().map(|it| it.name.as_str()).collect();
        match names.as_slice() {
            [] => format!(
                "{} has no presets; `preset_of` in its entry names the model whose presets it takes",
                loaded.name
            ),
            names => format!("{} has no preset {name}; it has {}", loaded.name, names.join(", ")),
        }
    })?;
    (preset.must_have(PresetHalf::Generation)).map_err(|error| error.to_string())?;
    let (limits, mut settings) = (state.limits(), state.settings.clone());
    let mut told = Vec::new();
    for (setting, value) in preset.generation.iter() {
        let field = Field::from(setting);
        super::set::set(&mut settings, field, &value.to_string(), &limits)
            .map_err(|refusal| format!("preset {name}: {}", refusal.what))?;
        told.push(format!(
            "{} {}",
            field.words().label,
            field.value(&settings)
        ));
    }
    Ok((settings, told.join(", ")))
}
