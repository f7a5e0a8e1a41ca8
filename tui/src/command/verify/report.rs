//! An examination as people and programs read it.

use std::env::consts::{ARCH, OS};

use serde_json::{Map, Value, json};
use unmask::amount::bytes;
use unmask_conformance::{Figure, Report, Trial, Verdict};

use super::Subject;

/// A case's name as a sentence.
pub(super) fn words(case: &str) -> String {
    case.replace('_', " ")
}

pub(super) fn text(subject: &Subject, report: &Report) -> String {
    let mut text = format!(
        "unmask {} on {OS} {ARCH}\n{} {} on {} ({}), with {}\n{}\n",
        env!("CARGO_PKG_VERSION"),
        subject.name,
        subject.version,
        subject.device.id,
        subject.device.name,
        subject.model,
        subject.library.path().display(),
    );
    let mut precision = None;
    for trial in &report.trials {
        if precision != Some(&trial.precision) {
            precision = Some(&trial.precision);
            text.push_str(&format!("\n{}\n", trial.precision));
        }
        let (sign, remark) = match &trial.verdict {
            Verdict::Passed => ("✓", measured(&trial.figures)),
            Verdict::Unclaimed => ("–", " (not claimed)".to_owned()),
            Verdict::Untested { why } => ("–", format!(" (not tested: {why})")),
            Verdict::Failed { what } => ("✗", format!(": {what}")),
            Verdict::Known { what, why } => ("~", format!(": {what} (known: {why})")),
            Verdict::Closed { why } => ("✗", format!(": passes, though known to fail ({why})")),
        };
        text.push_str(&format!("  {sign} {}{remark}\n", words(&trial.case)));
    }
    text.push_str(&format!("\n{}\n", summary(report)));
    text
}

/// The figures behind a case, in brackets; empty if there are none.
fn measured(figures: &[Figure]) -> String {
    let figures: Vec<String> = figures.iter().map(amount).collect();
    match figures.is_empty() {
        true => String::new(),
        false => format!(" ({})", figures.join(", ")),
    }
}

/// `load_seconds` of 0.012 as `load 12.0 ms`: the last word of a figure's name is its unit.
fn amount(Figure { name, value }: &Figure) -> String {
    let (what, unit) = name.rsplit_once('_').unwrap_or((name, ""));
    let what = words(what);
    match unit {
        "seconds" if *value < 1.0 => format!("{what} {:.1} ms", value * 1000.0),
        "seconds" => format!("{what} {value:.1} s"),
        "bytes" if *value < 0.0 => format!("{what} -{}", bytes(-value as u64)),
        "bytes" => format!("{what} {}", bytes(*value as u64)),
        "error" => format!("{what} error {value:.1e}"),
        _ => format!("{what} {value} {unit}"),
    }
}

fn summary(report: &Report) -> String {
    let passed = report.count(|verdict| *verdict == Verdict::Passed);
    let unclaimed = report.count(|verdict| *verdict == Verdict::Unclaimed);
    let failed = report.failures().count();
    let more = |count: usize, what: &str| match count {
        0 => String::new(),
        count => format!(", {count} {what}"),
    };
    let untested = report.count(|verdict| matches!(verdict, Verdict::Untested { .. }));
    let known = report.count(|verdict| matches!(verdict, Verdict::Known { .. }));
    format!(
        "{passed} passed, {failed} failed, {unclaimed} not claimed{}{}",
        more(untested, "not tested"),
        more(known, "known to fail")
    )
}

/// One object; its fields stay as they are, and more may come.
pub(super) fn object(subject: &Subject, report: &Report) -> Value {
    let trials: Vec<Value> = report.trials.iter().map(trial_object).collect();
    json!({
        "unmask": env!("CARGO_PKG_VERSION"),
        "system": OS,
        "processor": ARCH,
        "backend": subject.name,
        "backend_version": subject.version,
        "library": subject.library.path().to_string_lossy(),
        "device": subject.device.id,
        "device_name": subject.device.name,
        "model": subject.model,
        "passed": report.count(|verdict| *verdict == Verdict::Passed),
        "failed": report.failures().count(),
        "trials": trials,
    })
}

fn trial_object(trial: &Trial) -> Value {
    let (verdict, what, why) = match &trial.verdict {
        Verdict::Passed => ("passed", None, None),
        Verdict::Unclaimed => ("unclaimed", None, None),
        Verdict::Untested { why } => ("untested", None, Some(why)),
        Verdict::Failed { what } => ("failed", Some(what), None),
        Verdict::Known { what, why } => ("known", Some(what), Some(why)),
        Verdict::Closed { why } => ("closed", None, Some(why)),
    };
    let figures: Map<String, Value> = (trial.figures.iter())
        .map(|figure| (figure.name.clone(), json!(figure.value)))
        .collect();
    json!({
        "precision": trial.precision,
        "case": trial.case,
        "verdict": verdict,
        "what": what,
        "why": why,
        "figures": figures,
    })
}
