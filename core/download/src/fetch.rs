use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

use ureq::http::{Response, StatusCode, header};
use ureq::{Agent, Body};

use crate::hash::{ContentHash, hash_file};
use crate::{DownloadError, shown};

/// How often a fetch that brings nothing new is tried.
const TRIES: u32 = 5;
/// Before the second try; twice as long before each further one.
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// Longer than this no server is waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(120);
/// How often the caller is asked whether to go on while a server is waited for.
const LOOK: Duration = Duration::from_millis(100);
const CHUNK: usize = 1 << 16;

/// A file that is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteFile {
    /// For people.
    pub name: String,
    /// Where it is.
    pub address: String,
    /// How long it is.
    pub bytes: u64,
    /// What it has to hold.
    pub hash: ContentHash,
    /// What shows who asks, for this host alone.
    pub token: Option<String>,
}

/// How far a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileProgress {
    /// So many bytes have come, those of earlier tries with them.
    Fetched(u64),
    /// So many have been tested.
    Tested(u64),
    /// The server asks for patience.
    Waiting,
}

/// Fetches what `part` lacks of `file` and tests the whole. `told` hears of progress, and may end it: `part` is then kept for the
/// next try, as it is when the connection breaks for good.
///
/// # Errors
/// [`DownloadError`]. What came wrong is thrown away.
pub fn fetch(
    agent: &Agent,
    file: &RemoteFile,
    part: &Path,
    told: &mut dyn FnMut(FileProgress) -> ControlFlow<()>,
) -> Result<(), DownloadError> {
    let mut tries = 0;
    loop {
        let had = length(part);
        let Err(failed) = go_on(agent, file, part, told) else {
            break;
        };
        // What brought something on is no failed try: a long file may break often.
        tries = if length(part) > had { 1 } else { tries + 1 };
        if !failed.error.is_passing() || tries >= TRIES {
            return Err(failed.error);
        }
        let wait = failed.wait.unwrap_or(FIRST_WAIT * 2_u32.pow(tries - 1));
        if wait > LONGEST_WAIT {
            return Err(failed.error);
        }
        tracing::warn!(error = %failed.error, tries, ?wait, "a fetch did not come to its end");
        pause(wait, told)?;
    }
    let digits = hash_file(part, &file.hash, &mut |done| {
        told(FileProgress::Tested(done))
    });
    let digits = digits.map_err(DownloadError::disk(part))?;
    let digits = digits.ok_or(DownloadError::Stopped)?;
    if !digits.eq_ignore_ascii_case(file.hash.digits()) {
        // Going on with it would give the same again.
        fs::remove_file(part).map_err(DownloadError::disk(part))?;
        return Err(DownloadError::Wrong {
            name: file.name.clone(),
            what: format!("its hash is {digits}, not {}", file.hash.digits()),
        });
    }
    Ok(())
}

/// A try that failed.
struct Failed {
    error: DownloadError,
    /// How long the server wants to be left alone.
    wait: Option<Duration>,
}

impl From<DownloadError> for Failed {
    fn from(error: DownloadError) -> Self {
        Self { error, wait: None }
    }
}

fn length(part: &Path) -> u64 {
    fs::metadata(part).map_or(0, |it| it.len())
}

fn go_on(
    agent: &Agent,
    file: &RemoteFile,
    part: &Path,
    told: &mut dyn FnMut(FileProgress) -> ControlFlow<()>,
) -> Result<(), Failed> {
    let mut have = length(part);
    if have == file.bytes && part.exists() {
        return Ok(());
    }
    if have > file.bytes {
        have = 0;
    }
    let mut request = agent.get(&file.address);
    if have > 0 {
        request = request.header(header::RANGE, format!("bytes={have}-"));
    }
    if let Some(token) = &file.token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let answer = request
        .call()
        .map_err(|error| unreached(&file.address, error))?;
    let from = match answer.status() {
        StatusCode::PARTIAL_CONTENT if starts_at(&answer, have) => have,
        // It does not know of parts.
        StatusCode::OK => 0,
        _ => return Err(refused(&file.address, answer)),
    };
    receive(file, answer.into_body(), from, part, told)
}

fn receive(
    file: &RemoteFile,
    body: Body,
    from: u64,
    part: &Path,
    told: &mut dyn FnMut(FileProgress) -> ControlFlow<()>,
) -> Result<(), Failed> {
    // Not opened to append: that asks for less than cutting off needs on Windows.
    let out = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(part);
    let mut out = out.map_err(DownloadError::disk(part))?;
    out.set_len(from).map_err(DownloadError::disk(part))?;
    let end = std::io::Seek::seek(&mut out, std::io::SeekFrom::End(0));
    end.map_err(DownloadError::disk(part))?;
    let broken = |source: Box<dyn std::error::Error + Send + Sync>| DownloadError::Broken {
        address: shown(&file.address),
        source,
    };
    let (mut body, mut buffer) = (
        body.into_with_config().limit(u64::MAX).reader(),
        vec![0; CHUNK],
    );
    let mut done = from;
    loop {
        let n = body
            .read(&mut buffer)
            .map_err(|error| broken(error.into()))?;
        if n == 0 {
            break;
        }
        done += n as u64;
        if done > file.bytes {
            drop(out);
            fs::remove_file(part).map_err(DownloadError::disk(part))?;
            let wrong = DownloadError::Wrong {
                name: file.name.clone(),
                what: format!("it has more than its {} bytes", file.bytes),
            };
            return Err(wrong.into());
        }
        out.write_all(&buffer[..n])
            .map_err(DownloadError::disk(part))?;
        if told(FileProgress::Fetched(done)).is_break() {
            return Err(DownloadError::Stopped.into());
        }
    }
    if done < file.bytes {
        let text = format!("{done} of {} bytes came", file.bytes);
        return Err(broken(text.into()).into());
    }
    out.sync_all().map_err(DownloadError::disk(part))?;
    Ok(())
}

/// True if a part of a file begins where it was asked to.
fn starts_at(answer: &Response<Body>, have: u64) -> bool {
    let range = answer.headers().get(header::CONTENT_RANGE);
    let range = range.and_then(|value| value.to_str().ok());
    range.is_some_and(|it| it.starts_with(&format!("bytes {have}-")))
}

fn pause(
    wait: Duration,
    told: &mut dyn FnMut(FileProgress) -> ControlFlow<()>,
) -> Result<(), DownloadError> {
    let until = Instant::now() + wait;
    while let Some(left) = until.checked_duration_since(Instant::now()) {
        if told(FileProgress::Waiting).is_break() {
            return Err(DownloadError::Stopped);
        }
        std::thread::sleep(left.min(LOOK));
    }
    Ok(())
}

/// That nobody was reached, or that the answer broke off.
pub(crate) fn unreached(address: &str, error: ureq::Error) -> DownloadError {
    let address = shown(address);
    match is_offline(&error) {
        true => DownloadError::Offline {
            address,
            source: error,
        },
        false => DownloadError::Broken {
            address,
            source: error.into(),
        },
    }
}

/// True if nobody was reached.
#[must_use]
pub fn is_offline(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::HostNotFound | ureq::Error::ConnectionFailed | ureq::Error::Timeout(_) => true,
        ureq::Error::Io(error) => {
            let is_silent = matches!(
                error.kind(),
                std::io::ErrorKind::ConnectionRefused
                    | std::io::ErrorKind::HostUnreachable
                    | std::io::ErrorKind::NetworkUnreachable
            );
            // The standard library gives a name that nobody knows no kind of its own: Unix has words for it, Windows numbers
            // (WSAHOST_NOT_FOUND to WSANO_DATA).
            let is_nameless = error.to_string().starts_with("failed to lookup address")
                || matches!(error.raw_os_error(), Some(11001..=11004) if cfg!(windows));
            is_silent || is_nameless
        }
        _ => false,
    }
}

/// What the server says instead of what was asked for.
fn refused(address: &str, answer: Response<Body>) -> Failed {
    let wait = answer.headers().get(header::RETRY_AFTER);
    let seconds = wait.and_then(|it| it.to_str().ok()?.trim().parse().ok());
    Failed {
        wait: seconds.map(Duration::from_secs),
        error: status_error(address, answer),
    }
}

/// The same of a text.
pub(crate) fn status_error(address: &str, answer: Response<Body>) -> DownloadError {
    let message = answer.headers().get("x-error-message");
    let message = message.and_then(|it| it.to_str().ok()).unwrap_or_default();
    DownloadError::Status {
        status: answer.status().as_u16(),
        address: shown(address),
        message: message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::ToSocketAddrs as _;

    use super::*;

    #[test]
    fn a_name_that_nobody_knows_is_a_host_that_is_not_reached() {
        // Reserved for names that never exist.
        let error = ("nothing.invalid", 80).to_socket_addrs();
        let error = error.expect_err("nobody is called so");
        assert!(is_offline(&ureq::Error::Io(error)));
    }
}
