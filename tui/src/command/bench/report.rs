use serde_json::{Value, json};
use unmask_core::measured::{
    Accuracy, Agreement, DenoisingMode, Difference, ForwardTime, MeasuredMode, Measurement, Spread,
};
use unmask_core::stats::{Comparison, holm, quantile, questions_needed, wilson};

use super::record::{BenchRecord, BenchSettings, ModeAnswer};
use crate::command::eval::percents;
use crate::command::table::table;

/// Columns of the table of losses that need no right answers.
const OF_AGREEMENT: usize = 5;

/// What the questions came to in each mode.
pub(super) struct BenchReport<'a> {
    pub(super) settings: &'a BenchSettings,
    /// Questions that were answered.
    pub(super) count: usize,
    /// Exact decoding first.
    pub(super) modes: Vec<ModeReport>,
}

/// One mode.
pub(super) struct ModeReport {
    pub(super) measured: MeasuredMode,
    /// McNemar's p, with all modes that were tried taken together.
    pub(super) p_holm: Option<f64>,
    /// Tokens that steps wrote, end tokens included.
    committed: usize,
    /// Those of the visible answers.
    visible: usize,
    forwards: usize,
    seconds: f64,
}

impl<'a> BenchReport<'a> {
    pub(super) fn new(
        settings: &'a BenchSettings,
        modes: &[DenoisingMode],
        records: &[BenchRecord],
    ) -> Self {
        let modes = modes.iter().enumerate();
        let mut modes: Vec<ModeReport> = modes
            .map(|(at, mode)| ModeReport::new(mode, at, records))
            .collect();
        let difference = |it: &ModeReport| Some(it.measured.difference?.p);
        let p: Vec<f64> = modes.iter().filter_map(difference).collect();
        let mut p = holm(&p).into_iter();
        for mode in modes
            .iter_mut()
            .filter(|it| it.measured.difference.is_some())
        {
            mode.p_holm = p.next();
        }
        Self {
            settings,
            count: records.len(),
            modes,
        }
    }

    /// For the speed dial.
    pub(super) fn measurement(&self) -> Measurement {
        let points: Vec<(f64, f64)> = self.points();
        Measurement {
            backend: self.settings.backend.clone(),
            device: self.settings.device.clone(),
            precision: self.settings.precision.clone(),
            questions: self.settings.questions.clone(),
            count: self.count,
            date: self.settings.date.clone(),
            program: self.settings.program.clone(),
            length: self.settings.length,
            forward: ForwardTime::fitted(&points),
            modes: self.modes.iter().map(|it| it.measured.clone()).collect(),
        }
    }

    /// Of each mode the positions of a forward and its seconds.
    fn points(&self) -> Vec<(f64, f64)> {
        let points = self.modes.iter().filter(|it| it.forwards > 0);
        points
            .map(|it| (it.measured.fed_a_forward, it.seconds / it.forwards as f64))
            .collect()
    }

    pub(super) fn text(&self) -> String {
        let mut text = self.heading();
        text.push_str(&table(&self.speed_rows()));
        text.push('\n');
        text.push_str(&table(&self.loss_rows()));
        text.push_str(&self.verdict());
        text
    }

    /// One line: what, where, when.
    pub(super) fn heading(&self) -> String {
        let settings = self.settings;
        let threads = match settings.threads {
            Some(threads) => format!(", {threads} threads"),
            None => String::new(),
        };
        let block = settings.block_length();
        let block = block.map_or(String::new(), |it| format!(" in blocks of {it}"));
        format!(
            "{} {} on {} ({}{threads}), {} questions, {} positions{block}, {}, {}\n",
            settings.model,
            settings.precision,
            settings.device_name,
            settings.backend,
            self.count,
            settings.length,
            settings.program,
            settings.date,
        )
    }

    fn speed_rows(&self) -> Vec<Vec<String>> {
        let heading = [
            "mode",
            "NFE",
            "p90",
            "saved",
            "tokens/NFE",
            "text/NFE",
            "s",
            "p90",
            "text/s",
            "canvas/s",
        ];
        let mut rows = vec![heading.map(str::to_owned).to_vec()];
        let exact = self.modes.first().map_or(0, |it| it.forwards);
        rows.extend(self.modes.iter().map(|it| it.speed_row(exact)));
        rows
    }

    fn loss_rows(&self) -> Vec<Vec<String>> {
        let heading = [
            "mode",
            "",
            "same tokens",
            "in order",
            "same answer",
            "right",
            "95 %",
            "− exact",
            "95 %",
            "won/lost",
            "p",
            "p of all",
        ];
        let mut rows = vec![heading.map(str::to_owned).to_vec()];
        let count = self.count;
        rows.extend(self.modes.iter().map(|it| it.loss_row(count)));
        if self.modes.iter().all(|it| it.measured.accuracy.is_none()) {
            // Nobody knows what is right.
            rows.iter_mut().for_each(|row| row.truncate(OF_AGREEMENT));
        }
        rows
    }

    /// What the questions can and cannot show.
    fn verdict(&self) -> String {
        let differences = self.modes.iter().filter_map(|it| it.measured.difference);
        let flipped = differences.map(|it| (it.won + it.lost) as f64 / self.count.max(1) as f64);
        let most = flipped.fold(0.0, f64::max);
        match questions_needed(most, 0.02).filter(|_| most > 0.0) {
            Some(needed) if needed > self.count => format!(
                "to show a loss of 2 points in every mode would take about {needed} questions\n"
            ),
            _ => String::new(),
        }
    }

    pub(super) fn json(&self) -> Value {
        let modes: Vec<Value> = self.modes.iter().map(ModeReport::json).collect();
        json!({
            "settings": self.settings,
            "questions": self.count,
            "modes": modes,
            "forward": self.measurement().forward,
        })
    }
}

impl ModeReport {
    fn new(mode: &DenoisingMode, at: usize, records: &[BenchRecord]) -> Self {
        let answers = || records.iter().map(|it| &it.answers[at]);
        let pairs = || records.iter().map(|it| (&it.answers[at], &it.answers[0]));
        let sum = |of: fn(&ModeAnswer) -> usize| answers().map(of).sum::<usize>();
        let share = |of: usize, all: usize| of as f64 / all.max(1) as f64;
        let agreements = pairs().map(|(one, exact)| one.agreement(exact));
        let [placed, aligned, longest] = agreements.fold([0; 3], |sums, it| {
            [0, 1, 2].map(|part| sums[part] + it[part])
        });
        let same = pairs().filter(|(one, exact)| one.answer == exact.answer);
        let rights = pairs().map(|(one, exact)| Some((one.right?, exact.right?)));
        let rights: Option<Vec<(bool, bool)>> = rights.collect();
        let rights = rights.filter(|it| !it.is_empty());
        let forwards = sum(|it| it.nfe);
        let measured = MeasuredMode {
            mode: mode.clone(),
            forwards: spread(answers().map(|it| it.nfe as f64)),
            fed_a_forward: share(sum(|it| it.fed), forwards),
            seconds: spread(answers().map(|it| it.seconds)),
            agreement: Agreement {
                tokens: match longest {
                    0 => 1.0,
                    _ => share(placed, longest),
                },
                aligned: match longest {
                    0 => 1.0,
                    _ => share(aligned, longest),
                },
                answers: share(same.count(), records.len()),
            },
            accuracy: rights.as_deref().map(accuracy),
            difference: rights.as_deref().filter(|_| at > 0).map(difference),
        };
        Self {
            measured,
            p_holm: None,
            committed: sum(|it| it.committed),
            visible: sum(|it| it.tokens.len()),
            forwards,
            seconds: answers().map(|it| it.seconds).sum(),
        }
    }

    fn speed_row(&self, exact: usize) -> Vec<String> {
        let MeasuredMode {
            mode,
            forwards,
            seconds,
            ..
        } = &self.measured;
        let saved = 100.0 * (1.0 - self.forwards as f64 / exact.max(1) as f64);
        let per = |of: usize, what: f64| of as f64 / what.max(f64::MIN_POSITIVE);
        vec![
            mode.to_string(),
            format!("{:.1}", forwards.mean),
            format!("{:.0}", forwards.p90),
            format!("{saved:.0} %"),
            format!("{:.2}", per(self.committed, self.forwards as f64)),
            format!("{:.2}", per(self.visible, self.forwards as f64)),
            format!("{:.3}", seconds.median),
            format!("{:.3}", seconds.p90),
            format!("{:.0}", per(self.visible, self.seconds)),
            format!("{:.0}", per(self.committed, self.seconds)),
        ]
    }

    fn loss_row(&self, count: usize) -> Vec<String> {
        let MeasuredMode {
            mode,
            agreement,
            accuracy,
            difference,
            ..
        } = &self.measured;
        let percent = |share: f64| format!("{:.1} %", 100.0 * share);
        let is_exact = mode.is_exact();
        let mut row = vec![mode.to_string()];
        row.push(if is_exact { "" } else { "approximate" }.to_owned());
        let agreement = [agreement.tokens, agreement.aligned, agreement.answers];
        row.extend(agreement.map(|share| match is_exact {
            true => String::new(),
            false => percent(share),
        }));
        if let Some(Accuracy { right, .. }) = accuracy {
            row.push(percent(*right as f64 / count.max(1) as f64));
            row.push(percents(wilson(*right, count)));
        }
        if let Some(it) = difference {
            row.push(format!("{:+.1}", 100.0 * it.mean));
            row.push(format!("{:+.1} to {:+.1}", 100.0 * it.low, 100.0 * it.high));
            row.push(format!("{}/{}", it.won, it.lost));
            row.push(format!("{:.3}", it.p));
            row.extend(self.p_holm.map(|p| format!("{p:.3}")));
        }
        row
    }

    fn json(&self) -> Value {
        let mut object = json!(self.measured);
        object["approximate"] = json!(!self.measured.mode.is_exact());
        object["p_of_all"] = json!(self.p_holm);
        object["committed"] = json!(self.committed);
        object["text_tokens"] = json!(self.visible);
        object
    }
}

fn spread(values: impl Iterator<Item = f64>) -> Spread {
    let values: Vec<f64> = values.collect();
    if values.is_empty() {
        return Spread {
            mean: 0.0,
            median: 0.0,
            p90: 0.0,
        };
    }
    Spread {
        mean: values.iter().sum::<f64>() / values.len() as f64,
        median: quantile(&values, 0.5),
        p90: quantile(&values, 0.9),
    }
}

fn accuracy(rights: &[(bool, bool)]) -> Accuracy {
    let right = rights.iter().filter(|it| it.0).count();
    let interval = wilson(right, rights.len());
    Accuracy {
        right,
        low: interval.low,
        high: interval.high,
    }
}

fn difference(rights: &[(bool, bool)]) -> Difference {
    let Comparison {
        won,
        lost,
        difference,
        interval,
        p,
        ..
    } = Comparison::of(rights);
    Difference {
        mean: difference,
        low: interval.low,
        high: interval.high,
        won,
        lost,
        p,
    }
}

#[cfg(test)]
pub(super) mod tests {
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
            "exact          32.0  32   0 %    1.00        0.12      0.640  0.640  6       50",
            "steps/2        16.0  16   50 %",
            "threshold=0.9  3.0   4    91 %",
            "steps/2        approximate  97.5 %       97.5 %    90.0 %       90.0 %   82.6–94.5   -10.0",
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
            text.contains("steps/2        approximate  97.5 %       97.5 %    90.0 %\n"),
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
}
