use std::fs::{self, File};
use std::path::Path;

use ureq::Agent;
use ureq::http::{StatusCode, header};

use super::{Hub, HubFile, Listing};
use crate::fetch::{status_error, unreached};
use crate::{DownloadError, fetch, shown};

/// More than the tensors of any model take to be listed.
const LONGEST_HEADER: u64 = 64 << 20;

/// Puts a checkpoint into `folder` that is whole but for its numbers: of weights the header alone is fetched, and the rest of
/// the file is a hole, which takes no disk. So a backend can tell what the model would need before it is fetched.
///
/// # Errors
/// [`DownloadError`].
pub fn preview(
    hub: &Hub,
    agent: &Agent,
    listing: &Listing,
    files: &[HubFile],
    folder: &Path,
    told: &mut dyn FnMut() -> std::ops::ControlFlow<()>,
) -> Result<(), DownloadError> {
    for file in files {
        if told().is_break() {
            return Err(DownloadError::Stopped);
        }
        let place = folder.join(&file.path);
        match file.path.ends_with(".safetensors") {
            true => header_alone(hub, agent, listing, file, &place)?,
            false => fetch(agent, &hub.remote(listing, file), &place, &mut |_| told())?,
        }
    }
    Ok(())
}

fn header_alone(
    hub: &Hub,
    agent: &Agent,
    listing: &Listing,
    file: &HubFile,
    place: &Path,
) -> Result<(), DownloadError> {
    let address = hub.remote(listing, file).address;
    let wrong = |what: &str| DownloadError::Answer {
        address: shown(&address),
        what: what.to_owned(),
    };
    let mut start = piece(hub, agent, &address, 0, 8)?;
    let length = <[u8; 8]>::try_from(start.as_slice()).map(u64::from_le_bytes);
    let length = length.map_err(|_| wrong("it is shorter than a header"))?;
    if length > LONGEST_HEADER.min(file.bytes.saturating_sub(8)) {
        return Err(wrong("it is no safetensors file"));
    }
    start.extend(piece(hub, agent, &address, 8, length)?);
    if start.len() as u64 != 8 + length {
        return Err(wrong("a piece of it is shorter than was asked for"));
    }
    fs::write(place, start).map_err(DownloadError::disk(place))?;
    let grown = File::options().write(true).open(place);
    let grown = grown.and_then(|out| out.set_len(file.bytes));
    grown.map_err(DownloadError::disk(place))
}

fn piece(
    hub: &Hub,
    agent: &Agent,
    address: &str,
    from: u64,
    bytes: u64,
) -> Result<Vec<u8>, DownloadError> {
    if bytes == 0 {
        return Ok(Vec::new());
    }
    let range = format!("bytes={from}-{}", from + bytes - 1);
    let mut request = agent.get(address).header(header::RANGE, range);
    if let Some(token) = &hub.token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let mut answer = request.call().map_err(|error| unreached(address, error))?;
    match answer.status() {
        StatusCode::PARTIAL_CONTENT => {
            let body = answer.body_mut().with_config().limit(bytes);
            body.read_to_vec()
                .map_err(|error| unreached(address, error))
        }
        StatusCode::OK => Err(DownloadError::Answer {
            address: shown(address),
            what: "it gives whole files alone, so that their sizes are all that is known"
                .to_owned(),
        }),
        _ => Err(status_error(address, answer)),
    }
}
