//! The pinned file: from an earlier try, by pip, or from the index over HTTP, where a fetch that broke off goes on.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use unmask::amount::bytes;
use unmask_core::partial::PartialFolder;
use unmask_core::plugin::Runtime;
use ureq::http::{Response, StatusCode, header};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body, ResponseExt as _};

use super::super::meter::ProgressMeter;
use super::pip::{self, PipOutcome};
use super::{index, unpack};

/// How often a connection may break before the fetch is given up; what has come is kept.
const TRIES: usize = 3;
const CHUNK: usize = 1 << 16;
/// The longest page of an index that is read, in bytes.
const LONGEST_PAGE: u64 = 64 << 20;
const CONNECT: Duration = Duration::from_secs(30);
/// A silence longer than this is a broken connection.
const SILENCE: Duration = Duration::from_secs(60);
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
    let address = find(&agent, runtime, index)?;
    let part = path.with_extension("whl.part");
    let mut tries = 0;
    while let Err(broken) = go_on(&agent, &address, &part, runtime, meter) {
        tries += 1;
        match broken {
            Broken::Connection(error) if tries < TRIES => {
                tracing::warn!(%error, tries, "the fetch broke off");
            }
            Broken::Connection(error) => {
                let shown = index::shown(&address);
                let text =
                    format!("the fetch of {shown} broke off; the next try goes on from there");
                return Err(error).context(text);
            }
            Broken::Final(error) => return Err(error),
        }
    }
    if let Err(error) = unpack::check_hash(&part, runtime) {
        // Going on with it would give the same again.
        fs::remove_file(&part).ok();
        return Err(error.context("what the index sent was thrown away"));
    }
    let moved = fs::rename(&part, path);
    moved.map_err(|error| unpack::full(error, path, runtime.bytes))
}

/// With the system's certificates, and the proxy that the environment names.
fn agent() -> Agent {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::PlatformVerifier)
        .unversioned_rustls_crypto_provider(provider)
        .build();
    let config = Agent::config_builder()
        .tls_config(tls)
        .user_agent(concat!("unmask/", env!("CARGO_PKG_VERSION")))
        .timeout_connect(Some(CONNECT))
        .timeout_per_read(Some(SILENCE))
        .http_status_as_error(false)
        .build();
    config.into()
}

/// The address of the file, as the index says it.
fn find(agent: &Agent, runtime: &Runtime, index: &str) -> anyhow::Result<String> {
    let page = index::page(index, &runtime.package);
    let shown = index::shown(&page);
    let failed = |error: ureq::Error| {
        let hint = if is_offline(&error) {
            "; is there a network?"
        } else {
            ""
        };
        let text = format!("cannot ask the package index at {shown}{hint}");
        anyhow::Error::new(error).context(text)
    };
    let request = agent.get(&page).header(header::ACCEPT, index::ACCEPT);
    let mut answer = request.call().map_err(failed)?;
    if !answer.status().is_success() {
        bail!("the package index answers {} for {shown}", answer.status());
    }
    let base = answer.get_uri().to_string();
    let text = answer.body_mut().with_config().limit(LONGEST_PAGE);
    let text = text.read_to_string().map_err(failed)?;
    index::address(&text, &base, &runtime.file)
        .ok_or_else(|| anyhow!("the package index has no {} at {shown}", runtime.file))
}

/// True if nobody was reached.
fn is_offline(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::HostNotFound | ureq::Error::ConnectionFailed | ureq::Error::Timeout(_) => true,
        ureq::Error::Io(error) => matches!(
            error.kind(),
            io::ErrorKind::ConnectionRefused
                | io::ErrorKind::HostUnreachable
                | io::ErrorKind::NetworkUnreachable
        ),
        _ => false,
    }
}

/// Why a file did not come whole.
enum Broken {
    /// A further try may help.
    Connection(anyhow::Error),
    /// It would not.
    Final(anyhow::Error),
}

/// Fetches what `part` lacks.
fn go_on(
    agent: &Agent,
    address: &str,
    part: &Path,
    runtime: &Runtime,
    meter: &mut ProgressMeter,
) -> Result<(), Broken> {
    let mut have = fs::metadata(part).map_or(0, |it| it.len());
    if have == runtime.bytes {
        return Ok(());
    }
    if have > runtime.bytes {
        have = 0;
    }
    let mut request = agent.get(address);
    if have > 0 {
        request = request.header(header::RANGE, format!("bytes={have}-"));
    }
    let answer = request
        .call()
        .map_err(|error| Broken::Connection(error.into()))?;
    let from = match answer.status() {
        StatusCode::PARTIAL_CONTENT if starts_at(&answer, have) => have,
        // It does not know of parts.
        StatusCode::OK => 0,
        status => {
            let shown = index::shown(address);
            let text = format!("the server answers {status} for {shown}");
            return Err(Broken::Final(anyhow!(text)));
        }
    };
    let disk = |error| Broken::Final(unpack::full(error, part, runtime.bytes));
    let file = File::options().create(true).append(true).open(part);
    let mut file = file.map_err(disk)?;
    file.set_len(from).map_err(disk)?;
    let stage = format!("fetching {} {}", runtime.package, runtime.version);
    let (mut body, mut buffer) = (answer.into_body(), vec![0; CHUNK]);
    let mut body = body.with_config().limit(u64::MAX).reader();
    let mut done = from;
    loop {
        let n = body
            .read(&mut buffer)
            .map_err(|error| Broken::Connection(error.into()))?;
        if n == 0 {
            break;
        }
        done += n as u64;
        if done > runtime.bytes {
            fs::remove_file(part).ok();
            let text = format!(
                "the server sends more than the {} bytes of {}",
                runtime.bytes, runtime.file
            );
            return Err(Broken::Final(anyhow!(text)));
        }
        file.write_all(&buffer[..n]).map_err(disk)?;
        meter.at(&stage, done, runtime.bytes);
        meter.check().map_err(|error| Broken::Final(error.into()))?;
    }
    match done == runtime.bytes {
        true => file.sync_all().map_err(disk),
        false => {
            let text = format!("{done} of {} bytes came", runtime.bytes);
            Err(Broken::Connection(anyhow!(text)))
        }
    }
}

/// True if a part of a file begins where it was asked to.
fn starts_at(answer: &Response<Body>, have: u64) -> bool {
    let range = answer.headers().get(header::CONTENT_RANGE);
    let range = range.and_then(|value| value.to_str().ok());
    range.is_some_and(|it| it.starts_with(&format!("bytes {have}-")))
}
