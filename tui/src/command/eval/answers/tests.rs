use std::fs;

use unmask_core::Params;
use unmask_core::settings::object;

use super::*;

fn settings(steps: usize) -> EvalSettings {
    let params = Params {
        steps,
        ..Params::default()
    };
    EvalSettings {
        model: "demo".to_owned(),
        backend: "candle".to_owned(),
        precision: "f32".to_owned(),
        denoising: object(&params, 64),
    }
}

fn question(line: usize) -> EvalQuestion {
    let text = r#"{"task":"add","messages":[],"answers":["4"]}"#;
    let mut question: EvalQuestion = serde_json::from_str(text).expect("it is one");
    question.line = line;
    question
}

fn answered(line: usize) -> Answered {
    Answered {
        line,
        task: "add".to_owned(),
        answer: "4".to_owned(),
        right: true,
        nfe: 3,
        committed: 9,
        text_tokens: 1,
        seconds: 0.5,
    }
}

fn as_line(value: &impl Serialize) -> String {
    line(value).expect("it is plain data")
}

/// What is read of a file that holds `text`, which stays as it is.
fn before(text: &str) -> Result<Before, String> {
    let file = tempfile::NamedTempFile::new().expect("a file can be made");
    fs::write(file.path(), text).expect("it can be written");
    let before = read(file.path());
    let after = fs::read_to_string(file.path()).expect("it is there");
    assert_eq!(after, text, "looking changes nothing");
    before
}

#[test]
fn answers_are_taken_up_again_without_a_line_that_was_cut() {
    let whole = as_line(&settings(8)) + &as_line(&answered(1));
    let before = before(&format!("{whole}{{\"line\":2,\"ta")).expect("it is ours");
    assert_eq!(before.answered, [answered(1)]);
    assert_eq!(before.whole, whole.len() as u64);
    assert_eq!(
        before.differs(&settings(8), &[question(1), question(2)]),
        None
    );
}

#[test]
fn a_file_of_something_else_is_no_file_of_answers() {
    for text in ["notes", "notes\n", "{\"a\":1}\nb", "\u{0}\n", "[]\n"] {
        let error = before(text).expect_err("it is not ours");
        assert_eq!(error, "its first line holds no settings of an evaluation");
    }
}

#[test]
fn answers_to_something_else_are_not_gone_on_with() {
    let before = before(&(as_line(&settings(8)) + &as_line(&answered(1)))).expect("it is ours");
    let other = before.differs(&settings(9), &[question(1)]);
    assert_eq!(
        other.as_deref(),
        Some("it holds answers under other settings")
    );
    let other = before.differs(&settings(8), &[question(7)]);
    assert!(other.is_some_and(|what| what.contains("line 1")));
}

#[test]
fn answers_of_before_a_setting_was_known_are_taken_up_again() {
    let old = as_line(&settings(8)).replace("\"threshold\":null,", "");
    let before = before(&(old + &as_line(&answered(1)))).expect("it is ours");
    assert_eq!(before.differs(&settings(8), &[question(1)]), None);
}
