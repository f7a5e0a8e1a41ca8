//! A model loaded for a command: the engine, and its news in order.

mod measure;
mod requests;

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use anyhow::Context as _;
use unmask_core::Params;
use unmask_core::config::{Config, ConfigReader};
use unmask_core::engine::{
    Engine, EngineEvent, Failure, LoadRequest, Loaded, Outcome, TurnEvent, TurnId, TurnInput,
    TurnRequest,
};
use unmask_core::event::Commit;
use unmask_core::loader::ConfigLoader;
use unmask_core::sampler::FittedParams;
use unmask_remote::HttpRemote;

use super::meter::ProgressMeter;
use super::prompt;
use super::signals::{self, SignalRequest};
use super::{Interrupted, Usage};
pub(super) use requests::{LinePermits, WorkerEvent};

enum HostEvent {
    Engine(EngineEvent),
    Signal(SignalRequest),
    /// A line of stdin with its end; empty at the end of stdin.
    Line(io::Result<String>),
    /// A turn's request with its text as tokens.
    LaidOut(TurnId, Box<Result<TurnRequest, Failure>>),
}

/// What came of waiting for a line of stdin.
pub(super) enum LineInput {
    Said(String),
    End,
    /// A signal asks for the end; the exit code.
    Interrupt(u8),
}

/// A loaded model that answers turns, one after the other.
pub(super) struct TurnRunner {
    engine: Engine,
    news: Receiver<HostEvent>,
    sender: Sender<HostEvent>,
    turn: TurnId,
    /// Whether steps tell their guesses.
    pub(super) tells_guesses: bool,
    pub(super) loaded: Arc<Loaded>,
}

/// A turn that ended without failing.
pub(super) struct Ended {
    pub(super) outcome: Outcome,
    /// The exit code, if a signal ended it.
    pub(super) interrupted: Option<u8>,
}

impl TurnRunner {
    /// Loads the active model, with progress on `meter`; a signal breaks the load off.
    pub(super) fn open(
        config: Config,
        reader: &ConfigReader,
        meter: &mut ProgressMeter,
    ) -> anyhow::Result<Self> {
        let key = config.active.value.clone();
        let (sender, news) = channel();
        let signal_sender = sender.clone();
        // The same.
        signals::watch(move |asked| {
            signal_sender.send(HostEvent::Signal(asked)).ok();
        })?;
        let loader = ConfigLoader::new(config, reader.clone()).with_remote(Box::new(HttpRemote));
        let engine_sender = sender.clone();
        // The receiver lives as long as the host; news after that are nobody's.
        let on_event = move |event| {
            engine_sender.send(HostEvent::Engine(event)).ok();
        };
        let mut engine = Engine::start(Box::new(loader), on_event)?;
        engine.load(LoadRequest {
            key: key.clone(),
            ..LoadRequest::default()
        });
        let mut interrupted = None;
        let loaded = loop {
            match news.recv()? {
                HostEvent::Engine(EngineEvent::Loading {
                    stage, done, total, ..
                }) => meter.at(&stage, done, total),
                HostEvent::Engine(EngineEvent::Loaded(loaded)) => break Ok(loaded),
                HostEvent::Engine(EngineEvent::LoadFailed { failure, .. }) => break Err(failure),
                // Nothing else was loaded before, or asked for.
                HostEvent::Engine(
                    EngineEvent::Unloaded(_)
                    | EngineEvent::Lost { .. }
                    | EngineEvent::Measure(..)
                    | EngineEvent::Turn(..),
                )
                | HostEvent::Line(_)
                | HostEvent::LaidOut(..) => {}
                HostEvent::Signal(asked) => {
                    interrupted = Some(asked.code());
                    engine.cancel_load();
                }
            }
        };
        meter.clear();
        if let Some(code) = interrupted {
            let text = format!("stopped while loading {key}");
            return Err(Interrupted { text, code }.into());
        }
        let loaded = loaded?;
        Ok(Self {
            engine,
            news,
            sender,
            turn: TurnId::default(),
            tells_guesses: false,
            loaded,
        })
    }

    /// The model's settings, rounded so that they divide; the notes say what was rounded.
    ///
    /// More steps or larger blocks than the answer has tokens are refused.
    pub(super) fn settings(&self) -> Result<FittedParams, Usage> {
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
        Ok(FittedParams::new(length, params))
    }

    /// Waits for a line of stdin.
    pub(super) fn line(&mut self) -> anyhow::Result<LineInput> {
        read_line(self.sender.clone())?;
        loop {
            match self.news.recv()? {
                HostEvent::Line(line) => {
                    let line = line.context("cannot read standard input")?;
                    return Ok(match line.is_empty() {
                        true => LineInput::End,
                        false => LineInput::Said(line),
                    });
                }
                HostEvent::Signal(asked) => return Ok(LineInput::Interrupt(asked.code())),
                HostEvent::Engine(_) | HostEvent::LaidOut(..) => (),
            }
        }
    }

    /// Lays a request out on a thread of its own: a chat template may take a while, and ^C does not wait for it.
    fn lay_out(&self, request: TurnRequest) -> anyhow::Result<TurnRequest> {
        let (loaded, sender, id) = (Arc::clone(&self.loaded), self.sender.clone(), request.turn);
        thread::Builder::new().spawn(move || {
            let laid_out = request.laid_out(&loaded).map(TurnRequest::from);
            // Nobody waits for it after ^C.
            sender.send(HostEvent::LaidOut(id, Box::new(laid_out))).ok();
        })?;
        loop {
            match self.news.recv()? {
                HostEvent::LaidOut(turn, laid_out) if turn == id => return Ok((*laid_out)?),
                HostEvent::Signal(asked) => {
                    return Err(Interrupted {
                        text: "stopped while the prompt was made".to_owned(),
                        code: asked.code(),
                    }
                    .into());
                }
                HostEvent::Engine(_) | HostEvent::Line(_) | HostEvent::LaidOut(..) => (),
            }
        }
    }

    /// Runs a turn to its end, telling `on_event` of everything; the first ^C stops it after the step, the second and every
    /// other signal at once.
    pub(super) fn turn(
        &mut self,
        input: TurnInput,
        params: &Params,
        on_event: impl FnMut(&TurnEvent) -> anyhow::Result<()>,
    ) -> anyhow::Result<Ended> {
        self.turn_along(Vec::new(), input, params, on_event)
    }

    /// Runs a turn whose canvas follows a recorded one, as [`LaidOut::recorded`](unmask_core::engine::LaidOut) says.
    pub(super) fn turn_along(
        &mut self,
        recorded: Vec<Vec<Commit>>,
        input: TurnInput,
        params: &Params,
        mut on_event: impl FnMut(&TurnEvent) -> anyhow::Result<()>,
    ) -> anyhow::Result<Ended> {
        self.turn = self.turn.next();
        let request = TurnRequest {
            turn: self.turn,
            input,
            params: params.clone(),
        };
        let mut turn = self.lay_out(request)?;
        if let TurnInput::LaidOut(laid_out) = &mut turn.input {
            laid_out.recorded = recorded;
        }
        let turn = self.engine.begin(turn);
        if self.tells_guesses {
            turn.tell_guesses();
        }
        let mut interrupted = None;
        loop {
            let event = match self.news.recv()? {
                HostEvent::Signal(asked) => {
                    match (asked, interrupted) {
                        (SignalRequest::Stop, None) => turn.stop(),
                        (SignalRequest::Stop, Some(_)) | (SignalRequest::End(_), _) => {
                            turn.abandon()
                        }
                    }
                    interrupted = Some(asked.code());
                    continue;
                }
                HostEvent::Engine(EngineEvent::Turn(id, event)) if id == self.turn => event,
                HostEvent::Engine(_) | HostEvent::Line(_) | HostEvent::LaidOut(..) => continue,
            };
            on_event(&event)?;
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
fn read_line(sender: Sender<HostEvent>) -> io::Result<()> {
    thread::Builder::new()
        .name("stdin".to_owned())
        .spawn(move || {
            let line = prompt::line(&mut io::stdin().lock());
            // Nobody waits for it after ^C.
            sender.send(HostEvent::Line(line)).ok();
        })?;
    Ok(())
}
