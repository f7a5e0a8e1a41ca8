//! The way in through a real socket: everything at the door as one table, and bytes of any kind.

use std::io::Write as _;
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::Ordering;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::ApiKeys;
use crate::fixture::{GUARD, RunningServer, SLOW, rest, serve, serve_for};

const FRIEND: &str = "https://chat.lan";

/// The status of an answer and its header of this name; 0 for none.
fn told(answer: &str, header: &str) -> (u16, Option<String>) {
    let head = answer.split("\r\n\r\n").next().unwrap_or_default();
    let status = head.split(' ').nth(1).and_then(|it| it.parse().ok());
    let header = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        (name.eq_ignore_ascii_case(header)).then(|| value.trim().to_owned())
    });
    (status.unwrap_or(0), header)
}

#[test]
fn the_door_is_one_table_of_host_origin_type_and_key() {
    let mut keys = ApiKeys::default();
    let key = keys.add_new("ann");
    let server = serve_for(SLOW, keys, &[FRIEND]);
    let own = server.address.to_string();
    let port = server.address.port();
    let host = |it: &str| format!("Host: {it}\r\n");
    let hosts = [
        (host(&own), true),
        (host(&format!("LocalHost:{port}")), true),
        (host("evil.com"), false),
        (host(&format!("localhost.evil.com:{port}")), false),
        (host(&own) + &host(&own), false),
        (String::new(), false),
    ];
    let origin = |it: &str| format!("Origin: {it}\r\n");
    // The second says whose headers are allowed to read.
    let origins = [
        (String::new(), true, false),
        (origin(FRIEND), true, true),
        (origin(&format!("http://{own}")), true, false),
        (origin("http://evil.com"), false, false),
        (origin(&format!("http://{own}.evil.com")), false, false),
        (origin("null"), false, false),
        (origin(FRIEND) + &origin(FRIEND), false, false),
        ("Sec-Fetch-Site: cross-site\r\n".to_owned(), false, false),
    ];
    let json = "Content-Type: application/json\r\n";
    let types = [
        (json.to_owned(), true),
        ("Content-Type: text/plain\r\n".to_owned(), false),
        (String::new(), false),
        (format!("{json}Content-Encoding: gzip\r\n"), false),
    ];
    let keyed = [
        (
            String::new(),
            format!("Authorization: Bearer {key}\r\n"),
            true,
        ),
        (String::new(), format!("X-Api-Key: {key}\r\n"), true),
        (
            String::new(),
            "Authorization: Bearer none\r\n".to_owned(),
            false,
        ),
        (String::new(), String::new(), false),
        (format!("?key={key}"), String::new(), false),
    ];
    let body = r#"{"text":"a"}"#;
    for (host, is_ours) in &hosts {
        for (origin, may_ask, may_read) in &origins {
            // The server's own page has the host's name in its origin.
            let is_own = origin.contains(&format!("http://{own}\r\n"));
            let may_ask = *may_ask && (!is_own || host.contains(&own));
            for (kind, is_json) in &types {
                for (query, key, is_known) in &keyed {
                    let expected = match (is_ours, may_ask, is_known, is_json) {
                        (false, ..) | (_, false, ..) => 403,
                        (_, _, false, _) => 401,
                        (_, _, _, false) => 415,
                        (true, true, true, true) => 200,
                    };
                    let request = format!(
                        "POST /unmask/v1/tokenize{query} HTTP/1.1\r\n{host}{origin}{kind}{key}Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
                        body.len()
                    );
                    let answer = rest(server.connect(&request));
                    let readable = (*is_ours && *may_read).then(|| FRIEND.to_owned());
                    let got = told(&answer, "access-control-allow-origin");
                    assert_eq!(got, (expected, readable), "{request}\n{answer}");
                    assert!(!answer.contains("allow-credentials"), "{answer}");
                }
            }
        }
    }
}

/// A request as bytes, and where its packets end.
#[derive(Debug)]
struct RawRequest {
    bytes: Vec<u8>,
    cuts: Vec<usize>,
    form: RequestForm,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RequestForm {
    /// All of it is there and as HTTP wants it, whatever its body says.
    Whole,
    /// It may be none.
    Any,
}

/// Bodies that are none, or nearly: text that is no UTF-8, depth, numbers that JSON has not, values where others belong.
fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let value = prop_oneof![
        Just("NaN".to_owned()),
        Just("-Infinity".to_owned()),
        Just("1e999".to_owned()),
        Just("-1".to_owned()),
        Just("18446744073709551616".to_owned()),
        Just("\"\\ud800\"".to_owned()),
        Just("{}".to_owned()),
        (1_usize..4000).prop_map(|deep| "[".repeat(deep) + &"]".repeat(deep)),
        (1_usize..4000).prop_map(|deep| "{\"a\":".repeat(deep)),
        any::<f64>().prop_map(|it| json!(it).to_string()),
        "\\PC{0,12}".prop_map(|it| json!(it).to_string()),
    ];
    let name = prop::sample::select(vec![
        "text",
        "prompt",
        "messages",
        "max_tokens",
        "temperature",
        "seed",
        "stop",
        "n",
        "stream",
        "unmask",
        "suffix",
        "logprobs",
        "length",
        "items",
        "tokens",
        "do",
        "samples",
    ]);
    let object = (name.clone(), value.clone()).prop_map(|(name, value)| {
        let sound = r#""prompt":"a","messages":[{"role":"user","content":"a"}]"#;
        format!("{{{sound},\"{name}\":{value}}}").into_bytes()
    });
    let within = (name, value).prop_map(|(name, value)| {
        format!("{{\"prompt\":\"a\",\"unmask\":{{\"{name}\":{value}}}}}").into_bytes()
    });
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..64),
        Just(b"{\"text\":\"\xff\xfe\"}".to_vec()),
        Just(b"{\"prompt\":\"\xc3\"}".to_vec()),
        Just(br#"{"text":"a"}"#.to_vec()),
        object,
        within,
    ]
}

fn requests(host: String) -> impl Strategy<Value = RawRequest> {
    let line = prop_oneof![
        8 => prop::sample::select(vec![
            "POST /v1/chat/completions HTTP/1.1", "POST /v1/completions HTTP/1.1", "POST /v1/fim/completions HTTP/1.1",
            "POST /unmask/v1/tokenize HTTP/1.1", "POST /unmask/v1/detokenize HTTP/1.1", "POST /unmask/v1/plan HTTP/1.1",
            "POST /unmask/v1/loglikelihood HTTP/1.1", "POST /unmask/v1/turns/%ff%00 HTTP/1.1", "GET /v1/models HTTP/1.1",
            "GET /v1/models/%2e%2e%2f HTTP/1.1", "BREW /v1/models HTTP/1.1", "POST /v1/completions HTTP/1.0",
        ]).prop_map(|it| (it.as_bytes().to_vec(), RequestForm::Whole)),
        1 => Just((b"GET /".to_vec(), RequestForm::Any)),
        1 => prop::collection::vec(any::<u8>(), 0..40).prop_map(|it| (it, RequestForm::Any)),
    ];
    let hosts = prop_oneof![
        6 => Just(format!("Host: {host}\r\n")),
        1 => Just(format!("Host: {host}\r\nHost: {host}\r\n")),
        1 => Just(format!("Host: {host}\r\nHost: evil.com\r\n")),
        1 => Just(String::new()),
        1 => Just("Host: evil.com\r\n".to_owned()),
    ];
    let kind = prop_oneof![
        4 => Just("Content-Type: application/json\r\n"),
        1 => Just("Content-Type: text/plain\r\n"),
        1 => Just("Content-Encoding: gzip\r\nContent-Type: application/json\r\n"),
        1 => Just(""),
    ];
    let length = prop_oneof![
        6 => Just(None),
        1 => (-2_i64..200).prop_map(|it| Some(format!("Content-Length: {it}\r\n"))),
        1 => Just(Some("Content-Length: 3\r\nContent-Length: 4\r\n".to_owned())),
        1 => Just(Some("Content-Length: 99999999999999999999\r\n".to_owned())),
        1 => Just(Some("Transfer-Encoding: chunked\r\n".to_owned())),
        1 => Just(Some("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n".to_owned())),
    ];
    let odd = prop_oneof![4 => Just(Vec::new()), 1 => prop::collection::vec(any::<u8>(), 0..40)];
    let cuts = prop::collection::vec(0_usize..400, 0..4);
    (line, hosts, kind, length, odd, bodies(), cuts).prop_map(
        |((line, form), hosts, kind, length, odd, body, mut cuts)| {
            let form = match length.is_none() && odd.is_empty() {
                true => form,
                false => RequestForm::Any,
            };
            let length = length.unwrap_or_else(|| format!("Content-Length: {}\r\n", body.len()));
            let end = "Connection: close\r\n\r\n";
            let head = [
                &line[..],
                b"\r\n",
                hosts.as_bytes(),
                kind.as_bytes(),
                length.as_bytes(),
            ]
            .concat();
            let bytes = [&head[..], &odd, end.as_bytes(), &body].concat();
            cuts.iter_mut().for_each(|it| *it = (*it).min(bytes.len()));
            cuts.sort_unstable();
            RawRequest { bytes, cuts, form }
        },
    )
}

impl RawRequest {
    /// The status of what is answered.
    fn ask(&self, server: &RunningServer) -> u16 {
        let mut stream = TcpStream::connect(server.address).expect("it listens");
        stream.set_read_timeout(Some(GUARD)).expect("it is no zero");
        stream.set_nodelay(true).expect("it is a socket");
        let ends = self.cuts.iter().copied().chain([self.bytes.len()]);
        let mut from = 0;
        for end in ends {
            // A request may be refused before all of it is there.
            stream.write_all(&self.bytes[from..end]).ok();
            from = end;
        }
        // What has ended its requests before it has an answer has hung up; a whole one is answered and then closed.
        if !matches!(self.form, RequestForm::Whole) {
            stream.shutdown(Shutdown::Write).ok();
        }
        told(&rest(stream), "").0
    }
}

#[test]
fn bytes_of_any_kind_are_answered_or_refused_and_nothing_breaks() {
    let server = serve(SLOW);
    // Turns and measurements end at once.
    server.told.ends.store(true, Ordering::Relaxed);
    let host = server.address.to_string();
    proptest!(|(request in requests(host))| {
        let status = request.ask(&server);
        let shown = String::from_utf8_lossy(&request.bytes).into_owned();
        // Whoever is no client is told nothing, or of his version. A panic tells a client nothing too.
        let is_told = match request.form {
            RequestForm::Whole => matches!(status, 200..=499),
            RequestForm::Any => matches!(status, 0 | 200..=499 | 505),
        };
        prop_assert!(is_told, "{status}: {shown:.600}");
    });
    let health = rest(
        server.connect(
            &server
                .get("/health")
                .replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"),
        ),
    );
    assert_eq!(told(&health, "").0, 200);
}

#[test]
fn a_method_or_a_path_that_is_not_there_is_named_whatever_the_body_is() {
    let server = serve(SLOW);
    for (path, status) in [
        ("/health", 405),
        ("/v1/models/a", 405),
        ("/v1/nothing", 404),
    ] {
        // More than buffers hold: who refuses it unread takes the answer with the connection.
        let body = "x".repeat(1 << 20);
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            server.address,
            body.len()
        );
        let answer = rest(server.connect(&head));
        assert_eq!(told(&answer, "").0, status, "{answer}");
    }
}

#[test]
fn a_name_in_a_path_that_is_no_text_is_refused_as_everything_is() {
    let server = serve(SLOW);
    let requests = [
        server.get("/v1/models/d%ff"),
        server.get("/page/%c3"),
        server.post("/unmask/v1/turns/%ff", &json!({"do": "stop"})),
    ];
    for request in requests {
        let request = request.replacen("\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1);
        let answer = rest(server.connect(&request));
        let (_, body) = answer.split_once("\r\n\r\n").expect("it has a body");
        assert_eq!(told(&answer, "").0, 400, "{answer}");
        let error: Value = serde_json::from_str(body).expect("it is JSON");
        assert_eq!(error["error"]["code"], "invalid_path", "{answer}");
    }
}

#[test]
fn errors_off_this_machine_say_nothing_of_it() {
    use unmask_core::engine::{Failure, FailureKind};
    let kinds = [
        FailureKind::Config,
        FailureKind::Model,
        FailureKind::NoModel,
        FailureKind::Backend,
        FailureKind::Memory,
        FailureKind::Generation,
    ];
    for kind in kinds {
        let failure = Failure {
            kind,
            text: "cannot open /home/ann/model at 0x7fff".to_owned(),
            hint: "look at /home/ann".to_owned(),
        };
        let said = |shows_all| {
            crate::error::ApiError::of(&failure, shows_all)
                .json()
                .to_string()
        };
        assert!(said(true).contains("/home/ann"), "{}", said(true));
        let ours: Value = serde_json::from_str(&said(false)).expect("it is JSON");
        let message = ours["error"]["message"].as_str().expect("it is a text");
        assert!(
            !message.is_empty() && !message.contains("/home") && !message.contains("0x"),
            "{message}"
        );
    }
}
