//! The pinned file: from an earlier try, by pip, or from the index over HTTP, where a fetch that broke off goes on.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use unmask::amount::bytes;
use unmask_core::partial::PartialFolder;
use unmask_core::plugin::Runtime;
use unmask_download::{
    ContentHash, FileProgress, RemoteFile, agent, fetch as fetch_file, is_offline, shown,
};
use ureq::http::header;
use ureq::{Agent, ResponseExt as _};

use super::super::meter::ProgressMeter;
use super::pip::{self, PipOutcome};
use super::{index, unpack};

/// The longest page of an index that is read, in bytes.
const LONGEST_PAGE: u64 = 64 << 20;
/// What says where the index is, the first one first.
const VARIABLES: [&str; 3] = ["PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL"];

/// Brings the file into `folder` and tests its hash.
///
/// An index named by the user is asked without pip.
pub(super) fn fetch(
    runtime: &Runtime,
    named: Option<&str>,
    folder: &Path,
    meter: &mut ProgressMeter,
) -> anyhow::Result<PathBuf> {
    let made = fs::create_dir_all(folder);
    made.with_context(|| format!("cannot make {}", folder.display()))?;
    let path = folder.join(&runtime.file);
    if path.is_file() && unpack::check_hash(&path, runtime).is_ok() {
        return Ok(path);
    }
    let mut pip_says = None;
    if named.is_none() {
        meter.note(&format!(
            "fetching {} ({})",
            runtime.file,
            bytes(runtime.bytes)
        ));
        match by_pip(runtime, folder, meter)? {
            PipOutcome::Fetched(path) => return Ok(path),
            PipOutcome::Absent => (),
            PipOutcome::Failed(reason) => pip_says = Some(reason),
        }
    }
    let address = named.map(str::to_owned).or_else(|| {
        let set = |name: &&str| std::env::var(name).ok().filter(|it| !it.is_empty());
        VARIABLES.iter().find_map(set)
    });
    let Some(address) = address else {
        return Err(no_way(runtime, pip_says));
    };
    let fetched = over_http(runtime, &address, &path, meter);
    match pip_says {
        Some(reason) => fetched.with_context(|| format!("{reason}; without it"))?,
        None => fetched?,
    }
    Ok(path)
}

fn no_way(runtime: &Runtime, pip_says: Option<String>) -> anyhow::Error {
    let reason = pip_says.unwrap_or_else(|| "there is no Python with pip to fetch it".to_owned());
    anyhow!(
        "{reason}; name a package index with --index, or get {} otherwise and name it with --from",
        runtime.file
    )
}

/// In a folder of its own, as pip takes a file that is there for the right one.
fn by_pip(runtime: &Runtime, folder: &Path, meter: &ProgressMeter) -> anyhow::Result<PipOutcome> {
    let made = PartialFolder::beside(&folder.join("pip"), None);
    let own = made.with_context(|| format!("cannot write into {}", folder.display()))?;
    let asked = pip::download(runtime, own.path(), meter)?;
    if let PipOutcome::Fetched(path) = &asked {
        unpack::check_hash(path, runtime)?;
        let kept = folder.join(&runtime.file);
        let moved = fs::rename(path, &kept);
        moved.map_err(|error| unpack::full(error, &kept, runtime.bytes))?;
        return Ok(PipOutcome::Fetched(kept));
    }
    Ok(asked)
}

fn over_http(
    runtime: &Runtime,
    index: &str,
    path: &Path,
    meter: &mut ProgressMeter,
) -> anyhow::Result<()> {
    let agent = agent();
    let file = RemoteFile {
        name: runtime.file.clone(),
        address: find(&agent, runtime, index)?,
        bytes: runtime.bytes,
        hash: ContentHash::Sha256(runtime.sha256.clone()),
        token: None,
    };
    let part = path.with_extension("whl.part");
    let stage = format!("fetching {} {}", runtime.package, runtime.version);
    let fetched = fetch_file(&agent, &file, &part, &mut |progress| {
        if let FileProgress::Fetched(done) = progress {
            meter.at(&stage, done, runtime.bytes);
        }
        match meter.check() {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    });
    // A signal is told as that.
    meter.check()?;
    fetched?;
    let moved = fs::rename(&part, path);
    moved.map_err(|error| unpack::full(error, path, runtime.bytes))
}

/// The address of the file, as the index says it.
fn find(agent: &Agent, runtime: &Runtime, index: &str) -> anyhow::Result<String> {
    let page = index::page(index, &runtime.package);
    let address = shown(&page);
    let failed = |error: ureq::Error| {
        let hint = if is_offline(&error) {
            "; is there a network?"
        } else {
            ""
        };
        let text = format!("cannot ask the package index at {address}{hint}");
        anyhow::Error::new(error).context(text)
    };
    let request = agent.get(&page).header(header::ACCEPT, index::ACCEPT);
    let mut answer = request.call().map_err(failed)?;
    if !answer.status().is_success() {
        bail!(
            "the package index answers {} for {address}",
            answer.status()
        );
    }
    let base = answer.get_uri().to_string();
    let text = answer.body_mut().with_config().limit(LONGEST_PAGE);
    let text = text.read_to_string().map_err(failed)?;
    index::address(&text, &base, &runtime.file)
        .ok_or_else(|| anyhow!("the package index has no {} at {address}", runtime.file))
}
