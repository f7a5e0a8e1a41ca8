//! The settings panel, `/set`, `/speed` and `/pin`.

use std::time::Duration;

use unmask_core::engine::Loaded;
use unmask_core::settings::Setting;

use super::*;
use crate::state::{Below, Field, Seed, SettingsPanel};

impl Driver {
    /// The panel, opened by its keys.
    fn panel() -> Self {
        let mut driver = Self::ready();
        driver.ctrl('x');
        driver.key(KeyCode::Char('s'));
        driver
    }

    fn seen(&self) -> &SettingsPanel {
        match self.state.overlays.last() {
            Some(Overlay::Settings(panel)) => panel,
            other => panic!("no panel: {other:?}"),
        }
    }

    /// Goes down to a field.
    fn go(&mut self, field: impl Into<Field>) {
        let field = field.into();
        self.key(KeyCode::Home);
        let at = Field::ALL.iter().position(|&it| it == field);
        for _ in 0..at.expect("every field is listed") {
            self.key(KeyCode::Down);
        }
        assert_eq!(self.seen().chosen, field);
    }

    fn value(&self, field: impl Into<Field>) -> String {
        field.into().value(&self.state.settings)
    }

    fn refusal(&self) -> &str {
        match &self.seen().below {
            Below::Refused(refusal) => &refusal.what,
            other => panic!("not refused: {other:?}"),
        }
    }
}

/// The settings of a started turn: its length, its steps and its seed.
fn run(effects: &[Effect]) -> (usize, usize, u64) {
    match effects {
        [Effect::Start(request)] => match &request.input {
            TurnInput::Chat { length, .. } => (*length, request.params.steps, request.params.seed),
            other => panic!("no conversation: {other:?}"),
        },
        other => panic!("no turn was started: {other:?}"),
    }
}

#[test]
fn an_arrow_changes_the_chosen_field_for_the_next_turn() {
    let mut driver = Driver::panel();
    driver.key(KeyCode::Down);
    driver.key(KeyCode::Left);
    while driver.seen().chosen != Field::from(Setting::Steps) {
        driver.key(KeyCode::Down);
    }
    driver.key(KeyCode::Right);
    assert_eq!(driver.value(Setting::BlockLength), "16");
    driver.key(KeyCode::Esc);
    let effects = driver.say("hello");
    assert_eq!(run(&effects).1, 72);
}

#[test]
fn a_typed_value_is_taken_by_enter() {
    let mut driver = Driver::panel();
    driver.key(KeyCode::Enter);
    driver.write("96");
    driver.key(KeyCode::Enter);
    assert_eq!(driver.value(Setting::Length), "96");
    assert_eq!(driver.seen().input, None);
}

#[test]
fn a_digit_begins_to_type() {
    let mut driver = Driver::panel();
    driver.write("64");
    driver.key(KeyCode::Down);
    assert_eq!(driver.value(Setting::Length), "64");
    assert_eq!(driver.seen().chosen, Setting::BlockLength.into());
}

#[test]
fn a_bad_value_is_refused_with_the_range_and_the_old_one_stays() {
    let mut driver = Driver::panel();
    driver.go(Setting::Steps);
    driver.write("999");
    driver.key(KeyCode::Enter);
    assert_eq!(driver.refusal(), "`999`: steps must be 1–128");
    assert_eq!(driver.value(Setting::Steps), "64");
    assert!(driver.seen().input.is_some(), "it can be corrected");
    driver.key(KeyCode::Esc);
    assert_eq!(driver.seen().below, Below::Plan);
    driver.key(KeyCode::Esc);
    assert!(driver.state.overlays.is_empty());
}

#[test]
fn letters_are_typed_into_a_value_and_are_commands_elsewhere() {
    let mut driver = Driver::panel();
    driver.go(Setting::Seed);
    driver.key(KeyCode::Enter);
    driver.write("ds?");
    assert_eq!(driver.key(KeyCode::Enter), []);
    assert_eq!(
        driver.refusal(),
        "`ds?`: seed must be a whole number or random"
    );
    driver.key(KeyCode::Esc);
    driver.key(KeyCode::Char('?'));
    assert_eq!(driver.seen().below, Below::About);
    let saved = driver.key(KeyCode::Char('s'));
    let [Effect::SaveDefaults { key, settings }] = &saved[..] else {
        panic!("not saved: {saved:?}");
    };
    assert_eq!(
        (key.as_str(), &**settings),
        ("llada", &driver.state.settings)
    );
}

#[test]
fn a_reset_gives_the_field_alone_the_value_of_the_model() {
    let mut driver = Driver::panel();
    driver.key(KeyCode::Right);
    driver.go(Setting::Temperature);
    driver.key(KeyCode::Right);
    driver.key(KeyCode::Char('d'));
    assert_eq!(driver.value(Setting::Temperature), "0.0");
    assert_eq!(driver.value(Setting::Length), "160");
}

#[test]
fn a_paste_goes_into_the_value_that_is_typed() {
    let mut driver = Driver::panel();
    driver.go(Field::Pins);
    driver.key(KeyCode::Enter);
    driver.act(Action::Paste("0:Once, 5:upon".to_owned()));
    driver.key(KeyCode::Enter);
    assert_eq!(driver.value(Field::Pins), "0:Once, 5:upon");
    assert_eq!(driver.draft(), "");
}

#[test]
fn empty_pins_clear_them_and_an_empty_number_changes_nothing() {
    let mut driver = Driver::ready();
    driver.say("/pin 0:Once");
    driver.act(Action::Do(Command::Settings));
    driver.go(Field::Pins);
    driver.key(KeyCode::Enter);
    driver.ctrl('u');
    driver.key(KeyCode::Enter);
    assert_eq!(driver.value(Field::Pins), "none");
    driver.go(Setting::Length);
    driver.key(KeyCode::Enter);
    driver.key(KeyCode::Enter);
    assert_eq!(driver.value(Setting::Length), "128");
}

#[test]
fn what_runs_divides_and_what_was_said_is_kept() {
    let mut driver = Driver::ready();
    driver.say("/set steps=50");
    let effects = driver.say("hello");
    assert_eq!(run(&effects).1, 48);
    assert_eq!(driver.value(Setting::Steps), "50");
}

#[test]
fn a_setting_of_a_slash_command_is_said_back_and_a_bad_one_returns_to_the_composer() {
    let mut driver = Driver::ready();
    driver.say("/set temperature=0.7");
    assert_eq!(driver.notice(), "Temperature 0.7");
    driver.say("/set temperature=9");
    assert_eq!(driver.notice(), "`9`: temperature must be 0–2");
    assert_eq!(driver.draft(), "/set temperature=9");
}

#[test]
fn the_dial_says_what_was_measured_and_what_was_not() {
    let mut driver = Driver::ready();
    driver.say("/speed fast");
    assert_eq!(
        driver.notice(),
        "Speed fast: ≈ all tokens above 0.90 in each step, unmeasured"
    );
    driver.state.settings.measured = Some(std::sync::Arc::new(crate::fixture::measurement()));
    let length = driver.state.settings.length;
    driver.say("/speed fast");
    // Half of the answers ended after 32 of 64 positions, whatever the canvas; nine in ten filled it and may go on.
    let most = (5.0 * length as f64 / 64.0).ceil();
    assert_eq!(
        driver.notice(),
        format!(
            "Speed fast: threshold=0.8+dual, 3 forwards (9 in 10: up to {most}), -1.5 points of right answers (-3.0 to +0.0)"
        )
    );
    driver.say("/speed balanced");
    assert_eq!(
        driver.notice(),
        "Speed balanced: 2 tokens per step, not shown to lose so little"
    );
}

#[test]
fn changes_leave_the_running_turn_alone_and_say_so() {
    let mut driver = Driver::denoising();
    driver.say("/speed turbo");
    driver.say("/set length=64");
    assert_eq!(driver.notice(), "Answer length 64, from the next answer on");
    assert_eq!(driver.state.running().map(|turn| turn.steps), Some(4));
    driver.say("more");
    let effects = driver.finish("hi", FinishReason::Complete);
    assert_eq!(run(&effects).0, 64);
}

#[test]
fn bad_pins_are_shown_with_a_caret_and_none_is_applied() {
    let mut driver = Driver::ready();
    driver.say("/pin 0:Once");
    driver.say("/pin 3:upon, x:up");
    let toast = driver.state.toast.clone().expect("a refusal");
    assert_eq!(toast.lines[..2], ["3:upon, x:up", "        ^"]);
    assert_eq!(driver.value(Field::Pins), "0:Once");
    assert_eq!(driver.draft(), "/pin 3:upon, x:up");
}

#[test]
fn a_refusal_of_pins_goes_once_they_are_right() {
    let mut driver = Driver::ready();
    for text in ["/pin 3:upon, x:up", "/set temperature=1"] {
        driver.say(text);
        driver.ctrl('u');
        assert!(driver.state.toast.is_some(), "after {text}");
    }
    driver.say("/pin 3:upon");
    assert_eq!(driver.state.toast, None);
}

#[test]
fn pins_are_sent_with_every_turn_until_they_are_cleared() {
    let pins = |effects: &[Effect]| match effects {
        [Effect::Start(request)] => match &request.input {
            TurnInput::Chat { pins, .. } => pins.len(),
            other => panic!("no conversation: {other:?}"),
        },
        other => panic!("no turn was started: {other:?}"),
    };
    let mut driver = Driver::ready();
    driver.say("/pin 0:Once, 5:upon");
    assert_eq!(pins(&driver.say("hello")), 2);
    driver.finish("hi", FinishReason::Complete);
    assert_eq!(pins(&driver.say("more")), 2);
    driver.finish("hi", FinishReason::Complete);
    driver.say("/pin clear");
    assert_eq!(pins(&driver.say("more")), 0);
}

#[test]
fn another_model_brings_its_settings_and_leaves_pins_and_playback() {
    let mut driver = Driver::ready();
    driver.say("/pin 0:Once");
    driver.say("/set delay=100");
    driver.say("/set length=32");
    driver.receive(EngineEvent::Loaded(fixture::loaded(CELLS)));
    let settings = &driver.state.settings;
    assert_eq!(settings.length, 128);
    assert_eq!(settings.pins.len(), 1);
    assert_eq!(settings.delay, Duration::from_millis(100));
}

#[test]
fn a_seed_of_the_configuration_is_fixed_and_without_one_each_turn_has_another() {
    let mut driver = Driver::ready();
    let first = run(&driver.say("a")).2;
    driver.finish("hi", FinishReason::Complete);
    assert_ne!(run(&driver.say("b")).2, first);

    let mut loaded = (*fixture::loaded(CELLS)).clone();
    loaded.default_seed = Some(0);
    driver.finish("hi", FinishReason::Complete);
    driver.receive(EngineEvent::Loaded(loaded.into()));
    assert_eq!(driver.state.settings.seed, Seed::Fixed(0));
    assert_eq!(run(&driver.say("c")).2, 0);
}

#[test]
fn other_entropy_gives_other_seeds_and_the_same_the_same() {
    let seed = |entropy| {
        let mut driver = Driver::ready();
        driver.state.entropy = entropy;
        run(&driver.say("a")).2
    };
    assert_eq!(seed(7), seed(7));
    assert_ne!(seed(7), seed(8));
}

/// Presets of the loaded model: `toml` as `presets.toml` has it.
fn with_presets(toml: &str) -> Driver {
    let mut driver = Driver::ready();
    let mut loaded = Loaded::clone(driver.state.model.as_ref().expect("a model"));
    let preset = |it: &str| toml::from_str(it).expect("a preset");
    loaded.presets = toml.split("---").map(preset).collect();
    driver.receive(EngineEvent::Loaded(std::sync::Arc::new(loaded)));
    driver
}

#[test]
fn a_preset_sets_all_that_it_says_or_nothing() {
    let mut driver = Driver::ready();
    driver.say("/set preset=gsm8k");
    assert!(
        driver.notice().contains("has no presets"),
        "{}",
        driver.notice()
    );
    let mut driver = with_presets(
        r#"name = "gsm8k"
        models = ["m"]
        generation = { length = 256, steps = 256, block_length = 8, confidence_eos_eot_inf = true }
        ---
        name = "huge"
        models = ["m"]
        generation = { steps = 4, length = 100000 }
        ---
        name = "piqa"
        models = ["m"]
        likelihood = { cfg_scale = 0.5 }"#,
    );
    driver.say("/set preset=gsm8k");
    assert_eq!(driver.value(Setting::Length), "256");
    assert_eq!(driver.value(Setting::Steps), "256");
    assert_eq!(driver.value(Setting::BlockLength), "8");
    assert!(driver.state.settings.params.confidence_eos_eot_inf);
    assert!(
        driver.notice().starts_with("Preset gsm8k: "),
        "{}",
        driver.notice()
    );
    let before = driver.state.settings.clone();
    for (name, why) in [
        ("huge", "answer length"),
        ("piqa", "piqa"),
        ("gsm", "gsm8k, huge, piqa"),
    ] {
        driver.say(&format!("/set preset={name}"));
        assert!(driver.notice().contains(why), "{name}: {}", driver.notice());
        assert_eq!(driver.state.settings, before, "{name}");
    }
}
