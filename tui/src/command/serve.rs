//! `unmask serve`: reads what it is told, says where it listens, and ends when it is asked to.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use tempfile::NamedTempFile;
use tokio::sync::watch;
use unmask_core::concurrency::Concurrency;
use unmask_core::config::{Config, ConfigReader, Environment, REMOTE, nearest};
use unmask_core::loader::ConfigLoader;
use unmask_serve::{ApiKeys, Ending, ServeOptions, ServedModel, ServedModels, Server};

use super::signals::{self, SignalRequest};
use super::{Usage, code, print, print_note};
use crate::cli::{self, ServeArguments};

const HOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const PORT: u16 = 8484;
/// Requests that wait.
const QUEUE: usize = 16;
const KEEP_ALIVE: Duration = Duration::from_secs(30 * 60);

pub(super) fn run(
    config: Config,
    reader: &ConfigReader,
    arguments: &ServeArguments,
) -> anyhow::Result<u8> {
    let mut options = options(&config, arguments)?;
    let page_key = arguments.open.then(|| options.keys.add_new("page"));
    let (sender, ending) = watch::channel(Ending::No);
    let (told, heard) = watch::channel(None);
    signals::watch(move |asked| {
        told.send_replace(Some(asked));
        sender.send_modify(|it| {
            *it = match (*it, asked) {
                (Ending::No, SignalRequest::Stop | SignalRequest::End(_)) => Ending::Soon,
                (Ending::Soon | Ending::Now, _) => Ending::Now,
            }
        });
    })?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers())
        .thread_name("unmask-serve")
        .enable_all()
        .build()?;
    let wanted = options.address;
    let loader = Box::new(ConfigLoader::new(config, reader.clone()));
    runtime.block_on(async {
        let server = Server::bind(options, loader, reader.clone()).await;
        let server = server.with_context(|| format!("cannot listen on {wanted}"))?;
        let address = format!("http://{}", server.address()?);
        print(&format!("{address}\n"))?;
        let environment = &reader.environment;
        let opened = page_key.map(|key| open(&address, &key, environment));
        let _file = opened.transpose()?;
        server.run(ending).await?;
        anyhow::Ok(())
    })?;
    // What still computes is nobody's any more.
    runtime.shutdown_background();
    let asked: Option<SignalRequest> = *heard.borrow();
    Ok(asked.map_or(code::DONE, SignalRequest::code))
}

/// Threads that carry bytes: each event that finds one asleep wakes another to look for more, and where there are few cores
/// the forward has them all.
fn workers() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    (cores / 4).clamp(1, 4)
}

/// What the flags say, else the file's `[serve]`.
fn options(config: &Config, arguments: &ServeArguments) -> anyhow::Result<ServeOptions> {
    let said = &config.serve;
    let host = arguments.host.or(said.host).unwrap_or(HOST);
    let keys = match arguments.key_file.as_ref().or(said.key_file.as_ref()) {
        Some(path) => ApiKeys::read(path)?,
        None => ApiKeys::default(),
    };
    if !host.is_loopback() && !keys.are_asked_for() && !arguments.no_key_on_network {
        let text = format!(
            "{host} can be reached by others; say who may ask with --key-file, or --no-key-on-network for everybody"
        );
        return Err(Usage(text).into());
    }
    let keep_alive = match (arguments.keep_alive, &said.keep_alive) {
        (Some(time), _) => time,
        (None, Some(text)) => {
            cli::time(text).map_err(|why| Usage(format!("serve.keep_alive: {why}")))?
        }
        (None, None) => KEEP_ALIVE,
    };
    let asked = match arguments.models.is_empty() {
        true => &said.models,
        false => &arguments.models,
    };
    let max_length = arguments.max_length.or(said.max_length);
    let both = |flag: &[String], file: &[String]| [flag, file].concat();
    Ok(ServeOptions {
        address: SocketAddr::new(host, arguments.port.or(said.port).unwrap_or(PORT)),
        keys,
        models: models(config, asked)?,
        concurrency: Concurrency {
            turns: arguments.parallel.or(said.parallel),
            batch: arguments.batch.or(said.batch).unwrap_or_default(),
        },
        queue: arguments.queue.or(said.queue).unwrap_or(QUEUE),
        max_length: max_length.map(Into::into),
        keep_alive: Some(keep_alive).filter(|it| !it.is_zero()),
        hosts: both(&arguments.allow_hosts, &said.allow_hosts),
        origins: both(&arguments.allow_origins, &said.allow_origins),
        has_page: !arguments.no_page && said.page.unwrap_or(true),
        logs_prompts: arguments.log_prompts,
    })
}

/// The models of these keys; the active one alone if none is named.
fn models(config: &Config, asked: &[String]) -> Result<ServedModels, Usage> {
    let active = config.active.value.clone();
    let is_all = asked.iter().any(|it| it == "all");
    let keys: Vec<&String> = match asked {
        [] => vec![&active],
        _ if is_all => {
            let own = config.models.iter();
            let own = own.filter(|it| it.framework.value != REMOTE);
            own.map(|it| &it.key).collect()
        }
        asked => asked.iter().collect(),
    };
    let served = keys.into_iter().map(|key| {
        let entry = config.model(key).ok_or_else(|| {
            let known = config.models.iter().map(|it| it.key.as_str());
            let advice = nearest(key, known);
            Usage(format!("the configuration has no model `{key}`; {advice}"))
        })?;
        if entry.framework.value == REMOTE {
            return Err(Usage(format!(
                "`{key}` answers on another server, which clients can ask themselves; name a model of this machine with --models"
            )));
        }
        Ok(ServedModel {
            key: entry.key.clone(),
            name: entry.model_id.value.short_name(),
            description: entry.description.clone(),
        })
    });
    let list = served.collect::<Result<Vec<_>, Usage>>()?;
    let is_served = |key: &String| list.iter().any(|it| it.key == *key);
    let aliases = config.serve.aliases.clone();
    if let Some((alias, key)) = aliases.iter().find(|(_, key)| !is_served(key)) {
        let known = list.iter().map(|it| it.key.as_str());
        return Err(Usage(format!(
            "serve.aliases.{alias} stands for `{key}`, which is not served; {}",
            nearest(key, known)
        )));
    }
    // The first of those that are named, if the active one is not among them.
    let first = list.first().map(|it| it.key.clone());
    let active = first.filter(|_| !is_served(&active)).unwrap_or(active);
    Ok(ServedModels {
        list,
        active,
        aliases,
    })
}

/// Opens the page by a file that leads there and that its user alone can read: what is said to a browser's program is seen by
/// everybody on this machine, and the address holds a key. The file is gone with what is returned.
fn open(address: &str, key: &str, environment: &Environment) -> anyhow::Result<NamedTempFile> {
    let folder = environment
        .folders
        .as_ref()
        .map(|it| it.data.join("unmask"));
    let folder = folder.context("there is no folder of your own for the page's key; set HOME")?;
    std::fs::create_dir_all(&folder)?;
    let mut file = tempfile::Builder::new()
        .prefix("serve-")
        .suffix(".html")
        .tempfile_in(&folder)
        .with_context(|| format!("cannot write to {}", folder.display()))?;
    let page = format!(
        "<!doctype html><meta name=\"referrer\" content=\"no-referrer\"><meta http-equiv=\"refresh\" content=\"0; url={address}/#key={key}\">\n"
    );
    file.write_all(page.as_bytes())?;
    let path = file.path().display().to_string();
    let (program, first): (&str, &[&str]) = match std::env::consts::OS {
        "macos" => ("open", &[]),
        "windows" => ("rundll32", &["url.dll,FileProtocolHandler"]),
        _ => ("xdg-open", &[]),
    };
    let started = Command::new(program)
        .args(first)
        .arg(&path)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    match started {
        Ok(_) => print_note(&format!("other programs need this run's key: {key}")),
        Err(error) => print_note(&format!(
            "no browser could be opened ({program}: {error}); open {path}"
        )),
    }
    Ok(file)
}
