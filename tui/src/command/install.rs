//! `unmask backends install`: the libraries that a backend opens itself and does not carry.
//!
//! The backend says which file of the Python package index holds them (`Runtimes`). The file comes from `--from`, from an
//! earlier try, from pip, or from the index itself; its hash is tested, and its libraries are unpacked beside one another.

mod fetch;
mod index;
mod pip;
mod unpack;

use std::env::consts::{ARCH, OS};
use std::path::{Component, Path, PathBuf};

use anyhow::anyhow;
use unmask_core::config::{Config, Environment};
use unmask_core::engine::{Failure, FailureKind};
use unmask_core::loader::discover;
use unmask_core::plugin::{BackendRow, BackendState, Runtime, Runtimes};

use super::meter::ProgressMeter;
use super::signals::Interrupts;
use super::{Usage, code, print};
use crate::cli::InstallArguments;
use unpack::LibrarySource;

pub(super) fn run(
    config: &Config,
    environment: &Environment,
    arguments: &InstallArguments,
) -> anyhow::Result<u8> {
    let name = &arguments.name;
    let interrupts = Interrupts::watch()?;
    let registry = discover(config, environment);
    let row = registry
        .row(name)
        .map_err(|error| no_backend(error.to_string(), "see `unmask backends`"))?;
    if let BackendState::Unapproved { since, .. } = &row.state {
        // What it needs it can only say itself.
        let text = format!("backend `{name}` is {}", since.reason());
        return Err(no_backend(text, &row.how_to_approve()).into());
    }
    if row.runtimes.is_empty() {
        print(&format!("{name} needs nothing more\n"))?;
        return Ok(code::DONE);
    }
    let runtimes = Runtimes::parse(&row.runtimes)
        .map_err(|error| no_backend(format!("{:#}", anyhow!(error)), ""))?;
    let runtime = choose(name, &runtimes, arguments.gpu.as_deref())?;
    let mut meter = ProgressMeter::until(arguments.quiet, interrupts);
    let mut place = InstallPlace {
        home: home(name, environment)?,
        downloads: downloads(environment)?,
        index: arguments.index.as_deref(),
        meter: &mut meter,
    };
    let from = arguments.from.as_ref();
    let from = from.map(|path| environment.expand(path));
    let is_new = match runtimes.needed_by(runtime, OS, ARCH) {
        None => false,
        Some(base) => place.install(base, None)?,
    };
    if place.install(runtime, from.as_deref())? || is_new {
        tell_state(config, environment, name, &meter);
    }
    Ok(code::DONE)
}

/// Where libraries are fetched from and put.
struct InstallPlace<'a> {
    home: PathBuf,
    downloads: PathBuf,
    index: Option<&'a str>,
    meter: &'a mut ProgressMeter,
}

impl InstallPlace<'_> {
    /// Puts the libraries of `runtime` where its backend looks for them, out of `from` or the package index. False if they are
    /// there.
    fn install(&mut self, runtime: &Runtime, from: Option<&Path>) -> anyhow::Result<bool> {
        let source = match from {
            Some(path) => LibrarySource::open(path, runtime)?,
            None => LibrarySource::pinned(runtime),
        };
        let target = self
            .home
            .join(format!("{}-{}", source.version, runtime.flavour));
        let what = format!(
            "{} {} ({})",
            runtime.package, source.version, runtime.flavour
        );
        if unpack::is_complete(&target, runtime) {
            print(&format!("{what} is there already: {}\n", target.display()))?;
            return Ok(false);
        }
        for note in &source.notes {
            self.meter.note(note);
        }
        match source.path {
            Some(path) => unpack::unpack(&path, runtime, &target, self.meter)?,
            None => {
                let wheel = fetch::fetch(runtime, self.index, &self.downloads, self.meter)?;
                unpack::unpack(&wheel, runtime, &target, self.meter)?;
                // It can be fetched again; what cannot be deleted is found next time.
                std::fs::remove_file(&wheel).ok();
            }
        }
        self.meter.clear();
        print(&format!("{what} is installed: {}\n", target.display()))?;
        Ok(true)
    }
}

fn no_backend(text: String, hint: &str) -> Failure {
    Failure {
        kind: FailureKind::Backend,
        text,
        hint: hint.to_owned(),
    }
}

/// The package for this machine: the default, or that of the flavour.
fn choose<'a>(
    name: &str,
    runtimes: &'a Runtimes,
    flavour: Option<&str>,
) -> anyhow::Result<&'a Runtime> {
    let fitting: Vec<&Runtime> = runtimes.for_machine(OS, ARCH).collect();
    let Some(default) = fitting.first() else {
        let hint = "build its library and name it as `unmask backends` says";
        let text = format!("{name} knows no ready-made libraries for {OS} on {ARCH}");
        return Err(no_backend(text, hint).into());
    };
    let Some(flavour) = flavour else {
        return Ok(default);
    };
    let found = fitting.iter().find(|it| it.flavour == flavour);
    found.copied().ok_or_else(|| {
        let known: Vec<&str> = fitting.iter().map(|it| it.flavour.as_str()).collect();
        let text = format!(
            "{name} has no libraries of flavour `{flavour}` for {OS} on {ARCH}; it has {}",
            known.join(", ")
        );
        Usage(text).into()
    })
}

/// Where the runtimes of the backend called `name` lie.
fn home(name: &str, environment: &Environment) -> anyhow::Result<PathBuf> {
    let mut parts = Path::new(name).components();
    let is_word = matches!(
        (parts.next(), parts.next()),
        (Some(Component::Normal(_)), None)
    );
    if !is_word {
        let text = format!("a backend called `{name}` can have no folder");
        return Err(no_backend(text, "it must be repaired by its maker").into());
    }
    Ok(own_folders(environment)?.0.join("runtimes").join(name))
}

/// Where a fetch that broke off is gone on with.
fn downloads(environment: &Environment) -> anyhow::Result<PathBuf> {
    Ok(own_folders(environment)?.1.join("downloads"))
}

/// `unmask` in the user's data folder and cache.
fn own_folders(environment: &Environment) -> anyhow::Result<(PathBuf, PathBuf)> {
    let folders = environment.folders.as_ref();
    let folders = folders.ok_or_else(|| anyhow!("this account has no home folder; set HOME"))?;
    Ok((folders.data.join("unmask"), folders.cache.join("unmask")))
}

/// What the backend says of itself now.
fn tell_state(config: &Config, environment: &Environment, name: &str, meter: &ProgressMeter) {
    let registry = discover(config, environment);
    let state = registry.row(name).map(|row: &BackendRow| row.state.clone());
    match state {
        Ok(BackendState::Usable { .. }) => meter.note(&format!("{name} is usable")),
        Ok(BackendState::Unusable { reason, remedy }) if remedy.is_empty() => {
            meter.note(&format!("{name} cannot be used yet: {reason}"));
        }
        Ok(BackendState::Unusable { reason, remedy }) => {
            meter.note(&format!("{name} cannot be used yet: {reason}; {remedy}"));
        }
        Ok(BackendState::Broken(reason)) => meter.note(&format!("{name} does not work: {reason}")),
        Ok(BackendState::Unapproved { since, .. }) => {
            meter.note(&format!("{name} is {}", since.reason()))
        }
        // It was there a moment ago.
        Err(error) => meter.note(&error.to_string()),
    }
}
