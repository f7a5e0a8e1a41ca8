use std::net::Ipv4Addr;

use axum::http::Method;

use super::*;

const JSON: (&str, &str) = ("content-type", "application/json");

#[track_caller]
fn check(method: Method, target: &str, headers: &[(&'static str, &str)], status: u16) {
    let door = Door::new(
        &["Gpu.lan".to_owned()],
        &[
            "https://chat.lan".to_owned(),
            "http://localhost:3000".to_owned(),
        ],
    );
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let value = HeaderValue::from_str(value).expect("values are plain");
        map.append(HeaderName::from_static(name), value);
    }
    let uri: Uri = target.parse().expect("targets are sound");
    let local = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 7));
    let got = door.test(&uri, &map, local);
    let got = got.and_then(|_| match method == Method::POST {
        true => check_body(&map),
        false => Ok(()),
    });
    let got = got.map_or_else(|error| error.status.as_u16(), |_| 200);
    assert_eq!(got, status, "{method} {target} {headers:?}");
}

fn get(headers: &[(&'static str, &str)], status: u16) {
    check(Method::GET, "/v1/models", headers, status);
}

fn post(headers: &[(&'static str, &str)], status: u16) {
    check(Method::POST, "/v1/completions", headers, status);
}

#[test]
fn the_host_is_one_that_is_ours() {
    for (host, status) in [
        ("localhost", 200),
        ("localhost:8484", 200),
        ("LOCALHOST:1", 200),
        ("127.0.0.1:8484", 200),
        ("[::1]:8484", 200),
        ("[::1]", 200),
        ("10.0.0.7:8484", 200),
        ("gpu.LAN", 200),
        ("evil.com", 403),
        ("localhost.evil.com", 403),
        ("evil.com:8484", 403),
        ("127.0.0.2", 403),
        ("10.0.0.8", 403),
        ("localhost:port", 403),
        ("localhost:+1", 403),
        ("localhost:99999", 403),
        ("user@localhost", 403),
        ("[::1", 403),
        ("[::1]x", 403),
        ("", 403),
        (":8484", 403),
    ] {
        get(&[("host", host)], status);
    }
    get(&[], 403);
    get(&[("host", "localhost"), ("host", "localhost")], 403);
    let absolute = |target, host, status| check(Method::GET, target, &[("host", host)], status);
    absolute("http://localhost/v1/models", "localhost", 200);
    absolute("http://evil.com/v1/models", "localhost", 403);
    absolute("http://localhost/v1/models", "evil.com", 403);
}

#[test]
fn the_origin_is_the_servers_own_or_one_that_is_allowed() {
    for (origin, status) in [
        ("http://localhost:8484", 200),
        ("https://chat.lan", 200),
        ("HTTPS://Chat.lan", 200),
        ("http://localhost:3000", 200),
        ("http://localhost", 403),
        ("http://localhost:8485", 403),
        ("http://localhost:8484.evil.com", 403),
        ("http://localhost.evil.com:8484", 403),
        ("https://chat.lan.evil.com", 403),
        ("http://chat.lan", 403),
        ("https://chat.lan:444", 403),
        ("file://localhost:8484", 403),
        ("null", 403),
        ("", 403),
    ] {
        post(
            &[("host", "localhost:8484"), JSON, ("origin", origin)],
            status,
        );
        get(&[("host", "localhost:8484"), ("origin", origin)], status);
    }
    let own = ("origin", "http://localhost");
    post(&[("host", "localhost"), JSON, own, own], 403);
}

#[test]
fn a_page_of_another_site_reaches_no_api_without_an_origin_that_is_allowed() {
    let host = ("host", "localhost:8484");
    for (site, status) in [("cross-site", 403), ("same-origin", 200), ("none", 200)] {
        get(&[host, ("sec-fetch-site", site)], status);
    }
    let foreign = ("sec-fetch-site", "cross-site");
    get(&[host, foreign, ("origin", "https://chat.lan")], 200);
    for path in ["/", "/health", "/page/wire.js"] {
        check(Method::GET, path, &[host, foreign], 200);
    }
    check(Method::GET, "/pages", &[host, foreign], 403);
}

#[test]
fn a_body_is_plain_json() {
    let host = ("host", "localhost");
    for (kind, status) in [
        ("application/json", 200),
        ("Application/JSON; charset=utf-8", 200),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("application/jsonp", 415),
        ("text/plain; application/json", 415),
        ("", 415),
    ] {
        post(&[host, ("content-type", kind)], status);
    }
    post(&[host], 415);
    post(&[host, JSON, JSON], 415);
    post(&[host, JSON, ("content-encoding", "gzip")], 415);
    post(&[host, JSON, ("content-encoding", "identity")], 415);
}
