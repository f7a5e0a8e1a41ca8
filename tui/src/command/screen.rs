//! `unmask`: the full-screen chat.

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use tokio::sync::mpsc::unbounded_channel;
use unmask::run::{self, Ending, Keep, RecordedAnswers, Setup};
use unmask::session::Storage;
use unmask::state::{ExitPrint, Persistence, ReplayStart, Turn};
use unmask_core::config::{Config, ConfigReader, Environment};
use unmask_core::conversations::{HistoryFile, SessionFolder, SessionStore};
use unmask_core::engine::{Engine, EngineEvent, LoadRequest, TurnHandle, TurnRequest};
use unmask_core::loader::ConfigLoader;
use unmask_remote::HttpRemote;

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
    let (mut preferences, diagnostics) = files::preferences(&reader.environment);
    flags.change(&mut preferences);
    let exit_print = preferences.exit_print;
    let load = LoadRequest {
        key: config.active.value.clone(),
        ..LoadRequest::default()
    };
    let (sender, events) = unbounded_channel();
    let loader = ConfigLoader::new(config, reader.clone()).with_remote(Box::new(HttpRemote));
    let is_loading = Arc::new(AtomicBool::new(false));
    let load_goes_on = Arc::clone(&is_loading);
    let on_event = move |event| {
        if let EngineEvent::Loaded(_) | EngineEvent::LoadFailed { .. } = &event {
            load_goes_on.store(false, Ordering::Relaxed);
        }
        // The receiver is gone only once the screen is closed; nobody wants events then.
        sender.send(event).ok();
    };
    let mut engine = ScreenEngine {
        engine: Engine::start(Box::new(loader), on_event)?,
        turn: None,
        is_loading,
    };
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
        diagnostics,
        themes_folder: files::themes_folder(&reader.environment),
        replay: None,
    };
    let left = run::run(&mut engine, events, setup);
    engine.end_load();
    let left = left?;
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

/// A recorded answer on the screen, where nothing is loaded.
pub(super) fn replay(
    reader: &ConfigReader,
    flags: &ScreenFlags,
    turn: Arc<Turn>,
    start: ReplayStart,
) -> anyhow::Result<u8> {
    recorded(reader, flags, RecordedAnswers::One(turn, start))
}

/// Two recorded answers side by side.
pub(super) fn compare(
    reader: &ConfigReader,
    flags: &ScreenFlags,
    first: Arc<Turn>,
    second: Arc<Turn>,
) -> anyhow::Result<u8> {
    if let Some(reason) = is_missing() {
        let text = format!("{reason}; or unmask compare, which prints what differs");
        return Err(Usage(text).into());
    }
    recorded(reader, flags, RecordedAnswers::Two(first, second))
}

fn recorded(
    reader: &ConfigReader,
    flags: &ScreenFlags,
    replay: RecordedAnswers,
) -> anyhow::Result<u8> {
    let (mut preferences, diagnostics) = files::preferences(&reader.environment);
    flags.change(&mut preferences);
    let setup = Setup {
        log: log::file(&reader.environment)?,
        preferences,
        diagnostics,
        themes_folder: files::themes_folder(&reader.environment),
        replay: Some(replay),
        ..Setup::default()
    };
    // News would come from an engine; the sender stays so that none is told to have ended.
    let (sender, events) = unbounded_channel();
    let left = run::run(&mut NoEngine, events, setup)?;
    drop(sender);
    Ok(match left.ending {
        Ending::Quit => code::DONE,
        Ending::Signal(signal) => 128_u8.saturating_add(u8::try_from(signal).unwrap_or(0)),
    })
}

/// A recorded answer needs none.
struct NoEngine;

impl run::EngineClient for NoEngine {
    fn load(&mut self, _: LoadRequest) {}
    fn start(&mut self, _: TurnRequest) {}
    fn pause(&mut self) {}
    fn resume(&mut self) {}
    fn stop(&mut self) {}
    fn abandon(&mut self) {}
    fn cancel_load(&mut self) {}
}

/// What is kept on disk, with the conversation to begin with.
fn keep(environment: &Environment, saving: &Saving) -> anyhow::Result<Keep> {
    let Some(folders) = &environment.folders else {
        return match &saving.resume {
            Some(_) => Err(Usage(sessions::NO_FOLDER.to_owned()).into()),
            None => Ok(Keep::default()),
        };
    };
    let folder = SessionFolder::within(&folders.data);
    let find = |word: &String| folder.find(word).map(|found| found.id);
    let resume = saving.resume.as_ref().map(find).transpose()?;
    let history = HistoryFile::within(&folders.state);
    Ok(Keep {
        storage: Some(Storage::new(
            SessionStore::new(folder),
            history,
            TimeZone::system(),
        )),
        keeping: match saving.private {
            true => Persistence::Private,
            false => Persistence::All,
        },
        resume,
    })
}

/// The engine as the screen asks for it.
struct ScreenEngine {
    engine: Engine,
    /// The turn begun last.
    turn: Option<TurnHandle>,
    /// Whether a load was asked for that has not ended.
    is_loading: Arc<AtomicBool>,
}

impl ScreenEngine {
    /// Breaks a load off and lets it clean up, which takes a moment; a backend that does not heed that is not waited for.
    fn end_load(&mut self) {
        const GRACE: Duration = Duration::from_secs(1);
        self.engine.cancel_load();
        let began = Instant::now();
        while self.is_loading.load(Ordering::Relaxed) && began.elapsed() < GRACE {
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl run::EngineClient for ScreenEngine {
    fn load(&mut self, request: LoadRequest) {
        self.is_loading.store(true, Ordering::Relaxed);
        self.engine.load(request);
    }
    fn start(&mut self, request: TurnRequest) {
        let turn = self.engine.begin(request);
        turn.tell_guesses();
        self.turn = Some(turn);
    }
    fn pause(&mut self) {
        self.turn.iter().for_each(TurnHandle::pause);
    }
    fn resume(&mut self) {
        self.turn.iter().for_each(TurnHandle::resume);
    }
    fn stop(&mut self) {
        self.turn.iter().for_each(TurnHandle::stop);
    }
    fn abandon(&mut self) {
        self.turn = None;
    }
    fn cancel_load(&mut self) {
        self.engine.cancel_load();
    }
}
