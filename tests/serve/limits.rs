//! What a server lets an answer and a request take, however they say it.

use std::io::Write as _;

use serde_json::{Value, json};

use crate::server::{Server, read};

const CHAT: &str = "/v1/chat/completions";

fn chat(unmask: &Value) -> String {
    json!({"messages": [{"role": "user", "content": "Hello!"}], "unmask": unmask}).to_string()
}

/// A canvas with an empty prompt and so many masks.
fn canvas(server: &Server, masks: usize) -> Value {
    let mask = server.get("/unmask/v1/vocabulary").json()["special"]["mask"].clone();
    json!({"canvas": {"tokens": vec![mask; masks], "answer_start": 0}})
}

#[test]
fn no_way_of_saying_a_length_is_a_way_around_the_servers() {
    let server = Server::start(&["--max-length", "80"]);
    let ways = [
        (json!({"length": 81}), "unmask.length"),
        (json!({"parts": [{"hole": 81}]}), "unmask.parts"),
        (
            json!({"parts": [{"hole": 40}, {"text": " and"}, {"hole": 41}]}),
            "unmask.parts",
        ),
        (canvas(&server, 81), "unmask.canvas"),
    ];
    for (unmask, param) in ways {
        let reply = server.post(CHAT, &chat(&unmask));
        let error = &reply.json()["error"];
        assert_eq!(
            (reply.status, &error["param"]),
            (400, &json!(param)),
            "{reply:?}"
        );
        assert!(error["message"].to_string().contains("80"), "{error}");
    }
    // What is given is not filled.
    let parts = json!({"parts": [{"text": "a ".repeat(60)}, {"hole": 30}]});
    assert_eq!(server.post(CHAT, &chat(&parts)).status, 200);
    let grown = json!({"prompt": "a", "unmask": {"length": "auto", "logits_eos_inf": true}});
    let grown = server.post("/v1/completions", &grown.to_string()).json();
    assert_eq!(grown["unmask"]["stats"]["canvas_tokens"], 81, "{grown}");
}

#[test]
fn a_canvas_of_any_length_needs_no_settings() {
    let server = Server::start(&[]);
    for masks in [1, 7, 8, 33] {
        let reply = server.post(CHAT, &chat(&canvas(&server, masks)));
        assert_eq!(reply.status, 200, "{masks}: {reply:?}");
    }
}

#[test]
fn who_sends_too_much_hears_why_before_the_connection_ends() {
    let server = Server::start(&[]);
    let body = "a".repeat(6 << 20);
    let head = |more: &str| {
        format!(
            "POST {CHAT} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nConnection: close\r\n{more}\r\n",
            server.address
        )
    };
    let length = format!("Content-Length: {}\r\n", body.len());
    for (more, before, after) in [
        (length.clone(), String::new(), ""),
        (
            "Transfer-Encoding: chunked\r\n".to_owned(),
            format!("{:x}\r\n", body.len()),
            "\r\n0\r\n\r\n",
        ),
    ] {
        let mut stream = server.connect(head(&more).as_bytes());
        let sent = [before.as_bytes(), body.as_bytes(), after.as_bytes()].concat();
        stream.write_all(&sent).expect("all of it is taken");
        assert_eq!(read(stream).status, 413, "{more}");
    }
    // Who waits for leave to send it gets none, and who has no end is not listened to.
    for more in [
        format!("{length}Expect: 100-continue\r\n"),
        "Content-Length: 99999999999\r\n".to_owned(),
    ] {
        let reply = read(server.connect(head(&more).as_bytes()));
        assert_eq!(reply.status, 413, "{more}: {reply:?}");
    }
}

#[test]
fn what_is_missing_or_said_twice_is_named() {
    let server = Server::start(&[]);
    for (path, body, said) in [
        ("tokenize", "{}", "`text` or `messages` is missing"),
        (
            "tokenize",
            r#"{"text":"a","messages":[]}"#,
            "`text` and `messages` are said",
        ),
        ("plan", "{}", "`messages` or `prompt` is missing"),
    ] {
        let reply = server.post(&format!("/unmask/v1/{path}"), body);
        assert_eq!(reply.status, 400, "{reply:?}");
        let message = reply.json()["error"]["message"].to_string();
        assert!(message.contains(said), "{message}");
    }
    let marked = format!("\u{feff}{}", chat(&json!({"length": 2})));
    assert_eq!(server.post(CHAT, &marked).status, 200, "a mark is no text");
}
