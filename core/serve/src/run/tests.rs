//! What becomes of a run whose client or whose model goes.

use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::json;

use crate::fixture::{FixtureLoader, SLOW, layered, said, serve, serve_with};
use crate::host::lock;

#[test]
fn whoever_hangs_up_ends_the_forward_within_a_layer() {
    let measured = json!({"items": [{"context": "a", "continuation": "b"}]});
    for (path, body) in [
        ("/v1/completions", json!({"prompt": "a", "stream": true})),
        ("/v1/completions", json!({"prompt": "a"})),
        ("/unmask/v1/loglikelihood", measured),
    ] {
        let (loader, mut layers) = layered();
        let server = serve_with(Box::new(loader), SLOW);
        let client = server.connect(&server.post(path, &body));
        layers.until_begun(3);
        drop(client);
        // The place is free while the layer is still being computed.
        server.until_running(0);
        layers.open();
        said(&mut server.ask(json!({})), "\"finish_reason\":\"length\"");
        let passes = layers.passes();
        assert_eq!(passes[0], 3, "{path} {body}");
        assert!(passes[1..].iter().all(|&layers| layers == 32), "{passes:?}");
    }
}

#[test]
fn whoever_was_admitted_on_a_model_that_is_gone_waits_for_it_to_be_loaded_again() {
    for stream in [true, false] {
        let server = serve(SLOW);
        server.end();
        let ask = |deaths| -> TcpStream {
            server.told.dies.store(deaths, Ordering::Relaxed);
            server.ask(json!({"stream": stream}))
        };
        let answer = said(&mut ask(1), "\"finish_reason\":\"length\"");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert_eq!(answer.matches("\"role\":\"assistant\"").count(), 1);
        // Once, and no more.
        let refused = said(&mut ask(2), "\"error\"");
        assert!(refused.contains("it was told to die"), "{refused}");
        server.until_running(0);
    }
    let server = serve(SLOW);
    server.end();
    let measured = json!({"items": [{"context": "a", "continuation": "b"}]});
    let request = server.post("/unmask/v1/loglikelihood", &measured);
    for (deaths, answer) in [(1, "\"ll\":-1.0"), (2, "it was told to die")] {
        server.told.dies.store(deaths, Ordering::Relaxed);
        said(&mut server.connect(&request), answer);
    }
}

#[test]
fn whoever_waits_for_a_model_hears_how_far_it_is() {
    let loader = FixtureLoader::default();
    let told_to = Arc::clone(&loader.0);
    told_to.loads.store(true, Ordering::Relaxed);
    let server = serve_with(Box::new(loader), SLOW);
    let mut client = server.ask(json!({"stream": true, "unmask": {"stream": "steps"}}));
    let told = said(
        &mut client,
        "\"stage\":\"reading words\",\"done\":1,\"total\":2}",
    );
    assert!(
        told.contains("{\"event\":\"loading\",\"model\":\"words\","),
        "{told}"
    );
    let health = || said(&mut server.connect(&server.get("/health")), "}");
    assert!(
        health().contains("{\"status\":\"loading\"}"),
        "{}",
        health()
    );
    let vocabulary = server.connect(&server.get("/unmask/v1/vocabulary"));
    let refused = said(&mut { vocabulary }, "\"code\":\"loading\"");
    assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");
    told_to.loads.store(false, Ordering::Relaxed);
    told_to.ends.store(true, Ordering::Relaxed);
    let answer = said(&mut client, "[DONE]");
    assert_eq!(answer.matches("\"role\":\"assistant\"").count(), 1);
    assert!(health().contains("{\"status\":\"ok\"}"), "{}", health());
}

#[test]
fn whoever_stops_a_hole_of_any_length_gets_the_best_attempt_so_far() {
    for stream in [true, false] {
        let server = serve(SLOW);
        let mut client = server.ask(json!({
            "stream": stream,
            "max_tokens": 4,
            "unmask": {"parts": [{"text": "b"}, {"hole": "auto"}]},
        }));
        server.until_running(1);
        // A whole answer tells its id at its end alone.
        let ids = || -> Vec<String> { lock(&server.app.turns).keys().cloned().collect() };
        let id = std::iter::repeat_with(ids).find_map(|it| it.first().cloned());
        let path = format!("/unmask/v1/turns/{}", id.expect("it runs"));
        let stop = server.post(&path, &json!({"do": "stop"}));
        said(&mut server.connect(&stop), "\"ok\":true");
        // Another attempt would never end.
        let answer = said(&mut client, "\"finish_reason\":");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        server.until_running(0);
    }
}
