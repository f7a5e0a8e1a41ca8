//! What a new user met on the first day.

use super::*;
use crate::state::{Below, Field, Ghosts};

#[test]
fn a_raw_paste_stays_one_message_also_behind_a_marked_one() {
    let mut driver = Driver::ready();
    driver.act(Action::Paste("marked".to_owned()));
    driver.ctrl('c');
    driver.wait(1000);
    let mut sent = Vec::new();
    for line in ["one", "two", "three"] {
        for character in line.chars() {
            let key = KeyEvent::new(KeyCode::Char(character), KeyModifiers::NONE);
            sent.extend(driver.act(Action::Key(key)));
        }
        let enter = KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE);
        sent.extend(driver.act(Action::Key(enter)));
    }
    assert!(
        !sent.iter().any(|effect| matches!(effect, Effect::Start(_))),
        "{sent:?}"
    );
    assert_eq!(driver.draft(), "one\ntwo\nthree\n");
}

#[test]
fn the_time_that_is_left_counts_slow_motion() {
    let mut driver = Driver::denoising();
    let left = |driver: &Driver| {
        let turn = driver.state.running().expect("it runs");
        let left = turn.time_left(driver.state.settings.delay);
        left.expect("a step was made")
    };
    let fast = left(&driver);
    driver.state.settings.delay = Duration::from_secs(1);
    let steps = {
        let turn = driver.state.running().expect("it runs");
        turn.steps_expected() - turn.step
    };
    assert_eq!(left(&driver), Duration::from_secs(steps as u64));
    assert!(fast < left(&driver));
}

#[test]
fn esc_in_an_explained_setting_closes_one_level() {
    let mut driver = Driver::ready();
    driver.act(Action::Do(Command::Settings));
    driver.key(KeyCode::Char('?'));
    let below = |driver: &Driver| match driver.state.overlays.last() {
        Some(Overlay::Settings(panel)) => Some(panel.below.clone()),
        Some(_) | None => None,
    };
    assert_eq!(below(&driver), Some(Below::About));
    driver.key(KeyCode::Esc);
    assert_eq!(below(&driver), Some(Below::Plan));
    driver.key(KeyCode::Esc);
    assert_eq!(below(&driver), None);
}

#[test]
fn a_name_that_begins_a_models_name_is_completed_in_the_refusal() {
    for (typed, meant) in [
        ("LLaDA-8B", "LLaDA-8B-Instruct"),
        ("dream", "Dream-7B"),
        ("8b-base", "LLaDA-8B-Base"),
        ("hugee", "huge"),
    ] {
        let mut driver = Driver::ready();
        driver.say(&format!("/models {typed}"));
        let machine = crate::fixture::machine();
        driver.act(Action::Scanned(Ok(machine.into())));
        let is_loaded = matches!(driver.state.activity, Activity::Loading(_));
        assert!(
            is_loaded || driver.notice().contains(meant),
            "{typed}: {}",
            driver.notice()
        );
    }
}

#[test]
fn the_three_settings_of_the_end_say_what_they_do() {
    use unmask_core::settings::Setting;
    let fields = [Setting::EndLast, Setting::NoEnd, Setting::EarlyStop].map(Field::from);
    let said = fields.map(|field| (field.words().label, field.words().remark));
    assert_eq!(
        said,
        [
            ("end tokens last", "decided after all words"),
            ("no end token", "the answer fills its length"),
            ("stop at the end", "as soon as the end is settled"),
        ]
    );
    assert!(fields.iter().all(|field| field.group().name() == "Ending"));
}

#[test]
fn a_conversation_is_removed_from_the_list_without_a_del_key() {
    use crate::keymap::{Chord, Context};
    let keymap = crate::keymap::Keymap::default();
    let chords = keymap.chords(&[Context::Sessions], &Command::Delete);
    assert!(
        chords
            .iter()
            .map(|it| Chord::label(*it))
            .any(|label| label == "^D")
    );
}

#[test]
fn guesses_shade_the_masks_and_are_written_on_them_if_asked() {
    use unmask_core::event::Guess;
    let mut driver = Driver::denoising();
    let guess = |at, confidence| Guess {
        at: unmask_core::Position(at),
        token: fixture::token(CELLS, at as usize),
        confidence,
    };
    let mut step = fixture::step(2, 4, Vec::new());
    step.guesses = vec![guess(1, 0.2), guess(2, 0.8)];
    driver.receive_turn(TurnEvent::Step(step));
    driver.frame();
    let text = |driver: &Driver| driver.rows(1)[0].clone();
    assert_eq!(text(&driver), "Two ░░░ ▓▓▓");
    driver.act(Action::Do(Command::Ghosts));
    assert_eq!(driver.state.ghosts, Ghosts::Shown);
    driver.frame();
    assert_eq!(text(&driver), "Two and thr");
}

#[test]
fn the_carried_model_starts_where_its_colours_are_seen_and_one_key_is_full_speed() {
    let mut driver = Driver::bare();
    let mut loaded = (*fixture::loaded(CELLS)).clone();
    loaded.provenance.is_carried = true;
    let length = loaded.default_length;
    loaded.defaults.steps = length;
    let mut told = loaded.clone();
    told.is_untold = false;
    driver.receive(EngineEvent::Loaded(told.into()));
    assert!(
        driver.state.settings.delay.is_zero(),
        "what is said is left"
    );
    driver.receive(EngineEvent::Loaded(loaded.into()));
    assert_eq!(
        driver.state.settings.speed(),
        Some(crate::state::DialPosition::Fast)
    );
    assert!(!driver.state.settings.delay.is_zero());
    driver.ctrl('x');
    driver.key(KeyCode::Char('w'));
    assert!(driver.state.settings.delay.is_zero());
    let mut other = Driver::ready();
    other.wait(1);
    assert!(
        other.state.settings.delay.is_zero(),
        "only that of the program"
    );
}

#[test]
fn t_shows_the_tokens_one_by_one_in_a_replay() {
    use crate::action::ReplayAct;
    use crate::state::Arrangement;
    let mut driver = Driver::denoising();
    driver.act(Action::Do(Command::Focus));
    driver.act(Action::Do(Command::Replay(ReplayAct::Open)));
    driver.key(KeyCode::Char('t'));
    let arrangement = |driver: &Driver| driver.state.replay.as_ref().map(|it| it.arrangement);
    assert_eq!(arrangement(&driver), Some(Arrangement::Raw));
    driver.frame();
    let row = driver.layout.replayed().map(Row::text).next();
    assert_eq!(row.as_deref(), Some("Two │ ▒▒▒ │ ▒▒▒ │ "));
    driver.key(KeyCode::Char('t'));
    assert_eq!(arrangement(&driver), Some(Arrangement::Flow));
}

#[test]
fn the_pace_of_the_carried_model_does_not_go_along_to_another() {
    let mut driver = Driver::bare();
    let mut carried = (*fixture::loaded(CELLS)).clone();
    carried.provenance.is_carried = true;
    carried.defaults.steps = carried.default_length;
    let carried = std::sync::Arc::new(carried);
    for (set, left) in [(None, 0), (Some(200), 200)] {
        driver.receive(EngineEvent::Loaded(carried.clone()));
        if let Some(delay) = set {
            driver.state.settings.delay = Duration::from_millis(delay);
        }
        assert!(!driver.state.settings.delay.is_zero());
        driver.receive(EngineEvent::Loaded(fixture::loaded(CELLS)));
        assert_eq!(driver.state.settings.delay, Duration::from_millis(left));
    }
}
