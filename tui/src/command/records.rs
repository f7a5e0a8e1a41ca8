//! A file that a command is given for its results: the settings on the first line, then a result a line, so that a run that
//! was stopped goes on where it was.

use std::collections::HashMap;
use std::fs::{File, TryLockError};
use std::io::{Seek as _, SeekFrom};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use unmask_core::config::Environment;
use unmask_core::json_fault;
use unmask_core::regular_file::{self, LARGE};

use super::Usage;
use super::meter::ProgressMeter;
use super::output::{Force, Output, There, append};
use super::prompt;

/// What the messages call a command's work.
#[derive(Debug, Clone, Copy)]
pub(super) struct RecordWords {
    /// `an evaluation`.
    pub(super) work: &'static str,
    /// What is worked on: `questions`.
    pub(super) input: &'static str,
}

/// A result, of one line of the input.
pub(super) trait LineRecord: Serialize + DeserializeOwned + PartialEq {
    fn line(&self) -> usize;
}

/// What a file holds.
#[derive(Debug, PartialEq)]
pub(super) struct Recorded<S, R> {
    pub(super) settings: S,
    pub(super) records: Vec<R>,
    /// Bytes of its whole lines; behind them a crash may have cut one off, which is made again.
    pub(super) whole: u64,
}

/// The file of `--out`, if there is one. It is looked at before the model is loaded, and touched when that is done.
pub(super) struct RecordFile<S, R> {
    words: RecordWords,
    output: Option<Output>,
    /// What the file held before, if it is to be gone on with.
    before: Option<Recorded<S, R>>,
    file: Option<File>,
}

impl<S: Serialize + DeserializeOwned + PartialEq, R: LineRecord> RecordFile<S, R> {
    /// Tests that the file is one of such results, or that it may be replaced.
    pub(super) fn look(
        words: RecordWords,
        out: Option<&Path>,
        input: Option<&Path>,
        force: Force,
        environment: &Environment,
    ) -> Result<Self, Usage> {
        let mut this = Self {
            words,
            output: None,
            before: None,
            file: None,
        };
        let Some(path) = out else {
            return Ok(this);
        };
        let output = Output::look(path, environment)?;
        if input.is_some_and(|input| is_same(&output.path, &environment.expand(input))) {
            let text = format!(
                "{} holds the {}; name another --out file",
                output.shown, words.input
            );
            return Err(Usage(text));
        }
        if output.there == There::File && force == Force::No {
            let read = read(&output.path, words);
            this.before = Some(read.map_err(|what| refuse(&output, &what))?);
        }
        this.output = Some(output);
        Ok(this)
    }

    /// The results of before, unless `differs` says why they are others than those that are wanted now; the file is then
    /// written to. Its settings become what `renewed` makes of those that it has.
    pub(super) fn resume(
        &mut self,
        settings: &S,
        differs: impl Fn(&Recorded<S, R>) -> Option<String>,
        renewed: impl Fn(&S) -> S,
        meter: &ProgressMeter,
    ) -> anyhow::Result<Option<Vec<R>>> {
        let Some(output) = &self.output else {
            return Ok(None);
        };
        let Some(before) = self.before.take() else {
            let file = output.begin(&(serde_json::to_string(settings)? + "\n"))?;
            // Another run is then refused; where there are no locks, it is not.
            file.try_lock().ok();
            self.file = Some(file);
            if output.there == There::File {
                meter.note(&format!("{} was there; it is replaced", output.shown));
            }
            return Ok(None);
        };
        if let Some(what) = differs(&before) {
            return Err(refuse(output, &what).into());
        }
        // Nobody else writes to it, from here on.
        let file = go_on(output, before.whole, self.words)?;
        let settings = renewed(&before.settings);
        if settings == before.settings {
            self.file = Some(file);
            return Ok(Some(before.records));
        }
        let mut text = serde_json::to_string(&settings)? + "\n";
        for record in &before.records {
            text += &(serde_json::to_string(record)? + "\n");
        }
        let file = output.begin(&text)?;
        file.try_lock().ok();
        self.file = Some(file);
        Ok(Some(before.records))
    }

    pub(super) fn write(&mut self, record: &R) -> anyhow::Result<()> {
        match (&mut self.file, &self.output) {
            (Some(file), Some(output)) => {
                append(file, &serde_json::to_string(record)?, &output.shown)
            }
            _ => Ok(()),
        }
    }
}

fn refuse(output: &Output, what: &str) -> Usage {
    let shown = &output.shown;
    Usage(format!(
        "{shown}: {what}; choose another --out file, or replace it with --force"
    ))
}

/// Whether both lead to one file, be it there or not.
pub(super) fn is_same(one: &Path, other: &Path) -> bool {
    let beside = |path: &Path| {
        let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new(".")).canonicalize().ok()?;
        Some(folder.join(path.file_name()?))
    };
    let real = |path: &Path| path.canonicalize().ok().or_else(|| beside(path));
    real(one).is_some_and(|one| Some(one) == real(other))
}

/// Opens the file to go on behind its whole lines; nobody else writes to it meanwhile.
fn go_on(output: &Output, whole: u64, words: RecordWords) -> Result<File, Usage> {
    let refuse = |what: String| Usage(format!("{}: {what}", output.shown));
    // Not opened to append: that asks for less than cutting off needs on Windows.
    let file = File::options().write(true).open(&output.path);
    let mut file = file.map_err(|error| refuse(format!("cannot be written: {error}")))?;
    if let Err(TryLockError::WouldBlock) = file.try_lock() {
        let work = words.work.split_once(' ').map_or(words.work, |it| it.1);
        return Err(refuse(format!(
            "another {work} writes to it; wait for its end"
        )));
    }
    let cut = file
        .set_len(whole)
        .and_then(|()| file.seek(SeekFrom::Start(whole)));
    cut.map_err(|error| refuse(format!("cannot be written: {error}")))?;
    Ok(file)
}

/// Reads a file of results; else what is wrong with it. A last line that was cut off, as by a crash, does not count, and a line
/// that comes again counts once.
pub(super) fn read<S: DeserializeOwned, R: LineRecord>(
    path: &Path,
    words: RecordWords,
) -> Result<Recorded<S, R>, String> {
    let bytes = regular_file::read(path, LARGE);
    let mut bytes = bytes.map_err(|error| format!("cannot be read: {error}"))?;
    let whole = bytes.iter().rposition(|&byte| byte == b'\n');
    bytes.truncate(whole.map_or(0, |end| end + 1));
    let none = || format!("its first line holds no settings of {}", words.work);
    let text = str::from_utf8(&bytes).map_err(|_| none())?;
    let mut lines = prompt::without_mark(text).lines();
    let settings = lines.next().and_then(|it| serde_json::from_str(it).ok());
    let settings = settings.ok_or_else(none)?;
    let mut records: Vec<R> = Vec::new();
    let mut places: HashMap<usize, usize> = HashMap::new();
    for (at, line) in (2..).zip(lines) {
        let record = serde_json::from_str(line);
        let damaged = |error| format!("line {at} is damaged: {}", json_fault(&error));
        let record: R = record.map_err(damaged)?;
        let number = record.line();
        match places.insert(number, records.len()) {
            None => records.push(record),
            Some(at) if records[at] == record => {
                places.insert(number, at);
            }
            Some(_) => return Err(format!("it has two results for line {number}")),
        }
    }
    Ok(Recorded {
        settings,
        records,
        whole: bytes.len() as u64,
    })
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Number {
        line: usize,
        number: u64,
    }

    impl LineRecord for Number {
        fn line(&self) -> usize {
            self.line
        }
    }

    const WORDS: RecordWords = RecordWords {
        work: "a count",
        input: "numbers",
    };

    fn numbers(text: &str) -> Result<Vec<u64>, String> {
        let file = tempfile::NamedTempFile::new().expect("a file can be made");
        std::fs::write(file.path(), text).expect("it can be written");
        let read: Recorded<u64, Number> = read(file.path(), WORDS)?;
        Ok(read.records.iter().map(|it| it.number).collect())
    }

    #[test]
    fn a_line_that_comes_again_counts_once_and_two_results_of_a_line_are_refused() {
        let (one, two) = ("{\"line\":1,\"number\":5}\n", "{\"line\":2,\"number\":6}\n");
        assert_eq!(numbers(&format!("0\n{one}{two}{one}{one}")), Ok(vec![5, 6]));
        let other = "{\"line\":1,\"number\":7}\n";
        let error = numbers(&format!("0\n{one}{other}")).expect_err("which is it?");
        assert_eq!(error, "it has two results for line 1");
        assert_eq!(numbers(&format!("\u{feff}0\n{one}{{\"lin")), Ok(vec![5]));
    }

    #[test]
    fn a_damaged_line_is_named_by_its_place_in_the_file() {
        let error = numbers("0\n{\"line\":1,\"number\":5}\n{\"line\":2,\n").expect_err("it is cut");
        assert_eq!(
            error,
            "line 3 is damaged: EOF while parsing a value at column 10"
        );
    }

    #[test]
    fn one_file_by_two_names_is_the_same_even_before_it_is_there() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let (one, other) = (folder.path().join("a"), folder.path().join("./a"));
        assert!(is_same(&one, &other));
        assert!(!is_same(&one, &folder.path().join("b")));
        std::fs::write(&one, "").expect("it can be written");
        assert!(is_same(&one, &other));
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_named_at_once() {
        let read: Result<Recorded<u64, Number>, _> = read(Path::new("/dev/zero"), WORDS);
        let error = read.expect_err("it never ends");
        assert!(error.contains("a device, not a file"), "{error}");
    }
}
