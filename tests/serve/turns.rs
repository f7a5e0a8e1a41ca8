//! What turns tell at their end, and holes of any length.

use serde_json::{Value, json};

use crate::answers::{FRANCE, body, text_of};
use crate::server::Server;

#[test]
fn the_end_of_a_turn_tells_what_it_was_and_took() {
    let server = Server::start(&[]);
    let drawn = server.chat(&body(
        FRANCE,
        json!({"temperature": 1.0, "unmask": {"length": 8}}),
    ));
    let seed = drawn["unmask"]["seed"].as_u64().expect("it is reported");
    let again = json!({"temperature": 1.0, "seed": seed, "unmask": {"length": 8}});
    let again = server.chat(&body(FRANCE, again));
    assert_eq!(
        again["choices"][0]["message"],
        drawn["choices"][0]["message"]
    );
    assert_eq!(again["system_fingerprint"], drawn["system_fingerprint"]);
    let stats = drawn["unmask"]["stats"]
        .as_object()
        .expect("they are there");
    for name in [
        "steps",
        "nfe",
        "nfe_saved",
        "committed",
        "text_tokens",
        "canvas_tokens",
        "ms",
        "queue_ms",
        "load_ms",
        "ms_to_first_text",
        "exact",
        "approximation",
    ] {
        assert!(stats.contains_key(name), "{name} {stats:?}");
    }
    assert_eq!(drawn["unmask"].get("logprobs"), None);
    let more = json!({"logprobs": true, "unmask": {"length": 8}});
    let marked = server.chat(&body(FRANCE, more));
    assert_eq!(marked["unmask"]["logprobs"], "confidence_at_commit");
    // What is behind a stop is not computed.
    let forwards = |it: &Value| it["unmask"]["stats"]["nfe"].as_u64();
    // Long enough that the stop comes before the end, however late it is heard.
    let long = json!({"length": 192, "steps": 192, "block_length": 8, "early_stop": false});
    let whole = server.chat(&body(FRANCE, json!({"unmask": long})));
    let stop = json!({"stop": [" capital"], "unmask": long});
    let stopped = server.chat(&body(FRANCE, stop));
    assert_eq!(stopped["choices"][0]["message"]["content"], "The");
    assert!(forwards(&stopped) < forwards(&whole), "{stopped} {whole}");
    let reply = server.post(
        "/v1/chat/completions",
        &body(FRANCE, json!({"stream": true, "max_tokens": 1})),
    );
    for (name, value) in [
        ("content-type", "text/event-stream"),
        ("cache-control", "no-cache"),
        ("x-accel-buffering", "no"),
    ] {
        assert_eq!(reply.header(name), Some(value));
    }
}

#[test]
fn a_hole_of_any_length_is_as_long_as_the_model_is_surest_of() {
    let server = Server::start(&[]);
    let parts =
        |hole: Value| json!([{"text": "The capital of"}, {"hole": hole}, {"text": " is Paris."}]);
    let ask = |parts: Value, more: Value| {
        let mut members = json!({"unmask": {"parts": parts}});
        members["max_tokens"] = more;
        body(FRANCE, members)
    };
    let any = server.chat(&ask(parts(json!("auto")), json!(4)));
    let sure = |answer: &Value| {
        let content = answer["choices"][0]["logprobs"]["content"].as_array();
        let all: Vec<f64> = { content.expect("they are there").iter() }
            .filter_map(|it| it["logprob"].as_f64())
            .filter(|it| *it != 0.0)
            .collect();
        all.iter().sum::<f64>() / all.len() as f64
    };
    // Each length that is tried, by itself.
    let best = { [1, 2, 3, 4].into_iter() }
        .map(|length| {
            let mut one: Value =
                serde_json::from_str(&ask(parts(json!(length)), Value::Null)).expect("it is JSON");
            one["logprobs"] = true.into();
            server.chat(&one.to_string())
        })
        .max_by(|a, b| sure(a).total_cmp(&sure(b)))
        .expect("there are some");
    assert_eq!(any["choices"][0]["message"], best["choices"][0]["message"]);
    assert_eq!(any["unmask"]["holes"], best["unmask"]["holes"]);
    assert_eq!(any["usage"], best["usage"]);
    assert!(
        any["unmask"]["notes"].to_string().contains("surest"),
        "{any}"
    );
    let mut streamed: Value =
        serde_json::from_str(&ask(parts(json!("auto")), json!(4))).expect("it is JSON");
    streamed["stream"] = true.into();
    streamed["unmask"]["stream"] = "steps".into();
    let chunks = server
        .post("/v1/chat/completions", &streamed.to_string())
        .chunks();
    assert_eq!(any["choices"][0]["message"]["content"], text_of(&chunks));
    let events = |name: &str| {
        { chunks.iter() }
            .filter(|it| it["unmask"]["event"] == name)
            .count()
    };
    assert_eq!(
        (events("start"), events("done")),
        (1, 1),
        "the best attempt alone is told of"
    );
    let roles = { chunks.iter() }.filter(|it| it["choices"][0]["delta"]["role"] == "assistant");
    assert_eq!(roles.count(), 1);
}
