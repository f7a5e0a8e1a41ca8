//! `unmask compare`: two recorded runs, and what differs.

use unmask::comparison;
use unmask::picture::RecordedRun;
use unmask::session::turn_of_run;
use unmask::state::Turn;
use unmask_core::config::Environment;

use super::export_trace::recording;
use super::{Usage, code, print, print_note};
use crate::cli::{CompareArguments, CompareFormat};

pub(super) fn run(environment: &Environment, arguments: &CompareArguments) -> anyhow::Result<u8> {
    let first = recorded(environment, &arguments.first)?;
    let second = recorded(environment, &arguments.second)?;
    let compared = comparison::runs(&first, &second);
    print(&match arguments.format {
        CompareFormat::Text => compared.lines(),
        CompareFormat::Json => format!("{}\n", compared.json()),
    })?;
    Ok(code::DONE)
}

/// The last run of a file.
pub(super) fn recorded(environment: &Environment, path: &std::path::Path) -> anyhow::Result<Turn> {
    let shown = path.display();
    let unusable = |error: &dyn std::fmt::Display| Usage(format!("{shown}: {error}"));
    let recording = recording(&environment.expand(path))?;
    if recording.is_cut {
        print_note(&format!("{shown}: the last line is cut off and left out"));
    }
    let run = RecordedRun::of(&recording, None).map_err(|error| unusable(&error))?;
    Ok(turn_of_run(&run).map_err(|error| unusable(&error))?)
}
