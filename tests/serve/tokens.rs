//! Tokens of answers, and how sure the model was of them.

use serde_json::{Value, json};

use crate::answers::{FRANCE, body};
use crate::server::Server;

#[test]
fn logarithms_are_those_of_confidences_at_commit() {
    let server = Server::start(&[]);
    let more = json!({"logprobs": true, "top_logprobs": 2});
    let answer = server.chat(&body(FRANCE, more));
    let content = answer["choices"][0]["logprobs"]["content"]
        .as_array()
        .cloned();
    let content = content.expect("they are listed");
    assert_eq!(
        Some(content.len() as u64),
        answer["usage"]["completion_tokens"].as_u64()
    );
    let text: String = content
        .iter()
        .filter_map(|it| it["token"].as_str())
        .collect();
    assert_eq!(answer["choices"][0]["message"]["content"], text);
    for token in &content {
        assert_eq!(token["top_logprobs"].as_array().map(Vec::len), Some(2));
        assert!(token["logprob"].as_f64().is_some_and(|it| it <= 0.0));
    }
    let request = json!({"prompt": "The capital", "logprobs": 1, "max_tokens": 4}).to_string();
    let answer = server.post("/v1/completions", &request).json();
    let logprobs = &answer["choices"][0]["logprobs"];
    assert_eq!(
        logprobs["tokens"].as_array().map(Vec::len),
        logprobs["text_offset"].as_array().map(Vec::len)
    );
}

#[test]
fn tokens_of_a_stop_have_no_logarithms() {
    let server = Server::start(&[]);
    let more = json!({"logprobs": true, "stop": [" Par"]});
    let answer = server.chat(&body(FRANCE, more.clone()));
    let text = |content: &Value| -> String {
        let tokens = content.as_array().into_iter().flatten();
        tokens.filter_map(|it| it["token"].as_str()).collect()
    };
    let choice = &answer["choices"][0];
    let content = &choice["logprobs"]["content"];
    assert_eq!(choice["message"]["content"], "The capital of France is");
    assert_eq!(choice["message"]["content"], text(content));
    let count = content.as_array().map(|it| it.len() as u64);
    assert_eq!(count, answer["usage"]["completion_tokens"].as_u64());
    let mut streamed = more;
    streamed["stream"] = true.into();
    let chunks = server
        .post("/v1/chat/completions", &body(FRANCE, streamed))
        .chunks();
    let told: String = (chunks.iter())
        .map(|it| text(&it["choices"][0]["logprobs"]["content"]))
        .collect();
    assert_eq!(told, text(content));
}

#[test]
fn a_whole_answer_tells_its_tokens_to_those_who_want_steps() {
    let server = Server::start(&[]);
    let plain = server.chat(&body(FRANCE, json!({})));
    assert_eq!(plain["unmask"].get("tokens"), None);
    let answer = server.chat(&body(FRANCE, json!({"unmask": {"stream": "steps"}})));
    let content = &answer["choices"][0]["message"]["content"];
    assert_eq!(*content, plain["choices"][0]["message"]["content"]);
    let tokens = &answer["unmask"]["tokens"];
    let asked = json!({"tokens": tokens, "skip_special": true}).to_string();
    let text = server.post("/unmask/v1/detokenize", &asked).json();
    let text = text["text"].as_str().unwrap_or_default();
    assert!(
        text.starts_with(content.as_str().expect("it is a text")),
        "{text}"
    );
}
