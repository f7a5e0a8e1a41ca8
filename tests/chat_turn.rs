//! The whole program in a pseudo-terminal: keys in, screen out.

#![cfg(unix)]

use unmask_tests::chat::{LONG, QUESTION, ask, wait_answer, wait_end, wait_for};
use unmask_tests::program::Home;
use unmask_tests::terminal::Terminal;

fn open(home: &Home, size: (u16, u16), arguments: &[&str]) -> Terminal {
    let terminal = home.start(arguments, &[], size);
    wait_for(&terminal, &["● ready"]);
    terminal
}

#[test]
fn a_typed_question_is_answered_and_seen_unmasking() {
    let home = Home::default();
    let mut terminal = open(&home, (80, 24), &[]);
    ask(&mut terminal, QUESTION);
    wait_answer(&terminal);
    let frames = terminal.frames();
    let shown = |text: &str| {
        frames
            .iter()
            .any(|(_, screen)| screen.contents().contains(text))
    };
    assert!(shown("◐ step") && shown("forwards"), "no step was seen");
    // The demo model settles the end of its answer first.
    let masks = |screen: &str| ["░░░", "▒▒▒", "▓▓▓"].iter().any(|it| screen.contains(it));
    let partial = |screen: &str| masks(screen) && screen.contains("␃");
    assert!(
        frames.iter().any(|(_, screen)| partial(&screen.contents())),
        "no half-masked answer was seen"
    );
    terminal.press("\x04");
    assert_eq!(wait_end(&mut terminal).exit_code(), 0);
}

#[test]
fn a_question_and_its_enter_sent_in_one_go_are_answered() {
    let home = Home::default();
    let mut terminal = open(&home, (80, 24), &[]);
    terminal.press(&format!("{QUESTION}\r"));
    wait_answer(&terminal);
}

#[test]
fn a_paused_turn_goes_on_to_the_same_answer() {
    let home = Home::default();
    let mut terminal = open(&home, (120, 40), &[]);
    ask(&mut terminal, QUESTION);
    wait_for(&terminal, &["◐ step"]);
    terminal.press("\x1b");
    terminal.wait(LONG, "pause", |screen| screen.contains("‖ paused"));
    terminal.press(" ");
    wait_answer(&terminal);
}

#[test]
fn the_pin_that_the_readme_shows_names_the_fox_at_every_speed() {
    const PIN: &str = "/pin 9:Clara";
    const FOX: &str = "Tell me a story about a fox.";
    let readme = std::fs::read_to_string(unmask_tests::root().join("README.md"));
    let readme = readme.expect("there is a README");
    assert!(readme.contains(&format!("`{PIN}`, then `{FOX}`")));
    for speed in ["quality", "balanced", "fast", "turbo"] {
        let home = Home::default();
        let mut terminal = open(&home, (100, 30), &[]);
        terminal.press(&format!("/speed {speed}\r"));
        wait_for(&terminal, &[&format!("Speed {speed}")]);
        terminal.press(&format!("{PIN}\r"));
        wait_for(&terminal, &["Pins 9 "]);
        ask(&mut terminal, FOX);
        wait_for(&terminal, &["fox named Clara lived", "● ready"]);
    }
}

#[test]
fn a_turn_stopped_before_any_text_gives_the_question_back() {
    let home = Home::default();
    // Many steps, so that the first token of the answer is still masked when the key arrives.
    let long = ["--len", "192", "--block", "192", "--steps", "192"];
    let mut terminal = open(&home, (80, 24), &long);
    ask(&mut terminal, QUESTION);
    wait_for(&terminal, &["◐ step"]);
    terminal.press("\x03");
    terminal.wait(LONG, "question in the composer", |screen| {
        screen.contains("● ready") && screen.contains(&format!("› {QUESTION}"))
    });
    terminal.press("\r");
    wait_answer(&terminal);
}

#[test]
fn a_storm_of_sizes_while_unmasking_leaves_the_answer_whole() {
    let home = Home::default();
    let mut terminal = open(&home, (80, 24), &[]);
    ask(&mut terminal, QUESTION);
    for step in 0..20 {
        terminal.resize(
            if step % 2 == 0 { 30 } else { 120 },
            if step % 3 == 0 { 5 } else { 40 },
        );
    }
    terminal.resize(80, 24);
    wait_answer(&terminal);
}

#[test]
fn a_size_that_changes_there_and_back_leaves_the_screen_whole() {
    let home = Home::default();
    let mut terminal = open(&home, (80, 24), &[]);
    ask(&mut terminal, QUESTION);
    wait_answer(&terminal);
    let seen = |screen: &str| {
        screen
            .lines()
            .map(|row| row.trim_end().to_owned())
            .collect()
    };
    let before: Vec<String> = seen(&terminal.screen().contents());
    terminal.resize(50, 8);
    terminal.resize(80, 24);
    terminal.wait(LONG, "the same screen", |screen| seen(screen) == before);
}

/// Whether the draft is drawn as these cells, which begin behind the prompt; a dot is one that nobody can foresee.
fn draft_is(cells: &'static str) -> impl Fn(&vt100::Screen) -> bool {
    move |screen| {
        let at = |column| screen.cell(22, column).map_or("", vt100::Cell::contents);
        let mut cells = (4..).zip(cells.chars());
        cells.all(|(column, it)| match it {
            '.' => true,
            ' ' => matches!(at(column), "" | " "),
            it => at(column) == it.to_string(),
        })
    }
}

/// The terminal of these tests counts every part of a joined emoji, and an emoji by variation as the sign that it is made of.
#[test]
fn emoji_leave_no_stale_cell_whatever_the_terminal_makes_of_them() {
    let home = Home::default();
    let mut terminal = open(&home, (80, 24), &[]);
    let seen = |screen: &str| -> Vec<String> {
        let rows = screen.lines().map(|row| row.trim_end().to_owned());
        rows.collect()
    };
    let before = seen(&terminal.screen().contents());
    for (cluster, drawn, gone) in [
        // Two cells here and six there: what was in the other four stays as it was, and so is drawn no more.
        ("👩\u{200d}👩\u{200d}👧", "..aaaaaaaa ", "aaaaaaaa  "),
        // Two cells here and one there.
        ("❤\u{fe0f}", ". aaaaaaaa ", "aaaaaaaa  "),
        // One cell here; others give it two.
        ("🇩", ".aaaaaaaa  ", "aaaaaaaa  "),
    ] {
        terminal.press("\x1b[200~aaaaaaaa\x1b[201~");
        terminal.wait_screen(LONG, "the text", draft_is("aaaaaaaa "));
        terminal.press(&format!("\x01\x1b[200~{cluster}\x1b[201~"));
        terminal.wait_screen(LONG, "the text behind the cluster", draft_is(drawn));
        terminal.press(&"\x7f".repeat(cluster.chars().count()));
        terminal.wait_screen(LONG, "the text alone", draft_is(gone));
        terminal.press("\x05\x15");
        terminal.wait(LONG, "the screen of before", |screen| {
            seen(screen) == before
        });
    }
}

#[test]
fn a_model_that_cannot_be_loaded_is_told_and_the_screen_stays() {
    let home = Home::default();
    let mut terminal = home.start(&["-m", "llada-8b-instruct"], &[], (100, 30));
    terminal.wait(LONG, "reason", |screen| {
        screen.contains("unmask pull") && screen.contains("no model")
    });
    terminal.press("\x04");
    assert_eq!(terminal.wait_end(LONG).exit_code(), 0);
}

#[test]
fn a_paste_of_two_hundred_raw_lines_sends_nothing() {
    let home = Home::default();
    let mut terminal = open(&home, (80, 24), &[]);
    let lines: Vec<String> = (1..=200).map(|line| line.to_string()).collect();
    terminal.press(&(lines.join("\r") + "\r"));
    terminal.wait(LONG, "the paste", |screen| screen.contains("[pasted "));
    // By the time the menu's panel is drawn, an Enter that was held back would have been sent.
    terminal.press("\x18");
    terminal.wait(LONG, "the menu", |screen| screen.contains("press a letter"));
    let sent = |screen: &str| screen.contains("▌1") || screen.contains("queued  ");
    for (_, screen) in terminal.frames() {
        let screen = screen.contents();
        assert!(!sent(&screen), "a line was sent:\n{screen}");
    }
}

#[test]
fn an_interrupt_ends_plain_chat_at_its_prompt() {
    let home = Home::default();
    let mut terminal = home.start(&["chat", "--plain"], &[], (80, 24));
    terminal.wait(LONG, "prompt", |screen| screen.contains("You:"));
    terminal.press("\x03");
    assert_eq!(terminal.wait_end(LONG).exit_code(), 130);
}

#[test]
fn a_bad_configuration_is_told_of_and_the_screen_opens() {
    let home = Home::default();
    let file = home.path().join("ui.toml");
    std::fs::write(&file, "[ui]\nmotion = \"slow\"\n").expect("it can be written");
    let file = file.to_str().expect("test folders have plain names");
    let mut terminal = home.start(&[], &[("UNMASK_UI_CONFIG", file)], (80, 24));
    terminal.wait(LONG, "the mistake", |screen| {
        screen.contains("ui.toml:2: `motion` is full or reduced, not `slow`")
    });
    terminal.press("\x1b");
    terminal.wait(LONG, "the chat", |screen| !screen.contains("ui.toml"));
}

#[test]
fn a_key_of_the_configuration_works_and_is_hinted() {
    let home = Home::default();
    let file = home.path().join("ui.toml");
    let text = "[ui]\ntheme = \"light\"\n[keys.anywhere]\nmenu = \"ctrl+t\"\n";
    std::fs::write(&file, text).expect("it can be written");
    let file = file.to_str().expect("test folders have plain names");
    let mut terminal = home.start(&[], &[("UNMASK_UI_CONFIG", file)], (80, 24));
    terminal.wait(LONG, "the hint", |screen| {
        screen.contains("● ready") && screen.contains("^T menu")
    });
    terminal.press("\x14q");
    assert_eq!(terminal.wait_end(LONG).exit_code(), 0);
}
