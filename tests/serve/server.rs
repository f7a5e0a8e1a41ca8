//! The program as a server, and a client that reads what HTTP says to the letter.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;
use unmask_tests::program::Home;
use unmask_tests::served::Served;

pub(crate) struct Server {
    /// `127.0.0.1:PORT`
    pub(crate) address: String,
    served: Served,
    home: Home,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Lower-case names.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(it, _)| it == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(self.body.trim()).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The objects of the `data:` lines; the last line has to be `[DONE]`.
    pub(crate) fn chunks(&self) -> Vec<Value> {
        let mut data: Vec<&str> = (self.body.split("\n\n"))
            .filter(|it| !it.is_empty())
            .map(|it| it.strip_prefix("data: ").expect("data lines alone"))
            .collect();
        assert_eq!(data.pop(), Some("[DONE]"), "{}", self.body);
        let parse = |it: &str| serde_json::from_str(it).expect("it is JSON");
        data.into_iter().map(parse).collect()
    }
}

impl Server {
    /// Waits until the model is loaded.
    pub(crate) fn start(flags: &[&str]) -> Self {
        let server = Self::start_with(flags, |_| ());
        server.wait_until_loaded();
        server
    }

    /// With files in the home that `prepare` writes.
    pub(crate) fn start_with(flags: &[&str], prepare: impl FnOnce(&Home)) -> Self {
        let home = Home::default();
        prepare(&home);
        let served = Served::start(&home, flags);
        let address = served.address.trim_start_matches("http://");
        Self {
            address: address.trim_end_matches('/').to_owned(),
            served,
            home,
        }
    }

    fn wait_until_loaded(&self) {
        // Asking for the model waits for its load.
        let reply = self.post("/unmask/v1/tokenize", r#"{"text":"a"}"#);
        assert_eq!(reply.status, 200, "{reply:?}");
    }

    pub(crate) fn home(&self) -> &Home {
        &self.home
    }

    pub(crate) fn pid(&self) -> u32 {
        self.served.pid()
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.send(&format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            self.address
        ))
    }

    pub(crate) fn post(&self, path: &str, body: &str) -> Reply {
        self.send(&self.post_text(path, body, ""))
    }

    /// A request as it is written; `headers` each with their line's end.
    pub(crate) fn post_text(&self, path: &str, body: &str, headers: &str) -> String {
        format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n{headers}\r\n{body}",
            self.address,
            body.len()
        )
    }

    /// Sends bytes of any kind and reads to the end.
    pub(crate) fn send(&self, request: &str) -> Reply {
        read(self.connect(request.as_bytes()))
    }

    /// Sends bytes and leaves the answer to be read.
    pub(crate) fn connect(&self, request: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .expect("it is no zero");
        // It may refuse a request before it has read all of it.
        stream.write_all(request).ok();
        stream
    }

    /// A whole chat answer's text.
    pub(crate) fn chat(&self, body: &str) -> Value {
        let reply = self.post("/v1/chat/completions", body);
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()
    }
}

/// Reads an answer whose connection is then closed.
pub(crate) fn read(stream: TcpStream) -> Reply {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok();
    let status = line.split(' ').nth(1).and_then(|it| it.parse().ok());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok();
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).ok();
    let is_chunked = headers
        .iter()
        .any(|(name, value)| name == "transfer-encoding" && value == "chunked");
    let bytes = if is_chunked { unchunked(&bytes) } else { bytes };
    Reply {
        status: status.unwrap_or(0),
        headers,
        body: String::from_utf8_lossy(&bytes).into_owned(),
    }
}

fn unchunked(mut bytes: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = bytes.windows(2).position(|it| it == b"\r\n") {
        let length = std::str::from_utf8(&bytes[..end]).ok();
        let length = length.and_then(|it| usize::from_str_radix(it.trim(), 16).ok());
        let Some(length @ 1..) = length else { break };
        let from = end + 2;
        body.extend_from_slice(&bytes[from..(from + length).min(bytes.len())]);
        bytes = bytes.get(from + length + 2..).unwrap_or_default();
    }
    body
}
