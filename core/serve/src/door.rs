//! What may come in, decided from a request's head alone: Host, Origin, and after them the kind of the body.
//!
//! A page of anybody's may make a browser send requests to this machine. What such a request cannot choose is its `Host`,
//! which names the page's server even if its name was made to point here, its `Origin`, and, without being asked first, a
//! body of JSON.

use std::net::IpAddr;

use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderName, ORIGIN};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};

use super::error::ApiError;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Which names this server answers to, and which pages may ask it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Door {
    /// Host names without a port, lower case.
    hosts: Vec<String>,
    /// Origins: `https://chat.lan`.
    origins: Vec<String>,
}

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RouteKind {
    /// What answers with data, and may need a key.
    Api,
    /// Files of the page and whether the server is there: a browser cannot send a key for them.
    Open,
}

impl RouteKind {
    pub(crate) fn of(path: &str) -> Self {
        match path == "/" || path == "/health" || path.starts_with("/page/") {
            true => Self::Open,
            false => Self::Api,
        }
    }
}

impl Door {
    /// Answers to these names besides the usual ones, and to pages of these origins besides its own.
    pub(crate) fn new(hosts: &[String], origins: &[String]) -> Self {
        let usual = ["localhost", "127.0.0.1", "[::1]"].map(str::to_owned);
        let hosts = hosts.iter().map(|it| it.to_ascii_lowercase());
        Self {
            hosts: usual.into_iter().chain(hosts).collect(),
            origins: origins.iter().map(|it| it.to_ascii_lowercase()).collect(),
        }
    }

    /// Tests the head of a request that came to the address `local`; returns its origin if that is a page of another server
    /// that may ask.
    pub(crate) fn test(
        &self,
        uri: &Uri,
        headers: &HeaderMap,
        local: IpAddr,
    ) -> Result<Option<HeaderValue>, ApiError> {
        let host = self.host(uri, headers, local)?;
        let origin = self.origin(headers, &host)?;
        let is_api = RouteKind::of(uri.path()) == RouteKind::Api;
        let is_foreign = headers
            .get(SEC_FETCH_SITE)
            .is_some_and(|it| it == "cross-site");
        if is_api && is_foreign && origin.is_none() {
            return Err(forbidden(
                "origin",
                "a page of another site may not ask this server",
            ));
        }
        Ok(origin)
    }

    /// The request's host, lower case.
    fn host(&self, uri: &Uri, headers: &HeaderMap, local: IpAddr) -> Result<String, ApiError> {
        let mut said = headers.get_all(HOST).iter();
        let host = match (said.next(), said.next()) {
            (Some(host), None) => host.to_str().ok().map(str::to_ascii_lowercase),
            _ => None,
        };
        let host = host.ok_or_else(|| forbidden("host", "a request has exactly one Host"))?;
        if let Some(target) = uri.authority()
            && !target.as_str().eq_ignore_ascii_case(&host)
        {
            return Err(forbidden("host", "the request's target and Host differ"));
        }
        let name = name_of(&host).ok_or_else(|| forbidden("host", "Host is no name"))?;
        let own = match local {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("[{address}]"),
        };
        match name == own || self.hosts.iter().any(|it| it == name) {
            true => Ok(host),
            false => Err(forbidden(
                "host",
                "this server does not answer to that Host; start it with --allow-host NAME",
            )),
        }
    }

    /// The origin, if it is one of the allowed and not the server's own.
    fn origin(&self, headers: &HeaderMap, host: &str) -> Result<Option<HeaderValue>, ApiError> {
        let mut said = headers.get_all(ORIGIN).iter();
        let (origin, more) = (said.next(), said.next());
        let Some(origin) = origin else {
            return Ok(None);
        };
        let text = origin.to_str().ok().map(str::to_ascii_lowercase);
        let text = text.filter(|_| more.is_none()).unwrap_or_default();
        if self.origins.contains(&text) {
            return Ok(Some(origin.clone()));
        }
        let own = text
            .strip_prefix("http://")
            .or_else(|| text.strip_prefix("https://"));
        match own == Some(host) {
            true => Ok(None),
            false => Err(forbidden(
                "origin",
                "pages of that origin may not ask this server; start it with --allow-origin ORIGIN",
            )),
        }
    }
}

/// The name of `name:port`; `None` if it is neither.
fn name_of(host: &str) -> Option<&str> {
    let name_end = match host.starts_with('[') {
        true => host.find(']')? + 1,
        false => host.find(':').unwrap_or(host.len()),
    };
    let (name, port) = host.split_at(name_end);
    let is_port = |port: &str| port.parse::<u16>().is_ok() && !port.starts_with('+');
    let is_sound = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
    (is_sound && !name.is_empty()).then_some(name)
}

/// Tests what a request's head says of its body.
pub(crate) fn check_body(headers: &HeaderMap) -> Result<(), ApiError> {
    let unsupported = |message: &str| {
        Err(ApiError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            message,
        ))
    };
    let mut said = headers.get_all(CONTENT_TYPE).iter();
    let kind = match (said.next(), said.next()) {
        (Some(kind), None) => kind.to_str().unwrap_or_default(),
        _ => "",
    };
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        return unsupported("the body has to be JSON: send content-type: application/json");
    }
    match headers.contains_key(CONTENT_ENCODING) {
        true => unsupported("the body may not be compressed"),
        false => Ok(()),
    }
}

fn forbidden(code: &'static str, message: &str) -> ApiError {
    ApiError::new(StatusCode::FORBIDDEN, code, message)
}

#[cfg(test)]
mod tests;
