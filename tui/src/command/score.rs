//! `unmask score`: how likely a model finds texts.

mod item;
mod record;
mod report;

use std::time::Instant;

use unmask_core::config::{Config, ConfigReader, TaskPreset};
use unmask_core::engine::{Failure, Loaded, MeasureId, Measured};
use unmask_core::likelihood::{Pair, Pairing};
use unmask_core::wire::{MeasureError, MeasureSettings};

use super::meter::ProgressMeter;
use super::output::Force;
use super::records::{RecordFile, RecordWords, Recorded};
use super::turn_runner::TurnRunner;
use super::{Usage, code, print};
use crate::cli::{Format, ScoreArguments};
use item::{ScoreItem, read_items};
use record::ItemScore;
pub(super) use record::{PairScore, ScoreRecord, ScoreSettings, TextScore};
use report::ScoreReport;

pub(super) const WORDS: RecordWords = RecordWords {
    work: "a scoring",
    input: "texts",
};

pub(super) fn run(
    config: Config,
    reader: &ConfigReader,
    arguments: &ScoreArguments,
) -> anyhow::Result<u8> {
    let items = read_items(arguments, &reader.environment)?;
    let measure = measure_settings(arguments, config.preset.as_ref());
    let refused = |error| Usage(format!("{}: {error}", flag(arguments, &error)));
    measure.check().map_err(refused)?;
    let input = arguments.file.as_deref().or(arguments.text.as_deref());
    let (out, force) = (arguments.out.as_deref(), Force::from(arguments.force));
    let mut file: RecordFile<ScoreSettings, ScoreRecord> =
        RecordFile::look(WORDS, out, input, force, &reader.environment)?;
    let mut meter = ProgressMeter::new(arguments.quiet);
    let mut runner = TurnRunner::open(config, reader, &mut meter)?;
    let work = ScoreWork {
        pairs: lay_out(&items, arguments, &measure, &runner.loaded)?,
        items: &items,
        measure: &measure,
    };
    let preset = arguments.preset.as_deref();
    let settings = ScoreSettings::new(&runner.loaded, preset, arguments.chat, &measure);
    let same = |before: &ScoreSettings| before.clone();
    let before = file.resume(&settings, |it| differs(it, &settings, &items), same, &meter)?;
    if let Some(before) = &before {
        let (done, all) = (before.len(), items.len());
        meter.note(&format!("{done} of {all} texts were measured before"));
    }
    let mut records = before.unwrap_or_default();
    let stream = |record: &ScoreRecord| match arguments.format {
        Format::Jsonl => print(&format!("{}\n", serde_json::to_string(record)?)),
        Format::Text | Format::Json => Ok(()),
    };
    records.iter().try_for_each(&stream)?;
    let interrupted = work.run(&mut runner, arguments, &mut records, &mut meter, |record| {
        file.write(record)?;
        stream(record)
    })?;
    meter.clear();
    if let Some(code) = interrupted {
        let (done, all) = (records.len(), items.len());
        meter.note(&format!("stopped after {done} of {all} texts"));
        if records.is_empty() {
            return Ok(code);
        }
    }
    records.sort_by_key(|it| it.line);
    let report = ScoreReport::new(&settings, &records);
    print(&match arguments.format {
        Format::Text => report.text(),
        Format::Json => format!("{}\n", report.json()),
        Format::Jsonl => format!("{}\n", serde_json::Value::Object(report.summary())),
    })?;
    Ok(interrupted.unwrap_or(code::DONE))
}

/// The flags over the preset.
fn measure_settings(arguments: &ScoreArguments, preset: Option<&TaskPreset>) -> MeasureSettings {
    let settings = MeasureSettings {
        rule: arguments.rule.into(),
        pairing: match arguments.unpaired {
            true => Pairing::Independent,
            false => Pairing::SameLength,
        },
        seed: arguments.seed,
        greedy: arguments.greedy,
        bos: arguments.bos,
        ..MeasureSettings::default()
    };
    let mut settings = match preset {
        Some(preset) => settings.with_preset(&preset.likelihood),
        None => settings,
    };
    settings.samples = arguments.samples.unwrap_or(settings.samples);
    settings.strata = arguments.strata.unwrap_or(settings.strata);
    settings.cfg_scale = arguments.cfg.unwrap_or(settings.cfg_scale);
    settings
}

/// The flag that says what is wrong.
fn flag(arguments: &ScoreArguments, error: &MeasureError) -> &'static str {
    match error.setting {
        "cfg_scale" => "--cfg",
        "samples" if arguments.samples.is_some() => "--samples",
        _ => "--strata",
    }
}

/// The pairs of each item; an item that cannot be measured is named by its place.
fn lay_out(
    items: &[ScoreItem],
    arguments: &ScoreArguments,
    settings: &MeasureSettings,
    loaded: &Loaded,
) -> Result<Vec<Vec<Pair>>, Failure> {
    let pairs = |item: &ScoreItem| {
        let pairs = item.pairs(settings, arguments.chat, loaded);
        pairs.map_err(|failure| Failure {
            text: format!("{}: {}", item.place(arguments), failure.text),
            ..failure
        })
    };
    items.iter().map(pairs).collect()
}

/// Why a file's results are not those that are wanted now.
fn differs(
    before: &Recorded<ScoreSettings, ScoreRecord>,
    settings: &ScoreSettings,
    items: &[ScoreItem],
) -> Option<String> {
    if !before.settings.agrees(settings) {
        return Some("it holds results under other settings".to_owned());
    }
    let other = before.records.iter().find(|it| !is_asked(it, items))?;
    let line = other.line;
    Some(format!(
        "it measured a text on line {line} that is not asked about"
    ))
}

fn is_asked(record: &ScoreRecord, items: &[ScoreItem]) -> bool {
    // Items are in the order of their lines.
    let found = items.binary_search_by_key(&record.line, |it| it.line);
    found.is_ok_and(|at| items[at].sha256 == record.sha256 && items[at].task == record.task)
}

/// What is to be measured.
struct ScoreWork<'a> {
    items: &'a [ScoreItem],
    /// Of each item.
    pairs: Vec<Vec<Pair>>,
    measure: &'a MeasureSettings,
}

impl ScoreWork<'_> {
    /// Measures what is not in `records` yet; the exit code, if a signal ended it.
    fn run(
        &self,
        runner: &mut TurnRunner,
        arguments: &ScoreArguments,
        records: &mut Vec<ScoreRecord>,
        meter: &mut ProgressMeter,
        mut keep: impl FnMut(&ScoreRecord) -> anyhow::Result<()>,
    ) -> anyhow::Result<Option<u8>> {
        let mut done: Vec<usize> = records.iter().map(|it| it.line).collect();
        done.sort_unstable();
        let is_left = |at: &usize| done.binary_search(&self.items[*at].line).is_err();
        let mut left = (0..self.items.len()).filter(is_left);
        let wanted = left.clone().flat_map(|at| self.pairs[at].iter().cloned());
        let pairs: Vec<Pair> = wanted.collect();
        if pairs.is_empty() {
            return Ok(None);
        }
        let total = pairs.len() as u64;
        let request = self.measure.request(MeasureId(1), pairs, arguments.rows);
        let mut current = left.next();
        let mut measured: Vec<Measured> = Vec::new();
        let mut since = Instant::now();
        meter.at("measuring", 0, total);
        runner.measure(request, |one| {
            meter.at("measuring", one.pair as u64 + 1, total);
            measured.push(one);
            let Some(at) = current.filter(|&at| measured.len() == self.pairs[at].len()) else {
                return Ok(());
            };
            let item = &self.items[at];
            let score = ItemScore::of(item, &self.pairs[at], &measured, self.measure);
            let record = ScoreRecord::new(item, score, since.elapsed().as_secs_f64());
            keep(&record)?;
            records.push(record);
            measured.clear();
            since = Instant::now();
            current = left.next();
            Ok(())
        })
    }
}
