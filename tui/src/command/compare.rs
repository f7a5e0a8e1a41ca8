//! `unmask compare`: two recorded runs, and what differs.

use std::path::{Path, PathBuf};

use unmask::comparison;
use unmask::picture::{RecordedRun, compare_html};
use unmask::session::turn_of_run;
use unmask::state::Turn;
use unmask_core::config::Environment;

use super::export_trace::recording;
use super::output::{Force, Output};
use super::records::is_same;
use super::{Usage, code, print, print_note};
use crate::cli::{CompareArguments, ReportFormat};

pub(super) fn run(environment: &Environment, arguments: &CompareArguments) -> anyhow::Result<u8> {
    let page = (arguments.html.as_deref()).map(|path| Output::look(path, environment));
    let page = page.transpose()?;
    if let Some(page) = &page {
        let is_one = |path: &PathBuf| is_same(&page.path, &environment.expand(path));
        if [&arguments.first, &arguments.second]
            .into_iter()
            .any(is_one)
        {
            let text = format!(
                "{} is a recorded run itself; name another --html file",
                page.shown
            );
            return Err(Usage(text).into());
        }
        page.may_replace(Force::from(arguments.force), "it is there")?;
    }
    let runs = [&arguments.first, &arguments.second].map(|path| run_of(environment, path));
    let [first_run, second_run] = runs;
    let (first_run, second_run) = (first_run?, second_run?);
    let first = turn(&first_run, &arguments.first)?;
    let second = turn(&second_run, &arguments.second)?;
    let compared = comparison::runs(&first, &second);
    if let Some(page) = page {
        let html = compare_html([&first_run, &second_run], &compared);
        page.begin(html.map_err(|error| Usage(error.to_string()))?.as_bytes())?;
        print_note(&format!("{} is written", page.shown));
    }
    print(&match arguments.format {
        ReportFormat::Text => compared.lines(),
        ReportFormat::Json => format!("{}\n", compared.json()),
    })?;
    Ok(code::DONE)
}

/// The last run of a file, as a turn.
pub(super) fn recorded(environment: &Environment, path: &Path) -> anyhow::Result<Turn> {
    turn(&run_of(environment, path)?, path)
}

fn turn(run: &RecordedRun, path: &Path) -> anyhow::Result<Turn> {
    let unusable = |error: String| Usage(format!("{}: {error}", path.display()));
    Ok(turn_of_run(run).map_err(|error| unusable(error.to_string()))?)
}

/// The last run of a file.
fn run_of(environment: &Environment, path: &Path) -> anyhow::Result<RecordedRun> {
    let shown = path.display();
    let unusable = |error: &dyn std::fmt::Display| Usage(format!("{shown}: {error}"));
    let recording = recording(&environment.expand(path))?;
    if recording.is_cut {
        print_note(&format!("{shown}: the last line is cut off and left out"));
    }
    Ok(RecordedRun::of(&recording, None).map_err(|error| unusable(&error))?)
}
