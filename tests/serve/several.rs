//! Several answers at once: who gets how much, what they are made of, and what becomes of them when the backend dies.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read as _};
use std::process::Command;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::places::{long, short, until, until_said, worker_of};
use crate::server::{Reply, Server, read};

/// A name and its key, as a request's header says it.
const CLIENTS: [(&str, &str); 4] = [
    ("many", "key-of-many-aaaaaaaaaaaaaaaa"),
    ("ann", "key-of-ann-aaaaaaaaaaaaaaaaa"),
    ("bob", "key-of-bob-aaaaaaaaaaaaaaaaa"),
    ("cho", "key-of-cho-aaaaaaaaaaaaaaaaa"),
];

fn with_keys(flags: &[&str]) -> Server {
    Server::start_with(&[flags, &["--key-file", "keys"]].concat(), |home| {
        let file = home.path().join("keys");
        let lines = CLIENTS.map(|(name, key)| format!("{name} {key}\n"));
        std::fs::write(&file, lines.concat()).expect("the home is ours");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let own = std::fs::Permissions::from_mode(0o600);
            std::fs::set_permissions(&file, own).expect("the file is ours");
        }
    })
}

fn ask(server: &Server, body: &str, key: &str) -> Reply {
    let header = format!("Authorization: Bearer {key}\r\n");
    server.send(&server.post_text("/v1/chat/completions", body, &header))
}

/// Thirty-six streams at once, two thirds of them of one client who came first; the thirty-seventh has no place.
#[test]
fn nobody_has_more_than_twice_a_share_and_all_answers_end() {
    const EACH: usize = 4;
    let server = with_keys(&["--parallel", "4", "--queue", "32"]);
    let mut streamed: Value = serde_json::from_str(&short()).expect("it is JSON");
    streamed["stream"] = true.into();
    let body = streamed.to_string();
    // Waits for the model.
    assert_eq!(ask(&server, &body, CLIENTS[0].1).status, 200);
    let header = |key: &str| format!("Authorization: Bearer {key}\r\n");
    let waits = |running: u64, waiting: u64| {
        until_with(&server, CLIENTS[0].1, |it| {
            it["running"] == running && it["waiting"] == waiting
        });
    };
    // What runs longest of all keeps the places taken until everybody waits.
    let mut first = Vec::new();
    for _ in 0..4 {
        let request = server.post_text("/v1/chat/completions", &long(true), &header(CLIENTS[0].1));
        first.push(server.connect(request.as_bytes()));
    }
    waits(4, 0);
    let order = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for at in 0..32 {
            let (name, key) = match at {
                0..20 => CLIENTS[0],
                at => CLIENTS[1 + at % 3],
            };
            let (server, body, order) = (&server, &body, &order);
            scope.spawn(move || {
                let reply = ask(server, body, key);
                order.lock().expect("nobody panics").push(name);
                assert_eq!(reply.status, 200, "{reply:?}");
                let last = reply.chunks().pop().expect("there are chunks");
                assert_eq!(last["unmask"]["event"], "done");
            });
        }
        waits(4, 32);
        let refused = ask(&server, &body, CLIENTS[1].1);
        assert_eq!(refused.status, 429, "{refused:?}");
        assert_eq!(refused.json()["error"]["code"], "queue_full");
        let seconds = refused.header("retry-after").and_then(|it| it.parse().ok());
        let seconds: u64 = seconds.expect("it says when to come back");
        drop(first);
        thread::sleep(Duration::from_secs(seconds));
        assert_eq!(ask(&server, &body, CLIENTS[1].1).status, 200);
    });
    let order = order.into_inner().expect("nobody panics");
    let mut ended = BTreeMap::new();
    for name in &order {
        *ended.entry(*name).or_insert(0_usize) += 1;
        let others = ["ann", "bob", "cho"].iter().map(|it| ended.get(it));
        let behind = others.map(|it| it.copied().unwrap_or(0)).min();
        if behind < Some(EACH) {
            let most = ended.get("many").copied().unwrap_or(0);
            assert!(most <= 2 * EACH, "{order:?}");
        }
    }
    assert_eq!(ended.values().sum::<usize>(), 32);
}

fn until_with(server: &Server, key: &str, wanted: impl Fn(&Value) -> bool) {
    let began = std::time::Instant::now();
    loop {
        let request = format!(
            "GET /unmask/v1/state HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nAuthorization: Bearer {key}\r\n\r\n",
            server.address
        );
        let state = server.send(&request).json();
        if wanted(&state) {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{state}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// The member that says in which passes the answer was computed.
fn passes(answer: &Value) -> &str {
    let fingerprint = answer["system_fingerprint"].as_str();
    let fingerprint = fingerprint.unwrap_or_else(|| panic!("{answer}"));
    fingerprint.rsplit('/').next().unwrap_or_default()
}

/// The next chunk with this event.
fn next_chunk(stream: &mut impl BufRead, event: &str) -> Value {
    for line in stream.lines() {
        let line = line.expect("it is answered");
        let chunk = line
            .strip_prefix("data: ")
            .map(serde_json::from_str::<Value>);
        if let Some(Ok(chunk)) = chunk
            && chunk["unmask"]["event"] == event
        {
            return chunk;
        }
    }
    panic!("it ended before {event}");
}

#[test]
fn answers_that_share_passes_are_those_that_do_not() {
    let server = Server::start(&["--parallel", "4", "--batch", "4", "--precision", "f32"]);
    let mut apart: Value = serde_json::from_str(&short()).expect("it is JSON");
    apart["unmask"]["alone"] = true.into();
    let apart = apart.to_string();
    // What may share a pass and finds nobody to share it with has run alone.
    let alone = server.chat(&short());
    assert_eq!(passes(&alone), "alone");
    // Those asked for while a long one runs share its passes, unless that is not wanted.
    let mut steps: Value = serde_json::from_str(&long(true)).expect("it is JSON");
    steps["unmask"]["stream"] = "steps".into();
    let request = server.post_text("/v1/chat/completions", &steps.to_string(), "");
    let bodies = [short(), short(), apart];
    let (answers, mut running) = (0..5)
        .find_map(|_| {
            let mut running = BufReader::new(server.connect(request.as_bytes()));
            let first = next_chunk(&mut running, "step");
            assert_eq!(passes(&first), "alone", "{first}");
            let (server, bodies) = (&server, &bodies);
            let answers = thread::scope(|scope| {
                let ask = |body| scope.spawn(move || server.chat(body));
                let asked = bodies.each_ref().map(|body| ask(body));
                asked.map(|it| it.join().expect("it is answered"))
            });
            // Else it has ended too early to share anything.
            let outlasts = server.get("/unmask/v1/state").json()["running"] == 1;
            outlasts.then_some((answers, running))
        })
        .expect("a long answer outlasts three short ones");
    let ran: Vec<&str> = answers.iter().map(passes).collect();
    assert_eq!(ran, ["batch", "batch", "alone"]);
    for answer in &answers {
        assert_eq!(answer["choices"], alone["choices"]);
    }
    let last = next_chunk(&mut running, "done");
    assert_eq!(passes(&last), "batch", "{last}");
    let state = server.get("/unmask/v1/state").json();
    assert_eq!(
        (&state["parallel"], &state["batch"]),
        (&json!(4), &json!(4))
    );
}

#[test]
fn by_itself_a_processor_makes_one_answer_after_the_other() {
    let server = Server::start(&[]);
    assert_eq!(passes(&server.chat(&short())), "alone");
    let state = server.get("/unmask/v1/state").json();
    assert_eq!(
        (&state["parallel"], &state["batch"]),
        (&json!(1), &json!(1))
    );
    let server = Server::start(&["--parallel", "2"]);
    assert_eq!(passes(&server.chat(&short())), "alone");
    let state = server.get("/unmask/v1/state").json();
    assert_eq!(
        (&state["parallel"], &state["batch"]),
        (&json!(2), &json!(1))
    );
}

#[test]
fn likelihoods_are_measured_beside_an_answer() {
    let server = Server::start(&["--parallel", "2"]);
    let request = server.post_text("/v1/chat/completions", &long(true), "");
    let answer = server.connect(request.as_bytes());
    until(&server, |it| it["running"] == 1);
    let measured = server.post(
        "/unmask/v1/loglikelihood",
        r#"{"items":[{"context":"Hello","continuation":" you"}],"samples":16,"strata":16}"#,
    );
    assert_eq!(measured.status, 200, "{measured:?}");
    // The answer is still being made, and ends.
    assert_eq!(server.get("/unmask/v1/state").json()["running"], 1);
    let chunks = read(answer).chunks();
    let last = chunks.last().map(|it| &it["unmask"]["event"]);
    assert_eq!(last, Some(&json!("done")));
}

#[test]
fn a_backend_that_dies_fails_every_running_answer_and_the_next_is_made() {
    if !cfg!(target_os = "linux") {
        return;
    }
    for flags in [["--parallel", "3"], ["--batch", "3"]] {
        let server = Server::start(&[&["--isolate"], &flags[..]].concat());
        let request = server.post_text("/v1/chat/completions", &long(true), "");
        let mut clients = [(); 3].map(|()| server.connect(request.as_bytes()));
        // Whoever was told nothing yet would be answered by the model that is loaded next.
        for client in &mut clients {
            until_said(client, "\"role\":\"assistant\"");
        }
        let worker = worker_of(server.pid()).expect("the backend has a process of its own");
        let killed = Command::new("kill")
            .args(["-9", &worker.to_string()])
            .status();
        assert!(killed.is_ok_and(|it| it.success()));
        for mut client in clients {
            let mut rest = String::new();
            client.read_to_string(&mut rest).expect("it ends");
            assert!(rest.contains("\"error\""), "{rest}");
            assert!(!rest.contains("[DONE]"), "{rest}");
        }
        assert_eq!(server.post("/v1/chat/completions", &short()).status, 200);
    }
}
