//! Models and backends changed in a running program, and conversations longer than the context.

#![cfg(unix)]

use std::fs;
use std::path::Path;

use unmask_tests::chat::{ANSWER, LONG, QUESTION, ask, type_in, wait_for};
use unmask_tests::plugin;
use unmask_tests::program::Home;
use unmask_tests::terminal::Terminal;

/// The screen with the demo model ready, the toy plugin at hand, and perhaps a configuration.
fn open(home: &Home, config: Option<&Path>, arguments: &[&str]) -> Terminal {
    // The variables given last win.
    let own = home.environment();
    let libraries = own.iter().find(|(name, _)| *name == "UNMASK_BACKEND_PATH");
    let libraries = libraries.map_or("", |(_, value)| value.as_str());
    let libraries = format!("{libraries}:{}", plugin("example-toy").display());
    let config = config.map(|path| path.display().to_string());
    let mut more = vec![
        ("UNMASK_BACKEND_PATH", libraries.as_str()),
        ("HF_HUB_OFFLINE", "1"),
    ];
    more.extend(config.as_deref().map(|path| ("UNMASK_CONFIG", path)));
    let terminal = home.start(arguments, &more, (100, 30));
    wait_for(&terminal, &["● ready"]);
    terminal
}

#[track_caller]
fn open_picker(terminal: &mut Terminal, filter: &str) {
    terminal.press("\x18");
    terminal.press("m");
    wait_for(terminal, &["Model and backend", "free memory", "shown"]);
    type_in(terminal, filter);
}

#[test]
fn a_conversation_goes_on_with_another_backend_and_back() {
    let home = Home::default();
    let mut terminal = open(&home, None, &[]);
    ask(&mut terminal, QUESTION);
    wait_for(&terminal, &[ANSWER, "demo · candle · f32", "● ready"]);
    open_picker(&mut terminal, "toy");
    wait_for(&terminal, &["▸ demo", "toy       f32"]);
    terminal.press("\r");
    wait_for(&terminal, &["demo · toy · f32", "● ready", ANSWER]);
    ask(&mut terminal, "And now?");
    // The toy answers with its vocabulary.
    wait_for(&terminal, &["UVWXYZ", ANSWER, "● ready"]);
    ask(&mut terminal, "/backend candle");
    wait_for(
        &terminal,
        &["demo · candle · f32", "● ready", ANSWER, "UVWXYZ"],
    );
    ask(&mut terminal, QUESTION);
    terminal.wait(LONG, "another answer", |screen| {
        screen.matches(ANSWER).count() == 2 && screen.contains("● ready")
    });
}

#[test]
fn a_model_that_is_not_on_disk_says_how_to_get_it_and_the_running_one_stays() {
    let home = Home::default();
    let mut terminal = open(&home, None, &[]);
    open_picker(&mut terminal, "iLLaDA-8B-Base");
    wait_for(&terminal, &["not on disk"]);
    terminal.press("\r");
    wait_for(&terminal, &["was not fetched", "HF_HUB_OFFLINE"]);
    terminal.press("\x1b");
    terminal.wait(LONG, "the picker alone", |screen| {
        !screen.contains("was not fetched") && screen.contains("Model and backend")
    });
    terminal.press("\x1b");
    terminal.wait(LONG, "the chat", |screen| {
        !screen.contains("Model and backend")
    });
    ask(&mut terminal, QUESTION);
    wait_for(&terminal, &[ANSWER]);
}

#[test]
fn a_configuration_is_read_anew_and_a_bad_one_changes_nothing() {
    let home = Home::default();
    let file = home.path().join("mine.toml");
    let entry = |key: &str, rest: &str| {
        format!(
            "[available_models.{key}]\nframework = \"candle\"\nmodel_id = \"builtin:demo\"\n{rest}\n"
        )
    };
    let first = format!("active_model_key = \"one\"\n{}", entry("one", ""));
    fs::write(&file, &first).expect("the folder is ours");
    let mut terminal = open(&home, Some(&file), &[]);
    fs::write(&file, format!("{first}framwork = 1\n")).expect("the folder is ours");
    ask(&mut terminal, "/models one");
    wait_for(
        &terminal,
        &["Could not look at this machine", "framwork", "● ready"],
    );
    // Esc and what is typed at once behind it would be read as one key.
    terminal.press("\x1b");
    terminal.wait(LONG, "no notice", |screen| !screen.contains("framwork"));
    let second = entry("two", "precision = \"q8_0\"");
    fs::write(&file, format!("{first}{second}")).expect("the folder is ours");
    ask(&mut terminal, "/models two");
    wait_for(&terminal, &["demo · candle · q8_0", "● ready"]);
}

#[test]
fn a_folder_is_added_to_the_users_own_configuration() {
    let home = Home::default();
    let mut terminal = open(&home, None, &[]);
    let cache = home.path().join("cache/unmask");
    let mut folders = fs::read_dir(cache).expect("the demo model was unpacked");
    let unpacked = folders
        .next()
        .expect("it is there")
        .expect("it is readable");
    let folder = home.path().join("m");
    fs::rename(unpacked.path(), &folder).expect("the folder is ours");
    terminal.press(&format!("/models add {}", folder.display()));
    wait_for(&terminal, &["/models add"]);
    terminal.press("\r");
    wait_for(&terminal, &["Added m to", "Model and backend", "ready"]);
    let config = home.path().join("config/unmask/model_config.toml");
    let text = fs::read_to_string(config).expect("it was made");
    assert!(text.contains("[available_models.m]"), "{text}");
    assert!(text.contains("# The model to start with"), "{text}");
    terminal.press("\r");
    terminal.wait(LONG, "the added model", |screen| {
        screen.contains(" m · candle · f32") && screen.contains("● ready")
    });
}

#[test]
fn a_start_without_a_backend_shows_what_to_do() {
    let home = Home::default();
    let mut terminal = home.start(&["-b", "gone"], &[], (100, 30));
    wait_for(&terminal, &["there is no backend `gone`", "no model"]);
    terminal.press("\x1b");
    wait_for(
        &terminal,
        &["unmask looked in:", "/models add PATH", "● candle"],
    );
    terminal.press("3");
    wait_for(&terminal, &["demo · candle", "● ready"]);
}

#[test]
fn a_conversation_that_outgrows_the_context_goes_on_without_its_oldest_turns() {
    let home = Home::default();
    let mut terminal = open(&home, None, &["--len", "176"]);
    for city in ["Spain", "Italy", "Portugal", "Norway", "Japan"] {
        let question = format!("What is the capital of {city}?");
        ask(&mut terminal, &question);
        terminal.wait(LONG, "an answer", |screen| {
            // A person's words have a bar.
            let bare = |row| str::trim(row).trim_start_matches('▌');
            let rows: Vec<&str> = screen.lines().map(bare).collect();
            let at = rows.iter().rposition(|row| *row == question);
            let answer = at.and_then(|at| rows.get(at + 2));
            answer.is_some_and(|row| !row.is_empty()) && screen.contains("● ready")
        });
    }
    let words = "↑ the model no longer sees these";
    let mut frames = terminal.frames().into_iter();
    assert!(
        frames.any(|(_, screen)| screen.contents().contains(words)),
        "nothing was left out"
    );
}

#[test]
fn a_question_too_long_for_the_answer_is_sent_with_a_shorter_one_by_g() {
    let home = Home::default();
    let mut terminal = open(&home, None, &["--len", "240"]);
    let question = "And now tell me a long story about a fox, a bear, a king and the sea.";
    ask(&mut terminal, question);
    wait_for(&terminal, &["limit 256", "length ≤", "g send with length"]);
    terminal.press("g");
    terminal.wait(LONG, "the question sent", |screen| {
        screen.contains("◐ step") || screen.contains("● ready") && screen.contains("tok ·")
    });
}
