//! `unmask`: the full-screen chat.

use std::io::{self, IsTerminal};

use jiff::tz::TimeZone;
use tokio::sync::mpsc::unbounded_channel;
use unmask::run::{self, Ending, Keep, Setup};
use unmask::session::{Folder, HistoryFile, Keeper};
use unmask::state::{ExitPrint, Keeping};
use unmask_core::config::{Config, ConfigReader, Environment};
use unmask_core::engine::{Engine, LoadRequest, Pin, TurnRequest};
use unmask_core::loader::ConfigLoader;

use super::{Usage, code, config as files, log, print, sessions};
use crate::cli::{Saving, ScreenFlags};

/// Why there can be no screen here, and what to use instead; `None` if there can.
pub(super) fn is_missing() -> Option<&'static str> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        Some("not a terminal; use: unmask generate")
    } else if std::env::var_os("TERM").is_some_and(|term| term == "dumb") {
        Some("this terminal shows no screen (TERM is dumb); use: unmask chat --plain")
    } else {
        None
    }
}

pub(super) fn run(
    config: Config,
    reader: &ConfigReader,
    flags: &ScreenFlags,
    saving: &Saving,
) -> anyhow::Result<u8> {
    if let Some(reason) = is_missing() {
        return Err(Usage(reason.to_owned()).into());
    }
    let keep = keep(&reader.environment, saving)?;
    let (mut preferences, remarks) = files::preferences(&reader.environment);
    flags.change(&mut preferences);
    let exit_print = preferences.exit_print;
    let load = LoadRequest {
        key: config.active.value.clone(),
        ..LoadRequest::default()
    };
    let (tell, news) = unbounded_channel();
    let loader = ConfigLoader::new(config, reader.clone());
    // The receiver is gone only once the screen is closed; nobody wants news then.
    let hear = move |event| {
        tell.send(event).ok();
    };
    let mut engine = Handle(Engine::start(Box::new(loader), hear)?);
    let setup = Setup {
        load: Some(load),
        log: log::file(&reader.environment)?,
        reader: Some(reader.clone()),
        copies: reader
            .environment
            .folders
            .as_ref()
            .map(|folders| folders.data.join("unmask").join("copy")),
        keep,
        preferences,
        remarks,
        themes_folder: files::themes_folder(&reader.environment),
    };
    let left = run::run(&mut engine, news, setup)?;
    if let (ExitPrint::Last, Some(answer)) = (exit_print, &left.answer) {
        print(&format!("{}\n\n", answer.trim_end()))?;
    }
    if let Some(id) = left.session {
        print(&format!("Resume: unmask --resume {id}\n"))?;
    }
    Ok(match left.ending {
        Ending::Quit => code::DONE,
        Ending::Signal(signal) => 128_u8.saturating_add(u8::try_from(signal).unwrap_or(0)),
    })
}

/// What is kept on disk, with the conversation to begin with.
fn keep(environment: &Environment, saving: &Saving) -> anyhow::Result<Keep> {
    let Some(folders) = &environment.folders else {
        return match &saving.resume {
            Some(_) => Err(Usage(sessions::NO_FOLDER.to_owned()).into()),
            None => Ok(Keep::default()),
        };
    };
    let folder = Folder::within(&folders.data);
    let find = |word: &String| folder.find(word).map(|found| found.id);
    let resume = saving.resume.as_ref().map(find).transpose()?;
    let history = HistoryFile::within(&folders.state);
    Ok(Keep {
        keeper: Some(Keeper::new(folder, history, TimeZone::system())),
        keeping: match saving.private {
            true => Keeping::Private,
            false => Keeping::All,
        },
        resume,
    })
}

/// The engine as the screen asks for it.
struct Handle(Engine);

impl run::Engine for Handle {
    fn load(&mut self, request: LoadRequest) {
        self.0.load(request);
    }
    fn start(&mut self, request: TurnRequest) {
        self.0.begin(request);
    }
    fn place(&mut self, pins: Vec<Pin>, length: usize) {
        self.0.place(pins, length);
    }
    fn pause(&mut self) {
        self.0.pause();
    }
    fn resume(&mut self) {
        self.0.resume();
    }
    fn stop(&mut self) {
        self.0.stop();
    }
    fn abandon(&mut self) {
        self.0.abandon();
    }
    fn cancel_load(&mut self) {
        self.0.cancel_load();
    }
}
