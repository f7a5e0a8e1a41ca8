//! Who waits for whom, and what becomes of those who leave.

use std::io::Read as _;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::server::Server;

/// A turn that takes a while on the demo model.
pub(crate) fn long(stream: bool) -> String {
    json!({
        "messages": [{"role": "user", "content": "Hello!"}],
        "stream": stream,
        "unmask": {"length": 192, "steps": 192, "early_stop": false},
    })
    .to_string()
}

pub(crate) fn short() -> String {
    json!({"messages": [{"role": "user", "content": "Hello!"}], "unmask": {"length": 32, "steps": 8}}).to_string()
}

/// Waits until the server's state is as wanted.
pub(crate) fn until(server: &Server, wanted: impl Fn(&Value) -> bool) -> Value {
    let began = Instant::now();
    loop {
        let state = server.get("/unmask/v1/state").json();
        if wanted(&state) {
            return state;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{state}");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn whoever_hangs_up_frees_the_place() {
    let server = Server::start(&[]);
    for stream in [true, false] {
        let request = server.post_text("/v1/chat/completions", &long(stream), "");
        let client = server.connect(request.as_bytes());
        until(&server, |it| it["running"] == 1);
        drop(client);
        until(&server, |it| it["running"] == 0);
        assert_eq!(server.post("/v1/chat/completions", &short()).status, 200);
    }
}

#[test]
fn connections_that_come_and_go_leave_nothing() {
    let server = Server::start(&[]);
    let request = server.post_text("/v1/chat/completions", &long(true), "");
    server.post("/v1/chat/completions", &short());
    let count = |what: &str| {
        let folder = format!("/proc/{}/{what}", server.pid());
        std::fs::read_dir(folder).map_or(0, Iterator::count)
    };
    until(&server, |it| it["running"] == 0 && it["waiting"] == 0);
    for round in 0..1000 {
        // A part of a request, a whole one, and nothing at all.
        let end = [request.len() / 2, request.len(), 0][round % 3];
        drop(server.connect(&request.as_bytes()[..end]));
    }
    let state = until(&server, |it| it["running"] == 0 && it["waiting"] == 0);
    assert_eq!(state["running"], 0);
    assert_eq!(server.post("/v1/chat/completions", &short()).status, 200);
    if cfg!(target_os = "linux") {
        assert!(count("fd") < 40, "{} descriptors", count("fd"));
        assert!(count("task") < 40, "{} threads", count("task"));
    }
}

#[test]
fn whoever_finds_no_connection_free_waits_for_one() {
    let server = Server::start(&[]);
    // As many as there may be.
    let silent: Vec<_> = (0..128).map(|_| server.connect(b"")).collect();
    thread::scope(|scope| {
        let reply = scope.spawn(|| server.get("/unmask/v1/state"));
        thread::sleep(Duration::from_millis(200));
        assert!(!reply.is_finished(), "there was a place");
        drop(silent);
        assert_eq!(reply.join().expect("it ran").status, 200);
    });
}

#[test]
fn one_request_too_many_is_told_to_come_back() {
    let server = Server::start(&["--queue", "1"]);
    let request = server.post_text("/v1/chat/completions", &long(true), "");
    let _running = server.connect(request.as_bytes());
    until(&server, |it| it["running"] == 1);
    let _waiting = server.connect(request.as_bytes());
    until(&server, |it| it["waiting"] == 1);
    let reply = server.post("/v1/chat/completions", &short());
    assert_eq!(reply.status, 429, "{reply:?}");
    assert_eq!(reply.json()["error"]["code"], "queue_full");
    let seconds: Option<u64> = reply.header("retry-after").and_then(|it| it.parse().ok());
    assert!(
        seconds.is_some_and(|it| (1..=60).contains(&it)),
        "{reply:?}"
    );
    assert_eq!(reply.header("x-should-retry"), None);
    // Whoever finds no place costs no more than that: what it asks is not even looked at.
    let body = json!({"messages": [{"role": "user", "content": "word ".repeat(9000)}]});
    let reply = server.post("/v1/chat/completions", &body.to_string());
    assert_eq!(reply.status, 429, "{reply:?}");
}

#[test]
fn those_who_wait_hear_how_many_are_before_them() {
    let server = Server::start(&[]);
    let request = server.post_text("/v1/chat/completions", &long(true), "");
    let running = server.connect(request.as_bytes());
    until(&server, |it| it["running"] == 1);
    let mut waits: Value = serde_json::from_str(&short()).expect("it is JSON");
    waits["stream"] = true.into();
    waits["unmask"]["stream"] = "steps".into();
    let request = server.post_text("/v1/chat/completions", &waits.to_string(), "");
    let mut waiting = server.connect(request.as_bytes());
    let mut said = String::new();
    let mut bytes = [0; 4096];
    // A place that is free before anything was told leaves nothing to tell.
    while !said.contains("\"event\":\"queued\"") {
        let n = waiting.read(&mut bytes).expect("it is told");
        assert!(n > 0, "{said}");
        said.push_str(&String::from_utf8_lossy(&bytes[..n]));
    }
    assert!(said.contains("\"ahead\":1"), "{said}");
    assert!(!said.contains("\"event\":\"start\""), "{said}");
    drop(running);
    waiting.read_to_string(&mut said).expect("it is answered");
    assert!(said.contains("\"event\":\"done\""), "{said}");
}

#[test]
fn many_at_once_are_all_answered_alike() {
    let server = Server::start(&["--queue", "32"]);
    let alone = server.chat(&short());
    let answers: Vec<Value> = thread::scope(|scope| {
        let ask = || scope.spawn(|| server.chat(&short()));
        let asked: Vec<_> = (0..32).map(|_| ask()).collect();
        asked
            .into_iter()
            .map(|it| it.join().expect("it is answered"))
            .collect()
    });
    for answer in answers {
        assert_eq!(answer["choices"], alone["choices"]);
    }
}

#[test]
fn an_idle_model_is_unloaded_and_comes_back() {
    let server = Server::start(&["--keep-alive", "1s"]);
    let before = server.chat(&short());
    until(&server, |it| it["loaded"].is_null());
    let after = server.chat(&short());
    assert_eq!(after["choices"], before["choices"]);
    assert!(
        after["unmask"]["stats"]["load_ms"].as_f64() > Some(0.0),
        "{after}"
    );
}

#[test]
fn a_backend_that_dies_fails_its_turn_and_the_next_request_is_answered() {
    if !cfg!(target_os = "linux") {
        return;
    }
    let server = Server::start(&["--isolate"]);
    let request = server.post_text("/v1/chat/completions", &long(true), "");
    let mut client = server.connect(request.as_bytes());
    // Whoever was told nothing yet would be answered by the model that is loaded next.
    let mut said = until_said(&mut client, "\"role\":\"assistant\"");
    let worker = worker_of(server.pid()).expect("the backend has a process of its own");
    let killed = std::process::Command::new("kill")
        .args(["-9", &worker.to_string()])
        .status();
    assert!(killed.is_ok_and(|it| it.success()));
    // The connection stays open for another request, so that the end of the answer is looked for.
    said.push_str(&until_said(&mut client, "\"error\""));
    assert!(!said.contains("[DONE]"), "{said}");
    let reply = server.post("/v1/chat/completions", &short());
    assert_eq!(reply.status, 200, "{reply:?}");
}

/// Reads until this has come.
pub(crate) fn until_said(client: &mut TcpStream, wanted: &str) -> String {
    let (mut said, mut bytes) = (String::new(), [0; 4096]);
    while !said.contains(wanted) {
        let n = client.read(&mut bytes).expect("it is told");
        assert!(n > 0, "{said}");
        said.push_str(&String::from_utf8_lossy(&bytes[..n]));
    }
    said
}

/// The process that a server has started for its backend.
pub(crate) fn worker_of(server: u32) -> Option<u32> {
    let processes = std::fs::read_dir("/proc").ok()?.flatten();
    let mut numbers = processes.filter_map(|it| it.file_name().to_str()?.parse::<u32>().ok());
    numbers.find(|number| {
        let stat = std::fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
        let rest = stat
            .rsplit_once(')')
            .map(|(_, rest)| rest)
            .unwrap_or_default();
        let command =
            std::fs::read_to_string(format!("/proc/{number}/cmdline")).unwrap_or_default();
        rest.split_whitespace().nth(1) == Some(&server.to_string())
            && command.contains("backend-worker")
    })
}

#[cfg(unix)]
#[test]
fn an_interrupt_lets_running_turns_end() {
    let server = Server::start(&[]);
    let request = server.post_text(
        "/v1/chat/completions",
        &short().replace("\"steps\":8", "\"steps\":32"),
        "",
    );
    let client = server.connect(request.as_bytes());
    until(&server, |it| it["running"] == 1);
    let asked = std::process::Command::new("kill")
        .args(["-INT", &server.pid().to_string()])
        .status();
    assert!(asked.is_ok_and(|it| it.success()));
    let reply = crate::server::read(client);
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.json()["choices"][0]["finish_reason"], "stop");
}
