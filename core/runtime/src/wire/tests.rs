use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use unmask_api::{Capabilities, ModelFacts, Position, TokenId};

use super::*;
use crate::event::{Commit, CommitKind, StepEvent};
use crate::failure::FailureKind;
use crate::family::SpecialIds;
use crate::fold::{self, Fold};
use crate::message::Role;
use crate::params::{CacheMode, Transfer};
use crate::plugin::Running;
use crate::provenance::Provenance;
use crate::settings::object;
use crate::text::Vocabulary;
use crate::{Canvas, Params};

/// Ten tokens, among them a special one, half a character and one that the tokenizer does not know.
fn loaded() -> Loaded {
    let tokens: [(&[u8], bool); 10] = [
        (b"<mask>", true),
        (b"<end>", true),
        (b" Paris", false),
        ("é".as_bytes(), false),
        (&[0xC3], false),
        (b"", false),
        (b"\n\"\\", false),
        ("\u{202e}".as_bytes(), false),
        (b"a", false),
        (b"b", false),
    ];
    Loaded {
        key: "toy".to_owned(),
        name: "Toy".to_owned(),
        provenance: Provenance {
            family: "llada".to_owned(),
            hub: Some("org/toy".to_owned()),
            tokenizer: "aa".to_owned(),
            template: "bb".to_owned(),
            threads: Some(2),
            ..Provenance::default()
        },
        backend: "toy".to_owned(),
        backend_version: "1.0".to_owned(),
        running: Running::Here,
        device: "cpu".to_owned(),
        device_name: "CPU".to_owned(),
        device_kind: None,
        precision_reason: crate::precision::PrecisionReason::Named,
        facts: ModelFacts {
            precision: "f32".to_owned(),
            vocab: tokens.len(),
            max_positions: 64,
            memory_bytes: 0,
            cell_bytes: 0,
            capabilities: Capabilities::default(),
            notes: Vec::new(),
        },
        special: SpecialIds {
            mask: TokenId(0),
            eos: TokenId(1),
            eot: None,
            other_ends: Vec::new(),
            bos: None,
        },
        vocabulary: Arc::new(Vocabulary::new(tokens)),
        defaults: Params::default(),
        default_length: 8,
        rules: crate::family::FamilyRules::default(),
        default_seed: None,
        measured: None,
        presets: Vec::new(),
        text_alone: false,
        is_untold: true,
        text: Arc::new(crate::engine::tests::Fake::default()),
    }
}

fn label() -> RunLabel {
    RunLabel {
        id: "01ARZ3NDEKTSV4RRFFQ69G5FAV".to_owned(),
        at: "2026-11-29T12:04:00Z".to_owned(),
        program: "unmask 0.1.0".to_owned(),
        messages: vec![Message {
            role: Role::User,
            content: "é\n\"x\"".to_owned(),
        }],
    }
}

fn canvas() -> Canvas {
    let mut canvas = Canvas::new(&[TokenId(9), TokenId(4), TokenId(5)], 8, TokenId(0));
    canvas.pin(Position(6), TokenId(8));
    canvas
}

fn start() -> TurnEvent {
    TurnEvent::Started {
        canvas: canvas(),
        params: Box::new(Params {
            transfer: Transfer::Threshold(0.9),
            cache: CacheMode::Dual,
            seed: u64::MAX,
            ..Params::default()
        }),
        left_out: 0,
    }
}

fn step(commits: Vec<Commit>, length: usize, share: f32) -> StepEvent {
    StepEvent {
        guesses: Vec::new(),
        step: 3,
        call: 4,
        steps: 8,
        block: 0,
        blocks: 2,
        fed: 3..7,
        commits,
        length,
        masked: 0,
        elapsed: Duration::from_micros(12_913),
        forward: Duration::from_micros(11_250),
        nfe: 3,
        nfe_saved: share,
    }
}

fn end() -> TurnEvent {
    TurnEvent::Finished(Outcome {
        canvas: canvas(),
        text: "a\u{1b}b".to_owned(),
        holes: Vec::new(),
        reason: FinishReason::EndToken,
        stats: Stats {
            steps: 3,
            nfe: 3,
            nfe_saved: 0.1,
            committed: 4,
            text_tokens: 2,
            elapsed: Duration::from_micros(1_234_567),
            text_alone: false,
        },
    })
}

/// A line that a run begins with.
pub(crate) fn start_line() -> String {
    written(&[start()])
}

/// The lines of these events.
fn written(events: &[TurnEvent]) -> String {
    let (loaded, label) = (loaded(), label());
    let lines = events
        .iter()
        .map(|event| Event::of(event, &loaded, &label).line() + "\n");
    lines.collect()
}

fn written_again(recording: &Recording) -> String {
    recording
        .events
        .iter()
        .map(|event| event.line() + "\n")
        .collect()
}

#[test]
fn a_run_is_written_as_the_format_says() {
    let commit = Commit {
        at: Position(3),
        token: TokenId(2),
        was: Some(TokenId(4)),
        confidence: 0.981_345_65,
        entropy: 0.07,
        kind: CommitKind::Changed,
        top: vec![(TokenId(2), 0.981_345_65), (TokenId(5), 0.01)],
    };
    let text = written(&[start(), TurnEvent::Step(step(vec![commit], 11, 0.0)), end()]);
    let lines: Vec<&str> = text.lines().collect();
    // The settings are those of the table, whatever it holds.
    let TurnEvent::Started { params, canvas, .. } = start() else {
        panic!("it has started");
    };
    let settings = object(&params, canvas.answer().len());
    let settings = serde_json::to_string(&settings).expect("they are written");
    let settings = settings.trim_matches(['{', '}']);
    let expected = "{\"event\":\"start\",\"v\":1,\"id\":\"01ARZ3NDEKTSV4RRFFQ69G5FAV\",\"at\":\"2026-11-29T12:04:00Z\",\
     \"program\":\"unmask 0.1.0\",\"family\":\"llada\",\
     \"model\":{\"key\":\"toy\",\"name\":\"Toy\",\"hub\":\"org/toy\",\"identity\":null,\"files\":[]},\"tokenizer\":{\"sha256\":\"aa\",\"template\":\"bb\"},\
     \"backend\":{\"name\":\"toy\",\"version\":\"1.0\",\"device\":\"cpu\",\"precision\":\"f32\",\"threads\":2},\
     \"params\":{SETTINGS,\"confidence_type\":\"f32\",\"noise\":1},\"exact\":false,\"approximation\":\"threshold 0.9, cache dual\",\
     \"continues\":null,\"canvas\":{\"mask\":0,\"ends\":[1],\"tokens\":[9,4,5,0,0,0,8,0,0,0,0],\"answer_start\":3,\
     \"given\":[[0,3],[6,7]],\"padding\":0},\
     \"pieces\":{\"0\":{\"special\":\"<mask>\"},\"4\":{\"bytes\":[195]},\"8\":{\"text\":\"a\"},\"9\":{\"text\":\"b\"}},\
     \"messages\":[{\"role\":\"user\",\"content\":\"é\\n\\\"x\\\"\"}]}";
    assert_eq!(lines[0], expected.replace("SETTINGS", settings));
    assert_eq!(
        lines[1],
        "{\"event\":\"step\",\"step\":3,\"steps\":8,\"call\":4,\"block\":0,\"blocks\":2,\"fed\":[3,7],\"length\":11,\
         \"masked\":0,\"ms\":12.913,\"forward_ms\":11.25,\"nfe\":3,\"nfe_saved\":0.0,\
         \"commits\":[{\"position\":3,\"token\":2,\"text\":\" Paris\",\"confidence\":0.98134565,\"entropy\":0.07,\
         \"kind\":\"changed\",\"was\":[4,\"\u{FFFD}\"],\"top\":[[2,0.98134565,\" Paris\"],[5,0.01,\"\"]]}]}"
    );
    assert_eq!(
        lines[2],
        "{\"event\":\"done\",\"reason\":\"end_token\",\"text\":\"a\\u001bb\",\
         \"stats\":{\"steps\":3,\"nfe\":3,\"nfe_saved\":0.1,\"committed\":4,\"text_tokens\":2,\"ms\":1234.567}}"
    );
}

#[test]
fn what_happens_between_steps_and_failures_are_read_again() {
    let failure = Failure {
        kind: FailureKind::Context {
            tokens: 9,
            limit: 8,
            room: 2,
        },
        text: "too long".to_owned(),
        hint: String::new(),
    };
    let mut text = written(&[start(), TurnEvent::Paused(3), TurnEvent::Resumed]);
    text += "{\"event\":\"trimmed\",\"what\":\"top\"}\n";
    text += "{\"event\":\"settings\",\"params\":{\"steps\":4,\"threshold\":0.5}}\n";
    text += "{\"event\":\"edit\",\"commits\":[{\"position\":3,\"token\":8,\"text\":\"a\",\"confidence\":1.0,\
             \"entropy\":0.0,\"kind\":\"pinned\"}]}\n";
    text += &written(&[TurnEvent::Failed(failure), start()]);
    let recording = read(text.as_bytes()).expect("it is whole");
    assert_eq!((recording.events.len(), recording.is_cut), (8, false));
    assert_eq!(written_again(&recording), text);
}

proptest! {
    #[test]
    fn what_is_written_is_read_and_written_again_as_it_was(
        (commits, tokens) in fold::tests::commits(3, 8),
        confidence in any::<f32>().prop_map(f32::abs).prop_filter("a share", |p| *p <= 1.0),
        share in any::<f32>().prop_filter("a number", |p| p.is_finite()),
        micros in 0_u64..1 << 40,
    ) {
        let mut commits = commits;
        commits.iter_mut().for_each(|commit| commit.top.push((TokenId(7), confidence)));
        let event = StepEvent { guesses: Vec::new(),
            elapsed: Duration::from_micros(micros),
            ..step(commits, tokens.len(), share)
        };
        let text = written(&[start(), TurnEvent::Step(event.clone()), end()]);
        let recording = read(text.as_bytes()).expect("it is whole");
        prop_assert_eq!(written_again(&recording), text);
        let [Event::Start(start), Event::Step(step), Event::Done(_)] = recording.events.as_slice() else {
            panic!("other events");
        };
        prop_assert_eq!(step.event(), event);
        prop_assert_eq!(start.params.params().seed, u64::MAX);
        let read = start.canvas.canvas().expect("it fits");
        prop_assert_eq!(&read, &canvas());
        let mut fold = Fold::new(read);
        fold.apply(step.step, &step.event().commits).expect("they fit");
        prop_assert_eq!(fold.canvas().len(), step.length);
    }

    #[test]
    fn a_cut_at_any_byte_leaves_whole_lines(cut in any::<prop::sample::Index>()) {
        let text = written(&[start(), TurnEvent::Step(step(Vec::new(), 11, 0.5)), end()]);
        let at = cut.index(text.len() + 1);
        let recording = read(&text.as_bytes()[..at]).expect("a cut is no error");
        let whole = text.as_bytes()[..at].iter().filter(|&&byte| byte == b'\n').count();
        // A last line that lacks its end alone is whole too.
        prop_assert!((whole..=whole + 1).contains(&recording.events.len()));
        let kept = written_again(&recording);
        prop_assert!(text.starts_with(&kept));
        prop_assert_eq!(recording.is_cut, at > kept.len());
    }
}

#[track_caller]
fn refused(text: &str, expected: &str) {
    let error = read(text.as_bytes())
        .expect_err("it is no recording")
        .to_string();
    assert!(error.contains(expected), "{error}");
}

#[test]
fn damage_before_the_end_is_an_error_with_its_line() {
    let text = written(&[start(), end()]);
    let (first, rest) = text.split_once('\n').expect("two lines");
    refused(
        &format!("{first}\n{{\"event\":\"st\n{rest}"),
        "line 2 is damaged: EOF while parsing a string at column 12",
    );
    refused(
        &format!("{first}\n{{\"event\":\"step\"}}\n{rest}"),
        "line 2 is damaged: missing field `step` at column 16",
    );
    refused(
        &format!("{first}\n{{\"event\":\"dance\"}}\n{rest}"),
        "unknown variant `dance`",
    );
    refused(rest, "line 1 comes before any start");
}

#[test]
fn numbers_that_cannot_be_are_refused() {
    let commit = Commit {
        at: Position(3),
        token: TokenId(2),
        was: None,
        confidence: 0.5,
        entropy: 0.25,
        kind: CommitKind::New,
        top: Vec::new(),
    };
    let text = written(&[start(), TurnEvent::Step(step(vec![commit], 11, 0.0))]);
    for (good, bad, expected) in [
        (
            "\"confidence\":0.5",
            "\"confidence\":1.5",
            "line 2 is damaged: a probability",
        ),
        (
            "\"entropy\":0.25",
            "\"entropy\":1e300",
            "line 2 is damaged: a number",
        ),
        (
            "\"position\":3",
            "\"position\":4294967295",
            "line 2 is damaged: a number",
        ),
        (
            "\"fed\":[3,7]",
            "\"fed\":[7,3]",
            "line 2 is damaged: positions",
        ),
        (
            "\"answer_start\":3",
            "\"answer_start\":30",
            "line 1 is damaged: the parts",
        ),
        (
            "\"padding\":0",
            "\"padding\":4",
            "line 1 is damaged: the parts",
        ),
        (
            "\"block\":0,\"blocks\":2",
            "\"block\":18446744073709551615,\"blocks\":2",
            "line 2 is damaged: a number",
        ),
        (
            "\"steps\":8",
            "\"steps\":131073",
            "line 2 is damaged: a number",
        ),
        ("\"ms\":12.913", "\"ms\":1e15", "line 2 is damaged: a time"),
        ("[6,7]]", "[6,70]]", "line 1 is damaged: the parts"),
        (
            "\"v\":1",
            "\"v\":2",
            "line 1 is of format 2, and this program reads 1",
        ),
    ] {
        assert!(text.contains(good), "{good}");
        refused(&text.replace(good, bad), expected);
    }
}

#[test]
fn members_to_come_are_ignored() {
    let text = written(&[start(), end()]);
    let more = text.replace("\"event\":", "\"to_come\":[1,{\"a\":null}],\"event\":");
    let recording = read(more.as_bytes()).expect("they are ignored");
    assert_eq!(written_again(&recording), text);
}

#[test]
fn lines_beyond_the_limit_are_not_read() {
    let text = written(&[start()]) + "{\"event\":\"" + &"x".repeat(LONGEST_LINE);
    refused(&text, "line 2 goes beyond the 4194304 bytes");
    let canvas = vec!["0"; LARGEST_CANVAS + 1].join(",");
    let text = written(&[start()]).replace("\"tokens\":[9,", &format!("\"tokens\":[{canvas},9,"));
    refused(&text, "the canvas is too long");
}
