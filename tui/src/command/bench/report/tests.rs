use std::num::NonZeroU32;

use super::super::record::ModeAnswer;
use super::*;

fn answer(text: &str, nfe: usize, right: Option<bool>) -> ModeAnswer {
    ModeAnswer {
        answer: text.to_owned(),
        right,
        tokens: text.bytes().map(u32::from).collect(),
        nfe,
        fed: 96 * nfe,
        committed: 32,
        seconds: nfe as f64 / 50.0,
    }
}

pub(in super::super) fn settings(modes: &[DenoisingMode]) -> BenchSettings {
    BenchSettings {
        program: "unmask 0.1.0".to_owned(),
        date: "2026-11-30".to_owned(),
        questions: "ab".to_owned(),
        model: "demo".to_owned(),
        identity: Some("sha256:cd".to_owned()),
        backend: "candle".to_owned(),
        device: "cpu".to_owned(),
        device_name: "a processor".to_owned(),
        threads: None,
        precision: "f32".to_owned(),
        length: 64,
        seeds: NonZeroU32::MIN,
        modes: modes.to_vec(),
        settings: serde_json::Map::new(),
    }
}

pub(in super::super) fn modes() -> Vec<DenoisingMode> {
    let names = ["exact", "steps/2", "threshold=0.9"];
    names.map(|it| it.parse().expect("it is one")).to_vec()
}

/// A hundred questions, of which `steps/2` loses one in ten and the threshold one in a hundred.
pub(in super::super) fn records(are_judged: bool) -> Vec<BenchRecord> {
    let record = |line: usize| {
        let right = |is_right: bool| are_judged.then_some(is_right);
        BenchRecord {
            line,
            task: "t".to_owned(),
            asked: "x".to_owned(),
            answers: vec![
                answer("abcd", 32, right(true)),
                answer(
                    if line.is_multiple_of(10) {
                        "abc"
                    } else {
                        "abcd"
                    },
                    16,
                    right(!line.is_multiple_of(10)),
                ),
                answer("abcd", 2 + line % 3, right(line != 7)),
            ],
        }
    };
    (1..=100).map(record).collect()
}

#[test]
fn each_mode_is_held_against_exact_question_by_question() {
    let (modes, records) = (modes(), records(true));
    let settings = settings(&modes);
    let report = BenchReport::new(&settings, &modes, &records);
    let text = report.text();
    for part in [
        "demo f32 on a processor (candle), 100 questions, 64 positions, unmask 0.1.0, 2026-11-30",
        "exact          32.0  32.0–32.0  32       0 %    1.00        0.12      0.640  0.640  6       50",
        "steps/2        16.0  16.0–16.0  16       50 %",
        // A third each of 2, 3 and 4: the error of the mean is 0.08.
        "threshold=0.9  3.0   2.8–3.2    4        91 %",
        "steps/2        approximate  97.5 %       97.5 %    90.0 %       82.6–94.5   90.0 %   82.6–94.5   -10.0",
        "0/10      0.002  0.004",
        "0/1       1.000  1.000",
        "would take about 1546 questions",
    ] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    let json = report.json();
    assert_eq!(json["modes"][1]["difference"]["lost"], json!(10));
    assert_eq!(json["modes"][0]["difference"], Value::Null);
}

#[test]
fn without_right_answers_agreement_is_told_alone() {
    let (modes, records) = (modes(), records(false));
    let settings = settings(&modes);
    let report = BenchReport::new(&settings, &modes, &records);
    let text = report.text();
    assert!(
        text.contains(
            "steps/2        approximate  97.5 %       97.5 %    90.0 %       82.6–94.5\n"
        ),
        "{text}"
    );
    assert!(!text.contains("won/lost  p  "), "{text}");
    assert!(
        report
            .measurement()
            .modes
            .iter()
            .all(|it| it.accuracy.is_none())
    );
}

#[test]
fn several_seeds_are_answers_of_one_question() {
    let (modes, single) = (modes(), records(true));
    let settings = BenchSettings {
        seeds: NonZeroU32::new(4).expect("it is above 0"),
        ..settings(&modes)
    };
    let quadrupled = |it: &BenchRecord| BenchRecord {
        answers: (it.answers.iter())
            .flat_map(|answer| vec![answer.clone(); 4])
            .collect(),
        ..it.clone()
    };
    let mut records: Vec<BenchRecord> = single.iter().map(quadrupled).collect();
    // The last seed of the first mode is right nowhere, that of the second in the first half.
    for (at, record) in records.iter_mut().enumerate() {
        record.answers[3].right = Some(false);
        record.answers[7].right = Some(at < 50);
    }
    let report = BenchReport::new(&settings, &modes, &records);
    let text = report.text();
    for part in [
        "100 questions with 4 seeds,",
        // Of 100, 100, 100 and 0 in a hundred.
        "75.0 % ± 50.0",
        // 90, 90, 90 and 50: 5 points more in all, which are questions, not answers.
        "80.0 % ± 20.0",
    ] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    let compared = report.json()["modes"][1]["difference"].clone();
    // Won by the last seed in 45 that the others had right, and in 5 that they lost: 1 seed of 4 against 3.
    assert_eq!(
        (compared["won"].clone(), compared["lost"].clone()),
        (json!(45), json!(10))
    );
}
