use std::fs::{self, File};
use std::path::Path;

use ureq::Agent;
use ureq::http::{StatusCode, header};

use super::{Hub, HubFile, Listing};
use crate::fetch::{status_error, unreached};
use crate::{DownloadError, fetch, shown};

/// More than the tensors of any model take to be listed.
const LONGEST_HEADER: u64 = 64 << 20;
/// Of a GGUF file is asked for at first; the vocabulary of a large model has a few million.
const FIRST_PIECE: u64 = 1 << 20;
const SHORT: &str = "a piece of it is shorter than was asked for";

/// Puts a checkpoint into `folder` that is whole but for its numbers: of weights the header alone is fetched, and the rest of
/// the file is a hole, which takes no disk (but on Windows, until the folder is gone). So a backend can tell what the model would need before it is fetched. Headers of
/// safetensors say how long they are; of a GGUF file `is_cut` tells, by its first bytes and its length, whether they end inside
/// the header.
///
/// # Errors
/// [`DownloadError`].
pub fn preview(
    hub: &Hub,
    agent: &Agent,
    listing: &Listing,
    files: &[HubFile],
    folder: &Path,
    is_cut: &dyn Fn(&[u8], u64) -> bool,
    told: &mut dyn FnMut() -> std::ops::ControlFlow<()>,
) -> Result<(), DownloadError> {
    for file in files {
        if told().is_break() {
            return Err(DownloadError::Stopped);
        }
        let place = folder.join(&file.path);
        if let Some(folder) = place.parent() {
            fs::create_dir_all(folder).map_err(DownloadError::disk(folder))?;
        }
        let remote = hub.remote(listing, file);
        let header = match file.path.to_ascii_lowercase().rsplit_once('.') {
            Some((_, "safetensors")) => safetensors_header(hub, agent, file, &remote.address)?,
            Some((_, "gguf")) => gguf_header(hub, agent, file, &remote.address, (is_cut, told))?,
            _ => {
                fetch(agent, &remote, &place, &mut |_| told())?;
                continue;
            }
        };
        fs::write(&place, header).map_err(DownloadError::disk(&place))?;
        let grown = File::options().write(true).open(&place);
        let grown = grown.and_then(|out| out.set_len(file.bytes));
        grown.map_err(DownloadError::disk(&place))?;
    }
    Ok(())
}

/// Tells whether bytes end inside a header, and whether to go on.
type Asked<'a> = (
    &'a dyn Fn(&[u8], u64) -> bool,
    &'a mut dyn FnMut() -> std::ops::ControlFlow<()>,
);

/// The header of a GGUF file, and some of what follows it.
fn gguf_header(
    hub: &Hub,
    agent: &Agent,
    file: &HubFile,
    address: &str,
    (is_cut, told): Asked<'_>,
) -> Result<Vec<u8>, DownloadError> {
    let (mut start, mut wanted) = (Vec::new(), FIRST_PIECE.min(file.bytes));
    loop {
        if told().is_break() {
            return Err(DownloadError::Stopped);
        }
        let from = start.len() as u64;
        start.extend(piece(hub, agent, address, from, wanted - from)?);
        if start.len() as u64 != wanted {
            return Err(DownloadError::Answer {
                address: shown(address),
                what: SHORT.to_owned(),
            });
        }
        // One that ends nowhere is told of when the file is looked at.
        if wanted >= LONGEST_HEADER.min(file.bytes) || !is_cut(&start, file.bytes) {
            return Ok(start);
        }
        wanted = (wanted * 4).min(LONGEST_HEADER).min(file.bytes);
    }
}

fn safetensors_header(
    hub: &Hub,
    agent: &Agent,
    file: &HubFile,
    address: &str,
) -> Result<Vec<u8>, DownloadError> {
    let wrong = |what: &str| DownloadError::Answer {
        address: shown(address),
        what: what.to_owned(),
    };
    let mut start = piece(hub, agent, address, 0, 8)?;
    let length = <[u8; 8]>::try_from(start.as_slice()).map(u64::from_le_bytes);
    let length = length.map_err(|_| wrong("it is shorter than a header"))?;
    if length > LONGEST_HEADER.min(file.bytes.saturating_sub(8)) {
        return Err(wrong("it is no safetensors file"));
    }
    start.extend(piece(hub, agent, address, 8, length)?);
    match start.len() as u64 == 8 + length {
        true => Ok(start),
        false => Err(wrong(SHORT)),
    }
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
