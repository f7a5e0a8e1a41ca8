//! `unmask replay`: a recorded run on the screen or line by line, or made again and compared.

mod verify;

use std::sync::Arc;

use unmask::picture::{RecordedRun, answer, log};
use unmask::session::turn_of_run;
use unmask::state::ReplayStart;
use unmask_core::config::{Config, ConfigReader};

use super::export_trace::{events_of, recording};
use super::{Usage, code, compare, print, print_note, screen};
use crate::cli::{ReplayArguments, ScreenFlags};

pub(super) fn run(
    config: Config,
    reader: &ConfigReader,
    flags: &ScreenFlags,
    arguments: &ReplayArguments,
) -> anyhow::Result<u8> {
    if let Some(other) = &arguments.other {
        let [first, second] = [&arguments.file, other].map(|file| {
            let turn = compare::recorded(&reader.environment, file);
            turn.map(Arc::new)
        });
        return screen::compare(reader, flags, first?, second?);
    }
    let shown = arguments.file.display();
    let unusable = |error: &dyn std::fmt::Display| Usage(format!("{shown}: {error}"));
    let recording = recording(&reader.environment.expand(&arguments.file))?;
    if recording.is_cut {
        print_note("the last line is cut off and left out");
    }
    if recording.events.is_empty() {
        return Err(Usage(format!("{shown} holds no run")).into());
    }
    let run = RecordedRun::of(&recording, arguments.run).map_err(|error| unusable(&error))?;
    if arguments.verify {
        return verify::verify(config, reader, &run, arguments);
    }
    let turn = turn_of_run(&run).map_err(|error| unusable(&error))?;
    let after = arguments.step.map(|steps| events_of(&run, steps));
    let after = after.transpose().map_err(|error| unusable(&error))?;
    if arguments.plain || screen::is_missing().is_some() {
        if arguments.speed.is_some() {
            let text = "--speed plays on the screen, and there is none here; without it the run is told in lines";
            return Err(Usage(text.to_owned()).into());
        }
        print(&match after {
            Some(count) => {
                let then = answer(&run, count).map_err(|error| unusable(&error))?;
                format!("{then}\n")
            }
            None => log(&run),
        })?;
        return Ok(code::DONE);
    }
    let start = ReplayStart {
        steps: arguments.step,
        speed: arguments.speed,
    };
    screen::replay(reader, flags, Arc::new(turn), start)
}
