use unmask_core::config::Environment;
use unmask_core::engine::Loaded;
use unmask_core::measured::{
    DialPosition, DialVerdict, MeasuredError, MeasuredModel, Measurement, SpeedDial,
};

use super::report::BenchReport;

/// Keeps what was measured; says where, and which mode stands at which position of the dial.
pub(super) fn write(
    report: &BenchReport<'_>,
    loaded: &Loaded,
    environment: &Environment,
) -> Result<String, MeasuredError> {
    let identity = loaded.provenance.identity();
    let identity = identity.ok_or(MeasuredError::NoIdentity)?;
    let path = MeasuredModel::path(identity, environment)?;
    let before = MeasuredModel::read(&path)?;
    let mut file = before.unwrap_or_else(|| MeasuredModel::new(&loaded.name, identity));
    let measurement = report.measurement();
    let dial = words(&measurement);
    file.add(measurement);
    file.write(&path)?;
    Ok(format!("written to {}: {dial}", environment.short(&path)))
}

/// `quality exact, balanced steps/2, fast steps/2, turbo unmeasured`.
fn words(measurement: &Measurement) -> String {
    let dial = SpeedDial::of(measurement);
    let position = |position: DialPosition| match dial.at(position) {
        DialVerdict::Shown(mode) => format!("{} {}", position.name(), mode.mode),
        DialVerdict::Open => format!("{} not shown for any mode", position.name()),
    };
    let mut words = DialPosition::ALL.map(position).join(", ");
    if !measurement.is_judged() {
        words.push_str(" (by agreement alone)");
    }
    words
}
