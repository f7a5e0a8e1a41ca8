use std::path::PathBuf;

use unmask_core::config::Environment;
use unmask_core::engine::Loaded;
use unmask_core::measured::{
    DialPosition, DialVerdict, MeasuredError, MeasuredModel, Measurement, SpeedDial,
};

use super::report::BenchReport;

/// The file that measurements of a model are added to, and what it holds already.
pub(super) struct MeasuredPlace {
    path: PathBuf,
    file: MeasuredModel,
}

/// What became of a measurement.
pub(super) enum WriteOutcome {
    /// It is kept: where, and what it shows.
    Yes(String),
    /// It is not, for this reason.
    No(String),
}

impl MeasuredPlace {
    /// Tests that the file can be added to, before anything is measured.
    pub(super) fn look(loaded: &Loaded, environment: &Environment) -> Result<Self, MeasuredError> {
        let identity = loaded.provenance.identity();
        let identity = identity.ok_or(MeasuredError::NoIdentity)?;
        let path = MeasuredModel::path(identity, environment)?;
        let before = MeasuredModel::read(&path)?;
        let file = before.unwrap_or_else(|| MeasuredModel::new(&loaded.name, identity));
        Ok(Self { path, file })
    }

    /// Keeps what was measured; says where, and which mode stands at which position of the dial.
    pub(super) fn write(
        self,
        report: &BenchReport<'_>,
        environment: &Environment,
    ) -> Result<WriteOutcome, MeasuredError> {
        let Self { path, .. } = self;
        let shown = environment.short(&path);
        // Another run may have written meanwhile.
        let mut file = MeasuredModel::read(&path)?.unwrap_or(self.file);
        let measurement = report.measurement();
        if let Some(before) = file.asked_more(&measurement) {
            return Ok(WriteOutcome::No(format!(
                "not written: {shown} has {before} of these questions, and {} were asked now; ask all of them, or remove it",
                measurement.count
            )));
        }
        let dial = words(&measurement);
        file.add(measurement);
        file.write(&path)?;
        Ok(WriteOutcome::Yes(format!("written to {shown}: {dial}")))
    }
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
