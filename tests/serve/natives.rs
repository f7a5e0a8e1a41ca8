//! What OpenAI's API has no word for.

use serde_json::{Value, json};
use unmask_tests::program::Home;

use crate::server::Server;

#[test]
fn tokens_go_to_text_and_back() {
    let server = Server::start(&[]);
    let text = "Paris <|eot_id|> ä";
    let ask = |path: &str, body: Value| {
        let reply = server.post(path, &body.to_string());
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()
    };
    let parsed = ask("/unmask/v1/tokenize", json!({"text": text}));
    let plain = ask(
        "/unmask/v1/tokenize",
        json!({"text": text, "special": "plain"}),
    );
    assert!(
        parsed["count"].as_u64() < plain["count"].as_u64(),
        "{parsed} {plain}"
    );
    let special = |it: &Value| {
        it["pieces"]
            .as_array()
            .map(|it| it.iter().filter(|it| it.get("special").is_some()).count())
    };
    assert_eq!((special(&parsed), special(&plain)), (Some(1), Some(0)));
    for tokens in [&parsed, &plain] {
        let back = ask("/unmask/v1/detokenize", json!({"tokens": tokens["tokens"]}));
        assert_eq!(back["text"], text);
    }
    let shown = ask(
        "/unmask/v1/detokenize",
        json!({"tokens": parsed["tokens"], "skip_special": true}),
    );
    assert_eq!(shown["text"], "Paris  ä");
    let messages = json!({"messages": [{"role": "user", "content": "hi"}]});
    assert!(ask("/unmask/v1/tokenize", messages)["count"].as_u64() > Some(3));
}

#[test]
fn a_plan_says_what_an_answer_takes() {
    let server = Server::start(&[]);
    let ask = |unmask: Value, question: &str| {
        let body = json!({"messages": [{"role": "user", "content": question}], "unmask": unmask});
        server.post("/unmask/v1/plan", &body.to_string()).json()
    };
    let plain = ask(json!({}), "hi");
    assert_eq!(
        (&plain["length"], &plain["forwards"], &plain["fits"]),
        (&json!(64), &json!(64), &json!(true))
    );
    assert_eq!(
        (&plain["exact"], &plain["forwards_are_most"]),
        (&json!(true), &json!(false))
    );
    let rounded = ask(json!({"length": 50, "steps": 33}), "hi");
    assert_eq!(
        (&rounded["length"], &rounded["steps"]),
        (&json!(64), &json!(32)),
        "{rounded}"
    );
    assert_eq!(
        rounded["notes"].as_array().map(Vec::len),
        Some(2),
        "{rounded}"
    );
    let fast = ask(json!({"threshold": 0.9}), "hi");
    assert_eq!(fast["approximation"], "threshold 0.9");
    let long = ask(json!({"length": 64}), &"word ".repeat(300));
    assert_eq!(long["fits"], false, "{long}");
    assert!(long["why_not"].as_str().is_some(), "{long}");
}

#[test]
fn likelihoods_are_those_of_score() {
    let server = Server::start(&[]);
    let (context, continuation) = ("The capital of France is", " Paris.");
    let item = json!({"context": context, "continuation": continuation});
    let body = json!({"items": [item, item], "samples": "exact", "greedy": true});
    let reply = server.post("/unmask/v1/loglikelihood", &body.to_string());
    assert_eq!(reply.status, 200, "{reply:?}");
    let data = reply.json()["data"].clone();
    let home = Home::default();
    let score = home.run(
        &[
            "score",
            "--quiet",
            "--samples",
            "exact",
            "--format",
            "json",
            "--context",
            context,
            "--continuation",
            continuation,
        ],
        "",
    );
    let own: Value =
        serde_json::from_str(&score.stdout).unwrap_or_else(|error| panic!("{error}: {score:?}"));
    let ll = data[0]["ll"].as_f64().expect("it is a number");
    assert!(own.to_string().contains(&format!("{ll}")), "{data} {own}");
    assert_eq!(data[1]["ll"], data[0]["ll"]);
    assert!(data[0]["greedy"].is_boolean());
    // A line each, then the end.
    let streamed = json!({"items": [item, item], "samples": "exact", "stream": true});
    let lines = server
        .post("/unmask/v1/loglikelihood", &streamed.to_string())
        .chunks();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["ll"], data[0]["ll"]);
    // A whole text, in windows.
    let whole =
        json!({"items": [{"context": "", "continuation": "The capital of France is Paris."}]});
    let whole = server
        .post("/unmask/v1/loglikelihood", &whole.to_string())
        .json();
    assert!(
        whole["data"][0]["ll"].as_f64().is_some_and(|it| it < 0.0),
        "{whole}"
    );
    for items in [
        json!([]),
        json!([{"context": "a", "continuation": ""}]),
        json!([{"context": "a", "continuation": [1]}]),
    ] {
        let reply = server.post(
            "/unmask/v1/loglikelihood",
            &json!({"items": items}).to_string(),
        );
        assert_eq!(reply.status, 400, "{reply:?}");
    }
}

#[test]
fn the_vocabulary_is_told_once() {
    let server = Server::start(&[]);
    let reply = server.get("/unmask/v1/vocabulary");
    let tag = reply.header("etag").expect("it has one").to_owned();
    let vocabulary = reply.json();
    let state = server.get("/unmask/v1/state").json();
    assert_eq!(
        vocabulary["pieces"].as_array().map(Vec::len),
        state["loaded"]["vocabulary"].as_u64().map(|it| it as usize)
    );
    assert_eq!(vocabulary["special"]["mask"], state["loaded"]["mask"]);
    let sha256 = &state["loaded"]["tokenizer"]["sha256"];
    assert_eq!((&vocabulary["sha256"], sha256.is_string()), (sha256, true));
    let again = server.send(&format!(
        "GET /unmask/v1/vocabulary HTTP/1.1\r\nHost: {}\r\nIf-None-Match: {tag}\r\nConnection: close\r\n\r\n",
        server.address
    ));
    assert_eq!((again.status, again.body.as_str()), (304, ""));
}

#[test]
fn models_are_the_keys_that_are_served_and_their_aliases() {
    let server = Server::start_with(&["--models", "all", "--config", "named.toml"], |home| {
        let config = "active_model_key = \"demo\"\n\
            [available_models.demo]\nframework = \"candle\"\nmodel_id = \"builtin:demo\"\n\
            [available_models.fast]\nframework = \"candle\"\nmodel_id = \"builtin:demo\"\ndescription = \"the same\"\n\
            [serve.aliases]\n\"gpt-4o-mini\" = \"fast\"\n";
        std::fs::write(home.path().join("named.toml"), config).expect("the home is ours");
    });
    let ids = |list: &Value| -> Vec<String> {
        let data = list["data"].as_array().cloned().unwrap_or_default();
        data.iter()
            .filter_map(|it| it["id"].as_str().map(str::to_owned))
            .collect()
    };
    assert_eq!(ids(&server.get("/v1/models").json()), ["demo", "fast"]);
    assert_eq!(server.get("/v1/models/gpt-4o-mini").json()["id"], "fast");
    assert_eq!(server.get("/v1/models/none").status, 404);
    let chat = |model: &str| {
        let body = json!({"model": model, "messages": [{"role": "user", "content": "Hello!"}]});
        server.chat(&body.to_string())
    };
    let (first, second) = (chat("demo"), chat("gpt-4o-mini"));
    assert_eq!(
        (&first["model"], &second["model"]),
        (&json!("demo"), &json!("fast"))
    );
    assert_eq!(
        first["choices"][0]["message"],
        second["choices"][0]["message"]
    );
    assert_eq!(
        server.get("/unmask/v1/state").json()["loaded"]["model"]["key"],
        "fast"
    );
    assert_eq!(chat("demo")["model"], "demo");
}

#[test]
fn every_route_of_the_document_is_there() {
    let server = Server::start(&[]);
    let document = server.get("/unmask/v1/openapi.json").json();
    let paths = document["paths"].as_object().expect("they are listed");
    assert!(paths.len() > 10);
    for (path, operations) in paths {
        let path = path.replace("{id}", "demo");
        for method in operations.as_object().expect("it has methods").keys() {
            let reply = match method.as_str() {
                "get" => server.get(&path),
                _ => server.post(&path, "{}"),
            };
            // Not the answers of a router that knows no such path or method.
            let code =
                serde_json::from_str::<Value>(&reply.body).unwrap_or_default()["error"]["code"]
                    .clone();
            assert!(
                code != "not_found" && code != "method_not_allowed",
                "{method} {path}: {reply:?}"
            );
        }
    }
}

#[test]
fn the_file_says_what_no_flag_says() {
    let started = |flags: &[&str]| {
        let flags = [&["--config", "named.toml"], flags].concat();
        let server = Server::start_with(&flags, |home| {
            let config = "active_model_key = \"demo\"\n\
                [available_models.demo]\nframework = \"candle\"\nmodel_id = \"builtin:demo\"\n\
                [serve]\nparallel = 3\nmax_length = 16\npage = false\n";
            std::fs::write(home.path().join("named.toml"), config).expect("the home is ours");
        });
        let answer =
            server.chat(r#"{"messages":[{"role":"user","content":"Hello!"}],"max_tokens":999}"#);
        let state = server.get("/unmask/v1/state").json();
        let canvas = &answer["unmask"]["stats"]["canvas_tokens"];
        let length = canvas
            .as_u64()
            .zip(answer["usage"]["prompt_tokens"].as_u64());
        let length = length.map(|(canvas, prompt)| canvas - prompt);
        (state["parallel"].clone(), length, server.get("/").status)
    };
    assert_eq!(started(&[]), (json!(3), Some(16), 404));
    let flags = ["--parallel", "2", "--max-length", "32"];
    assert_eq!(started(&flags), (json!(2), Some(32), 404));
}
