use super::*;
use crate::Params;
use crate::params::{CacheMode, Transfer};

fn spread(mean: f64) -> Spread {
    Spread {
        mean,
        median: mean,
        p90: 2.0 * mean,
    }
}

/// A mode with its forwards, its aligned tokens, and the lower bound of its difference.
fn mode(text: &str, forwards: f64, aligned: f64, low: Option<f64>) -> MeasuredMode {
    let mode: DenoisingMode = text.parse().expect("it is one");
    MeasuredMode {
        forwards: spread(forwards),
        fed_a_forward: 96.0,
        seconds: spread(forwards / 50.0),
        agreement: Agreement {
            tokens: aligned,
            aligned,
            answers: aligned / 2.0,
        },
        accuracy: low.map(|_| Accuracy {
            right: 80,
            low: 0.7,
            high: 0.9,
        }),
        difference: low.filter(|_| !mode.is_exact()).map(|low| Difference {
            mean: low + 0.02,
            low,
            high: low + 0.04,
            won: 1,
            lost: 2,
            p: 1.0,
        }),
        mode,
    }
}

fn measurement(precision: &str, modes: Vec<MeasuredMode>) -> Measurement {
    Measurement {
        backend: "candle".to_owned(),
        device: "cpu".to_owned(),
        precision: precision.to_owned(),
        questions: "ab".to_owned(),
        count: 100,
        date: "2026-11-30".to_owned(),
        program: "unmask 0.1.0".to_owned(),
        length: 64,
        forward: ForwardTime::fitted(&[(32.0, 0.4), (96.0, 0.8)]),
        modes,
    }
}

#[track_caller]
fn check(measurement: &Measurement, names: [&str; 4]) {
    let dial = SpeedDial::of(measurement);
    let got = DialPosition::ALL.map(|position| match dial.at(position) {
        DialVerdict::Shown(mode) => mode.mode.to_string(),
        DialVerdict::Open => "open".to_owned(),
    });
    assert_eq!(got, names);
}

#[test]
fn the_dial_takes_the_fewest_forwards_that_are_shown_to_lose_no_more() {
    let judged = measurement(
        "f32",
        vec![
            mode("exact", 31.0, 1.0, Some(0.0)),
            mode("steps/2", 16.0, 0.9, Some(-0.02)),
            mode("threshold=0.9", 2.5, 0.9, Some(-0.0201)),
            mode("threshold=0.8", 2.3, 0.9, Some(-0.06)),
            mode("threshold=0.7", 2.0, 1.0, Some(-0.0801)),
        ],
    );
    check(
        &judged,
        ["exact", "steps/2", "threshold=0.9", "threshold=0.8"],
    );
    let open = measurement(
        "f32",
        vec![
            mode("exact", 31.0, 1.0, Some(0.0)),
            // What agrees is shown to lose nothing by answers alone, where there are any.
            mode("steps/2", 16.0, 1.0, Some(-0.2)),
        ],
    );
    check(&open, ["exact", "open", "open", "open"]);
    let agreeing = measurement(
        "f32",
        vec![
            mode("exact", 31.0, 1.0, None),
            mode("steps/2", 16.0, 0.97, None),
            mode("steps/4", 8.0, 0.93, None),
        ],
    );
    check(&agreeing, ["exact", "steps/2", "steps/2", "steps/4"]);
}

#[test]
fn an_answer_that_ended_before_its_canvas_takes_no_more_on_a_longer_one() {
    let forwards = |exact: f64, length: usize| {
        let fast = mode("threshold=0.9", exact / 8.0, 1.0, None);
        let measured = measurement("f32", vec![mode("exact", exact, 1.0, None), fast]);
        measured.estimate(&measured.modes[1], length, None).forwards
    };
    assert_eq!(
        [16, 32, 64, 256].map(|length| forwards(32.0, length)),
        [2, 4, 4, 4]
    );
    assert_eq!(
        [32, 64, 256].map(|length| forwards(64.0, length)),
        [4, 8, 32]
    );
}

#[test]
fn a_mode_is_read_as_it_is_written() {
    for text in [
        "exact",
        "steps/4",
        "dual",
        "threshold=0.9+prefix",
        "steps/2+remasking=random",
        "entropy_bound=0.1",
    ] {
        let mode: DenoisingMode = text.parse().unwrap_or_else(|error| panic!("{error}"));
        let parts = |text: &str| {
            let mut parts: Vec<String> = text.split('+').map(str::to_owned).collect();
            parts.sort_unstable();
            parts
        };
        assert_eq!(parts(&mode.to_string()), parts(text));
    }
    for (text, words) in [
        ("", "no way to denoise"),
        ("exact+dual", "no way to denoise"),
        ("steps/0", "1 or more"),
        ("threshold=2", "out of range"),
        ("threshold=0.9+factor=1", "two ways to do the same"),
        ("thresold=0.9", "no such setting"),
        ("length=3", "--len"),
    ] {
        let error = text.parse::<DenoisingMode>().expect_err(text).to_string();
        assert!(
            error.contains(words) && error.contains("joined by +"),
            "{error}"
        );
    }
}

#[test]
fn a_mode_says_all_that_makes_it_faster_and_leaves_the_rest() {
    let base = Params {
        transfer: Transfer::Factor(1.0),
        cache: CacheMode::Dual,
        temperature: 0.5,
        steps: 7,
        ..Params::default()
    };
    let exact = DenoisingMode::exact().over(&base, 64);
    let stated = Params {
        transfer: Transfer::Quota,
        cache: CacheMode::Off,
        steps: 64,
        ..base.clone()
    };
    assert_eq!(exact, stated);
    let mode: DenoisingMode = "steps/3+prefix".parse().expect("it is one");
    let stated = Params {
        cache: CacheMode::Prefix,
        steps: 22,
        ..stated
    };
    assert_eq!(mode.over(&base, 64), stated);
}

#[test]
fn a_file_is_read_as_it_was_written_and_a_newer_measurement_replaces_its_like() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("measured/ab.toml");
    assert_eq!(MeasuredModel::read(&path).expect("there is none"), None);
    let mut file = MeasuredModel::new("demo", "sha256:ab");
    file.add(measurement(
        "f32",
        vec![mode("exact", 31.0, 1.0, Some(0.0))],
    ));
    file.add(measurement("int8", vec![mode("exact", 30.0, 1.0, None)]));
    let newer = vec![
        mode("exact", 32.0, 1.0, Some(0.0)),
        mode("dual+threshold=0.9", 3.0, 0.5, Some(-0.1)),
    ];
    file.add(measurement("f32", newer.clone()));
    file.write(&path).expect("it can be written");
    let read = MeasuredModel::read(&path).expect("it is sound");
    assert_eq!(read.as_ref(), Some(&file));
    let modes = |device: &str, precision: &str| {
        let found = file.of("candle", device, precision);
        found.map(|it| it.modes.clone())
    };
    assert_eq!(modes("cpu", "f32"), Some(newer.clone()));
    // What is lost is a matter of the precision, not of the device.
    assert_eq!(modes("cuda:0", "f32"), Some(newer));
    assert_eq!(modes("cpu", "bf16"), None);
    for (text, words) in [
        ("version = 1\n", "missing field"),
        (
            "version = 2\nmodel = \"a\"\nidentity = \"b\"\n",
            "version 2",
        ),
        ("[", "ab.toml"),
    ] {
        std::fs::write(&path, text).expect("it can be written");
        let error = MeasuredModel::read(&path).expect_err("it is damaged");
        let said = error.to_string();
        assert!(
            said.contains(words) && said.contains("measure again"),
            "{said}"
        );
    }
}

#[test]
fn right_answers_are_kept_beside_agreement_alone_and_more_questions_before_fewer() {
    let mut file = MeasuredModel::new("demo", "sha256:ab");
    let judged = measurement("f32", vec![mode("exact", 31.0, 1.0, Some(0.0))]);
    let agreeing = measurement("f32", vec![mode("exact", 30.0, 1.0, None)]);
    file.add(judged.clone());
    file.add(agreeing.clone());
    assert_eq!(file.measurements.len(), 2);
    file.measurements.rotate_left(1);
    assert_eq!(file.of("candle", "cpu", "f32"), Some(&judged));
    let fewer = |questions: &str| Measurement {
        count: 10,
        questions: questions.to_owned(),
        ..agreeing.clone()
    };
    assert_eq!(file.asked_more(&fewer("ab")), Some(100));
    assert_eq!(file.asked_more(&fewer("cd")), None);
    assert_eq!(file.asked_more(&agreeing), None);
}

#[test]
fn the_time_of_a_forward_is_a_line_that_never_falls_nor_begins_below_nothing() {
    let fitted =
        |points: &[(f64, f64)]| ForwardTime::fitted(points).map(|it| (it.fixed, it.a_position));
    let (fixed, a_position) =
        fitted(&[(32.0, 0.4), (96.0, 0.8), (64.0, 0.6)]).expect("it is a line");
    assert!((fixed - 0.2).abs() < 1e-12 && (a_position - 0.00625).abs() < 1e-12);
    let (fixed, a_position) = fitted(&[(32.0, 0.8), (96.0, 0.4)]).expect("it is a line");
    assert!((fixed - 0.6).abs() < 1e-12 && a_position == 0.0);
    let (fixed, _) = fitted(&[(10.0, 0.0), (20.0, 1.0)]).expect("it is a line");
    assert_eq!(fixed, 0.0);
    assert_eq!(fitted(&[(32.0, 0.4), (32.0, 0.5)]), None);
    assert_eq!(fitted(&[]), None);
}

#[test]
fn a_position_has_the_settings_of_what_was_measured_there_or_its_own() {
    let base = Params::default();
    let modes = vec![
        mode("exact", 31.0, 1.0, Some(0.0)),
        mode("dual+threshold=0.95", 3.0, 0.5, Some(-0.03)),
    ];
    let measured = measurement("f32", modes);
    let over = |position: DialPosition, measured| {
        let params = position.over(measured, &base, 64);
        (params.transfer, params.cache, params.steps)
    };
    let own = |position| over(position, None);
    let own = DialPosition::ALL.map(own);
    let stated = [
        (Transfer::Quota, CacheMode::Off, 64),
        (Transfer::Quota, CacheMode::Off, 32),
        (Transfer::Threshold(0.9), CacheMode::Off, base.steps),
        (Transfer::Threshold(0.7), CacheMode::Off, base.steps),
    ];
    assert_eq!(own, stated);
    // What was measured loses too much for balanced.
    let dual = (Transfer::Threshold(0.95), CacheMode::Dual, 64);
    let of_measured = DialPosition::ALL.map(|position| over(position, Some(&measured)));
    assert_eq!(of_measured, [stated[0], stated[1], dual, dual]);
}
