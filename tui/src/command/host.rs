//! A model loaded for a command: the engine, and its news in order.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use anyhow::Context as _;
use unmask_core::Params;
use unmask_core::config::{Config, ConfigReader};
use unmask_core::engine::{
    Engine, EngineEvent, LoadRequest, Loaded, Outcome, TurnEvent, TurnId, TurnInput, TurnRequest,
};
use unmask_core::loader::ConfigLoader;
use unmask_core::sampler::Fit;

use super::meter::Meter;
use super::{Interrupted, Usage};

enum News {
    Engine(EngineEvent),
    Interrupt,
    /// A line of stdin with its end; empty at the end of stdin.
    Line(io::Result<String>),
}

/// What came of waiting for a line of stdin.
pub(super) enum Line {
    Said(String),
    End,
    Interrupt,
}

/// A loaded model that answers turns, one after the other.
pub(super) struct Host {
    engine: Engine,
    news: Receiver<News>,
    tell: Sender<News>,
    turn: TurnId,
    pub(super) loaded: Arc<Loaded>,
}

/// A turn that ended without failing.
pub(super) struct Ended {
    pub(super) outcome: Outcome,
    /// True if ^C ended it.
    pub(super) interrupted: bool,
}

impl Host {
    /// Loads the active model, with progress on `meter`; ^C breaks the load off.
    pub(super) fn open(
        config: Config,
        reader: &ConfigReader,
        meter: &mut Meter,
    ) -> anyhow::Result<Self> {
        let key = config.active.value.clone();
        let (tell, news) = channel();
        watch_interrupts(tell.clone())?;
        let loader = ConfigLoader::new(config, reader.clone());
        let engine_tells = tell.clone();
        // The receiver lives as long as the host; news after that are nobody's.
        let hear = move |event| {
            engine_tells.send(News::Engine(event)).ok();
        };
        let mut engine = Engine::start(Box::new(loader), hear)?;
        engine.load(LoadRequest {
            key: key.clone(),
            ..LoadRequest::default()
        });
        let mut interrupted = false;
        let loaded = loop {
            match news.recv()? {
                News::Engine(EngineEvent::Loading {
                    stage, done, total, ..
                }) => meter.at(&stage, done, total),
                News::Engine(EngineEvent::Loaded(loaded)) => break Ok(loaded),
                News::Engine(EngineEvent::LoadFailed { failure, .. }) => break Err(failure),
                // Nothing else was loaded before, or asked for.
                News::Engine(
                    EngineEvent::Unloaded(_)
                    | EngineEvent::Lost { .. }
                    | EngineEvent::Measure(..)
                    | EngineEvent::Turn(..),
                )
                | News::Line(_) => {}
                News::Interrupt => {
                    interrupted = true;
                    engine.cancel_load();
                }
            }
        };
        meter.clear();
        if interrupted {
            return Err(Interrupted(format!("stopped while loading {key}")).into());
        }
        let loaded = loaded?;
        Ok(Self {
            engine,
            news,
            tell,
            turn: TurnId::default(),
            loaded,
        })
    }

    /// The model's settings, rounded so that they divide; the notes say what was rounded.
    ///
    /// More steps or larger blocks than the answer has tokens are refused.
    pub(super) fn settings(&self) -> Result<Fit, Usage> {
        let (length, params) = (self.loaded.default_length, &self.loaded.defaults);
        for (what, count) in [
            ("steps", params.steps),
            ("block length", params.block_length),
        ] {
            if count > length {
                return Err(Usage(format!(
                    "{what} is {count}; it must be 1 to the answer's length, {length}"
                )));
            }
        }
        Ok(Fit::new(length, params))
    }

    /// Waits for a line of stdin.
    pub(super) fn line(&mut self) -> anyhow::Result<Line> {
        read_line(self.tell.clone())?;
        loop {
            match self.news.recv()? {
                News::Line(line) => {
                    let line = line.context("cannot read standard input")?;
                    return Ok(match line.is_empty() {
                        true => Line::End,
                        false => Line::Said(line),
                    });
                }
                News::Interrupt => return Ok(Line::Interrupt),
                News::Engine(_) => (),
            }
        }
    }

    /// Runs a turn to its end, telling `hear` of everything; the first ^C stops it after the step, the second at once.
    pub(super) fn turn(
        &mut self,
        input: TurnInput,
        params: &Params,
        mut hear: impl FnMut(&TurnEvent) -> anyhow::Result<()>,
    ) -> anyhow::Result<Ended> {
        self.turn = self.turn.next();
        let request = TurnRequest {
            turn: self.turn,
            input,
            params: params.clone(),
        };
        let turn = self.engine.begin(request.laid_out(&self.loaded)?);
        let mut interrupted = false;
        loop {
            let event = match self.news.recv()? {
                News::Interrupt if interrupted => {
                    turn.abandon();
                    continue;
                }
                News::Interrupt => {
                    interrupted = true;
                    turn.stop();
                    continue;
                }
                News::Engine(EngineEvent::Turn(id, event)) if id == self.turn => event,
                News::Engine(_) | News::Line(_) => continue,
            };
            hear(&event)?;
            match event {
                TurnEvent::Finished(outcome) => {
                    return Ok(Ended {
                        outcome,
                        interrupted,
                    });
                }
                TurnEvent::Failed(failure) => return Err(failure.into()),
                TurnEvent::Started { .. }
                | TurnEvent::Step(_)
                | TurnEvent::Paused(_)
                | TurnEvent::Resumed => (),
            }
        }
    }
}

/// Reads one line of stdin on a thread of its own, so that ^C is heard meanwhile.
fn read_line(tell: Sender<News>) -> io::Result<()> {
    thread::Builder::new()
        .name("stdin".to_owned())
        .spawn(move || {
            let mut line = String::new();
            let read = io::stdin().read_line(&mut line);
            // Nobody waits for it after ^C.
            tell.send(News::Line(read.map(|_| line))).ok();
        })?;
    Ok(())
}

/// Sends an interrupt for every ^C, from a thread of its own.
fn watch_interrupts(tell: Sender<News>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    thread::Builder::new()
        .name("interrupts".to_owned())
        .spawn(move || {
            runtime.block_on(async {
                while tokio::signal::ctrl_c().await.is_ok() {
                    if tell.send(News::Interrupt).is_err() {
                        return;
                    }
                }
            });
        })?;
    Ok(())
}
