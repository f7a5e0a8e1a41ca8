//! Answers, streamed and whole.

use serde_json::{Value, json};
use unmask_tests::program::Home;

use crate::server::Server;

pub(crate) const FRANCE: &str = "What is the capital of France?";

pub(crate) fn body(question: &str, more: Value) -> String {
    let mut body = json!({"messages": [{"role": "user", "content": question}]});
    let members = more.as_object().cloned().unwrap_or_default();
    body.as_object_mut().expect("it is one").extend(members);
    body.to_string()
}

pub(crate) fn text_of(chunks: &[Value]) -> String {
    let deltas = chunks
        .iter()
        .filter_map(|it| it["choices"][0]["delta"]["content"].as_str());
    deltas.collect()
}

#[test]
fn a_stream_adds_up_to_the_whole_answer_and_to_that_of_generate() {
    let server = Server::start(&[]);
    for settings in [
        json!({}),
        json!({"temperature": 0.7, "seed": 7}),
        json!({"stop": [" is"]}),
        json!({"max_tokens": 3}),
        json!({"unmask": {"threshold": 0.9, "cache": "dual"}}),
        json!({"unmask": {"wino": 0.6}}),
        json!({"unmask": {"pins": "0:The", "remasking": "random", "seed": 3}}),
    ] {
        // Every prompt of the reference cases has a test of its own.
        let whole = server.chat(&body(FRANCE, settings.clone()));
        let mut streamed = settings.clone();
        streamed["stream"] = true.into();
        let reply = server.post("/v1/chat/completions", &body(FRANCE, streamed));
        assert_eq!(reply.status, 200, "{reply:?}");
        let chunks = reply.chunks();
        let choice = &whole["choices"][0];
        assert_eq!(choice["message"]["content"], text_of(&chunks), "{settings}");
        let last = chunks.last().expect("there is an end");
        assert_eq!(last["choices"][0]["finish_reason"], choice["finish_reason"]);
        assert_eq!(last["unmask"]["event"], "done");
        assert_eq!(last["unmask"]["reason"], whole["unmask"]["reason"]);
    }
    let said = Home::default().run(&["generate", "--quiet", FRANCE], "");
    let whole = server.chat(&body(FRANCE, json!({})));
    assert_eq!(
        whole["choices"][0]["message"]["content"],
        said.stdout.trim_end()
    );
}

#[test]
fn the_events_of_a_stream_are_those_of_generate() {
    let server = Server::start(&[]);
    let more = json!({"stream": true, "seed": 0, "unmask": {"stream": "steps", "top": 5}});
    let reply = server.post("/v1/chat/completions", &body(FRANCE, more));
    let chunks = reply.chunks();
    let said = Home::default().run(
        &[
            "generate", "--quiet", "--seed", "0", "--format", "jsonl", FRANCE,
        ],
        "",
    );
    let lines: Vec<&str> = said.stdout.lines().collect();
    let events: Vec<&Value> = (chunks.iter())
        .map(|it| &it["unmask"])
        .filter(|it| !it.is_null())
        .collect();
    assert_eq!(events.len(), lines.len());
    // As they are written: a float of another length would not be the same line.
    let steps = lines.iter().filter(|it| it.contains("\"event\":\"step\""));
    for line in steps.clone() {
        let commits = line
            .split_once("\"commits\":")
            .expect("a step has commits")
            .1;
        assert!(reply.body.contains(commits), "{line}");
    }
    assert!(steps.count() > 10);
    let start = events[0];
    let own: Value = serde_json::from_str(lines[0]).expect("it is JSON");
    for member in ["canvas", "params", "pieces", "messages", "backend", "model"] {
        assert_eq!(start[member], own[member], "{member}");
    }
    assert_eq!(start["turn"], chunks[0]["id"]);
    assert_eq!(start["predicted"]["forwards"], 64);
}

#[test]
fn several_answers_to_one_prompt_have_seeds_of_their_own() {
    let server = Server::start(&[]);
    let more = json!({"n": 3, "temperature": 1.5, "seed": 1});
    let several = server.chat(&body("Hello!", more));
    let choices = several["choices"].as_array().expect("they are listed");
    assert_eq!(choices.len(), 3);
    for (index, choice) in choices.iter().enumerate() {
        assert_eq!(choice["index"], index);
        let alone = json!({"temperature": 1.5, "seed": 1 + index});
        let alone = server.chat(&body("Hello!", alone));
        assert_eq!(choice["message"], alone["choices"][0]["message"]);
    }
    // Where nothing is random, one turn answers all.
    let greedy = server.chat(&body("Hello!", json!({"n": 3})));
    assert_eq!(greedy["choices"].as_array().map(Vec::len), Some(3));
    assert_eq!(greedy["unmask"]["event"], "done");
    let one = server.chat(&body("Hello!", json!({})));
    let tokens = |it: &Value| it["usage"]["completion_tokens"].as_u64();
    assert_eq!(tokens(&greedy), tokens(&one).map(|it| 3 * it));
    assert_eq!(
        greedy["usage"]["prompt_tokens"],
        one["usage"]["prompt_tokens"]
    );
}

#[test]
fn a_begun_answer_goes_on_and_is_not_repeated() {
    let server = Server::start(&[]);
    let messages = json!({"messages": [
        {"role": "user", "content": FRANCE},
        {"role": "assistant", "content": "The capital of France"},
    ]});
    let answer = server.chat(&messages.to_string());
    assert_eq!(answer["choices"][0]["message"]["content"], " is Paris.");
}

#[test]
fn a_suffix_is_filled_up_to() {
    let server = Server::start(&[]);
    let request = json!({"prompt": "The capital of", "suffix": " is Paris.", "max_tokens": 2});
    for path in ["/v1/completions", "/v1/fim/completions"] {
        let reply = server.post(path, &request.to_string());
        let answer = reply.json();
        assert_eq!(answer["object"], "text_completion");
        assert_eq!(
            answer["unmask"]["holes"].as_array().map(Vec::len),
            Some(1),
            "{answer}"
        );
        assert_eq!(answer["choices"][0]["text"], answer["unmask"]["holes"][0]);
        let tokens = answer["usage"]["completion_tokens"].as_u64();
        assert!(tokens.is_some_and(|it| it <= 2), "{answer}");
    }
    let mut streamed = request;
    streamed["stream"] = true.into();
    let chunks = server
        .post("/v1/completions", &streamed.to_string())
        .chunks();
    let text: String = (chunks.iter())
        .filter_map(|it| it["choices"][0]["text"].as_str())
        .collect();
    let whole = server.post(
        "/v1/completions",
        &streamed.to_string().replace("true", "false"),
    );
    assert_eq!(whole.json()["choices"][0]["text"], text);
}

#[test]
fn prompts_are_texts_or_tokens_and_may_be_several() {
    let server = Server::start(&[]);
    let text = "The capital of France";
    let tokens = server
        .post("/unmask/v1/tokenize", &json!({"text": text}).to_string())
        .json();
    let ask = |prompt: Value| {
        let request = json!({"prompt": prompt, "max_tokens": 8, "echo": true}).to_string();
        server.post("/v1/completions", &request).json()
    };
    let (of_text, of_tokens) = (ask(json!(text)), ask(tokens["tokens"].clone()));
    let said = of_text["choices"][0]["text"]
        .as_str()
        .expect("it is a text");
    let rest = said.strip_prefix(text).expect("the prompt is repeated");
    assert_eq!(of_tokens["choices"][0]["text"], rest);
    let both = ask(json!([text, text]));
    assert_eq!(both["choices"][1]["text"], said);
    assert_eq!(
        both["usage"]["prompt_tokens"].as_u64(),
        of_text["usage"]["prompt_tokens"].as_u64().map(|it| 2 * it)
    );
}

#[test]
fn a_canvas_that_was_stopped_goes_on_to_the_same_end() {
    let server = Server::start(&[]);
    let more = json!({"stream": true, "unmask": {"stream": "steps"}});
    let chunks = server
        .post("/v1/chat/completions", &body(FRANCE, more))
        .chunks();
    let start = &chunks[1]["unmask"];
    let mut canvas: Vec<Value> = start["canvas"]["tokens"]
        .as_array()
        .cloned()
        .expect("tokens");
    let steps = chunks
        .iter()
        .map(|it| &it["unmask"])
        .filter(|it| it["event"] == "step");
    for step in steps.take(7) {
        for commit in step["commits"].as_array().expect("a list") {
            let at = commit["position"].as_u64().expect("a number") as usize;
            canvas[at] = commit["token"].clone();
        }
    }
    let kept = json!({
        "tokens": canvas,
        "answer_start": start["canvas"]["answer_start"],
        "given": start["canvas"]["given"],
    });
    let whole = server.chat(&body(FRANCE, json!({})));
    let on = server.chat(&body(FRANCE, json!({"unmask": {"canvas": kept}})));
    assert_eq!(on["choices"][0]["message"], whole["choices"][0]["message"]);
    assert!(on["unmask"]["stats"]["nfe"].as_u64() < whole["unmask"]["stats"]["nfe"].as_u64());
}

#[test]
fn parts_are_given_and_holes_are_filled() {
    let server = Server::start(&[]);
    let parts = json!([{"text": "The capital of France is"}, {"hole": 4}, {"text": "!"}]);
    let answer = server.chat(&body(FRANCE, json!({"unmask": {"parts": parts}})));
    let text = answer["choices"][0]["message"]["content"]
        .as_str()
        .expect("a text");
    assert!(
        text.starts_with("The capital of France is") && text.ends_with('!'),
        "{text}"
    );
    assert_eq!(answer["unmask"]["holes"].as_array().map(Vec::len), Some(1));
}

#[test]
fn what_does_not_fit_is_said_in_the_apis_own_words() {
    let server = Server::start(&[]);
    let long = "word ".repeat(2000);
    for (path, request, status, code, param) in [
        (
            "/v1/chat/completions",
            body(&long, json!({})),
            400,
            "context_length_exceeded",
            Value::Null,
        ),
        (
            "/v1/chat/completions",
            body("hi", json!({"model": "demmo"})),
            404,
            "model_not_found",
            json!("model"),
        ),
        (
            "/v1/chat/completions",
            body("hi", json!({"tools": [{}]})),
            400,
            "unsupported_parameter",
            json!("tools"),
        ),
        (
            "/v1/chat/completions",
            body("hi", json!({"unmask": {"stepps": 1}})),
            400,
            "invalid_value",
            json!("unmask.stepps"),
        ),
        (
            "/v1/chat/completions",
            body("hi", json!({"unmask": {"length": 100_000}})),
            400,
            "invalid_value",
            json!("unmask.length"),
        ),
        (
            "/v1/completions",
            json!({"prompt": "a", "echo": true, "logprobs": 1}).to_string(),
            400,
            "unsupported_parameter",
            json!("echo"),
        ),
        (
            "/v1/chat/completions",
            json!({"unmask": {"canvas": {"tokens": [1, 2], "answer_start": 2}}}).to_string(),
            400,
            "invalid_value",
            json!("unmask.canvas"),
        ),
        (
            "/v1/completions",
            "{".to_owned(),
            400,
            "invalid_json",
            Value::Null,
        ),
        (
            "/v1/nothing",
            "{}".to_owned(),
            404,
            "not_found",
            Value::Null,
        ),
        (
            "/v1/models",
            "{}".to_owned(),
            405,
            "method_not_allowed",
            Value::Null,
        ),
    ] {
        let reply = server.post(path, &request);
        let error = &reply.json()["error"];
        assert_eq!(reply.status, status, "{reply:?}");
        assert_eq!(
            (&error["code"], &error["param"]),
            (&json!(code), &param),
            "{reply:?}"
        );
        assert!(error["message"].as_str().is_some_and(|it| !it.is_empty()));
        assert_eq!(reply.header("x-should-retry"), Some("false"), "{reply:?}");
        assert!(reply.header("x-request-id").is_some());
    }
}

#[test]
fn a_ceiling_is_no_wish_for_a_large_canvas() {
    let server = Server::start(&[]);
    let answer = server.chat(&body(FRANCE, json!({"max_tokens": 8192})));
    let canvas = answer["unmask"]["stats"]["canvas_tokens"].as_u64();
    // Prompt, and as many whole blocks as the context has left.
    assert!(canvas.is_some_and(|it| it <= 256), "{answer}");
    assert_eq!(
        answer["choices"][0]["message"]["content"],
        "The capital of France is Paris."
    );
}

#[test]
fn hints_that_are_not_honoured_are_reported() {
    let server = Server::start(&[]);
    let answer = server.chat(&body("Hello!", json!({"top_p": 0.5, "verbosity": "low"})));
    assert_eq!(answer["unmask"]["ignored"], json!(["top_p", "verbosity"]));
}

#[test]
fn what_outgrows_the_context_is_refused_or_left_out_as_the_client_wants() {
    let server = Server::start(&[]);
    let said = |role: &str, content: &str| json!({"role": role, "content": content});
    let old = "word ".repeat(120);
    let messages = [
        said("user", &old),
        said("assistant", &old),
        said("user", FRANCE),
    ];
    let ask = |overflow: &str| {
        let member = json!({"overflow": overflow, "length": 32, "stream": "steps"});
        let body = json!({"messages": messages, "stream": true, "unmask": member});
        server.post("/v1/chat/completions", &body.to_string())
    };
    let refused = ask("refuse");
    assert_eq!(refused.status, 400, "{refused:?}");
    let code = &refused.json()["error"]["code"];
    assert_eq!(code, "context_length_exceeded");
    let chunks = ask("drop_oldest").chunks();
    let start = { chunks.iter() }.find(|it| it["unmask"]["event"] == "start");
    assert_eq!(start.expect("it began")["unmask"]["left_out"], 2);
    assert!(text_of(&chunks).contains("Paris"), "{chunks:?}");
}
