//! The whole program and its terminal: shared with others, written to by what is not the screen, and given back.

#![cfg(unix)]

use std::path::Path;
use std::process::Command;

use unmask_tests::chat::{ANSWER, LONG, QUESTION, ask, type_in, wait_answer, wait_end, wait_for};
use unmask_tests::program::{Home, program};
use unmask_tests::terminal::Terminal;
use unmask_tests::{Compiled, compile_plugin};

fn open(home: &Home, size: (u16, u16), arguments: &[&str]) -> Terminal {
    let terminal = home.start(arguments, &[], size);
    wait_for(&terminal, &["● ready"]);
    terminal
}

fn signal(terminal: &Terminal, signal: &str) {
    let id = terminal.process_id().to_string();
    let sent = Command::new("kill").args([signal, &id]).status();
    assert!(sent.expect("kill is there").success());
}

#[test]
fn a_termination_signal_gives_the_terminal_back() {
    let home = Home::default();
    let mut terminal = open(&home, (80, 24), &[]);
    ask(&mut terminal, QUESTION);
    wait_for(&terminal, &["◐ step"]);
    signal(&terminal, "-TERM");
    assert_eq!(wait_end(&mut terminal).exit_code(), 128 + 15);
}

#[test]
fn a_crash_gives_the_terminal_back() {
    let home = Home::default();
    let mut terminal = open(&home, (80, 24), &[]);
    signal(&terminal, "-SEGV");
    assert!(!wait_end(&mut terminal).success());
}

/// A turn of the C example that prints with each forward; its library, and the terminal after Enter.
fn ask_noisy(home: &Home, more: &[(&str, &str)]) -> (Compiled, Terminal) {
    let library = compile_plugin("tests/plugins/noisy.c");
    let config = "active_model_key = 'noisy'\n[available_models.noisy]\nframework = 'noisy'\n\
         model_id = 'builtin:demo'\n[available_models.noisy.generation]\nlength = 16\nsteps = 16\nblock_length = 16\n";
    let file = home.path().join("noisy.toml");
    std::fs::write(&file, config).expect("the home is ours");
    let file = file.to_str().expect("test folders have plain names");
    let plugin = library
        .path
        .to_str()
        .expect("test folders have plain names");
    let arguments = ["--config", file, "--plugin", plugin];
    let mut terminal = home.start(&arguments, more, (80, 24));
    wait_for(&terminal, &["● ready"]);
    ask(&mut terminal, QUESTION);
    (library, terminal)
}

#[test]
fn what_a_backend_prints_goes_to_the_log_and_not_on_the_screen() {
    let home = Home::default();
    let (_library, terminal) = ask_noisy(&home, &[]);
    terminal.wait(LONG, "the last step", |screen| {
        screen.contains("tok · ") && screen.contains("● ready")
    });
    let raw = String::from_utf8_lossy(&terminal.raw()).into_owned();
    assert!(!raw.contains("NOISE"), "a backend wrote on the screen");
    let log = home.state("unmask.log");
    let log = std::fs::read_to_string(log).expect("there is a log");
    assert!(log.contains("NOISE on standard output") && log.contains("NOISE on standard error"));
}

#[test]
fn a_fault_inside_a_backend_gives_the_terminal_back_and_names_the_log() {
    let home = Home::default();
    let (_library, mut terminal) = ask_noisy(&home, &[("UNMASK_TEST_FAULT", "1")]);
    assert!(!wait_end(&mut terminal).success());
    let left = terminal.screen().contents().replace('\n', "");
    assert!(
        left.contains("native code has crashed") && left.contains("state/unmask/unmask.log"),
        "{left}"
    );
}

#[test]
fn a_suspended_screen_gives_the_terminal_back_and_comes_again_whole() {
    let home = Home::default();
    // Only a shell with job control can stop a program and bring it back; a key tells this one to.
    let shell = Path::new("/bin/sh");
    let unmask = program();
    let unmask = unmask.to_str().expect("test folders have plain names");
    let script = [
        "-m",
        "-c",
        "\"$0\"; echo it has stopped; read key; fg",
        unmask,
    ];
    let mut terminal = home.start_program(shell, &script, &[], (80, 24));
    wait_for(&terminal, &["● ready"]);
    type_in(&mut terminal, "half a question");
    terminal.press("\x1a");
    terminal.wait_screen(LONG, "the terminal given back", |screen| {
        !screen.alternate_screen() && !screen.hide_cursor()
    });
    // A key that comes before is still the program's.
    wait_for(&terminal, &["it has stopped"]);
    // While it is stopped the window changes, of which it hears nothing.
    terminal.resize(100, 30);
    terminal.press("\r");
    terminal.wait_screen(LONG, "the screen again, in its new size", |screen| {
        let rows: Vec<String> = screen.rows(0, 100).collect();
        screen.alternate_screen()
            && screen.contents().contains("› half a question")
            && rows[29].contains("^X menu")
            && rows[0].trim_end().ends_with("● ready")
            && rows[0].trim_end().chars().count() > 90
    });
    terminal.press("\x03\x04");
    assert_eq!(wait_end(&mut terminal).exit_code(), 0);
}

#[test]
fn quitting_while_an_answer_is_written_leaves_at_once() {
    let home = Home::default();
    let long = ["--len", "192", "--block", "192", "--steps", "192"];
    let mut terminal = open(&home, (80, 24), &long);
    ask(&mut terminal, QUESTION);
    wait_for(&terminal, &["◐ step"]);
    terminal.press("\x04");
    assert_eq!(wait_end(&mut terminal).exit_code(), 0);
    assert!(
        !terminal.screen().contents().contains("Paris"),
        "the answer was waited for"
    );
}

/// An editor that adds a line, and needs the terminal for it: it waits for a key.
const EDITOR: &str = "sh -c 'printf \"editing\\n\"; read key; printf \"second line\\n\" >> \"$0\"'";

#[test]
fn the_users_editor_has_the_terminal_and_the_draft_until_it_ends() {
    let home = Home::default();
    let mut terminal = home.start(&[], &[("EDITOR", EDITOR)], (80, 24));
    wait_for(&terminal, &["● ready"]);
    type_in(&mut terminal, "first line ");
    terminal.press("\x18\x05");
    terminal.wait_screen(LONG, "the editor", |screen| {
        screen.contents().contains("editing") && !screen.alternate_screen()
    });
    // Meant for the editor, which takes no notice of it here.
    signal(&terminal, "-INT");
    terminal.press("\r");
    terminal.wait_screen(LONG, "the draft again", |screen| {
        screen.alternate_screen() && screen.contents().contains("first line second line")
    });
    type_in(&mut terminal, "!");
    terminal.press("\x03\x04");
    assert_eq!(wait_end(&mut terminal).exit_code(), 0);
}

#[test]
fn an_editor_that_fails_leaves_the_draft_and_is_named() {
    let home = Home::default();
    let mut terminal = home.start(&[], &[("VISUAL", "/no/such/editor --wait")], (80, 24));
    wait_for(&terminal, &["● ready"]);
    type_in(&mut terminal, "a draft");
    terminal.press("\x18e");
    terminal.wait(LONG, "the reason", |screen| {
        screen.contains("$VISUAL `/no/such/editor --wait`: there is no such")
            && screen.contains("› a draft")
    });
}

#[test]
fn the_mouse_is_the_screens_until_it_is_released() {
    let home = Home::default();
    let mut terminal = open(&home, (80, 24), &[]);
    type_in(&mut terminal, "one two");
    // A click between the words, as terminals tell of it.
    terminal.press("\x1b[<0;8;23M\x1b[<0;8;23m");
    terminal.press("-");
    terminal.wait(LONG, "the caret where the click was", |screen| {
        screen.contains("› one- two")
    });
    terminal.press("\x18x");
    terminal.wait(LONG, "the word of it", |screen| {
        screen.contains("drag selects")
    });
    let raw = String::from_utf8_lossy(&terminal.raw()).into_owned();
    for sequence in [
        "\x1b[?1000h",
        "\x1b[?1002h",
        "\x1b[?1006h",
        "\x1b[?1000l",
        "\x1b[?1002l",
        "\x1b[?1007l",
    ] {
        assert!(raw.contains(sequence), "{sequence:?} was not sent");
    }
}

/// With an answer, on a desktop that has no clipboard.
fn answered_without_clipboard(home: &Home) -> Terminal {
    let no_clipboard = [("DISPLAY", ""), ("WAYLAND_DISPLAY", "")];
    let mut terminal = home.start(&[], &no_clipboard, (80, 24));
    wait_for(&terminal, &["● ready"]);
    ask(&mut terminal, QUESTION);
    wait_answer(&terminal);
    terminal
}

#[test]
fn what_is_dragged_over_is_in_reverse_and_y_copies_it_and_nothing_else() {
    let home = Home::default();
    let mut terminal = answered_without_clipboard(&home);
    let screen = terminal.screen();
    let row = (0..24).find(|&row| screen.contents_between(row, 0, row, 80).contains(ANSWER));
    let row = row.expect("the answer is on the screen");
    // Terminals count from 1, and the text begins behind a margin.
    let y = row + 1;
    terminal.press(&format!(
        "\x1b[<0;3;{y}M\x1b[<32;10;{y}M\x1b[<32;13;{y}M\x1b[<0;13;{y}m"
    ));
    terminal.wait_screen(LONG, "the selection", |screen| {
        let is_reverse = |column| screen.cell(row, column).is_some_and(vt100::Cell::inverse);
        (2..=12).all(is_reverse) && !is_reverse(1) && !is_reverse(13)
    });
    terminal.press("y");
    terminal.wait(LONG, "where it went", |screen| {
        screen.contains("Sent to your terminal (OSC 52)")
    });
    // OSC 52 with `The capital` in Base64.
    let sent = b"\x1b]52;c;VGhlIGNhcGl0YWw=";
    let raw = terminal.raw();
    let has = |bytes: &[u8]| raw.windows(bytes.len()).any(|it| it == bytes);
    assert!(has(sent) && has(b"\x1b[?1002h"));
    terminal.press("\x1b");
    terminal.wait_screen(LONG, "no selection", |screen| {
        let is_reverse = |column| screen.cell(row, column).is_some_and(vt100::Cell::inverse);
        !(0..80).any(is_reverse)
    });
}

#[test]
fn a_copied_answer_goes_to_the_terminal_and_is_said_to_be_sent_and_no_more() {
    let home = Home::default();
    let mut terminal = answered_without_clipboard(&home);
    terminal.press("\x18y");
    terminal.wait(LONG, "where it went", |screen| {
        screen.contains("Sent to your terminal (OSC 52)") && !screen.contains("Copied")
    });
    // OSC 52 with the answer in Base64.
    let sent = b"\x1b]52;c;VGhlIGNhcGl0YWwgb2YgRnJhbmNlIGlzIFBhcmlzLg==";
    let raw = terminal.raw();
    assert!(raw.windows(sent.len()).any(|bytes| bytes == sent));
}
