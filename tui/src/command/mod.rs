//! One file per subcommand, and what they share: exit codes, a loaded model, a progress meter.

mod approve;
mod backend_worker;
mod backends;
mod bench;
mod cache;
mod chat;
mod compare;
mod config;
mod doctor;
mod documents;
mod eval;
mod export;
mod export_trace;
mod generate;
mod install;
mod log;
mod meter;
mod models;
mod output;
mod presets;
mod prompt;
mod pull;
mod records;
mod replay;
mod report;
mod score;
mod screen;
mod serve;
mod sessions;
mod show_config;
mod signals;
mod stats;
mod table;
mod turn_runner;
mod verify;
mod worker;

use std::borrow::Cow;
use std::io::{self, IsTerminal as _, Write as _};

use anyhow::Context as _;
use unmask::clean::clean;
use unmask_core::config::{ConfigError, ConfigReader, Environment};
use unmask_core::conversations::SessionError;
use unmask_core::engine::{Failure, FailureKind};
use unmask_core::event::Stats;
use unmask_core::leftovers;
use unmask_core::plugin::ApprovalsError;

use crate::cli::{BackendsAction, Cli, CliCommand, ExportWhat};

/// Exit codes, as DESIGN lists them: 0 done, 1 generation failed, 2 usage or configuration, 3 no model or backend, 4 out of
/// memory, 130 stopped by ^C; 128 and its number after another signal.
mod code {
    pub(super) const DONE: u8 = 0;
    pub(super) const GENERATION: u8 = 1;
    pub(super) const USAGE: u8 = 2;
    pub(super) const NO_MODEL: u8 = 3;
    pub(super) const MEMORY: u8 = 4;
    pub(super) const INTERRUPTED: u8 = 130;
}

/// Says what is wrong with the command line, or what it asks of it: its help, or the version.
///
/// What it echoes of the arguments is made harmless; then it goes without colours, which are the same to a terminal as what
/// an argument may hold.
pub(crate) fn refuse(error: &clap::Error) -> u8 {
    let code = u8::try_from(error.exit_code()).unwrap_or(code::USAGE);
    let text = error.render().to_string();
    // With the stream gone there is nobody left to tell.
    match (clean(&text), error.use_stderr()) {
        (Cow::Borrowed(_), _) => error.print().ok(),
        (Cow::Owned(text), true) => io::stderr().write_all(text.as_bytes()).ok(),
        (Cow::Owned(text), false) => io::stdout().write_all(text.as_bytes()).ok(),
    };
    code
}

/// Runs what the command line asks for; every error ends here as one message on stderr and an exit code.
pub(crate) fn run(cli: &Cli) -> u8 {
    match dispatch(cli) {
        Ok(code) => code,
        Err(error) => {
            let code = exit_code(&error);
            if code != code::DONE {
                print_note(&format!("unmask: {error:#}"));
            }
            code
        }
    }
}

fn dispatch(cli: &Cli) -> anyhow::Result<u8> {
    if cli.has_stray_flags() {
        let text = "flags of the screen and of denoising stand behind the command: unmask generate --steps 32";
        return Err(Usage(text.to_owned()).into());
    }
    if let Some(CliCommand::BackendWorker(arguments)) = &cli.command {
        return backend_worker::run(arguments);
    }
    if let Some(CliCommand::BackendVerify(arguments)) = &cli.command {
        return verify::serve(arguments);
    }
    let reader = ConfigReader {
        overrides: cli.overrides(),
        environment: Environment::of_process(),
    };
    let environment = &reader.environment;
    leftovers::remove(environment);
    if let Some(CliCommand::Config(arguments)) = &cli.command {
        return config::run(&arguments.command, &reader.overrides, environment);
    }
    if let Some(CliCommand::Completions(arguments)) = &cli.command {
        return documents::completions(arguments);
    }
    if let Some(CliCommand::Man(arguments)) = &cli.command {
        return documents::man(environment, arguments);
    }
    if let Some(CliCommand::Stats(arguments)) = &cli.command {
        return stats::run(environment, arguments);
    }
    if let Some(CliCommand::Presets(arguments)) = &cli.command {
        return presets::run(environment, arguments);
    }
    let config = reader.read()?;
    if cli.common.show_config {
        return show_config::run(&config, environment);
    }
    if let (Some(preset), Some(half)) = (&config.preset, cli.preset_half()) {
        preset.must_have(half)?;
    }
    log::start(environment);
    match &cli.command {
        None => screen::run(config, &reader, cli.screen(), &cli.saving),
        Some(CliCommand::Generate(arguments)) => generate::run(config, &reader, arguments),
        Some(CliCommand::Chat(arguments)) if arguments.plain || screen::is_missing().is_some() => {
            if arguments.saving.resume.is_some() {
                let text = "plain chat goes on from nothing; --resume needs the full screen";
                return Err(Usage(text.to_owned()).into());
            }
            chat::run(config, &reader)
        }
        Some(CliCommand::Chat(arguments)) => {
            screen::run(config, &reader, cli.screen(), &arguments.saving)
        }
        Some(CliCommand::Compare(arguments)) => compare::run(environment, arguments),
        Some(CliCommand::Replay(arguments)) => {
            replay::run(config, &reader, cli.screen(), arguments)
        }
        Some(CliCommand::Eval(arguments)) => eval::run(config, &reader, arguments),
        Some(CliCommand::Bench(arguments)) => bench::run(config, &reader, arguments),
        Some(CliCommand::Score(arguments)) => score::run(config, &reader, arguments),
        Some(CliCommand::Worker(arguments)) => worker::run(config, &reader, arguments),
        Some(CliCommand::Serve(arguments)) => serve::run(config, &reader, arguments),
        Some(CliCommand::Pull(arguments)) => pull::run(config, environment, arguments),
        Some(CliCommand::Models(arguments)) => models::run(&config, environment, arguments),
        Some(CliCommand::Backends(arguments)) => match &arguments.action {
            None => backends::run(&config, environment, &arguments.listing),
            Some(BackendsAction::Install(arguments)) => {
                install::run(&config, environment, arguments)
            }
            Some(BackendsAction::Verify(arguments)) => verify::run(reader, arguments),
            Some(BackendsAction::Approve(library)) => {
                approve::approve(&config, environment, &library.what)
            }
            Some(BackendsAction::Revoke(library)) => {
                approve::revoke(&config, environment, &library.what)
            }
        },
        Some(CliCommand::Export(arguments)) => match &arguments.what {
            Some(ExportWhat::Trace(arguments)) => {
                export_trace::run(environment, cli.screen(), arguments)
            }
            None => export::run(config, reader, arguments),
        },
        Some(CliCommand::Doctor(arguments)) => match arguments.verify() {
            Some(arguments) => verify::run(reader, &arguments),
            None if arguments.report => report::run(config, &reader),
            None => doctor::run(config, &reader, &mut |text| print(text)),
        },
        Some(CliCommand::Sessions(what)) => sessions::run(environment, what),
        Some(CliCommand::Cache(what)) => cache::run(environment, what),
        // They were carried out before the configuration was read, which may be what is wrong.
        Some(
            CliCommand::Config(_)
            | CliCommand::Completions(_)
            | CliCommand::Man(_)
            | CliCommand::Stats(_)
            | CliCommand::Presets(_)
            | CliCommand::BackendWorker(_)
            | CliCommand::BackendVerify(_),
        ) => Ok(code::DONE),
    }
}

/// 0 for a closed pipe, which ends a program quietly.
fn exit_code(error: &anyhow::Error) -> u8 {
    if let Some(failure) = error.downcast_ref::<Failure>() {
        return match failure.kind {
            FailureKind::Generation | FailureKind::NoModel => code::GENERATION,
            FailureKind::Usage | FailureKind::Context { .. } | FailureKind::Config => code::USAGE,
            FailureKind::Model | FailureKind::Backend => code::NO_MODEL,
            FailureKind::Memory => code::MEMORY,
        };
    }
    if let Some(error) = error.downcast_ref::<SessionError>() {
        return match error {
            SessionError::Io { .. } => code::GENERATION,
            // What is asked for is not there, or cannot be had like this.
            _ => code::USAGE,
        };
    }
    if let Some(error) = error.downcast_ref::<ApprovalsError>() {
        return match error {
            ApprovalsError::NoFolder | ApprovalsError::File { .. } => code::GENERATION,
            // What is asked for is not there, or must not be done.
            _ => code::USAGE,
        };
    }
    if error.downcast_ref::<ConfigError>().is_some() || error.downcast_ref::<Usage>().is_some() {
        return code::USAGE;
    }
    if let Some(interrupted) = error.downcast_ref::<Interrupted>() {
        return interrupted.code;
    }
    let closed = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
    match error.downcast_ref::<io::Error>() {
        Some(error) if closed(error) => code::DONE,
        _ => code::GENERATION,
    }
}

/// A request that cannot be carried out as it was made.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Usage(String);

/// ^C or another signal ended the work before there was anything to show; says how far it came.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
struct Interrupted {
    text: String,
    /// What the program leaves with.
    code: u8,
}

/// The tokens of an answer's text; `None` if another server does not tell them.
fn text_tokens(stats: &Stats) -> Option<usize> {
    stats
        .told(stats.text_tokens)
        .or(Some(stats.text_tokens).filter(|&it| it > 0))
}

/// Writes to stdout at once. What a terminal could take for an order is replaced there; a pipe gets every byte.
fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout();
    let written = match stdout.is_terminal() {
        true => stdout.write_all(clean(text).as_bytes()),
        false => stdout.write_all(text.as_bytes()),
    };
    written
        .and_then(|()| stdout.flush())
        .context("cannot write to standard output")
}

/// Writes a line to stderr. With stderr gone there is nobody left to tell.
fn print_note(text: &str) {
    writeln!(io::stderr(), "{}", clean(text)).ok();
}
