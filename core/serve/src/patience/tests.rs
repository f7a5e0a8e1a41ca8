//! What a server waits for, and for how long: clocks of milliseconds where one is to run out, of an hour where not.

use std::io::Write as _;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use tokio::time::timeout;

use super::*;
use crate::Ending;
use crate::fixture::{GUARD, SLOW, rest, said, serve};

const SHORT: Duration = Duration::from_millis(60);

#[test]
fn a_slow_head_is_cut_and_an_idle_connection_is_not() {
    // Long enough for heads that are written at once on a busy machine.
    let server = serve(Patience {
        head: Duration::from_secs(1),
        ..SLOW
    });
    let mut idle = server.connect(&server.get("/health"));
    said(&mut idle, "status");
    let mut second = server.connect(&server.get("/health"));
    said(&mut second, "status");
    let request = server.get("/health");
    let half = &request[..request.len() / 2];
    for slow in [server.connect(half), server.connect(""), {
        second.write_all(half.as_bytes()).expect("it reads");
        second
    }] {
        assert_eq!(rest(slow), "");
    }
    // It was idle for longer than a head may take.
    idle.write_all(request.as_bytes()).expect("it reads");
    said(&mut idle, "status");
}

#[test]
fn an_idle_connection_ends_and_one_that_is_answered_does_not() {
    let server = serve(Patience {
        idle: SHORT,
        ..SLOW
    });
    let answered = server.ask(json!({"stream": true}));
    server.until_running(1);
    let mut idle = server.connect(&server.get("/health"));
    said(&mut idle, "status");
    assert_eq!(rest(idle), "");
    server.end();
    assert!(rest(answered).contains("[DONE]"));
}

#[test]
fn a_slow_body_is_told_so() {
    let server = serve(Patience {
        body: SHORT,
        ..SLOW
    });
    let request = server.post("/v1/completions", &json!({"prompt": "a"}));
    let slow = server.connect(&request[..request.len() - 1]);
    let said = rest(slow);
    assert!(
        said.starts_with("HTTP/1.1 408 ") && said.contains("body_timeout"),
        "{said}"
    );
}

#[test]
fn whoever_takes_nothing_is_cut_and_keeps_nobody_waiting() {
    let server = serve(Patience {
        write: SHORT,
        ..SLOW
    });
    server.told.floods.store(true, Ordering::Relaxed);
    let steps = json!({"stream": true, "unmask": {"stream": "steps"}});
    let mut deaf = server.ask(steps.clone());
    said(&mut deaf, "\"event\":\"start\"");
    // Others are answered meanwhile, and its place is another's once it is cut.
    server.until_running(0);
    let mut reader = server.ask(steps);
    said(&mut reader, "\"event\":\"step\"");
}

#[test]
fn a_quiet_stream_tells_that_somebody_is_there() {
    let server = serve(Patience {
        quiet: SHORT,
        ..SLOW
    });
    let mut stream = server.ask(json!({"stream": true}));
    let mut all = String::new();
    while all.matches("\"delta\":{}").count() < 3 {
        all += &said(&mut stream, "\n\r\n");
    }
    server.end();
    all += &said(&mut stream, "[DONE]");
    let body = all.split_once("\r\n\r\n").expect("it has a head").1;
    let lines = body.lines().map(str::trim_end).filter(|it| {
        let is_length = !it.is_empty() && it.bytes().all(|it| it.is_ascii_hexdigit());
        !it.is_empty() && !is_length
    });
    for line in lines {
        assert!(line.starts_with("data: "), "{line:?} in {body}");
    }
    let item = json!({"context": "a", "continuation": "b"});
    server.told.ends.store(false, Ordering::Relaxed);
    let body = json!({"items": [item, item], "stream": true});
    let mut measured = server.connect(&server.post("/unmask/v1/loglikelihood", &body));
    said(
        &mut measured,
        "{\"object\":\"progress\",\"done\":0,\"items\":2}",
    );
    server.end();
    let end = said(&mut measured, "[DONE]");
    assert_eq!(end.matches("\"ll\":-1.0").count(), 2, "{end}");
}

#[test]
fn a_slow_whole_answer_begins_with_blanks() {
    let patience = Patience {
        whole: SHORT,
        blanks: SHORT,
        ..SLOW
    };
    let server = serve(patience);
    let mut stream = server.ask(json!({}));
    let mut all = String::new();
    while all.matches("1\r\n \r\n").count() < 2 {
        all += &said(&mut stream, "\r\n");
    }
    assert!(all.starts_with("HTTP/1.1 200 "), "{all}");
    server.end();
    all += &said(&mut stream, "0\r\n\r\n");
    let whole = all.split("\r\n").find(|it| it.starts_with('{'));
    let whole: Value = serde_json::from_str(whole.expect("there is one")).expect("it is JSON");
    assert_eq!(
        whole["choices"][0]["message"]["content"],
        "a".repeat(16),
        "{whole}"
    );
    // What fails by then has no other word for it than to end.
    let server = serve(patience);
    let mut stream = server.ask(json!({}));
    said(&mut stream, "1\r\n \r\n");
    server.told.fails.store(true, Ordering::Relaxed);
    let end = rest(stream);
    assert!(!end.contains("0\r\n\r\n"), "{end}");
}

#[test]
fn a_turn_that_rests_too_long_ends() {
    let server = serve(Patience {
        pause: SHORT,
        ..SLOW
    });
    let steps = json!({"stream": true, "unmask": {"stream": "steps"}});
    let mut stream = server.ask(steps);
    let start = said(&mut stream, "\"event\":\"start\"");
    let id = start.split("\"id\":\"").nth(1).expect("it has an id");
    let id = id.split('"').next().unwrap_or_default();
    let path = format!("/unmask/v1/turns/{id}");
    let mut asked = server.connect(&server.post(&path, &json!({"do": "pause"})));
    said(&mut asked, "\"ok\":true");
    let end = said(&mut stream, "[DONE]");
    assert!(end.contains("\"event\":\"paused\""), "{end}");
    assert!(end.contains("\"reason\":\"stopped\""), "{end}");
}

#[test]
fn a_server_that_ends_waits_so_long_for_running_turns() {
    let server = serve(Patience {
        ending: SHORT,
        ..SLOW
    });
    let stream = server.ask(json!({"stream": true}));
    server.until_running(1);
    server.ending.send_replace(Ending::Soon);
    let ended = async { timeout(GUARD, server.server).await };
    let ended = server.runtime.block_on(ended).expect("it ends");
    assert!(ended.expect("it does not panic").is_ok());
    assert!(!rest(stream).contains("[DONE]"));
}

#[test]
fn a_server_that_is_asked_twice_to_end_waits_for_nothing() {
    let server = serve(SLOW);
    let stream = server.ask(json!({"stream": true}));
    server.until_running(1);
    server.ending.send_replace(Ending::Soon);
    server.ending.send_replace(Ending::Now);
    let ended = async { timeout(GUARD, server.server).await };
    let ended = server.runtime.block_on(ended).expect("it ends");
    assert!(ended.expect("it does not panic").is_ok());
    assert!(!rest(stream).contains("[DONE]"));
}
