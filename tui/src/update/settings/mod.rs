//! The settings: their panel, and `/set`, `/speed` and `/pin`.

mod dial;
mod nudge;
mod pins;
mod preset;
mod set;

use std::iter::once;

use dial::next_speed;
pub(super) use dial::turn_dial;
use nudge::{Way, nudge};
pub(super) use pins::{have_pins_read, placed};
pub(super) use preset::lay_preset;
use set::set;
use unmask_core::settings::Setting;

use crate::action::{Command, LineEdit, Scroll};
use crate::clean::clean_line;
use crate::effect::Effect;
use crate::sentence::capital;
use crate::state::{
    Below, Composer, Field, Overlay, Refusal, Settings, SettingsPanel, State, Toast,
};

/// Opens the panel.
pub(super) fn open(state: &mut State) {
    let panel = Box::new(SettingsPanel::default());
    state.overlays.push(Overlay::Settings(panel));
}

/// What the panel makes of a command; `None` if it leaves it to the chat.
pub(super) fn perform(state: &mut State, command: &Command) -> Option<Vec<Effect>> {
    match panel(state)?.input {
        Some(_) => typing(state, command),
        None => choosing(state, command),
    }
}

/// Writes into the value that is typed; a digit begins one.
pub(super) fn write(state: &mut State, text: &str) {
    let Some(panel) = panel(state) else {
        return;
    };
    let is_number = text.starts_with(|it: char| it.is_ascii_digit() || it == '.');
    if panel.input.is_none() && is_number && !panel.chosen.is_choice() {
        panel.input = Some(Composer::default());
    }
    if let Some(input) = &mut panel.input {
        input.insert(&clean_line(text));
        panel.below = Below::Plan;
    }
}

fn panel(state: &mut State) -> Option<&mut SettingsPanel> {
    match state.overlays.last_mut() {
        Some(Overlay::Settings(panel)) => Some(panel),
        Some(_) | None => None,
    }
}

/// While a value is typed.
fn typing(state: &mut State, command: &Command) -> Option<Vec<Effect>> {
    match command {
        Command::Choose | Command::Send => {
            commit(state);
        }
        Command::Up | Command::Down => {
            if commit(state) {
                return choosing(state, command);
            }
        }
        Command::Back | Command::Interrupt => {
            let panel = panel(state)?;
            panel.input = None;
            panel.below = Below::Plan;
        }
        Command::Edit(edit) => move_in_input(state, *edit),
        Command::Scroll(Scroll::First) => move_in_input(state, LineEdit::LineStart),
        Command::Scroll(Scroll::Follow) => move_in_input(state, LineEdit::LineEnd),
        other => return behind(other),
    }
    Some(Vec::new())
}

/// What has nothing to do with the panel: a few commands go on to the chat, the others would happen unseen.
fn behind(command: &Command) -> Option<Vec<Effect>> {
    let goes_on = matches!(
        command,
        Command::Back | Command::Interrupt | Command::Suspend | Command::Repaint | Command::Quit
    );
    (!goes_on).then(Vec::new)
}

fn move_in_input(state: &mut State, edit: LineEdit) {
    if let Some(panel) = panel(state)
        && let Some(input) = &mut panel.input
    {
        input.edit(edit);
    }
}

/// Takes what was typed; false if it is refused, and stays to be corrected.
fn commit(state: &mut State) -> bool {
    let Some(panel) = panel(state) else {
        return false;
    };
    let field = panel.chosen;
    let text = panel.input.as_ref().map(Composer::text).unwrap_or_default();
    // Nothing typed is nothing changed; only pins can be nothing.
    let result = match text.trim().is_empty() && field != Field::Pins {
        true => Ok(()),
        false => change(state, field, &text),
    };
    report(state, result)
}

/// Takes a value that is being typed, if one is; false if it is refused.
pub(super) fn finish_typing(state: &mut State) -> bool {
    let is_typing = panel(state).is_some_and(|panel| panel.input.is_some());
    !is_typing || commit(state)
}

/// Shows a refusal in the panel; false if there is one.
fn report(state: &mut State, result: Result<(), Refusal>) -> bool {
    let Some(panel) = panel(state) else {
        return result.is_ok();
    };
    match result {
        Ok(()) => {
            panel.input = None;
            panel.below = Below::Plan;
            true
        }
        Err(refusal) => {
            panel.below = Below::Refused(refusal);
            false
        }
    }
}

/// While no value is typed.
fn choosing(state: &mut State, command: &Command) -> Option<Vec<Effect>> {
    const PAGE: isize = 5;
    match command {
        Command::Up => go(state, -1),
        Command::Down => go(state, 1),
        Command::Scroll(Scroll::PageUp) => go(state, -PAGE),
        Command::Scroll(Scroll::PageDown) => go(state, PAGE),
        Command::Scroll(Scroll::First) => go(state, isize::MIN + 1),
        Command::Scroll(Scroll::Follow) => go(state, isize::MAX),
        Command::Less => step(state, Way::Less),
        Command::More => step(state, Way::More),
        Command::Choose => choose(state),
        Command::Explain => explain(state),
        Command::ResetField => reset(state),
        Command::SaveDefaults => return Some(save(state)),
        Command::Back if is_told(state) => tell_plan(state),
        other => return behind(other),
    }
    Some(Vec::new())
}

/// True if something is said of the field: Esc goes back to the plan first.
fn is_told(state: &mut State) -> bool {
    panel(state).is_some_and(|panel| panel.below != Below::Plan)
}

fn tell_plan(state: &mut State) {
    if let Some(panel) = panel(state) {
        panel.below = Below::Plan;
    }
}

/// Moves among the fields, unless a value is typed.
pub(super) fn go(state: &mut State, rows: isize) {
    if let Some(panel) = panel(state).filter(|panel| panel.input.is_none()) {
        let at = Field::ALL.iter().position(|&field| field == panel.chosen);
        let at = at.unwrap_or(0).saturating_add_signed(rows);
        panel.chosen = Field::ALL[at.min(Field::ALL.len() - 1)];
        panel.below = Below::Plan;
    }
}

/// To this field, unless a value is typed.
pub(super) fn choose_field(state: &mut State, field: Field) {
    if let Some(panel) = panel(state).filter(|panel| panel.input.is_none()) {
        panel.chosen = field;
        panel.below = Below::Plan;
    }
}

fn step(state: &mut State, way: Way) {
    let limits = state.limits();
    let Some(field) = panel(state).map(|panel| panel.chosen) else {
        return;
    };
    let result = nudge(&mut state.settings, field, way, &limits);
    report(state, result);
}

/// Enter: the next of a few values, or the value is typed.
fn choose(state: &mut State) {
    let pins = state.settings.pins_text();
    let Some(panel) = panel(state) else {
        return;
    };
    match panel.chosen {
        Field::Speed => next_speed(state),
        field if field.is_choice() => step(state, Way::More),
        field => {
            let mut input = Composer::default();
            if field == Field::Pins {
                input.insert(&pins);
            }
            panel.input = Some(input);
            panel.below = Below::Plan;
        }
    }
}

fn explain(state: &mut State) {
    if let Some(panel) = panel(state) {
        panel.below = match panel.below {
            Below::About => Below::Plan,
            Below::Plan | Below::Refused(_) => Below::About,
        };
    }
}

/// Gives the chosen field the value that the model has for it.
fn reset(state: &mut State) {
    let defaults = match &state.model {
        Some(loaded) => Settings::of(loaded),
        None => Settings::default(),
    };
    let Some(panel) = panel(state) else {
        return;
    };
    let field = panel.chosen;
    panel.below = Below::Plan;
    restore(&mut state.settings, &defaults, field);
}

fn restore(settings: &mut Settings, defaults: &Settings, field: Field) {
    match field {
        Field::Denoising(Setting::Seed) => settings.seed = defaults.seed,
        Field::Denoising(setting) => {
            // What excludes it comes back too, if that is the default.
            let row = setting.definition();
            for row in once(row).chain(row.others()) {
                let value = (row.get)(&defaults.params, defaults.length);
                (row.set)(&mut settings.params, &mut settings.length, value);
            }
        }
        Field::Speed => {
            restore(settings, defaults, Setting::Steps.into());
            settings.params.transfer = defaults.params.transfer;
        }
        Field::Delay => settings.delay = defaults.delay,
        Field::Pins => settings.pins.clone_from(&defaults.pins),
        Field::Context => settings.overflow = defaults.overflow,
    }
}

fn save(state: &mut State) -> Vec<Effect> {
    let Some(loaded) = &state.model else {
        state.notify("No model is loaded; settings are saved for a model");
        return Vec::new();
    };
    vec![Effect::SaveDefaults {
        key: loaded.key.clone(),
        settings: Box::new(state.settings.clone()),
    }]
}

/// The settings were written to this file, or could not be.
pub(super) fn saved(state: &mut State, saved: Result<String, String>) {
    match saved {
        Ok(file) => state.notify(format!("Saved as default in {}", clean_line(&file))),
        Err(why) => {
            state.toast = Some(Toast {
                title: "Could not save the settings".to_owned(),
                lines: vec![why],
            });
        }
    }
}

/// Changes a setting, whatever way it came.
fn change(state: &mut State, field: Field, text: &str) -> Result<(), Refusal> {
    let limits = state.limits();
    set(&mut state.settings, field, text, &limits)
}

/// `before` with another value of a setting.
///
/// # Errors
/// What is wrong with the value.
pub(super) fn changed(
    state: &State,
    before: Settings,
    field: Field,
    text: &str,
) -> Result<Settings, String> {
    let mut settings = before;
    set(&mut settings, field, text, &state.limits()).map_err(|refusal| refusal.what)?;
    Ok(settings)
}

/// `/set KEY=VALUE` and `/pin …`, whose words go back to the composer if they are refused.
pub(super) fn order(state: &mut State, field: Field, text: &str) {
    match change(state, field, text) {
        Ok(()) => {
            // What was wrong has been put right.
            state.toast.take_if(|toast| toast.title == refused(field));
            let value = field.value(&state.settings);
            let which = which_answer(state);
            let said = format!(
                "{} {}{which}",
                capital(field.words().label),
                clean_line(&value)
            );
            state.notify(said);
        }
        Err(refusal) => refuse(state, field, text, refusal),
    }
}

/// Whose settings a change is of, where that must be said.
fn which_answer(state: &State) -> &'static str {
    match state.running() {
        Some(_) => ", from the next answer on",
        None => "",
    }
}

fn refuse(state: &mut State, field: Field, text: &str, refusal: Refusal) {
    if state.composer.is_empty() {
        let again = match field == Field::Pins {
            true => format!("/pin {text}"),
            false => format!("/set {}={text}", field.words().key),
        };
        state.composer.replace(&again);
    }
    match refusal.part {
        None => state.notify(refusal.what),
        Some(_) => state.toast = Some(pins::toast(refused(field), &refusal)),
    }
}

fn refused(field: Field) -> String {
    format!(
        "{} refused, nothing is changed",
        capital(field.words().label)
    )
}
