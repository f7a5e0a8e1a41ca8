//! `[available_models.KEY.options]` of a model that answers elsewhere.

use std::net::IpAddr;

use serde_json::{Map, Value};
use unmask_core::config::{ModelEntry, nearest};
use unmask_core::engine::{Failure, FailureKind};
use ureq::http::Uri;

use super::dialect::Dialect;

const KNOWN: [&str; 6] = [
    "base_url",
    "key_env",
    "dialect",
    "model",
    "extra",
    "allow_plain_http",
];

/// What an entry says of its server.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RemoteOptions {
    /// Without a slash or `/v1` at its end.
    pub(crate) root: String,
    /// Sent with each request.
    pub(crate) key: Option<String>,
    /// `None` finds out.
    pub(crate) dialect: Option<Dialect>,
    /// What the server calls the model.
    pub(crate) model: String,
    /// Members of each request.
    pub(crate) extra: Map<String, Value>,
}

impl RemoteOptions {
    /// Those of `entry`; `variable` knows the environment.
    ///
    /// # Errors
    /// What cannot be used, and what to write.
    pub(crate) fn of(
        entry: &ModelEntry,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Failure> {
        let options = &entry.options.value;
        let wrong = |name: &str, what: &str, hint: &str| wrong(&entry.key, name, what, hint);
        for name in options.keys() {
            if matches!(&**name, "key" | "api_key" | "token") {
                return Err(wrong(
                    name,
                    "stands in a file",
                    "write the name of a variable that holds the key: key_env = \"…\"",
                ));
            }
            if !KNOWN.contains(&&**name) {
                return Err(wrong(name, "is not known", &nearest(name, KNOWN)));
            }
        }
        let text = |name: &str| match options.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str())),
            Some(_) => Err(wrong(name, "is no text", "write it in quotes")),
        };
        let address = text("base_url")?.ok_or_else(|| {
            wrong(
                "base_url",
                "is missing",
                "write the server's address, such as base_url = \"http://127.0.0.1:8484/v1\"",
            )
        })?;
        let (root, is_open) = root(address)
            .map_err(|what| wrong("base_url", &what, "write it as http://HOST:PORT/v1"))?;
        let key = text("key_env")?
            .map(|name| {
                let held = variable(name).filter(|key| !key.trim().is_empty());
                held.ok_or_else(|| {
                    wrong(
                        "key_env",
                        &format!("names `{name}`, which is not set"),
                        "set it to the server's key",
                    )
                })
            })
            .transpose()?;
        let may_be_open = match options.get("allow_plain_http") {
            None => false,
            Some(Value::Bool(truth)) => *truth,
            Some(_) => return Err(wrong("allow_plain_http", "is neither true nor false", "")),
        };
        if key.is_some() && is_open && !may_be_open {
            return Err(wrong(
                "base_url",
                "would send the key over plain http, which everybody on the way can read",
                "use https, or say allow_plain_http = true",
            ));
        }
        let extra = match options.get("extra") {
            None => Map::new(),
            Some(Value::Object(extra)) => extra.clone(),
            Some(_) => {
                return Err(wrong(
                    "extra",
                    "is no table",
                    "write members of the request in it",
                ));
            }
        };
        Ok(Self {
            root,
            key: key.map(|key| key.trim().to_owned()),
            dialect: dialect(text("dialect")?).map_err(|what| {
                wrong("dialect", &what, "it may be auto, unmask, frames or plain")
            })?,
            model: text("model")?.map_or_else(|| entry.model_id.value.to_string(), str::to_owned),
            extra,
        })
    }
}

fn wrong(key: &str, name: &str, what: &str, hint: &str) -> Failure {
    Failure {
        kind: FailureKind::Config,
        text: format!("available_models.{key}.options.{name} {what}"),
        hint: hint.to_owned(),
    }
}

fn dialect(said: Option<&str>) -> Result<Option<Dialect>, String> {
    Ok(match said {
        None | Some("auto") => None,
        Some("unmask") => Some(Dialect::Unmask),
        Some("frames") => Some(Dialect::Frames),
        Some("plain") => Some(Dialect::Plain),
        Some(other) => return Err(format!("is `{other}`")),
    })
}

/// An address without `/v1`, and whether what is sent there can be read on the way.
fn root(address: &str) -> Result<(String, bool), String> {
    let uri: Uri = address
        .parse()
        .map_err(|error| format!("is no address: {error}"))?;
    let host = uri.host().unwrap_or_default();
    let name = host.trim_start_matches('[').trim_end_matches(']');
    if name.is_empty() {
        return Err("names no host".to_owned());
    }
    if uri.authority().is_some_and(|it| it.as_str().contains('@')) {
        return Err("holds a name or password".to_owned());
    }
    if uri.query().is_some() || address.contains('#') {
        return Err("has something behind its path".to_owned());
    }
    let is_near = name == "localhost" || name.parse().is_ok_and(|it: IpAddr| it.is_loopback());
    let is_open = match uri.scheme_str() {
        Some("https") => false,
        Some("http") => !is_near,
        _ => return Err("is neither http nor https".to_owned()),
    };
    let path = address.trim_end_matches('/');
    let path = path
        .strip_suffix("/v1")
        .unwrap_or(path)
        .trim_end_matches('/');
    Ok((path.to_owned(), is_open))
}

#[cfg(test)]
mod tests {
    use unmask_core::config::{Config, ConfigSource, Environment, Overrides};

    use super::*;

    fn read(options: &str) -> Result<RemoteOptions, Failure> {
        let text = format!(
            "active_model_key = \"a\"\n[available_models.a]\nframework = \"openai\"\nmodel_id = \"ORG/NAME\"\n[available_models.a.options]\n{options}"
        );
        let source = ConfigSource::Named("test.toml".into());
        let config = Config::from_text(
            &text,
            source,
            &Overrides::default(),
            &Environment::default(),
        );
        let config = config.expect("the file is one");
        RemoteOptions::of(config.active_model(), |name| {
            (name == "KEY").then(|| "secret".to_owned())
        })
    }

    #[test]
    fn what_is_said_is_meant() {
        let options = read(
            "base_url = \"https://gpu.lan/v1/\"\nkey_env = \"KEY\"\ndialect = \"plain\"\nextra = {top_k = 1}",
        );
        let options = options.expect("all of it is known");
        assert_eq!(options.root, "https://gpu.lan");
        assert_eq!(options.key.as_deref(), Some("secret"));
        assert_eq!(options.dialect, Some(Dialect::Plain));
        assert_eq!(options.model, "ORG/NAME");
        assert_eq!(options.extra["top_k"], 1);
        let near = read("base_url = \"http://[::1]:8484\"\nkey_env = \"KEY\"\nmodel = \"demo\"")
            .expect("it is near");
        assert_eq!((&*near.root, &*near.model), ("http://[::1]:8484", "demo"));
        assert!(
            read("base_url = \"http://gpu.lan/v1\"").is_ok(),
            "there is no key to be read"
        );
        assert!(
            read("base_url = \"http://gpu.lan/v1\"\nkey_env = \"KEY\"\nallow_plain_http = true")
                .is_ok()
        );
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        for (options, words) in [
            ("", "base_url is missing"),
            ("base_url = 1", "base_url is no text"),
            ("base_url = \"gpu.lan/v1\"", "base_url"),
            ("base_url = \"ftp://gpu.lan\"", "neither http nor https"),
            (
                "base_url = \"https://me:word@gpu.lan\"",
                "a name or password",
            ),
            ("base_url = \"https://gpu.lan/v1?a=b\"", "behind its path"),
            (
                "base_url = \"http://gpu.lan\"\nkey_env = \"KEY\"",
                "over plain http",
            ),
            (
                "base_url = \"http://127.0.0.1.evil.com\"\nkey_env = \"KEY\"",
                "over plain http",
            ),
            (
                "base_url = \"http://localhost.evil.com\"\nkey_env = \"KEY\"",
                "over plain http",
            ),
            (
                "base_url = \"https://gpu.lan\"\nkey_env = \"NONE\"",
                "`NONE`, which is not set",
            ),
            (
                "base_url = \"https://gpu.lan\"\napi_key = \"x\"",
                "api_key stands in a file",
            ),
            (
                "base_url = \"https://gpu.lan\"\nkey = \"x\"",
                "key stands in a file",
            ),
            (
                "base_url = \"https://gpu.lan\"\nbase_ur = \"x\"",
                "did you mean `base_url`",
            ),
            (
                "base_url = \"https://gpu.lan\"\ndialect = \"french\"",
                "is `french`",
            ),
            (
                "base_url = \"https://gpu.lan\"\nextra = 1",
                "extra is no table",
            ),
            (
                "base_url = \"https://gpu.lan\"\nallow_plain_http = 1",
                "neither true nor false",
            ),
        ] {
            let failure = read(options).expect_err(options);
            assert_eq!(failure.kind, FailureKind::Config);
            assert!(failure.to_string().contains(words), "{options}: {failure}");
        }
    }
}
