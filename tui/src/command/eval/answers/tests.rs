use std::fs;

use serde::Serialize;
use unmask_core::Params;
use unmask_core::settings::object;

use super::*;
use crate::command::records::read;

type Before = Recorded<EvalSettings, Answered>;

fn settings(steps: usize) -> EvalSettings {
    let params = Params {
        steps,
        ..Params::default()
    };
    EvalSettings {
        program: None,
        questions: None,
        identity: None,
        preset: None,
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
        asked: None,
        answer: "4".to_owned(),
        right: true,
        right_visible: None,
        nfe: Some(3),
        committed: 9,
        text_tokens: 1,
        seconds: 0.5,
    }
}

fn as_line(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("it is plain data") + "\n"
}

/// What is read of a file that holds `text`, which stays as it is.
fn before(text: &str) -> Result<Before, String> {
    let file = tempfile::NamedTempFile::new().expect("a file can be made");
    fs::write(file.path(), text).expect("it can be written");
    let before = read(file.path(), WORDS);
    let after = fs::read_to_string(file.path()).expect("it is there");
    assert_eq!(after, text, "looking changes nothing");
    before
}

#[test]
fn answers_are_taken_up_again_without_a_line_that_was_cut() {
    let whole = as_line(&settings(8)) + &as_line(&answered(1));
    let before = before(&format!("{whole}{{\"line\":2,\"ta")).expect("it is ours");
    assert_eq!(before.records, [answered(1)]);
    assert_eq!(before.whole, whole.len() as u64);
    assert_eq!(
        differs(&before, &settings(8), &[question(1), question(2)]),
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
    let other = differs(&before, &settings(9), &[question(1)]);
    assert_eq!(
        other.as_deref(),
        Some("it holds answers under other settings")
    );
    let other = differs(&before, &settings(8), &[question(7)]);
    assert!(other.is_some_and(|what| what.contains("line 1")));
}

#[test]
fn another_program_and_more_questions_go_on_with_a_file() {
    let grown = EvalSettings {
        program: Some("unmask 9.9".to_owned()),
        questions: Some("ab".to_owned()),
        ..settings(8)
    };
    let before = before(&(as_line(&settings(8)) + &as_line(&answered(1)))).expect("it is ours");
    assert_eq!(differs(&before, &grown, &[question(1)]), None);
}

#[test]
fn answers_of_before_a_setting_was_known_are_taken_up_again() {
    let old = as_line(&settings(8)).replace("\"threshold\":null,", "");
    let before = before(&(old + &as_line(&answered(1)))).expect("it is ours");
    assert_eq!(differs(&before, &settings(8), &[question(1)]), None);
}

#[test]
fn answers_to_another_question_on_the_same_line_are_not_gone_on_with() {
    let (settings, question) = (settings(64), question(1));
    let mut done = answered(1);
    done.asked = Some(question.identity());
    let with = |done: &Answered| {
        let before = before(&(as_line(&settings) + &as_line(done))).expect("it is read");
        differs(&before, &settings, std::slice::from_ref(&question))
    };
    assert_eq!(with(&done), None);
    done.asked = Some("of another".to_owned());
    assert!(with(&done).is_some_and(|why| why.contains("line 1")));
}
