//! The whole program in a pseudo-terminal: keys in, screen out, terminal given back.

#![cfg(unix)]

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use unmask_tests::program::{Home, program};
use unmask_tests::terminal::Terminal;
use unmask_tests::{Compiled, compile_plugin};

/// Long enough for a slow machine; nothing waits this long unless it fails.
const LONG: Duration = Duration::from_secs(60);
const QUESTION: &str = "What is the capital of France?";
const ANSWER: &str = "The capital of France is Paris.";
/// Leaves the alternate screen, and shows the cursor.
const RESTORED: [&str; 2] = ["\x1b[?1049l", "\x1b[?25h"];

fn open(home: &Home, size: (u16, u16)) -> Terminal {
    open_with(home, size, &[])
}

fn start(home: &Home, size: (u16, u16), arguments: &[&str]) -> Terminal {
    home.start(arguments, &[], size)
}

fn open_with(home: &Home, size: (u16, u16), arguments: &[&str]) -> Terminal {
    let terminal = start(home, size, arguments);
    terminal.wait(LONG, "ready model", |screen| screen.contains("● ready"));
    terminal
}

/// Types as a person does: each key once the one before is on the screen.
fn type_in(terminal: &mut Terminal, text: &str) {
    for end in 1..=text.len() {
        terminal.press(&text[end - 1..end]);
        terminal.wait(LONG, "typed text", |screen| {
            screen.contains(text[..end].trim_end())
        });
    }
}

fn ask(terminal: &mut Terminal) {
    type_in(terminal, QUESTION);
    terminal.press("\r");
}

fn wait_answer(terminal: &Terminal) {
    terminal.wait(LONG, "answer", |screen| {
        screen.contains(ANSWER) && screen.contains("● ready")
    });
}

fn signal(terminal: &Terminal, signal: &str) {
    let id = terminal.process_id().to_string();
    let sent = Command::new("kill").args([signal, &id]).status();
    assert!(sent.expect("kill is there").success());
}

fn assert_restored(terminal: &Terminal) {
    let raw = String::from_utf8_lossy(&terminal.raw()).into_owned();
    for sequence in RESTORED {
        assert!(
            raw.contains(sequence),
            "the terminal was not given back: {sequence:?}"
        );
    }
    assert!(!terminal.screen().alternate_screen());
}

#[test]
fn a_typed_question_is_answered_and_seen_unmasking() {
    let home = Home::default();
    let mut terminal = open(&home, (80, 24));
    ask(&mut terminal);
    wait_answer(&terminal);
    let frames = terminal.frames();
    let shown = |text: &str| {
        frames
            .iter()
            .any(|(_, screen)| screen.contents().contains(text))
    };
    assert!(
        shown("▒▒▒") && shown("◐ step") && shown("NFE"),
        "no step was seen"
    );
    // The demo model settles the end of its answer first.
    let partial = |screen: &str| screen.contains("▒▒▒") && screen.contains("␃");
    assert!(
        frames.iter().any(|(_, screen)| partial(&screen.contents())),
        "no half-masked answer was seen"
    );
    terminal.press("\x04");
    assert_eq!(terminal.wait_end(LONG).exit_code(), 0);
    assert_restored(&terminal);
}

#[test]
fn a_question_and_its_enter_sent_in_one_go_are_answered() {
    let home = Home::default();
    let mut terminal = open(&home, (80, 24));
    terminal.press(&format!("{QUESTION}\r"));
    wait_answer(&terminal);
}

#[test]
fn a_paused_turn_goes_on_to_the_same_answer() {
    let home = Home::default();
    let mut terminal = open(&home, (120, 40));
    ask(&mut terminal);
    terminal.wait(LONG, "first step", |screen| screen.contains("◐ step"));
    terminal.press("\x1b");
    terminal.wait(LONG, "pause", |screen| screen.contains("‖ paused"));
    terminal.press(" ");
    wait_answer(&terminal);
}

#[test]
fn a_turn_stopped_before_any_text_gives_the_question_back() {
    let home = Home::default();
    // Many steps, so that the first token of the answer is still masked when the key arrives.
    let long = ["--len", "192", "--block", "192", "--steps", "192"];
    let mut terminal = open_with(&home, (80, 24), &long);
    ask(&mut terminal);
    terminal.wait(LONG, "first step", |screen| screen.contains("◐ step"));
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
    let mut terminal = open(&home, (80, 24));
    ask(&mut terminal);
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
    let mut terminal = open(&home, (80, 24));
    ask(&mut terminal);
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
        let mut cells = (3..).zip(cells.chars());
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
    let mut terminal = open(&home, (80, 24));
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
fn a_termination_signal_gives_the_terminal_back() {
    let home = Home::default();
    let mut terminal = open(&home, (80, 24));
    ask(&mut terminal);
    terminal.wait(LONG, "first step", |screen| screen.contains("◐ step"));
    signal(&terminal, "-TERM");
    assert_eq!(terminal.wait_end(LONG).exit_code(), 128 + 15);
    assert_restored(&terminal);
}

#[test]
fn a_crash_gives_the_terminal_back() {
    let home = Home::default();
    let mut terminal = open(&home, (80, 24));
    signal(&terminal, "-SEGV");
    assert!(!terminal.wait_end(LONG).success());
    assert_restored(&terminal);
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
    terminal.wait(LONG, "ready model", |screen| screen.contains("● ready"));
    ask(&mut terminal);
    (library, terminal)
}

#[test]
fn what_a_backend_prints_goes_to_the_log_and_not_on_the_screen() {
    let home = Home::default();
    let (_library, terminal) = ask_noisy(&home, &[]);
    terminal.wait(LONG, "the last step", |screen| {
        screen.contains("tok/s") && screen.contains("● ready")
    });
    let raw = String::from_utf8_lossy(&terminal.raw()).into_owned();
    assert!(!raw.contains("NOISE"), "a backend wrote on the screen");
    let log = home.path().join("state/unmask/unmask.log");
    let log = std::fs::read_to_string(log).expect("there is a log");
    assert!(log.contains("NOISE on standard output") && log.contains("NOISE on standard error"));
}

#[test]
fn a_fault_inside_a_backend_gives_the_terminal_back_and_names_the_log() {
    let home = Home::default();
    let (_library, mut terminal) = ask_noisy(&home, &[("UNMASK_TEST_FAULT", "1")]);
    assert!(!terminal.wait_end(LONG).success());
    assert_restored(&terminal);
    let left = terminal.screen().contents().replace('\n', "");
    assert!(
        left.contains("native code has crashed") && left.contains("state/unmask/unmask.log"),
        "{left}"
    );
}

#[test]
fn a_model_that_cannot_be_loaded_is_told_and_the_screen_stays() {
    let home = Home::default();
    let mut terminal = start(&home, (100, 30), &["-m", "llada-8b-instruct"]);
    terminal.wait(LONG, "reason", |screen| {
        screen.contains("hf download") && screen.contains("no model")
    });
    terminal.press("\x04");
    assert_eq!(terminal.wait_end(LONG).exit_code(), 0);
}

#[test]
fn a_suspended_screen_gives_the_terminal_back_and_comes_again_whole() {
    let home = Home::default();
    // Only a shell with job control can stop a program and bring it back; a key tells this one to.
    let shell = Path::new("/bin/sh");
    let unmask = program();
    let unmask = unmask.to_str().expect("test folders have plain names");
    let script = ["-m", "-c", "\"$0\"; read key; fg", unmask];
    let mut terminal = home.start_program(shell, &script, &[], (80, 24));
    terminal.wait(LONG, "ready model", |screen| screen.contains("● ready"));
    type_in(&mut terminal, "half a question");
    terminal.press("\x1a");
    terminal.wait_screen(LONG, "the terminal given back", |screen| {
        !screen.alternate_screen() && !screen.hide_cursor()
    });
    // While it is stopped the window changes, of which it hears nothing.
    terminal.resize(100, 30);
    terminal.press("\r");
    terminal.wait_screen(LONG, "the screen again, in its new size", |screen| {
        let rows: Vec<String> = screen.rows(0, 100).collect();
        screen.alternate_screen()
            && screen.contents().contains("› half a question")
            && rows[29].contains("^X menu")
            && rows.iter().any(|row| row.contains(&"─".repeat(100)))
    });
    terminal.press("\x03\x04");
    assert_eq!(terminal.wait_end(LONG).exit_code(), 0);
    assert_restored(&terminal);
}

#[test]
fn a_paste_of_two_hundred_raw_lines_sends_nothing() {
    let home = Home::default();
    let mut terminal = open(&home, (80, 24));
    let lines: Vec<String> = (1..=200).map(|line| line.to_string()).collect();
    terminal.press(&(lines.join("\r") + "\r"));
    terminal.wait(LONG, "the paste", |screen| screen.contains("[pasted "));
    // By the time the menu's panel is drawn, an Enter that was held back would have been sent.
    terminal.press("\x18");
    terminal.wait(LONG, "the menu", |screen| screen.contains("press a letter"));
    let sent = |screen: &str| screen.contains("You  ") || screen.contains("queued  ");
    for (_, screen) in terminal.frames() {
        let screen = screen.contents();
        assert!(!sent(&screen), "a line was sent:\n{screen}");
    }
}

#[test]
fn quitting_while_an_answer_is_written_leaves_at_once() {
    let home = Home::default();
    let long = ["--len", "192", "--block", "192", "--steps", "192"];
    let mut terminal = open_with(&home, (80, 24), &long);
    ask(&mut terminal);
    terminal.wait(LONG, "first step", |screen| screen.contains("◐ step"));
    terminal.press("\x04");
    assert_eq!(terminal.wait_end(LONG).exit_code(), 0);
    assert_restored(&terminal);
    assert!(
        !terminal.screen().contents().contains("Paris"),
        "the answer was waited for"
    );
}

#[test]
fn an_interrupt_ends_plain_chat_at_its_prompt() {
    let home = Home::default();
    let mut terminal = start(&home, (80, 24), &["chat", "--plain"]);
    terminal.wait(LONG, "prompt", |screen| screen.contains("You:"));
    terminal.press("\x03");
    assert_eq!(terminal.wait_end(LONG).exit_code(), 130);
}

/// An editor that adds a line, and needs the terminal for it: it waits for a key.
const EDITOR: &str = "sh -c 'printf \"editing\\n\"; read key; printf \"second line\\n\" >> \"$0\"'";

#[test]
fn the_users_editor_has_the_terminal_and_the_draft_until_it_ends() {
    let home = Home::default();
    let mut terminal = home.start(&[], &[("EDITOR", EDITOR)], (80, 24));
    terminal.wait(LONG, "ready model", |screen| screen.contains("● ready"));
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
    assert_eq!(terminal.wait_end(LONG).exit_code(), 0);
    assert_restored(&terminal);
}

#[test]
fn an_editor_that_fails_leaves_the_draft_and_is_named() {
    let home = Home::default();
    let mut terminal = home.start(&[], &[("VISUAL", "/no/such/editor --wait")], (80, 24));
    terminal.wait(LONG, "ready model", |screen| screen.contains("● ready"));
    type_in(&mut terminal, "a draft");
    terminal.press("\x18e");
    terminal.wait(LONG, "the reason", |screen| {
        screen.contains("$VISUAL `/no/such/editor --wait`: there is no such")
            && screen.contains("› a draft")
    });
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
fn the_mouse_is_the_screens_until_it_is_released() {
    let home = Home::default();
    let mut terminal = open(&home, (80, 24));
    type_in(&mut terminal, "one two");
    // A click between the words, as terminals tell of it.
    terminal.press("\x1b[<0;7;23M\x1b[<0;7;23m");
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

#[test]
fn what_is_dragged_over_is_in_reverse_and_y_copies_it_and_nothing_else() {
    let home = Home::default();
    let no_clipboard = [("DISPLAY", ""), ("WAYLAND_DISPLAY", "")];
    let mut terminal = home.start(&[], &no_clipboard, (80, 24));
    terminal.wait(LONG, "ready model", |screen| screen.contains("● ready"));
    ask(&mut terminal);
    wait_answer(&terminal);
    let screen = terminal.screen();
    let row = (0..24).find(|&row| screen.contents_between(row, 0, row, 80).contains(ANSWER));
    let row = row.expect("the answer is on the screen");
    // Terminals count from 1, and the text begins behind a margin.
    let y = row + 1;
    terminal.press(&format!(
        "\x1b[<0;2;{y}M\x1b[<32;9;{y}M\x1b[<32;12;{y}M\x1b[<0;12;{y}m"
    ));
    terminal.wait_screen(LONG, "the selection", |screen| {
        let is_reverse = |column| screen.cell(row, column).is_some_and(vt100::Cell::inverse);
        (1..=11).all(is_reverse) && !is_reverse(0) && !is_reverse(12)
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
    let no_clipboard = [("DISPLAY", ""), ("WAYLAND_DISPLAY", "")];
    let mut terminal = home.start(&[], &no_clipboard, (80, 24));
    terminal.wait(LONG, "ready model", |screen| screen.contains("● ready"));
    ask(&mut terminal);
    wait_answer(&terminal);
    terminal.press("\x18y");
    terminal.wait(LONG, "where it went", |screen| {
        screen.contains("Sent to your terminal (OSC 52)") && !screen.contains("Copied")
    });
    // OSC 52 with the answer in Base64.
    let sent = b"\x1b]52;c;VGhlIGNhcGl0YWwgb2YgRnJhbmNlIGlzIFBhcmlzLg==";
    let raw = terminal.raw();
    assert!(raw.windows(sent.len()).any(|bytes| bytes == sent));
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
