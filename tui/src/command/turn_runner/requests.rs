use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use unmask_core::engine::{EngineEvent, MeasureHandle, MeasureRequest, TurnHandle, TurnRequest};

use super::{HostEvent, TurnRunner, prompt};

/// What happens to a command that carries out several requests at once.
pub(in super::super) enum WorkerEvent {
    /// A line of stdin with its end; empty at the end of stdin.
    Line(io::Result<String>),
    Engine(EngineEvent),
    /// A signal asks for the end; the exit code.
    Interrupt(u8),
}

/// Lets one more line of stdin be read.
pub(in super::super) struct LinePermits(Receiver<()>);

impl LinePermits {
    /// After the last line there is nobody to be told.
    pub(in super::super) fn give_back(&self) {
        self.0.try_recv().ok();
    }
}

impl TurnRunner {
    /// Reads stdin line by line on a thread of its own, `most` lines ahead of those whose permit was given back.
    pub(in super::super) fn read_lines(&self, most: usize) -> io::Result<LinePermits> {
        let (sender, (taken, permits)) = (self.sender.clone(), sync_channel(most));
        thread::Builder::new()
            .name("stdin".to_owned())
            .spawn(move || read(&taken, |line| sender.send(HostEvent::Line(line)).is_ok()))?;
        Ok(LinePermits(permits))
    }

    /// Waits for what happens next.
    pub(in super::super) fn next_event(&mut self) -> anyhow::Result<WorkerEvent> {
        loop {
            return Ok(match self.news.recv()? {
                HostEvent::Line(line) => WorkerEvent::Line(line),
                HostEvent::Engine(event) => WorkerEvent::Engine(event),
                HostEvent::Signal(asked) => WorkerEvent::Interrupt(asked.code()),
                HostEvent::LaidOut(..) => continue,
            });
        }
    }

    /// Begins a turn, whose events [`next_event`](Self::next_event) gives.
    pub(in super::super) fn begin_turn(&mut self, request: TurnRequest) -> TurnHandle {
        self.engine.begin(request)
    }

    /// Likewise a measurement.
    pub(in super::super) fn begin_measure(&mut self, request: MeasureRequest) -> MeasureHandle {
        self.engine.measure(request)
    }
}

/// Reads until the end, an error, or nobody listens.
fn read(permits: &SyncSender<()>, mut tell: impl FnMut(io::Result<String>) -> bool) {
    while permits.send(()).is_ok() {
        let line = prompt::line(&mut io::stdin().lock());
        let is_last = line.as_ref().map_or(true, String::is_empty);
        if !tell(line) || is_last {
            return;
        }
    }
}
