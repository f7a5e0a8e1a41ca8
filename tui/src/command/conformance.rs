//! `unmask doctor --conformance`: holds an installed backend against what the contract promises.

use std::env::consts::{ARCH, OS};
use std::sync::Arc;

use serde_json::{Value, json};
use unmask_conformance::{CASES, Report, Trial, Verdict, examine};
use unmask_core::api::{Backend, Device, LoadSpec};
use unmask_core::config::{Config, ConfigReader};
use unmask_core::engine::{Failure, FailureKind, LoadRequest};
use unmask_core::loader::ConfigLoader;

use super::meter::Meter;
use super::{code, print};
use crate::cli::TableFormat;

/// What is examined.
struct Subject {
    backend: Arc<dyn Backend>,
    device: Device,
    spec: LoadSpec,
    model: String,
}

pub(super) fn run(config: Config, reader: ConfigReader, format: TableFormat) -> anyhow::Result<u8> {
    let asked = reader.overrides.precision.clone();
    let subject = Subject::find(config, reader)?;
    let precisions = match asked {
        Some(precision) => vec![precision],
        None => subject.device.precisions.clone(),
    };
    let mut meter = Meter::new(false);
    let total = (precisions.len() * (CASES.len() + 1)) as u64;
    let mut done = 0;
    let report = examine(&subject.backend, &subject.spec, &precisions, &mut |_| {
        done += 1;
        meter.at("trying every case", done, total);
    });
    meter.clear();
    print(&match format {
        TableFormat::Text => text(&subject, &report),
        TableFormat::Json => format!("{}\n", object(&subject, &report)),
    })?;
    Ok(match report.failures().next() {
        None => code::DONE,
        Some(_) => code::GENERATION,
    })
}

impl Subject {
    /// The backend, device and model of the configuration and the flags above it.
    fn find(config: Config, reader: ConfigReader) -> anyhow::Result<Self> {
        let model = config.active.value.clone();
        let mut loader = ConfigLoader::new(config, reader);
        let (backend, spec) = loader.plan(&LoadRequest {
            key: model.clone(),
            ..LoadRequest::default()
        })?;
        let mut devices = backend.devices().into_iter();
        let device = devices.find(|device| device.id == spec.device);
        let device = device.ok_or_else(|| Failure {
            kind: FailureKind::Backend,
            text: format!("{} has lost its device {}", backend.name(), spec.device),
            hint: "see `unmask backends`".to_owned(),
        })?;
        Ok(Self {
            backend,
            device,
            spec: LoadSpec {
                // Nothing is to be left behind, or found from before.
                cache_folder: None,
                ..spec
            },
            model,
        })
    }
}

/// A case's name as a sentence.
fn words(case: &str) -> String {
    case.replace('_', " ")
}

fn text(subject: &Subject, report: &Report) -> String {
    let Subject {
        backend, device, ..
    } = subject;
    let mut text = format!(
        "unmask {} on {OS} {ARCH}\n{} {} on {} ({}), with {}\n",
        env!("CARGO_PKG_VERSION"),
        backend.name(),
        backend.version(),
        device.id,
        device.name,
        subject.model
    );
    let mut precision = None;
    for trial in &report.trials {
        if precision != Some(&trial.precision) {
            precision = Some(&trial.precision);
            text.push_str(&format!("\n{}\n", trial.precision));
        }
        let (sign, remark) = match &trial.verdict {
            Verdict::Passed => ("✓", String::new()),
            Verdict::Unclaimed => ("–", " (not claimed)".to_owned()),
            Verdict::Failed { what } => ("✗", format!(": {what}")),
            Verdict::Known { what, why } => ("~", format!(": {what} (known: {why})")),
            Verdict::Closed { why } => ("✗", format!(": passes, though known to fail ({why})")),
        };
        text.push_str(&format!("  {sign} {}{remark}\n", words(trial.case)));
    }
    text.push_str(&format!("\n{}\n", summary(report)));
    text
}

fn summary(report: &Report) -> String {
    let passed = report.count(|verdict| *verdict == Verdict::Passed);
    let unclaimed = report.count(|verdict| *verdict == Verdict::Unclaimed);
    let known = report.count(|verdict| matches!(verdict, Verdict::Known { .. }));
    let failed = report.failures().count();
    let known = match known {
        0 => String::new(),
        count => format!(", {count} known to fail"),
    };
    format!("{passed} passed, {failed} failed, {unclaimed} not claimed{known}")
}

fn object(subject: &Subject, report: &Report) -> Value {
    let trials: Vec<Value> = report.trials.iter().map(trial_object).collect();
    json!({
        "unmask": env!("CARGO_PKG_VERSION"),
        "system": OS,
        "processor": ARCH,
        "backend": subject.backend.name(),
        "backend_version": subject.backend.version(),
        "device": subject.device.id,
        "device_name": subject.device.name,
        "model": subject.model,
        "failed": report.failures().count(),
        "trials": trials,
    })
}

fn trial_object(trial: &Trial) -> Value {
    let (verdict, what, why) = match &trial.verdict {
        Verdict::Passed => ("passed", None, None),
        Verdict::Unclaimed => ("unclaimed", None, None),
        Verdict::Failed { what } => ("failed", Some(what), None),
        Verdict::Known { what, why } => ("known", Some(what), Some(why)),
        Verdict::Closed { why } => ("closed", None, Some(why)),
    };
    json!({
        "precision": trial.precision,
        "case": trial.case,
        "verdict": verdict,
        "what": what,
        "why": why,
    })
}
