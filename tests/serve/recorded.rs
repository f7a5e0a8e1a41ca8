//! Requests as programs of others send them, by what their public sources show: Continue (an editor's chat and completion),
//! Open WebUI (a chat, and what it asks behind its user's back) and aichat (a terminal's chat, which is a program in Rust).

use serde_json::{Value, json};

use crate::server::Server;

/// What ends a completion in Continue: markers of every model that fills in, and the beginnings of what it does not want.
const CONTINUE_STOPS: [&str; 22] = [
    "<|endoftext|>",
    "<|fim_prefix|>",
    "<|fim_middle|>",
    "<|fim_suffix|>",
    "<|fim_pad|>",
    "<|repo_name|>",
    "<|file_sep|>",
    "<|im_start|>",
    "<|im_end|>",
    "<fim_prefix>",
    "<fim_suffix>",
    "<fim_middle>",
    "<file_sep>",
    "<PRE>",
    "<SUF>",
    "<MID>",
    "<EOT>",
    "/src/",
    "#- coding: utf-8",
    "```",
    "\n\n",
    "\r\n\r\n",
];

#[test]
fn continue_chats_and_fills_in() {
    let server = Server::start(&[]);
    // Its SDK's stream: counts at the end, and contents that are never empty.
    let chat = json!({
        "messages": [
            {"role": "system", "content": "Your are in chat mode.\n"},
            {"role": "user", "content": [{"type": "text", "text": "Hello!"}]},
            {"role": "assistant", "content": " "},
            {"role": "user", "content": "What is the capital of France?"},
        ],
        "model": "demo", "max_tokens": 4096, "temperature": 0.0, "stream": true, "stream_options": {"include_usage": true},
    });
    let chunks = server
        .post("/v1/chat/completions", &chat.to_string())
        .chunks();
    assert!(text(&chunks, "delta").contains("Paris"), "{chunks:?}");
    let usage = &chunks.last().expect("there is one")["usage"];
    assert!(usage["completion_tokens"].as_u64() > Some(0), "{usage}");
    // Its completion reads the text of a chat's chunk, whatever else is there.
    let fill = json!({
        "model": "demo", "prompt": "The capital of", "suffix": " is Paris.", "max_tokens": 256, "temperature": 0.01,
        "stop": CONTINUE_STOPS, "stream": true,
    });
    let reply = server.post("/v1/fim/completions", &fill.to_string());
    assert_eq!(reply.status, 200, "{reply:?}");
    let chunks = reply.chunks();
    let texts: String = { chunks.iter() }
        .filter_map(|it| it["choices"][0]["text"].as_str())
        .collect();
    assert!(!texts.is_empty());
    assert_eq!(text(&chunks, "delta"), texts);
    let mut whole = fill;
    whole["stream"] = false.into();
    whole["temperature"] = 0.into();
    let choice = server
        .post("/v1/fim/completions", &whole.to_string())
        .json()["choices"][0]
        .clone();
    assert_eq!(choice["message"]["content"], choice["text"]);
    // Where a model has no such route, it completes a text of markers.
    let complete = json!({
        "prompt": "The capital of France is", "model": "demo", "max_tokens": 64, "temperature": 0.01, "stream": true,
        "stop": CONTINUE_STOPS,
    });
    let reply = server.post("/v1/completions", &complete.to_string());
    assert_eq!(reply.status, 200, "{reply:?}");
    assert!(reply.chunks()[0]["choices"][0].get("delta").is_none());
}

#[test]
fn open_web_ui_chats_and_asks_for_titles() {
    let server = Server::start(&[]);
    let models = server.get("/v1/models").json();
    assert_eq!(models["data"][0]["id"], "demo");
    let chat = json!({
        "stream": true, "model": "demo", "stream_options": {"include_usage": true},
        "messages": [
            {"role": "system", "content": ""},
            {"role": "user", "content": "What is the capital of France?"},
        ],
        "temperature": 0, "top_p": 0.9, "frequency_penalty": 0.0, "seed": 3, "stop": ["\n\nUser:"], "max_tokens": 128,
    });
    let chunks = server
        .post("/v1/chat/completions", &chat.to_string())
        .chunks();
    assert!(text(&chunks, "delta").contains("Paris"), "{chunks:?}");
    // A title, tags and what to ask next: whole answers, with more tokens than the model has positions.
    let task = |more: Value| {
        let task = "### Task:\nGenerate a concise, 3-5 word title.\n### Output:\nJSON format: { \"title\": \"…\" }";
        let mut body = json!({"model": "demo", "messages": [{"role": "user", "content": task}], "stream": false});
        let members = more.as_object().cloned().unwrap_or_default();
        body.as_object_mut().expect("it is one").extend(members);
        server.chat(&body.to_string())
    };
    for more in [json!({"max_completion_tokens": 1000}), json!({})] {
        let answer = task(more);
        let choice = &answer["choices"][0];
        assert!(choice["message"]["content"].is_string(), "{answer}");
        assert!(choice["finish_reason"].is_string(), "{answer}");
    }
    // What it tells of itself reaches some servers.
    let answer = task(json!({"metadata": {"task": "title_generation", "chat_id": "1"}}));
    assert_eq!(answer["unmask"]["ignored"], json!([]));
}

#[test]
fn aichat_chats() {
    let server = Server::start(&[]);
    // Its models of the kind `openai-compatible`: contents are texts or parts, and what is not set is left out.
    let history = json!([
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello!"},
        {"role": "assistant", "content": "Hi!"},
        {"role": "user", "content": "What is the capital of France?"},
    ]);
    let plain = json!({"model": "demo", "messages": history, "temperature": 0.0, "top_p": 1.0, "max_tokens": 64});
    let whole = server.chat(&plain.to_string());
    let choice = &whole["choices"][0]["message"];
    assert!(
        choice["content"]
            .as_str()
            .is_some_and(|it| it.contains("Paris")),
        "{whole}"
    );
    // What it reads of an answer besides: ids and counts.
    assert!(whole["id"].is_string() && whole["usage"]["prompt_tokens"].is_u64());
    let mut streamed = plain;
    streamed["stream"] = true.into();
    let chunks = server
        .post("/v1/chat/completions", &streamed.to_string())
        .chunks();
    assert_eq!(
        text(&chunks, "delta"),
        choice["content"].as_str().unwrap_or_default()
    );
    // It asks for functions if its user has some, and shows what the server says of it.
    let mut tools = streamed;
    tools["tools"] =
        json!([{"type": "function", "function": {"name": "may_be", "parameters": {}}}]);
    let refused = server.post("/v1/chat/completions", &tools.to_string());
    assert_eq!(refused.status, 400, "{refused:?}");
    assert!(refused.json()["error"]["message"].is_string());
}

/// All that a client reads of a stream.
fn text(chunks: &[Value], member: &str) -> String {
    let texts = chunks
        .iter()
        .filter_map(|it| it["choices"][0][member]["content"].as_str());
    texts.collect()
}
