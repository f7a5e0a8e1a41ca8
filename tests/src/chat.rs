//! What a person does in the chat, and waits for.

use std::time::Duration;

use portable_pty::ExitStatus;

use crate::terminal::Terminal;

/// Long enough for a slow machine; nothing waits this long unless it fails.
pub const LONG: Duration = Duration::from_secs(60);
/// A question that the demo model knows.
pub const QUESTION: &str = "What is the capital of France?";
/// What it answers.
pub const ANSWER: &str = "The capital of France is Paris.";
/// Leaves the alternate screen, and shows the cursor.
const GIVEN_BACK: [&str; 2] = ["\x1b[?1049l", "\x1b[?25h"];

/// Waits until all of `words` are on the screen.
///
/// # Panics
/// With the screen, if they are not within [`LONG`].
#[track_caller]
pub fn wait_for(terminal: &Terminal, words: &[&str]) {
    terminal.wait(LONG, &words.join(", "), |screen| {
        words.iter().all(|word| screen.contains(word))
    });
}

/// Waits for the answer to [`QUESTION`], whole.
///
/// # Panics
/// As [`wait_for`].
#[track_caller]
pub fn wait_answer(terminal: &Terminal) {
    wait_for(terminal, &[ANSWER, "● ready"]);
}

/// Types as a person does: each key once the one before is on the screen.
///
/// # Panics
/// As [`wait_for`].
#[track_caller]
pub fn type_in(terminal: &mut Terminal, text: &str) {
    type_behind(terminal, "", text);
}

/// Types a line into the composer, and sends it.
///
/// # Panics
/// As [`wait_for`].
#[track_caller]
pub fn ask(terminal: &mut Terminal, text: &str) {
    type_behind(terminal, "› ", text);
    terminal.press("\r");
}

/// Types as a person does, where the text stands behind `sign`.
///
/// # Panics
/// As [`wait_for`].
#[track_caller]
pub fn type_behind(terminal: &mut Terminal, sign: &str, text: &str) {
    for end in 1..=text.len() {
        terminal.press(&text[end - 1..end]);
        wait_for(terminal, &[&format!("{sign}{}", text[..end].trim_end())]);
    }
}

/// Waits until the program has ended, which must have given the terminal back.
///
/// # Panics
/// If it does not end within [`LONG`], or left the terminal as it used it.
#[track_caller]
pub fn wait_end(terminal: &mut Terminal) -> ExitStatus {
    let status = terminal.wait_end(LONG);
    let raw = String::from_utf8_lossy(&terminal.raw()).into_owned();
    for sequence in GIVEN_BACK {
        assert!(
            raw.contains(sequence),
            "the terminal was not given back: {sequence:?}"
        );
    }
    assert!(!terminal.screen().alternate_screen());
    status
}

/// Quits with `^D`; the last line on the terminal.
///
/// # Panics
/// As [`wait_end`], and if that is a failure.
#[track_caller]
pub fn quit(mut terminal: Terminal) -> String {
    terminal.press("\x04");
    assert_eq!(wait_end(&mut terminal).exit_code(), 0);
    let screen = terminal.screen().contents();
    let last = screen.lines().rfind(|line| !line.trim().is_empty());
    last.unwrap_or_default().to_owned()
}
