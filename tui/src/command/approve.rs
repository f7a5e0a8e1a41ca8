//! `unmask backends approve` and `revoke`: whose libraries may run here.

use std::path::{Path, PathBuf};

use unmask_core::config::{Config, Environment};
use unmask_core::engine::{Failure, FailureKind};
use unmask_core::loader::discover;
use unmask_core::plugin::{Approvals, BackendRow, BackendState};

use super::signals::Interrupts;
use super::{Usage, code, print};

/// Approves the library that is asked for, and says what it is good for.
pub(super) fn approve(
    config: &Config,
    environment: &Environment,
    what: &str,
) -> anyhow::Result<u8> {
    let interrupts = Interrupts::watch_look()?;
    let rows = discover(config, environment).rows().to_vec();
    let path = match as_path(what, environment) {
        Some(path) => path,
        None => named(&rows, what)?,
    };
    interrupts.check("looking for backends; nothing was approved")?;
    let mut approvals = Approvals::read(environment)?;
    let approval = approvals.approve(&path, None)?;
    let file = approval.path.display();
    print(&format!("approved: {file}\nsha256: {}\n", approval.sha256))?;
    print(&outcome(config, environment, &path, &approval.path))?;
    Ok(code::DONE)
}

/// Forgets an approval; the library may be gone.
pub(super) fn revoke(config: &Config, environment: &Environment, what: &str) -> anyhow::Result<u8> {
    let interrupts = Interrupts::watch_look()?;
    let mut approvals = Approvals::read(environment)?;
    let path = match as_path(what, environment) {
        Some(path) => path,
        None => approved(config, environment, &approvals, what)?,
    };
    interrupts.check("looking for backends; nothing was changed")?;
    if !approvals.revoke(&path)? {
        let text = format!("{} is not approved{}", path.display(), known(&approvals));
        return Err(Usage(text).into());
    }
    print(&format!("no longer approved: {}\n", path.display()))?;
    Ok(code::DONE)
}

/// `what` as a path, if it looks like one: it has a separator, or there is such a file.
pub(super) fn as_path(what: &str, environment: &Environment) -> Option<PathBuf> {
    let path = environment.expand(Path::new(what));
    let is_path = what.contains(std::path::is_separator) || path.is_file();
    is_path.then_some(path)
}

/// The file of the one row of this name that waits for approval.
fn named(rows: &[BackendRow], name: &str) -> anyhow::Result<PathBuf> {
    let named = || rows.iter().filter(|row| row.name == name);
    let waits = |row: &&BackendRow| matches!(row.state, BackendState::Unapproved { .. });
    let waiting: Vec<&BackendRow> = named().filter(waits).collect();
    match waiting[..] {
        [row] => Ok(row.path.clone()),
        [] => Err(nothing_to_approve(named().next(), name).into()),
        _ => {
            let paths = waiting.iter().map(|row| row.path.display().to_string());
            let paths: Vec<String> = paths.collect();
            let text = format!(
                "several libraries are called {name}; give the path of one: {}",
                paths.join(", ")
            );
            Err(Usage(text).into())
        }
    }
}

fn nothing_to_approve(row: Option<&BackendRow>, name: &str) -> Failure {
    let (text, hint) = match row.map(|row| &row.state) {
        Some(BackendState::Usable { .. } | BackendState::Unusable { .. }) => (
            format!("{name} may run already"),
            "see `unmask backends`".to_owned(),
        ),
        Some(BackendState::Broken(reason)) => (
            format!("{name} cannot be approved: {reason}"),
            String::new(),
        ),
        Some(BackendState::Unapproved { .. }) | None => (
            format!("no library called `{name}` was found"),
            "see `unmask backends`, or give its path".to_owned(),
        ),
    };
    Failure {
        kind: FailureKind::Backend,
        text,
        hint,
    }
}

/// What the library at `path`, just approved, says of itself.
fn outcome(config: &Config, environment: &Environment, path: &Path, file: &Path) -> String {
    let registry = discover(config, environment);
    let is_it = |row: &&BackendRow| {
        row.path == path || row.path == file || row.path.canonicalize().is_ok_and(|it| it == file)
    };
    let Some(row) = registry.rows().iter().find(is_it) else {
        return "it does not lie where backends are looked for: copy it to unmask/backends in the data folder and approve \
                it there, or put its path into backend_paths\n"
            .to_owned();
    };
    let name = &row.name;
    match &row.state {
        BackendState::Usable { .. } => format!("{name} is usable\n"),
        BackendState::Unusable { reason, remedy } if remedy.is_empty() => {
            format!("{name} cannot be used yet: {reason}\n")
        }
        BackendState::Unusable { reason, remedy } => {
            format!("{name} cannot be used yet: {reason}; {remedy}\n")
        }
        BackendState::Broken(reason) => format!("{name} does not work: {reason}\n"),
        BackendState::Unapproved { since, .. } => format!("{name} is {}\n", since.reason()),
    }
}

/// The approved file that is called `name`: by its file's name, or as it calls itself.
fn approved(
    config: &Config,
    environment: &Environment,
    approvals: &Approvals,
    name: &str,
) -> anyhow::Result<PathBuf> {
    let files = approvals.list().iter().map(|it| &it.path);
    let called = |path: &Path| {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        stem == name || stem.ends_with(&format!("unmask_backend_{name}"))
    };
    let by_file: Vec<&PathBuf> = files.clone().filter(|path| called(path)).collect();
    if let [path] = by_file[..] {
        return Ok(path.clone());
    }
    let rows = discover(config, environment).rows().to_vec();
    let of_name = rows.iter().filter(|row| row.name == name);
    let paths = of_name.filter_map(|row| row.path.canonicalize().ok());
    let by_name: Vec<PathBuf> = paths
        .filter(|path| files.clone().any(|it| it == path))
        .collect();
    match &by_name[..] {
        [path] => Ok(path.clone()),
        _ => {
            let text = format!("`{name}` names no approved library{}", known(approvals));
            Err(Usage(text).into())
        }
    }
}

fn known(approvals: &Approvals) -> String {
    let paths = approvals
        .list()
        .iter()
        .map(|it| it.path.display().to_string());
    match paths.collect::<Vec<_>>() {
        none if none.is_empty() => "; none is".to_owned(),
        all => format!("; approved are {}", all.join(", ")),
    }
}
