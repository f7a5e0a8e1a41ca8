//! A package index on this machine, which answers a few requests and is gone.

use std::io::{BufRead as _, BufReader};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use unmask_tests::http::send;

use crate::rig::WHEEL;

/// No test asks more often.
const MOST_REQUESTS: usize = 12;

/// How the index behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// As it should.
    Good,
    /// Breaks the connection within the first files it sends, this often.
    Breaks(usize),
    /// As `Breaks`, and does not know of parts.
    BreaksWhole(usize),
    /// Breaks the connection within the first file it sends, and is gone.
    Vanishes,
    /// Has another page.
    Lacks,
}

/// A running index.
pub(crate) struct Index {
    /// What `--index` says.
    pub(crate) url: String,
    /// Every request, with the range that it asked for.
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
}

impl Index {
    /// Serves `wheel`.
    pub(crate) fn of(wheel: Vec<u8>, manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a loopback");
        let address = listener.local_addr().expect("it is bound");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let list = Arc::clone(&asked);
        thread::spawn(move || {
            let mut left = match manner {
                Manner::Breaks(times) | Manner::BreaksWhole(times) => times,
                Manner::Vanishes => 1,
                Manner::Good | Manner::Lacks => 0,
            };
            for stream in listener.incoming().take(MOST_REQUESTS).flatten() {
                // Whoever hangs up meant to.
                answer(stream, &wheel, manner, &mut left, &list).ok();
                if manner == Manner::Vanishes && left == 0 {
                    break;
                }
            }
        });
        Self {
            url: format!("http://{address}/simple"),
            asked,
        }
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("nobody panics").clone()
    }
}

fn answer(
    stream: TcpStream,
    wheel: &[u8],
    manner: Manner,
    left: &mut usize,
    asked: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let (mut path, mut from) = (String::new(), None);
    for line in BufReader::new(&stream).lines() {
        let line = line?;
        if line.is_empty() {
            break;
        }
        if let Some(rest) = line.strip_prefix("GET ") {
            path = rest.split(' ').next().unwrap_or_default().to_owned();
        }
        let lower = line.to_lowercase();
        if let Some(range) = lower.strip_prefix("range: bytes=") {
            from = range.trim_end_matches('-').parse::<usize>().ok();
        }
    }
    let range = from.map_or(String::new(), |from| format!(" from {from}"));
    asked
        .lock()
        .expect("nobody panics")
        .push(format!("{path}{range}"));
    if path == "/simple/needed/" && manner != Manner::Lacks {
        let page = format!("<a href=\"../../files/{WHEEL}#sha256=0\">{WHEEL}</a>");
        return send(&stream, "200 OK", "", page.as_bytes(), page.len());
    }
    if path != format!("/files/{WHEEL}") {
        return send(&stream, "404 Not Found", "", b"", 0);
    }
    let from = from.filter(|_| !matches!(manner, Manner::BreaksWhole(_)));
    let rest = &wheel[from.unwrap_or(0)..];
    let range = |from| {
        format!(
            "Content-Range: bytes {from}-{}/{}\r\n",
            wheel.len() - 1,
            wheel.len()
        )
    };
    let sent = match left.checked_sub(1) {
        None => rest.len(),
        Some(fewer) => {
            *left = fewer;
            100_000
        }
    };
    match from {
        Some(from) => send(
            &stream,
            "206 Partial Content",
            &range(from),
            &rest[..sent],
            rest.len(),
        ),
        None => send(&stream, "200 OK", "", &rest[..sent], rest.len()),
    }
}
