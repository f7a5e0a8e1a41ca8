//! What the design says of addresses, names, pages, keys, limits and the log.

use serde_json::json;
use unmask_tests::program::Home;
#[cfg(target_os = "linux")]
use unmask_tests::served::Served;

use super::*;

pub(super) const ROWS: [Row; 10] = [
    row(
        "bound off loopback only with keys, or without by name",
        |rig| {
            let home = Home::default();
            let said = home.run(&["serve", "--host", "0.0.0.0", "--port", "0"], "");
            assert_eq!(said.code, Some(2), "{said:?}");
            for word in ["--key-file", "--no-key-on-network"] {
                assert!(said.stderr.contains(word), "{said:?}");
            }
            let everybody =
                Server::start_with(&["--host", "0.0.0.0", "--no-key-on-network"], |_| ());
            let head = "GET /v1/models HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
            assert_eq!(everybody.send(head).status, 200);
            assert_eq!(
                rig.keyed
                    .send(&rig.keyed_head("GET", "/v1/models", ""))
                    .status,
                401
            );
        },
    ),
    row("exactly one Host, and an absolute target agrees", |rig| {
        let host = &rig.open.address;
        for (target, hosts, status) in [
            ("/v1/models", format!("Host: {host}\r\n"), 200),
            (
                "/v1/models",
                format!("Host: {host}\r\nHost: {host}\r\n"),
                403,
            ),
            ("/v1/models", String::new(), 403),
            (
                &*format!("http://{host}/v1/models"),
                format!("Host: {host}\r\n"),
                200,
            ),
            (
                "http://evil.com/v1/models",
                format!("Host: {host}\r\n"),
                403,
            ),
            (
                &*format!("http://{host}/v1/models"),
                "Host: evil.com\r\n".to_owned(),
                403,
            ),
        ] {
            let text = format!("GET {target} HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n");
            // What has no Host at all may be refused before it comes to the door.
            let got = rig.open.send(&text).status;
            assert!(
                got == status || (hosts.is_empty() && got == 400),
                "{text}: {got}"
            );
        }
    }),
    row("no page of another site, and POST is JSON", |rig| {
        let foreign = "Sec-Fetch-Site: cross-site\r\n";
        assert_eq!(rig.get_as(&rig.open.address, "/v1/models", foreign), 403);
        assert_eq!(rig.get_as(&rig.open.address, "/health", foreign), 200);
        for kind in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=a",
        ] {
            let text = rig.head(
                "POST",
                "/v1/completions",
                &format!("Content-Type: {kind}\r\nContent-Length: 2\r\n"),
            ) + "{}";
            assert_eq!(rig.open.send(&text).status, 415, "{kind}");
        }
    }),
    row(
        "what a page may read: that of an allowed origin, exactly, without credentials",
        |_| {
            let server = Server::start(&["--allow-origin", "https://chat.lan"]);
            let ask = |origin: &str| {
                let host = &server.address;
                server.send(&format!("GET /v1/models HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nConnection: close\r\n\r\n"))
            };
            let allowed = ask("https://chat.lan");
            assert_eq!(
                allowed.header("access-control-allow-origin"),
                Some("https://chat.lan")
            );
            assert_eq!(allowed.header("vary"), Some("origin"));
            assert_eq!(allowed.header("access-control-allow-credentials"), None);
            for origin in [
                "https://chat.lan.evil.com",
                "http://chat.lan",
                "https://chat.lan:444",
            ] {
                assert_eq!(ask(origin).status, 403, "{origin}");
            }
        },
    ),
    row(
        "keys: long, of a file that is the owner's, in a header",
        |rig| {
            for (text, mode, words) in [
                ("ann short", 0o600, "too short"),
                (&*format!("ann {KEY}"), 0o644, "chmod 600"),
                ("", 0o600, "no key"),
            ] {
                let home = Home::default();
                keys(home.path(), text, mode);
                let said = home.run(&["serve", "--port", "0", "--key-file", "keys"], "");
                let is_refused = said.code != Some(0)
                    && said.stderr.contains(words)
                    && !said.stderr.contains(KEY);
                assert!(is_refused || cfg!(not(unix)), "{said:?}");
            }
            for (path, header, status) in [
                ("/v1/models", bearer(KEY), 200),
                ("/v1/models", format!("X-Api-Key: {OTHER_KEY}\r\n"), 200),
                ("/v1/models", format!("Authorization: Basic {KEY}\r\n"), 401),
                ("/v1/models", format!("Cookie: key={KEY}\r\n"), 401),
                (&*format!("/v1/models?key={KEY}"), String::new(), 401),
                (&*format!("/v1/models?api_key={KEY}"), String::new(), 401),
            ] {
                let reply = rig.keyed.send(&rig.keyed_head("GET", path, &header));
                assert_eq!(reply.status, status, "{path} {header}");
            }
        },
    ),
    row(
        "a key for one run, which no program's arguments hold",
        |_| {
            #[cfg(target_os = "linux")]
            opened();
        },
    ),
    row("limits of a head, a body and its depth", |rig| {
        let many: String = (0..80).map(|it| format!("X-{it}: a\r\n")).collect();
        let large = format!("X-Large: {}\r\n", "a".repeat(20_000));
        for headers in [&many, &large] {
            let reply = rig.open.send(&rig.head("GET", "/v1/models", headers));
            assert!(reply.status == 431 || reply.status == 400, "{reply:?}");
        }
        let more = "Content-Type: application/json\r\nContent-Length: 3000000\r\n";
        assert_eq!(
            rig.open
                .send(&rig.head("POST", "/v1/completions", more))
                .status,
            413
        );
        let deep = format!("{{\"prompt\":{}1{}}}", "[".repeat(40), "]".repeat(40));
        let reply = rig.open.post("/v1/completions", &deep);
        assert_eq!(
            (reply.status, &reply.json()["error"]["code"]),
            (400, &json!("invalid_json"))
        );
        let long = json!({"text": "word ".repeat(350_000)}).to_string();
        let reply = rig.open.post("/unmask/v1/tokenize", &long);
        assert!(
            reply.status == 400 || reply.status == 200,
            "{}",
            reply.status
        );
        let reply = rig.open.post(
            "/v1/completions",
            &json!({"prompt": "word ".repeat(350_000)}).to_string(),
        );
        assert_eq!(
            (reply.status, &reply.json()["error"]["code"]),
            (400, &json!("context_length_exceeded"))
        );
    }),
    row(
        "the log: who asked what of which route, and nothing of what was said",
        |rig| {
            let body = json!({"messages": [{"role": "user", "content": SECRET}], "max_tokens": 2})
                .to_string();
            assert_eq!(
                rig.keyed
                    .send(
                        &rig.keyed
                            .post_text("/v1/chat/completions", &body, &bearer(KEY))
                    )
                    .status,
                200
            );
            let text = log(&rig.keyed);
            for word in [
                "POST",
                "/v1/chat/completions",
                "status=200",
                "client=\"ann\"",
                "completion_tokens=",
                "ms=",
            ] {
                assert!(text.contains(word), "{word} is not in {text}");
            }
            assert!(!text.contains(SECRET) && !text.contains(KEY), "{text}");
            let telling = Server::start_with(&["--log-prompts"], |_| ());
            assert_eq!(telling.post("/v1/chat/completions", &body).status, 200);
            assert!(log(&telling).contains(SECRET));
        },
    ),
    row(
        "a file that lies in the current folder makes no server and asks none",
        |_| {
            for more in [
                "[serve]\nport = 0\n",
                "[available_models.away]\nframework = \"openai\"\nmodel_id = \"a/b\"\n",
            ] {
                let home = Home::default();
                let file = format!(
                    "active_model_key = \"demo\"\n[available_models.demo]\nframework = \"candle\"\nmodel_id = \"builtin:demo\"\n{more}"
                );
                std::fs::write(home.path().join("model_config.toml"), file)
                    .expect("the home is ours");
                let said = home.run(&["serve", "--port", "0"], "");
                assert_eq!(said.code, Some(2), "{said:?}");
                assert!(said.stderr.contains("current folder"), "{said:?}");
            }
        },
    ),
    row(
        "headers that keep the page from being used by others",
        |rig| {
            let page = rig.open.get("/");
            for (name, part) in [
                ("content-security-policy", "frame-ancestors 'none'"),
                ("content-security-policy", "default-src 'none'"),
                ("x-content-type-options", "nosniff"),
                ("referrer-policy", "no-referrer"),
                ("cross-origin-opener-policy", "same-origin"),
                ("cross-origin-resource-policy", "same-origin"),
            ] {
                assert!(
                    page.header(name).is_some_and(|it| it.contains(part)),
                    "{name}: {page:?}"
                );
            }
        },
    ),
];

/// A browser that keeps what it is told to open.
#[cfg(target_os = "linux")]
fn opened() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = Home::default();
    let at = |name: &str| home.path().join(name);
    std::fs::create_dir(at("bin")).expect("the home is ours");
    let script = format!(
        "#!/bin/sh\nprintf %s \"$*\" >{0}/arguments\ncat \"$1\" >{0}/part && mv {0}/part {0}/page\n",
        home.path().display()
    );
    std::fs::write(at("bin/xdg-open"), script).expect("the home is ours");
    std::fs::set_permissions(at("bin/xdg-open"), std::fs::Permissions::from_mode(0o700))
        .expect("it is ours");
    let path = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{path}", at("bin").display());
    let served = Served::start_in(&home, &["--open"], &[("PATH", &path)]);
    let began = std::time::Instant::now();
    let page = loop {
        match std::fs::read_to_string(at("page")) {
            Ok(page) => break page,
            Err(_) => assert!(began.elapsed().as_secs() < 60, "nothing was opened"),
        }
        std::thread::yield_now();
    };
    let (_, key) = page
        .split_once(&format!("{}#key=", served.address))
        .expect("it leads to the page");
    let key = key.split('"').next().unwrap_or_default();
    let arguments = std::fs::read_to_string(at("arguments")).expect("it was told");
    assert!(key.len() > 24 && !arguments.contains(key), "{arguments}");
    let address = served
        .address
        .trim_start_matches("http://")
        .trim_end_matches('/')
        .to_owned();
    let status = |key: &str| {
        let mut stream = std::net::TcpStream::connect(&address).expect("it listens");
        std::io::Write::write_all(
            &mut stream,
            head(&address, "GET", "/v1/models", &bearer(key)).as_bytes(),
        )
        .expect("it reads");
        read(stream).status
    };
    assert_eq!((status(key), status("none")), (200, 401));
}
