//! The command line: what may be said, and what it means as configuration.

mod backends;
mod bench;
mod cache;
mod compare;
mod denoising;
mod documents;
mod eval;
mod export;
mod generate;
mod measure;
mod replay;
mod screen;
mod serve;
mod sessions;

use std::num::NonZeroU32;
use std::path::PathBuf;

use backends::PATIENCE;
pub(crate) use backends::{BackendsAction, BackendsArguments, InstallArguments, VerifyArguments};
pub(crate) use bench::BenchArguments;
pub(crate) use cache::{CacheAction, CacheRmArguments};
use clap::{Args, Parser, Subcommand, ValueEnum};
pub(crate) use compare::{CompareArguments, ReportFormat};
use denoising::DenoisingArguments;
pub(crate) use documents::{CompletionsArguments, ManArguments, SchemaArguments, SchemaOf};
pub(crate) use eval::{AskedLine, EvalArguments};
pub(crate) use export::{
    ExportArguments, ExportTraceArguments, ExportWhat, TraceFormat, TraceStep,
};
pub(crate) use generate::{ChatArguments, Format, GenerateArguments};
pub(crate) use measure::{PresetsArguments, ScoreArguments, StatsArguments, WorkerArguments};
pub(crate) use replay::ReplayArguments;
pub(crate) use screen::ScreenFlags;
pub(crate) use serve::{ServeArguments, time};
pub(crate) use sessions::{Rm, Saving, SessionsCommand, Show, ShowFormat};
use unmask::preferences::UI;
use unmask_core::config::{self, Overrides, PresetHalf};
use unmask_core::plugin::isolate::SUBCOMMAND;

/// Chat with masked diffusion language models in a terminal that shows the text being unmasked.
///
/// Without a command it opens the full-screen chat.
#[derive(Debug, Parser)]
#[command(name = "unmask", version, max_term_width = 100, after_long_help = variables())]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<CliCommand>,
    #[command(flatten)]
    pub(crate) common: Common,
    /// Of the screen; a command has its own.
    #[command(flatten)]
    pub(crate) saving: Saving,
    /// Of the screen; a command has its own.
    #[command(flatten)]
    generation: DenoisingArguments,
}

/// What every command understands.
#[derive(Debug, Args)]
#[command(next_help_heading = "Model and machine")]
pub(crate) struct Common {
    /// A key of the configuration, a hub id, a folder, a GGUF file, or builtin:demo
    #[arg(short, long, global = true)]
    model: Option<String>,
    /// The backend to run it on
    #[arg(short, long, global = true, value_name = "NAME")]
    backend: Option<String>,
    /// The backend's device, such as cpu or cuda:0
    #[arg(long, global = true)]
    device: Option<String>,
    /// The precision of the weights, such as f32, q8_0 or q4k
    #[arg(long, global = true)]
    precision: Option<String>,
    /// Threads to compute with; all cores if left out
    #[arg(long, global = true, value_name = "N")]
    threads: Option<NonZeroU32>,
    /// Run the backend in a process of its own, which alone ends if it crashes
    #[arg(long, global = true)]
    isolate: bool,
    /// A further folder or file to look for backends in; may be repeated
    #[arg(long = "backend-path", global = true, value_name = "PATH")]
    backend_paths: Vec<PathBuf>,
    /// Run this library as a backend, this once, whether it is approved or not; may be repeated
    #[arg(long = "plugin", global = true, value_name = "FILE")]
    plugins: Vec<PathBuf>,
    /// A folder that holds models
    #[arg(long, global = true, value_name = "FOLDER")]
    models_folder: Option<PathBuf>,
    #[command(flatten)]
    screen: ScreenFlags,
    /// The configuration file
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        help_heading = "Configuration"
    )]
    config: Option<PathBuf>,
    /// Print every configured value with its origin and leave
    #[arg(long, global = true, help_heading = "Configuration")]
    pub(crate) show_config: bool,
}

/// A subcommand, one file each under `command/`.
#[derive(Debug, Subcommand)]
pub(crate) enum CliCommand {
    /// Answer one prompt; stdout is the answer and only that
    Generate(GenerateArguments),
    /// Chat on the whole screen, or line by line
    Chat(ChatArguments),
    /// Show a run that was recorded step by step, or make it again and compare
    Replay(ReplayArguments),
    /// Compare two recorded runs: settings, forwards, the first difference, agreement
    Compare(CompareArguments),
    /// Answer a file of questions and count the right ones
    Eval(EvalArguments),
    /// Measure ways to denoise side by side: forwards, seconds, and what each loses against exact decoding
    Bench(BenchArguments),
    /// Measure how likely the model finds texts, and which of several choices most
    Score(ScoreArguments),
    /// Answer requests of another program, such as an evaluation harness, until its end
    Worker(WorkerArguments),
    /// Answer other programs and the browser over HTTP, as OpenAI's API does, until ^C
    Serve(ServeArguments),
    /// List settings by name, with the scores that were published for them
    Presets(PresetsArguments),
    /// Compare two files of `eval --out` question by question: which is right more often, and whether that could be chance
    Stats(StatsArguments),
    /// List the configured models, what is on disk and what they need
    Models(ListArguments),
    /// Fetch a model from the Hugging Face hub, once it is known that there is room for it
    Pull(PullArguments),
    /// List the backends, their devices and what is wrong with the rest; install what one needs, verify or approve one
    Backends(BackendsArguments),
    /// Write the model as files of a backend's own kind, or a recorded run as a page, for other programs
    Export(ExportArguments),
    /// Check this machine: configuration, backends, and the model if it loads
    Doctor(DoctorArguments),
    /// List, show and remove saved conversations
    #[command(subcommand)]
    Sessions(SessionsCommand),
    /// List and remove what is kept so that it need not be made again: weights in fewer bits, downloads
    #[command(subcommand)]
    Cache(CacheAction),
    /// Show where the files of the configuration are, check them, write them, or describe them to an editor
    Config(ConfigArguments),
    /// Print what completes commands in a shell
    Completions(CompletionsArguments),
    /// Write the manual's pages into a folder
    Man(ManArguments),
    /// Run a backend for the program at the other end of a channel, which alone knows its name
    #[command(name = SUBCOMMAND, hide = true)]
    BackendWorker(BackendWorker),
    /// Hold a backend against the contract for the program at the other end of a channel, which alone knows its name
    #[command(name = EXAMINER, hide = true)]
    BackendVerify(BackendWorker),
}

/// The subcommand by which the program examines a backend in a process of its own.
pub(crate) const EXAMINER: &str = "backend-verify";

#[derive(Debug, Args)]
pub(crate) struct BackendWorker {
    /// Its name
    pub(crate) channel: String,
}

#[derive(Debug, Args)]
pub(crate) struct ConfigArguments {
    #[command(subcommand)]
    pub(crate) command: ConfigCommand,
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print the paths, that of the log too
    Path,
    /// Read every file and say what is wrong; exit 2 if something is
    Check,
    /// Write files with the defaults; what is there already stays
    Init,
    /// Print a file's JSON Schema, by which editors complete and check it
    Schema(SchemaArguments),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TableFormat {
    Text,
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    /// What stdout holds: a table or JSON
    #[arg(long, default_value = "text")]
    pub(crate) format: TableFormat,
}

#[derive(Debug, Args)]
pub(crate) struct PullArguments {
    /// A key of the configuration, ORG/NAME, ORG/NAME@REVISION, ORG/NAME:Q4_K_M of GGUF files, or the address of a model's page
    #[arg(value_name = "MODEL")]
    pub(crate) what: String,
    /// A branch, a tag or a commit
    #[arg(long, value_name = "NAME")]
    pub(crate) revision: Option<String>,
    /// Say what would come and whether there is room, and fetch nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Fetch it although it cannot run here, or there is no room
    #[arg(long)]
    pub(crate) force: bool,
    /// No progress
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArguments {
    /// Hold this backend against the contract instead, as `unmask backends verify` does
    #[arg(long, value_name = "NAME")]
    pub(crate) conformance: Option<String>,
    /// What stdout holds of that: a text or JSON
    #[arg(long, default_value = "text", requires = "conformance")]
    pub(crate) format: TableFormat,
    /// To be pasted into an issue: as Markdown, with this machine, without your name and the paths that lead to it
    #[arg(long, conflicts_with = "conformance")]
    pub(crate) report: bool,
    #[command(flatten)]
    generation: DenoisingArguments,
}

impl DoctorArguments {
    /// The backend that is to be held against the contract, and how.
    pub(crate) fn verify(&self) -> Option<VerifyArguments> {
        self.conformance.as_ref().map(|name| VerifyArguments {
            what: name.clone(),
            format: self.format,
            known: None,
            patience: PATIENCE,
        })
    }
}

impl Cli {
    /// True if flags of the screen stand before a command, which would not heed them.
    pub(crate) fn has_stray_flags(&self) -> bool {
        self.command.is_some() && (!self.generation.is_empty() || self.saving != Saving::default())
    }

    /// The flags of the screen.
    pub(crate) fn screen(&self) -> &ScreenFlags {
        &self.common.screen
    }

    /// What is said of denoising.
    fn denoising(&self) -> Option<&DenoisingArguments> {
        match self.command.as_ref() {
            None => Some(&self.generation),
            Some(CliCommand::Generate(command)) => Some(&command.generation),
            Some(CliCommand::Chat(command)) => Some(&command.generation),
            Some(CliCommand::Eval(command)) => Some(&command.generation),
            Some(CliCommand::Bench(command)) => Some(&command.generation),
            Some(CliCommand::Doctor(command)) => Some(&command.generation),
            Some(CliCommand::Worker(command)) => Some(&command.generation),
            Some(CliCommand::Serve(command)) => Some(&command.generation),
            Some(
                CliCommand::Models(_)
                | CliCommand::Pull(_)
                | CliCommand::Score(_)
                | CliCommand::Presets(_)
                | CliCommand::Stats(_)
                | CliCommand::Backends(_)
                | CliCommand::Export(_)
                | CliCommand::Compare(_)
                | CliCommand::Replay(_)
                | CliCommand::Sessions(_)
                | CliCommand::Cache(_)
                | CliCommand::BackendWorker(_)
                | CliCommand::BackendVerify(_)
                | CliCommand::Config(_)
                | CliCommand::Completions(_)
                | CliCommand::Man(_),
            ) => None,
        }
    }

    /// What of a preset the command takes; `None` if its requests say.
    pub(crate) fn preset_half(&self) -> Option<PresetHalf> {
        match &self.command {
            Some(CliCommand::Score(_)) => Some(PresetHalf::Likelihood),
            Some(CliCommand::Worker(_)) => None,
            _ => Some(PresetHalf::Generation),
        }
    }

    fn preset(&self) -> Option<String> {
        match &self.command {
            Some(CliCommand::Score(command)) => command.preset.clone(),
            _ => self.denoising().and_then(DenoisingArguments::preset),
        }
    }

    /// The model: the one that is asked for; an examination takes the one that every machine has.
    fn model(&self) -> Option<String> {
        if let Some(CliCommand::Pull(command)) = &self.command {
            return Some(command.what.clone());
        }
        let demo = || self.examines().then(|| "builtin:demo".to_owned());
        let named = match &self.command {
            Some(CliCommand::Bench(command)) => command.of.clone(),
            _ => None,
        };
        self.common.model.clone().or(named).or_else(demo)
    }

    /// True if a backend is held against the contract.
    fn examines(&self) -> bool {
        match &self.command {
            Some(CliCommand::Doctor(command)) => command.conformance.is_some(),
            Some(CliCommand::Backends(command)) => {
                matches!(command.action, Some(BackendsAction::Verify(_)))
            }
            _ => false,
        }
    }

    /// The flags as the configuration's highest layer.
    pub(crate) fn overrides(&self) -> Overrides {
        let common = &self.common;
        Overrides {
            config: common.config.clone(),
            model: self.model(),
            framework: match &self.command {
                Some(CliCommand::Export(command)) => command.name.clone(),
                _ => common.backend.clone(),
            },
            device: common.device.clone(),
            precision: common.precision.clone(),
            threads: common.threads,
            isolated: common.isolate.then_some(true),
            backend_paths: common.backend_paths.clone(),
            plugins: common.plugins.clone(),
            models_folder: common.models_folder.clone(),
            preset: self.preset(),
            generation: self.denoising().map(|it| it.patch()).unwrap_or_default(),
        }
    }
}

/// The environment variables that the configuration reads, as the end of the long help.
fn variables() -> String {
    let mut text = "Environment variables, below the flags and above the file:".to_owned();
    let screen = UI.map(|(_, name, may_be)| (name, may_be));
    for (name, meaning) in config::variables().chain(screen) {
        text.push_str(&format!("\n  {name:<30} {meaning}"));
    }
    text
}
