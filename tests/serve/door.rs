//! Who gets in, through a real socket; what others got wrong is a table (`security`), that of heads a test of the server's own
//! crate.

use std::net::TcpStream;

use serde_json::json;

use crate::places::until_said;
use crate::server::{Server, read};

const KEY: &str = "0123456789abcdefghijklmnopq";
const OTHER_KEY: &str = "zyxwvutsrqponmlkjihgfedcba9";

fn keyed() -> Server {
    keyed_with(&["--no-page"])
}

fn keyed_with(flags: &[&str]) -> Server {
    Server::start_with(&[&["--key-file", "keys"], flags].concat(), |home| {
        let file = home.path().join("keys");
        let text = format!("ann {KEY}\nben {OTHER_KEY}\n");
        std::fs::write(&file, text).expect("the home is ours");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::Permissions::from_mode(0o600);
            std::fs::set_permissions(&file, mode).expect("the file is ours");
        }
    })
}

#[test]
fn without_a_key_only_the_open_routes_answer() {
    let server = keyed();
    let status = |path: &str, header: &str| {
        let host = &server.address;
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{header}\r\n");
        server.send(&request).status
    };
    let bearer = format!("Authorization: Bearer {KEY}\r\n");
    for (path, header, expected) in [
        ("/health", "", 200),
        ("/v1/models", "", 401),
        ("/unmask/v1/state", "", 401),
        ("/v1/models?key=0123456789abcdefghijklmnopq", "", 401),
        ("/v1/models", &*bearer, 200),
        ("/v1/models", &*format!("X-Api-Key: {OTHER_KEY}\r\n"), 200),
        (
            "/v1/models",
            "Authorization: Bearer 0123456789abcdefghijklmnopx\r\n",
            401,
        ),
        // There is no page, whoever asks.
        ("/", &*bearer, 404),
    ] {
        assert_eq!(status(path, header), expected, "{path} {header}");
    }
}

#[test]
fn a_turn_belongs_to_the_key_that_began_it() {
    let server = keyed();
    let request = json!({
        "messages": [{"role": "user", "content": "Hello!"}],
        "stream": true,
        "unmask": {"stream": "steps", "length": 192, "steps": 192, "early_stop": false},
    });
    let key = format!("Authorization: Bearer {KEY}\r\n");
    let other = format!("Authorization: Bearer {OTHER_KEY}\r\n");
    let text = server.post_text("/v1/chat/completions", &request.to_string(), &key);
    let mut stream = server.connect(text.as_bytes());
    // Before, it waits for the model.
    let said = until_said(&mut stream, "\"event\":\"start\"");
    let id = said
        .split_once("\"id\":\"")
        .and_then(|(_, rest)| rest.split_once('"'));
    let turn = format!("/unmask/v1/turns/{}", id.expect("every chunk has it").0);
    let ask = |wish: &str, key: &str| {
        let body = json!({"do": wish}).to_string();
        server.send(&server.post_text(&turn, &body, key)).status
    };
    assert_eq!(ask("stop", &other), 404);
    assert_eq!(ask("dance", &key), 400);
    assert_eq!(ask("pause", &key), 200);
    until_said(&mut stream, "\"event\":\"paused\"");
    assert_eq!(ask("resume", &key), 200);
    until_said(&mut stream, "\"event\":\"resumed\"");
    assert_eq!(ask("stop", &key), 200);
    let rest = read_rest(stream);
    assert!(rest.contains("\"reason\":\"stopped\""), "{rest}");
    assert_eq!(ask("stop", &key), 404);
}

fn read_rest(mut stream: TcpStream) -> String {
    use std::io::Read as _;
    let mut rest = String::new();
    stream.read_to_string(&mut rest).expect("it ends");
    rest
}

#[test]
fn another_sites_page_gets_nothing_and_an_allowed_one_its_headers() {
    let server = Server::start(&["--allow-origin", "https://chat.lan"]);
    let host = server.address.clone();
    let ask = |method: &str, headers: &str| {
        server.send(&format!(
            "{method} /v1/models HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n"
        ))
    };
    let foreign = ask("GET", "Origin: https://evil.com\r\n");
    assert_eq!(foreign.status, 403);
    assert_eq!(foreign.header("access-control-allow-origin"), None);
    let allowed = ask("GET", "Origin: https://chat.lan\r\n");
    assert_eq!(allowed.status, 200);
    assert_eq!(
        allowed.header("access-control-allow-origin"),
        Some("https://chat.lan")
    );
    assert_eq!(allowed.header("vary"), Some("origin"));
    assert_eq!(allowed.header("access-control-allow-credentials"), None);
    let before = ask(
        "OPTIONS",
        "Origin: https://chat.lan\r\nAccess-Control-Request-Method: POST\r\n",
    );
    assert_eq!(before.status, 204);
    let own = ask("GET", &format!("Origin: http://{host}\r\n"));
    assert_eq!(own.header("access-control-allow-origin"), None);
    let rebound =
        server.send("GET /v1/models HTTP/1.1\r\nHost: evil.com\r\nConnection: close\r\n\r\n");
    assert_eq!(rebound.status, 403);
    assert_eq!(rebound.json()["error"]["code"], "host");
}

#[test]
fn a_page_that_may_ask_can_also_read_why_it_is_refused() {
    let server = keyed_with(&["--allow-origin", "https://chat.lan"]);
    let key = format!("Authorization: Bearer {KEY}\r\n");
    let json = "Content-Type: application/json\r\n";
    for (line, headers, status) in [
        ("GET /v1/models", String::new(), 401),
        ("POST /v1/completions", json.to_owned(), 401),
        ("GET /v1/nothing", key.clone(), 404),
        ("DELETE /v1/models", key.clone(), 405),
        ("POST /v1/completions", key.clone(), 415),
        (
            "POST /v1/completions",
            format!("{key}{json}Content-Encoding: gzip\r\n"),
            415,
        ),
        (
            "POST /v1/completions",
            format!("{key}{json}Content-Length: 3000000\r\n"),
            413,
        ),
        (
            "POST /v1/completions",
            format!("{key}{json}Transfer-Encoding: chunked\r\n\r\nnone\r\n"),
            400,
        ),
        ("POST /v1/completions", format!("{key}{json}"), 400),
        ("GET /v1/models", key.clone(), 200),
    ] {
        let host = &server.address;
        let reply = server.send(&format!(
            "{line} HTTP/1.1\r\nHost: {host}\r\nOrigin: https://chat.lan\r\nConnection: close\r\n{headers}\r\n"
        ));
        let allowed = reply.header("access-control-allow-origin");
        assert_eq!(
            (reply.status, allowed),
            (status, Some("https://chat.lan")),
            "{line} {headers}: {reply:?}"
        );
    }
}

#[test]
fn a_body_that_is_not_whole_is_no_large_one() {
    let server = Server::start(&[]);
    let head = |more: &str| {
        format!(
            "POST /v1/completions HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/json\r\n{more}\r\n",
            server.address
        )
    };
    let chunked = head("Transfer-Encoding: chunked\r\n");
    // Whoever has hung up is told nothing.
    const CUT: &[u16] = &[0, 400];
    for (request, statuses, code) in [
        (head("Content-Length: 20\r\n") + "{", CUT, "broken_body"),
        (format!("{chunked}5\r\n{{"), CUT, "broken_body"),
        (format!("{chunked}1\r\n{{\r\n"), CUT, "broken_body"),
        (format!("{chunked}none\r\n"), &[400], "broken_body"),
        (
            format!("{chunked}1\r\n{{}}\r\n0\r\n\r\n"),
            &[400],
            "broken_body",
        ),
        (
            format!("{chunked}2\r\n{{}}\r\n0\r\n\r\n"),
            &[400],
            "invalid_value",
        ),
        (
            format!("{chunked}200001\r\n{}\r\n", "a".repeat(0x20_0001)),
            &[413],
            "body_too_large",
        ),
    ] {
        let stream = server.connect(request.as_bytes());
        if statuses == CUT {
            stream.shutdown(std::net::Shutdown::Write).ok();
        }
        let reply = read(stream);
        let end: String = request.chars().skip(150).take(60).collect();
        assert!(statuses.contains(&reply.status), "{end}: {reply:?}");
        if reply.status != 0 {
            assert_eq!(reply.json()["error"]["code"], code, "{end}");
        }
    }
}

#[test]
fn the_page_may_do_nothing_but_what_it_is_for() {
    let server = Server::start(&[]);
    let page = server.get("/");
    assert_eq!(page.status, 200);
    let policy = page.header("content-security-policy").expect("it has one");
    for part in [
        "default-src 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(page.header(name), Some(value));
    }
    assert_eq!(server.get("/page/wire.js").status, 200);
    let settings = server.get("/page/settings.json").json();
    assert!(
        settings.as_array().is_some_and(|it| it.len() > 20),
        "{settings}"
    );
    for path in [
        "/page/../Cargo.toml",
        "/page/%2e%2e/Cargo.toml",
        "/page//etc/passwd",
        "/page/",
    ] {
        assert_eq!(server.get(path).status, 404, "{path}");
    }
}

#[test]
fn what_is_no_request_is_refused_and_nothing_breaks() {
    let server = Server::start(&[]);
    let host = server.address.clone();
    let head = |first: &str, more: &str| {
        format!("{first}\r\nHost: {host}\r\nConnection: close\r\n{more}\r\n")
    };
    let many: String = (0..80).map(|it| format!("X-{it}: a\r\n")).collect();
    let large = format!("X-Large: {}\r\n", "a".repeat(20_000));
    let json = "Content-Type: application/json\r\n";
    for request in [
        head("GET /v1/models HTTP/1.1", &many),
        head("GET /v1/models HTTP/1.1", &large),
        head("GET /v1/models HTTP/1.1", &format!("Host: {host}\r\n")),
        head("BREW /v1/models HTTP/1.1", ""),
        head(
            "POST /v1/completions HTTP/1.1",
            &format!("{json}Content-Encoding: gzip\r\nContent-Length: 0\r\n"),
        ),
        head("POST /v1/completions HTTP/1.1", "Content-Length: 0\r\n"),
        head(
            "POST /v1/completions HTTP/1.1",
            &format!("{json}Content-Length: -1\r\n"),
        ),
        head(
            "POST /v1/completions HTTP/1.1",
            &format!("{json}Content-Length: 3000000\r\n"),
        ) + &"a".repeat(3_000_000),
        server.post_text(
            "/v1/completions",
            "{\"prompt\": \"a\", \"temperature\": NaN}",
            "",
        ),
        server.post_text(
            "/v1/completions",
            &format!("{{\"a\":{}", "[".repeat(100_000)),
            "",
        ),
        "\r\n\r\n\0\0\0".to_owned(),
        "GET / HTTP/9.9\r\n\r\n".to_owned(),
    ] {
        let reply = read(server.connect(request.as_bytes()));
        let is_refused =
            (400..500).contains(&reply.status) || reply.status == 0 || reply.status == 505;
        let head: String = request.chars().take(60).collect();
        assert!(is_refused, "{head}: {reply:?}");
    }
    assert_eq!(server.get("/health").status, 200);
}
