use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::Path;
use std::time::Duration;

use flate2::bufread::MultiGzDecoder;
use serde::Deserialize;

use super::start::Start;
use super::step::{CommitLine, StepLine};
use super::{Event, VERSION};
use crate::json_fault;

/// Bytes of a line at most, its end included.
pub const LONGEST_LINE: usize = 4 << 20;
/// Bytes of a recording at most.
const LARGEST: usize = 64 << 20;
/// Positions of a canvas at most.
pub const LARGEST_CANVAS: usize = 131_072;
/// A step and a turn take less: a year.
const LONGEST_TIME: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// What a source of lines holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Recording {
    /// In order; the first is a start, and so is the first of each further run.
    pub events: Vec<Event>,
    /// True if the last line was cut off and is left out.
    pub is_cut: bool,
}

/// Why lines cannot be used. A line left out would falsify every later canvas, so nothing is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The source fails.
    #[error("it cannot be read")]
    Io(#[from] io::Error),
    /// A line that is no event, or an impossible one.
    #[error("line {line} is damaged: {what}")]
    Damaged {
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// A format to come.
    #[error(
        "line {line} is of format {found}, and this program reads {VERSION}; use a newer unmask"
    )]
    Newer {
        /// Counted from 1.
        line: usize,
        /// Its format.
        found: u64,
    },
    /// More than a recording may be.
    #[error("line {line} goes beyond the {limit} bytes that are read")]
    TooLarge {
        /// Counted from 1.
        line: usize,
        /// The limit that it goes beyond: of a line or of all.
        limit: usize,
    },
    /// It begins in the middle.
    #[error("line {line} comes before any start; the beginning is missing")]
    NoStart {
        /// Counted from 1.
        line: usize,
    },
}

/// Reads all lines of a foreign source, whose sizes, positions and probabilities are tested. Its texts are as they were
/// written: whoever shows them [cleans](crate::clean) them.
///
/// # Errors
/// [`ReadError`] with the number of the line. A last line without its end that makes no sense is a cut, not an error, and so is
/// a packed file that ends in the middle.
pub fn read(source: impl BufRead) -> Result<Recording, ReadError> {
    let mut source = source.take(LARGEST as u64 + 1);
    let mut recording = Recording::default();
    let mut bytes = Vec::new();
    let mut total = 0;
    for line in 1.. {
        bytes.clear();
        let limit = LONGEST_LINE as u64 + 1;
        let read = (&mut source).take(limit).read_until(b'\n', &mut bytes);
        match read {
            // Packed lines that end in the middle, as a crash leaves them.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => recording.is_cut = true,
            read => drop(read?),
        }
        total += bytes.len();
        for (size, limit) in [(bytes.len(), LONGEST_LINE), (total, LARGEST)] {
            if size > limit {
                return Err(ReadError::TooLarge { line, limit });
            }
        }
        let is_whole = bytes.ends_with(b"\n");
        if bytes.is_empty() {
            break;
        }
        match parse(line, bytes.trim_ascii()) {
            Ok(event) => recording.take(line, event)?,
            Err(ReadError::Damaged { .. }) if !is_whole => recording.is_cut = true,
            Err(error) => return Err(error),
        }
        if recording.is_cut {
            break;
        }
    }
    Ok(recording)
}

/// Reads a file of lines, packed by gzip or not: its first bytes tell.
///
/// # Errors
/// As [`read`].
pub fn read_file(path: &Path) -> Result<Recording, ReadError> {
    const GZIP: [u8; 2] = [0x1f, 0x8b];
    let mut file = BufReader::new(File::open(path)?);
    match file.fill_buf()?.starts_with(&GZIP) {
        true => read(BufReader::new(MultiGzDecoder::new(file))),
        false => read(file),
    }
}

impl Recording {
    fn take(&mut self, line: usize, event: Option<Event>) -> Result<(), ReadError> {
        let is_start = matches!(event, Some(Event::Start(_)) | None);
        if self.events.is_empty() && !is_start {
            return Err(ReadError::NoStart { line });
        }
        self.events.extend(event);
        Ok(())
    }
}

#[derive(Deserialize)]
struct Version {
    event: String,
    #[serde(default)]
    v: u64,
}

/// `None` for an empty line.
fn parse(line: usize, bytes: &[u8]) -> Result<Option<Event>, ReadError> {
    let damaged = |what: String| ReadError::Damaged { line, what };
    if bytes.is_empty() {
        return Ok(None);
    }
    let text = std::str::from_utf8(bytes).map_err(|error| damaged(error.to_string()))?;
    // Before the rest of it, which may mean something else by then.
    match serde_json::from_str(text) {
        Ok(Version { event, v }) if event == "start" && v > u64::from(VERSION) => {
            return Err(ReadError::Newer { line, found: v });
        }
        Ok(_) | Err(_) => (),
    }
    let event = Event::parse(text).map_err(|error| damaged(json_fault(&error)))?;
    check(&event).map_err(|what| damaged(what.to_owned()))?;
    Ok(Some(event))
}

fn check(event: &Event) -> Result<(), &'static str> {
    match event {
        Event::Start(start) => check_start(start),
        Event::Step(step) => check_step(step),
        Event::Edit { commits } => commits.iter().try_for_each(check_commit),
        Event::Settings { .. }
        | Event::Paused { .. }
        | Event::Resumed {}
        | Event::Trimmed { .. }
        | Event::Failed(_) => Ok(()),
        Event::Done(done) => check_time(done.stats.elapsed),
    }
}

fn check_start(start: &Start) -> Result<(), &'static str> {
    if start.canvas.tokens.len() > LARGEST_CANVAS {
        return Err("the canvas is too long");
    }
    let canvas = start.canvas.canvas();
    canvas
        .map(drop)
        .ok_or("the parts of the canvas do not fit together")
}

fn check_step(step: &StepLine) -> Result<(), &'static str> {
    let (first, behind) = step.fed;
    // A canvas that shrinks was longer when it was fed.
    let is_in_range = first <= behind && behind <= LARGEST_CANVAS;
    if step.length > LARGEST_CANVAS || !is_in_range || step.masked > step.length {
        return Err("positions lie beyond the canvas");
    }
    // No plan has more steps or blocks than positions.
    let counts = [step.step, step.steps, step.call, step.block, step.blocks];
    if counts.iter().any(|&count| count > LARGEST_CANVAS) {
        return Err("a number is out of range");
    }
    check_time(step.elapsed)?;
    check_time(step.forward)?;
    let is_plain =
        |&(at, _, p): &(u32, u32, f32)| at as usize <= LARGEST_CANVAS && (0.0..=1.0).contains(&p);
    if !step.guesses.iter().all(is_plain) {
        return Err("a guess is out of range");
    }
    step.commits.iter().try_for_each(check_commit)
}

fn check_time(time: Duration) -> Result<(), &'static str> {
    match time <= LONGEST_TIME {
        true => Ok(()),
        false => Err("a time is longer than a year"),
    }
}

fn check_commit(commit: &CommitLine) -> Result<(), &'static str> {
    let is_share = |p: f32| (0.0..=1.0).contains(&p);
    let shares = commit.top.iter().map(|it| it.1);
    if !is_share(commit.confidence) || !shares.into_iter().all(is_share) {
        return Err("a probability is not between 0 and 1");
    }
    match commit.position as usize <= LARGEST_CANVAS && commit.entropy.is_finite() {
        true => Ok(()),
        false => Err("a number is out of range"),
    }
}
