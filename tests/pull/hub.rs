//! The Hugging Face hub's routes on this machine, with the faults that networks and hubs have.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use unmask_tests::http::send;

pub(crate) const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
/// What lies under the hub's routes.
const MODEL: &str = "Org/Tiny";

/// How the hub behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// It wants a token.
    Unauthorized,
    /// It does not let the token's owner in.
    Forbidden,
    /// It asks for patience at the first requests for large files.
    Busy(usize),
    /// It breaks the connection in the first large files it sends.
    Cuts(usize),
    /// It sends other weights than it lists.
    Wrong,
    /// It stops after the small files and headers.
    Vanishes,
}

/// A request: its path, its range, and whether it came with a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) range: Option<String>,
    pub(crate) token: Option<String>,
}

pub(crate) struct LocalHub {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    files: Arc<BTreeMap<String, Vec<u8>>>,
}

impl LocalHub {
    /// Serves the files of `folder` and some that no model needs.
    pub(crate) fn of(folder: &Path, fault: Fault) -> Self {
        let entries = fs::read_dir(folder).expect("the model is there");
        let mut files: BTreeMap<String, Vec<u8>> = entries
            .flatten()
            .map(|entry| {
                let bytes = fs::read(entry.path()).expect("it can be read");
                (entry.file_name().to_string_lossy().into_owned(), bytes)
            })
            .collect();
        files.insert("modeling_tiny.py".to_owned(), b"raise SystemExit".to_vec());
        files.insert("pytorch_model.bin".to_owned(), vec![0; 1000]);
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a loopback");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let this = Self {
            url,
            asked: Arc::default(),
            files: Arc::new(files),
        };
        let (asked, files) = (Arc::clone(&this.asked), Arc::clone(&this.files));
        let state = Arc::new(Mutex::new(State { fault, sent: 0 }));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (asked, files, state) =
                    (Arc::clone(&asked), Arc::clone(&files), Arc::clone(&state));
                // Whoever hangs up meant to.
                thread::spawn(move || answer(&stream, &files, &state, &asked).ok());
            }
        });
        this
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("nobody panics").clone()
    }

    /// Requests for a file's content.
    pub(crate) fn fetches(&self, name: &str) -> Vec<Option<String>> {
        let path = format!("/cdn/{name}");
        let asked = self.asked().into_iter().filter(|it| it.path == path);
        asked.map(|it| it.range).collect()
    }

    pub(crate) fn file(&self, name: &str) -> &[u8] {
        &self.files[name]
    }
}

/// An HTTP proxy that leads to one hub, whatever it is called; its address, and where it was asked to connect to.
pub(crate) fn proxy(hub: &LocalHub) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a loopback");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    let hub = hub.url.replace("http://", "");
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (hub, seen) = (hub.clone(), Arc::clone(&seen));
            // Whoever hangs up meant to.
            thread::spawn(move || connect(&stream, &hub, &seen).ok());
        }
    });
    (url, asked)
}

fn connect(mut stream: &TcpStream, hub: &str, seen: &Mutex<Vec<String>>) -> io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    while lines
        .next()
        .transpose()?
        .is_some_and(|line| !line.is_empty())
    {}
    let Some(target) = first
        .strip_prefix("CONNECT ")
        .and_then(|it| it.split(' ').next())
    else {
        return send(stream, "405 Method Not Allowed", "", b"", 0);
    };
    seen.lock().expect("nobody panics").push(target.to_owned());
    let there = TcpStream::connect(hub)?;
    stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    thread::scope(|scope| {
        scope.spawn(|| io::copy(&mut &*stream, &mut &there));
        io::copy(&mut &there, &mut &*stream)
    })?;
    Ok(())
}

struct State {
    fault: Fault,
    /// Large files whose content was asked for.
    sent: usize,
}

/// Digits of SHA-256, which stand for git's here too: the test's own files need no more.
fn sha256(bytes: &[u8]) -> String {
    let digits = Sha256::digest(bytes);
    digits.iter().map(|it| format!("{it:02x}")).collect()
}

fn listing(files: &BTreeMap<String, Vec<u8>>) -> Value {
    let siblings = files.iter().map(|(name, bytes)| {
        json!({
            "rfilename": name,
            "size": bytes.len(),
            "blobId": COMMIT,
            "lfs": {"sha256": sha256(bytes), "size": bytes.len(), "pointerSize": 130},
        })
    });
    json!({"id": MODEL, "sha": COMMIT, "gated": false, "siblings": siblings.collect::<Vec<_>>()})
}

fn answer(
    stream: &TcpStream,
    files: &BTreeMap<String, Vec<u8>>,
    state: &Mutex<State>,
    asked: &Mutex<Vec<Asked>>,
) -> std::io::Result<()> {
    let request = read(stream)?;
    let path = request.path.clone();
    let (range, token) = (request.range.clone(), request.token.clone());
    asked.lock().expect("nobody panics").push(request);
    let fault = state.lock().expect("nobody panics").fault;
    let plain = path.split('?').next().unwrap_or_default();
    if let Some(name) = plain.strip_prefix("/cdn/") {
        return content(stream, name, &files[name], range.as_deref(), state);
    }
    let refused = |status: &str, message: &str| {
        let header = format!("X-Error-Message: {message}\r\n");
        send(stream, status, &header, b"", 0)
    };
    match fault {
        Fault::Unauthorized if token.is_none() => {
            return refused("401 Unauthorized", "Access to this model is restricted");
        }
        Fault::Forbidden => return refused("403 Forbidden", "You are not on the list"),
        _ => (),
    }
    if plain.starts_with(&format!("/api/models/{MODEL}/revision/main")) {
        let body = listing(files).to_string();
        return send(stream, "200 OK", "", body.as_bytes(), body.len());
    }
    let resolved = format!("/{MODEL}/resolve/{COMMIT}/");
    match plain.strip_prefix(&resolved) {
        Some(name) if files.contains_key(name) => {
            // As the hub does: to another host, here another name of this one, with what xet adds.
            let host = stream.local_addr()?.port();
            let headers = format!(
                "Location: http://localhost:{host}/cdn/{name}?Signature=secret\r\nX-Linked-Etag: \"x\"\r\nX-Xet-Hash: 00\r\n"
            );
            send(stream, "302 Found", &headers, b"", 0)
        }
        _ => refused("404 Not Found", "Repository not found"),
    }
}

/// A file, or a part of it.
fn content(
    stream: &TcpStream,
    name: &str,
    whole: &[u8],
    range: Option<&str>,
    state: &Mutex<State>,
) -> std::io::Result<()> {
    let (from, to) = range.map_or((0, whole.len()), |range| {
        let (from, to) = range.split_once('-').expect("it is a range");
        let to = to.parse().map_or(whole.len(), |to: usize| to + 1);
        (from.parse().expect("it is a number"), to.min(whole.len()))
    });
    let mut bytes = whole[from..to].to_vec();
    let is_large = name.ends_with(".safetensors");
    // Headers are asked for by ranges that end.
    let is_content = is_large && to == whole.len();
    let mut sent = bytes.len();
    if is_content {
        let mut state = state.lock().expect("nobody panics");
        let before = state.sent;
        state.sent += 1;
        match state.fault {
            Fault::Busy(times) if before < times => {
                return send(
                    stream,
                    "429 Too Many Requests",
                    "Retry-After: 1\r\n",
                    b"",
                    0,
                );
            }
            Fault::Cuts(times) if before < times => sent = sent.min(50_000),
            Fault::Vanishes if before > 0 => return Ok(()),
            Fault::Vanishes => sent = sent.min(50_000),
            Fault::Wrong => bytes[sent - 1] ^= 1,
            _ => (),
        }
    }
    let header = format!("Content-Range: bytes {from}-{}/{}\r\n", to - 1, whole.len());
    match range {
        Some(_) => send(
            stream,
            "206 Partial Content",
            &header,
            &bytes[..sent],
            bytes.len(),
        ),
        None => send(stream, "200 OK", "", &bytes[..sent], bytes.len()),
    }
}

fn read(stream: &TcpStream) -> std::io::Result<Asked> {
    let (mut path, mut range, mut token) = (String::new(), None, None);
    for line in BufReader::new(stream).lines() {
        let line = line?;
        if line.is_empty() {
            break;
        }
        if let Some(rest) = line.strip_prefix("GET ") {
            path = rest.split(' ').next().unwrap_or_default().to_owned();
        }
        let Some((name, value)) = line.split_once(": ") else {
            continue;
        };
        match name.to_lowercase().as_str() {
            "range" => range = value.strip_prefix("bytes=").map(str::to_owned),
            "authorization" => token = value.strip_prefix("Bearer ").map(str::to_owned),
            _ => (),
        }
    }
    let path = path.split('?').next().unwrap_or_default().to_owned();
    Ok(Asked { path, range, token })
}
