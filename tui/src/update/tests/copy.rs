//! What is copied, and what is said about it.

use super::*;
use crate::action::Copied;
use crate::effect::CopyJob;

impl Driver {
    /// What is copied to the clipboard.
    fn copied(effects: &[Effect]) -> Option<(&str, &str)> {
        match effects {
            [Effect::Copy(CopyJob::Clipboard { what, text })] => Some((what, text)),
            _ => None,
        }
    }
}

#[test]
fn the_menu_copies_the_last_answer_and_y_the_selected_message() {
    let mut driver = Driver::answered();
    driver.ctrl('x');
    let effects = driver.key(KeyCode::Char('y'));
    let (what, text) = Driver::copied(&effects).expect("something is copied");
    assert_eq!((what, &text[..5]), ("the last answer", "```py"));
    driver.key(KeyCode::Tab);
    driver.key(KeyCode::Char('['));
    let effects = driver.key(KeyCode::Char('y'));
    assert_eq!(Driver::copied(&effects), Some(("the message", "more")));
}

#[test]
fn the_running_answer_is_copied_as_far_as_it_is() {
    let mut driver = Driver::denoising();
    driver.key(KeyCode::Tab);
    let effects = driver.key(KeyCode::Char('y'));
    assert_eq!(Driver::copied(&effects), Some(("the message", "Two")));
}

#[test]
fn a_code_block_is_copied_without_its_fences() {
    let mut driver = Driver::answered();
    let effects = driver.say("/copy code 2");
    assert_eq!(Driver::copied(&effects), Some(("code block 2", "b\n")));
    for text in ["/copy code", "/copy code 3", "/copy code 0"] {
        assert_eq!(driver.say(text), []);
        assert_eq!(
            driver.notice(),
            "The last answer has 2 code blocks: /copy code 1 to 2"
        );
    }
    let mut driver = Driver::denoising();
    driver.finish("Two", FinishReason::Complete);
    driver.say("/copy code 1");
    assert_eq!(driver.notice(), "The last answer has no code block");
}

#[test]
fn the_whole_conversation_is_copied_with_who_said_what() {
    let mut driver = Driver::denoising();
    driver.finish("Two", FinishReason::Complete);
    let effects = driver.say("/copy all");
    let expected = ("the conversation", "## You\n\nhello\n\n## LLaDA\n\nTwo\n");
    assert_eq!(Driver::copied(&effects), Some(expected));
}

#[test]
fn what_is_copied_is_clean() {
    let mut driver = Driver::denoising();
    driver.finish("a\u{1b}]52;c;eA==\u{7}\u{202e}", FinishReason::Complete);
    let effects = driver.say("/copy");
    assert_eq!(
        Driver::copied(&effects),
        Some(("the last answer", "a\u{fffd}]52;c;eA==\u{fffd}\u{fffd}"))
    );
}

#[test]
fn nothing_to_copy_is_said() {
    for text in ["/copy", "/copy code 1", "/copy file"] {
        let mut driver = Driver::ready();
        assert_eq!(driver.say(text), []);
        assert_eq!(driver.notice(), "There is no answer to copy yet");
    }
    let mut driver = Driver::ready();
    driver.say("/copy all");
    assert_eq!(driver.notice(), "There is nothing to copy yet");
}

#[test]
fn copied_is_said_only_after_a_native_write() {
    let mut driver = Driver::answered();
    driver.say("/copy");
    assert_eq!(driver.notice(), "", "nothing is known yet");
    let what = "the last answer".to_owned();
    driver.act(Action::Copied(Copied::Natively { what: what.clone() }));
    assert_eq!(driver.notice(), "Copied the last answer");

    let text = "x".to_owned();
    let effects = driver.act(Action::Copied(Copied::NoClipboard {
        what: what.clone(),
        text,
    }));
    assert_eq!(effects, [Effect::Osc52("x".to_owned())]);
    assert_eq!(
        driver.notice(),
        "Sent to your terminal (OSC 52); if paste is empty: /copy file"
    );

    let text = "x".repeat(100_000);
    let effects = driver.act(Action::Copied(Copied::NoClipboard { what, text }));
    assert_eq!(effects, []);
    assert_eq!(
        driver.notice(),
        "Not copied: 100 kB are too much for a terminal's clipboard; use /copy file"
    );
}

#[test]
fn a_file_is_named_and_a_failure_stays_until_escape() {
    let mut driver = Driver::answered();
    let effects = driver.say("/copy file a.md");
    let [Effect::Copy(CopyJob::File { text, path })] = effects.as_slice() else {
        panic!("no file is written: {effects:?}");
    };
    assert!(text.ends_with("~~~\n"));
    assert_eq!(path.as_deref(), Some(std::path::Path::new("a.md")));
    driver.act(Action::Copied(Copied::Written("/x/a.md".into())));
    assert_eq!(driver.notice(), "Written to /x/a.md");
    driver.act(Action::Copied(Copied::NotWritten("a.md exists".to_owned())));
    let toast = driver.state.toast.as_ref().expect("a failure is shown");
    assert_eq!(toast.lines, ["a.md exists"]);
}
