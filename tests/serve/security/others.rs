//! What other servers got wrong.

use serde_json::json;

use super::*;

pub(super) const ROWS: [Row; 9] = [
    row(
        "a name that was made to point here (CVE-2024-28224): Host",
        |rig| {
            for host in ["evil.com", "localhost.evil.com", "127.0.0.1.evil.com:80"] {
                assert_eq!(rig.get_as(host, "/v1/models", ""), 403, "{host}");
            }
        },
    ),
    row("any Origin reflected: none is", |rig| {
        let reply = rig
            .open
            .send(&rig.head("GET", "/v1/models", "Origin: https://evil.com\r\n"));
        assert_eq!(reply.status, 403);
        assert_eq!(reply.header("access-control-allow-origin"), None);
    }),
    row(
        "a path in a digest, an upload (CVE-2024-37032, CVE-2026-7482): no such routes",
        |rig| {
            for path in [
                "/api/pull",
                "/api/create",
                "/api/blobs/sha256:..%2f..%2fetc",
                "/v1/files",
                "/v1/uploads",
                "/models/load",
                "/unmask/v1/load",
                "/page/..%2f..%2fetc%2fpasswd",
            ] {
                assert_eq!(rig.open.post(path, "{}").status / 100, 4, "{path}");
                assert_eq!(rig.open.get(path).status, 404, "{path}");
            }
            for model in [
                "../../etc/passwd",
                "/etc/passwd",
                "file:///etc/passwd",
                "http://evil.com/model",
            ] {
                let reply = rig
                    .open
                    .post("/v1/chat/completions", &chat(json!({"model": model})));
                assert_eq!(
                    (reply.status, &reply.json()["error"]["code"]),
                    (404, &json!("model_not_found"))
                );
            }
        },
    ),
    row(
        "a negative number (CVE-2026-21869): numbers have types and ranges",
        |rig| {
            for more in [
                json!({"max_tokens": -1}),
                json!({"n": -1}),
                json!({"temperature": -1}),
                json!({"logprobs": true, "top_logprobs": -1}),
                json!({"unmask": {"length": -1}}),
                json!({"unmask": {"steps": -5}}),
                json!({"unmask": {"top": -1}}),
                json!({"unmask": {"parts": [{"hole": -1}]}}),
                json!({"unmask": {"parts": [{"tokens": [-1]}, {"hole": 1}]}}),
                json!({"unmask": {"canvas": {"tokens": [1], "answer_start": -1}}}),
                json!({"unmask": {"canvas": {"tokens": [1, 2], "answer_start": 1, "given": [[-1, 1]]}}}),
                json!({"unmask": {"canvas": {"tokens": [4_000_000_000_u32, 2], "answer_start": 1}}}),
                json!({"unmask": {"canvas": {"tokens": [1, 2], "answer_start": 1, "given": [[0, 9]]}}}),
            ] {
                let reply = rig.open.post("/v1/chat/completions", &chat(more.clone()));
                assert_eq!(reply.status, 400, "{more}: {reply:?}");
            }
            for prompt in [json!([-1]), json!([4_000_000_000_u32]), json!([[1], [-1]])] {
                let reply = rig
                    .open
                    .post("/v1/completions", &json!({"prompt": prompt}).to_string());
                assert_eq!(reply.status, 400, "{prompt}: {reply:?}");
            }
        },
    ),
    row(
        "a body that unpacks (CVE-2024-12886): content-encoding is refused",
        |rig| {
            for coding in ["gzip", "deflate", "br", "zstd", "identity"] {
                let text = rig.open.post_text(
                    "/v1/completions",
                    "{}",
                    &format!("Content-Encoding: {coding}\r\n"),
                );
                assert_eq!(rig.open.send(&text).status, 415, "{coding}");
            }
        },
    ),
    row(
        "an address or a path in an error (CVE-2026-22778): off this machine it has our words",
        |rig| {
            let body = chat(json!({"model": "gone"}));
            let here = rig.open.post("/v1/chat/completions", &body);
            assert!(here.body.contains("there-is-no-such"), "{here:?}");
            let away = rig.keyed.send(&rig.keyed.post_text(
                "/v1/chat/completions",
                &body,
                &bearer(KEY),
            ));
            assert_eq!(away.status, 404, "{away:?}");
            assert!(
                !away.body.contains("there-is-no-such") && away.body.contains("log says why"),
                "{away:?}"
            );
            let text = rig.keyed.send(&rig.keyed.post_text(
                "/unmask/v1/tokenize",
                r#"{"model":"gone","text":"a"}"#,
                &bearer(KEY),
            ));
            assert!(!text.body.contains("there-is-no-such"), "{text:?}");
            let state = rig
                .keyed
                .send(&rig.keyed_head("GET", "/unmask/v1/state", &bearer(KEY)));
            assert!(!state.body.contains("there-is-no-such"), "{state:?}");
        },
    ),
    row(
        "a turn of somebody else (CVE-2026-45349): turns are bound to keys",
        |rig| {
            let asked = chat(
                json!({"stream": true, "unmask": {"length": 192, "steps": 192, "early_stop": false}}),
            );
            let text = rig
                .keyed
                .post_text("/v1/chat/completions", &asked, &bearer(KEY));
            let mut stream = rig.keyed.connect(text.as_bytes());
            let id = first_id(&mut stream);
            let stop = |key: &str| {
                let text = rig.keyed.post_text(
                    &format!("/unmask/v1/turns/{id}"),
                    r#"{"do":"stop"}"#,
                    &bearer(key),
                );
                rig.keyed.send(&text).status
            };
            assert_eq!(stop(OTHER_KEY), 404);
            assert_eq!(stop(KEY), 200);
            drop(stream);
        },
    ),
    row("an address that acts (#25790): GET never does", |rig| {
        let page = rig.open.get("/").body;
        assert_eq!(rig.open.get("/?q=hi&key=x").body, page);
        for path in [
            "/v1/chat/completions?prompt=a",
            "/v1/completions",
            "/unmask/v1/tokenize?text=a",
            "/unmask/v1/plan",
            "/unmask/v1/loglikelihood",
            "/unmask/v1/turns/a?do=stop",
        ] {
            assert_eq!(rig.open.get(path).status, 405, "{path}");
        }
    }),
    row(
        "a beginning taken for the whole: origins are read and compared whole",
        |rig| {
            for origin in [
                "http://localhost.evil.com",
                "http://127.0.0.1.evil.com",
                "http://127.0.0.1",
                "null",
            ] {
                assert_eq!(
                    rig.get_as(
                        &rig.open.address,
                        "/v1/models",
                        &format!("Origin: {origin}\r\n")
                    ),
                    403,
                    "{origin}"
                );
            }
        },
    ),
];
