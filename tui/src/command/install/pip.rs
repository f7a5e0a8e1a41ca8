//! The pinned file by pip, which knows the user's index, proxy and certificates.

use std::ffi::OsStr;
use std::io::{self, IsTerminal as _, Read as _, Seek as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use unmask_core::plugin::Runtime;

use super::super::Interrupted;
use super::super::meter::ProgressMeter;

/// What came of asking pip.
pub(super) enum PipOutcome {
    /// The file.
    Fetched(PathBuf),
    /// There is no Python with pip.
    Absent,
    /// It failed, and said why.
    Failed(String),
}

/// Has pip put the file into `folder`, showing its own progress if `meter` shows any; it is ended with this program.
pub(super) fn download(
    runtime: &Runtime,
    folder: &Path,
    meter: &ProgressMeter,
) -> Result<PipOutcome, Interrupted> {
    let Some(python) = python() else {
        return Ok(PipOutcome::Absent);
    };
    let Some(tags) = Tags::of(&runtime.file) else {
        let text = format!("{} is not named as a wheel is", runtime.file);
        return Ok(PipOutcome::Failed(text));
    };
    let shows = meter.shows() && io::stderr().is_terminal();
    let mut command = Command::new(python);
    command
        .args(["-m", "pip", "download", "--no-deps", "--only-binary=:all:"])
        .args(["--no-input", "--disable-pip-version-check"])
        // No Python will run what comes, and that of `py3` is older than any package wants.
        .arg("--ignore-requires-python")
        .args(["--python-version", &tags.version])
        .args(["--implementation", &tags.implementation, "--abi", &tags.abi]);
    for platform in &tags.platforms {
        command.args(["--platform", platform]);
    }
    if !shows {
        command.arg("--quiet");
    }
    command
        .arg("--dest")
        .arg(folder)
        .arg(format!("{}=={}", runtime.package, runtime.version))
        .stdin(Stdio::null())
        // Our standard output is for the result alone.
        .stdout(match shows {
            true => io::stderr().into(),
            false => Stdio::null(),
        });
    let ended = run(&mut command, meter)?;
    let path = folder.join(&runtime.file);
    Ok(match ended {
        Ok((status, _)) if status.success() && path.is_file() => PipOutcome::Fetched(path),
        Ok((status, _)) if status.success() => {
            PipOutcome::Failed(format!("pip fetched another file than {}", runtime.file))
        }
        Ok((_, stderr)) => PipOutcome::Failed(reason(&stderr)),
        Err(error) => PipOutcome::Failed(format!("pip did not start: {error}")),
    })
}

/// Runs `command` to its end, or ends it if this program is to end; its status, and what it wrote to standard error.
fn run(
    command: &mut Command,
    meter: &ProgressMeter,
) -> Result<io::Result<(ExitStatus, String)>, Interrupted> {
    /// How often it is looked whether either has ended.
    const INTERVAL: Duration = Duration::from_millis(50);
    // A file takes any amount while nobody reads it.
    let started = tempfile::tempfile().and_then(|file| {
        let child = command.stderr(file.try_clone()?).spawn()?;
        Ok((file, child))
    });
    let (mut file, mut child) = match started {
        Ok(started) => started,
        Err(error) => return Ok(Err(error)),
    };
    let status = loop {
        if let Err(interrupted) = meter.check() {
            // It may have ended by itself.
            child.kill().ok();
            child.wait().ok();
            return Err(interrupted);
        }
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) => thread::sleep(INTERVAL),
            Err(error) => return Ok(Err(error)),
        }
    };
    let mut said = Vec::new();
    let read = file.rewind().and_then(|()| file.read_to_end(&mut said));
    Ok(read.map(|_| (status, String::from_utf8_lossy(&said).into_owned())))
}

/// A Python that has pip.
fn python() -> Option<&'static OsStr> {
    let names: &[&str] = match cfg!(windows) {
        true => &["python", "py"],
        false => &["python3", "python"],
    };
    let has_pip = |name: &&&str| {
        let mut version = Command::new(name);
        version.args(["-m", "pip", "--version"]);
        let silent = version
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        silent.status().is_ok_and(|status| status.success())
    };
    names.iter().find(has_pip).map(OsStr::new)
}

/// The last of pip's errors, which is the one that ended it; what it calls a lack may have been a lack of network.
fn reason(stderr: &str) -> String {
    if ["connection broken", "Max retries exceeded"]
        .iter()
        .any(|words| stderr.contains(words))
    {
        return "pip cannot reach its package index; is there a network?".to_owned();
    }
    let mut errors = stderr
        .lines()
        .filter_map(|line| line.strip_prefix("ERROR: "))
        // A heading over Python's own words, whose last line says it.
        .filter(|line| line.trim() != "Exception:");
    let last = errors.next_back().or_else(|| stderr.lines().next_back());
    match last.unwrap_or_default().trim() {
        "" => "pip failed and said nothing".to_owned(),
        said => format!("pip says: {said}"),
    }
}

/// What the end of a wheel's name says of who can use it: `cp312-cp312-manylinux_2_28_x86_64`.
#[derive(Debug, PartialEq, Eq)]
struct Tags {
    implementation: String,
    version: String,
    abi: String,
    platforms: Vec<String>,
}

impl Tags {
    fn of(file: &str) -> Option<Self> {
        let mut parts = file.strip_suffix(".whl")?.rsplit('-');
        let (platforms, abi, python) = (parts.next()?, parts.next()?, parts.next()?);
        let digits = python.find(|c: char| c.is_ascii_digit())?;
        let (implementation, version) = python.split_at(digits);
        Some(Self {
            implementation: implementation.to_owned(),
            version: version.to_owned(),
            abi: abi.to_owned(),
            platforms: platforms.split('.').map(str::to_owned).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wheels_name_says_which_python_could_use_it() {
        let tags = Tags::of("p-1.0-cp312-cp312-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl");
        let expected = Tags {
            implementation: "cp".to_owned(),
            version: "312".to_owned(),
            abi: "cp312".to_owned(),
            platforms: vec![
                "manylinux_2_27_x86_64".to_owned(),
                "manylinux_2_28_x86_64".to_owned(),
            ],
        };
        assert_eq!(tags, Some(expected));
        assert_eq!(Tags::of("p-1.0.tar.gz"), None);
    }

    #[test]
    fn the_last_error_of_pip_is_the_reason() {
        let said = "WARNING: old\nERROR: first\nERROR: No matching distribution found for p==9\n";
        assert_eq!(
            reason(said),
            "pip says: No matching distribution found for p==9"
        );
        assert_eq!(reason("no module"), "pip says: no module");
        let full = "ERROR: Exception:\nTraceback:\nOSError: [Errno 28] No space left on device\n";
        assert_eq!(
            reason(full),
            "pip says: OSError: [Errno 28] No space left on device"
        );
        let offline =
            "WARNING: Retrying after connection broken by 'X'\nERROR: No matching distribution\n";
        assert_eq!(
            reason(offline),
            "pip cannot reach its package index; is there a network?"
        );
        assert_eq!(reason(""), "pip failed and said nothing");
    }
}
