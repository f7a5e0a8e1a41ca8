use std::sync::Arc;
use std::time::Duration;

use ureq::Agent;
use ureq::config::RedirectAuthHeaders;
use ureq::tls::{RootCerts, TlsConfig};

const CONNECT: Duration = Duration::from_secs(30);
/// A silence longer than this is a broken connection.
const SILENCE: Duration = Duration::from_secs(60);

/// Asks over HTTP with the system's certificates and the proxy that the environment names. A token goes to the host it was
/// given for, and to no other that the answer leads to.
#[must_use]
pub fn agent() -> Agent {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::PlatformVerifier)
        .unversioned_rustls_crypto_provider(provider)
        .build();
    let config = Agent::config_builder()
        .tls_config(tls)
        .user_agent(concat!("unmask/", env!("CARGO_PKG_VERSION")))
        .timeout_connect(Some(CONNECT))
        .timeout_per_read(Some(SILENCE))
        .redirect_auth_headers(RedirectAuthHeaders::SameHost)
        .http_status_as_error(false)
        .build();
    config.into()
}

/// An address for people: without a name and password, and without what is signed.
#[must_use]
pub fn shown(address: &str) -> String {
    let address = address.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = address.split_once("://") else {
        return address.to_owned();
    };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = host.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}/{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        let address = "https://me:secret@host/a/b?Signature=secret#c";
        assert_eq!(shown(address), "https://host/a/b");
        assert_eq!(shown("https://host/p@2"), "https://host/p@2");
        assert_eq!(shown("https://host"), "https://host/");
    }
}
