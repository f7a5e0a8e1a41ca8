use serde_json::{Value, json};
use unmask::amount::counted;
use unmask_core::measured::{DenoisingMode, ForwardTime, Measurement};
use unmask_core::stats::{holm, questions_needed};

use super::mode_report::ModeReport;
use super::record::{BenchRecord, BenchSettings};
use crate::command::table::table;

/// Columns of the table of losses that need no right answers.
const OF_AGREEMENT: usize = 6;

/// What the questions came to in each mode.
pub(super) struct BenchReport<'a> {
    pub(super) settings: &'a BenchSettings,
    /// Questions that were answered.
    pub(super) count: usize,
    /// Exact decoding first.
    pub(super) modes: Vec<ModeReport>,
}

impl<'a> BenchReport<'a> {
    pub(super) fn new(
        settings: &'a BenchSettings,
        modes: &[DenoisingMode],
        records: &[BenchRecord],
    ) -> Self {
        let seeds = settings.seeds.get() as usize;
        let modes = modes.iter().enumerate();
        let mut modes: Vec<ModeReport> = modes
            .map(|(at, mode)| ModeReport::new(mode, at, seeds, records))
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

    /// Answers in each mode.
    pub(super) fn answered(&self) -> usize {
        self.count * self.settings.seeds.get() as usize
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
        let seeds = match settings.seeds.get() {
            1 => String::new(),
            seeds => format!(" with {seeds} seeds"),
        };
        let block = settings.block_length();
        let block = block.map_or(String::new(), |it| format!(" in blocks of {it}"));
        format!(
            "{} {} on {} ({}{threads}), {}{seeds}, {}{block}, {}, {}\n",
            settings.model,
            settings.precision,
            settings.device_name,
            settings.backend,
            counted(self.count, "question"),
            counted(settings.length, "position"),
            settings.program,
            settings.date,
        )
    }

    fn speed_rows(&self) -> Vec<Vec<String>> {
        let heading = [
            "mode",
            "NFE",
            "NFE 95 %",
            "NFE p90",
            "saved",
            "tokens/NFE",
            "text/NFE",
            "s",
            "s p90",
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
            "same 95 %",
            "right",
            "right 95 %",
            "− exact",
            "− exact 95 %",
            "won/lost",
            "p",
            "p of all",
        ];
        let mut rows = vec![heading.map(str::to_owned).to_vec()];
        let answered = self.answered();
        rows.extend(self.modes.iter().map(|it| it.loss_row(answered)));
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

#[cfg(test)]
pub(super) mod tests;
