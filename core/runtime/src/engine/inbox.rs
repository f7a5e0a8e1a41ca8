//! What is asked of the engine's thread and waits there.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::control::Control;
use super::{LoadRequest, MeasureRequest, Sharing, TurnRequest};

/// What the engine's owner asks of the thread.
pub(super) enum EngineCommand {
    Load(LoadRequest, Arc<Control>),
    Unload,
    Turn(Box<TurnRequest>, Sharing, Arc<Control>),
    Measure(MeasureRequest, Sharing, Arc<Control>),
    /// Something else is wanted of what was begun.
    Look,
    /// Nobody will ask for anything any more.
    End,
}

pub(super) struct Inbox {
    commands: Receiver<EngineCommand>,
    waiting: VecDeque<EngineCommand>,
    pub(super) is_over: bool,
}

/// What runs, for whoever wants to begin.
#[derive(Debug, Clone, Copy)]
pub(super) struct Occupied {
    /// Turns that may begin beside what runs.
    pub(super) free: usize,
    /// Whether nothing runs at all.
    pub(super) is_idle: bool,
    /// Whether something is measured.
    pub(super) is_measuring: bool,
}

impl Inbox {
    pub(super) fn new(commands: Receiver<EngineCommand>) -> Self {
        Self {
            commands,
            waiting: VecDeque::new(),
            is_over: false,
        }
    }

    /// Takes in what has come.
    pub(super) fn take_in(&mut self) {
        while let Ok(command) = self.commands.try_recv() {
            self.put(command);
        }
    }

    /// Waits for a command, so long at most; false if none has come.
    pub(super) fn wait(&mut self, at_most: Option<Duration>) -> bool {
        let command = match at_most {
            None => self.commands.recv().ok(),
            Some(time) => match self.commands.recv_timeout(time) {
                Ok(command) => Some(command),
                Err(RecvTimeoutError::Timeout) => return false,
                Err(RecvTimeoutError::Disconnected) => None,
            },
        };
        self.put(command.unwrap_or(EngineCommand::End));
        true
    }

    fn put(&mut self, command: EngineCommand) {
        match command {
            EngineCommand::Look => (),
            EngineCommand::End => self.is_over = true,
            command => self.waiting.push_back(command),
        }
    }

    /// A command that could not be carried out yet goes before all others.
    pub(super) fn put_back(&mut self, command: EngineCommand) {
        self.waiting.push_front(command);
    }

    /// The next command that may be carried out: in order, but that measurements, which go one by one, are overtaken by turns.
    pub(super) fn next(&mut self, occupied: Occupied) -> Option<EngineCommand> {
        let at = self.next_at(occupied)?;
        self.waiting.remove(at)
    }

    fn next_at(&self, occupied: Occupied) -> Option<usize> {
        for (at, command) in self.waiting.iter().enumerate() {
            let may_begin = match command {
                EngineCommand::Load(..) | EngineCommand::Unload => at == 0 && occupied.is_idle,
                EngineCommand::Turn(..) => occupied.free > 0,
                EngineCommand::Measure(..) if occupied.is_measuring => continue,
                EngineCommand::Measure(..) => occupied.free > 0,
                EngineCommand::Look | EngineCommand::End => continue,
            };
            return may_begin.then_some(at);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;
    use crate::engine::{TurnId, TurnInput};
    use crate::likelihood::{Masking, Samples};
    use crate::{Params, engine::MeasureId};

    fn turn() -> EngineCommand {
        let request = TurnRequest {
            turn: TurnId(1),
            input: TurnInput::Tokens {
                prompt: Vec::new(),
                length: 1,
            },
            params: Params::default(),
        };
        EngineCommand::Turn(Box::new(request), Sharing::default(), control())
    }

    fn measure() -> EngineCommand {
        let request = MeasureRequest {
            measure: MeasureId(1),
            pairs: Vec::new(),
            samples: Samples::Exact,
            cfg_scale: 0.0,
            masking: Masking::default(),
            rows: None,
            greedy: false,
        };
        EngineCommand::Measure(request, Sharing::default(), control())
    }

    fn control() -> Arc<Control> {
        Arc::new(Control::new(|| ()))
    }

    /// Which of the commands is next.
    fn next(commands: Vec<EngineCommand>, free: usize, is_measuring: bool) -> Option<usize> {
        let (_sender, receiver) = channel();
        let mut inbox = Inbox::new(receiver);
        commands.into_iter().for_each(|it| inbox.put(it));
        inbox.next_at(Occupied {
            free,
            is_idle: free == 4 && !is_measuring,
            is_measuring,
        })
    }

    #[test]
    fn what_waits_begins_in_order_and_loads_when_nothing_runs() {
        let load = || EngineCommand::Load(LoadRequest::default(), control());
        assert_eq!(next(vec![turn(), turn()], 4, false), Some(0));
        assert_eq!(next(vec![turn(), turn()], 0, false), None);
        assert_eq!(next(vec![load(), turn()], 4, false), Some(0));
        // Turns behind a load are of its model.
        assert_eq!(next(vec![load(), turn()], 2, false), None);
        assert_eq!(next(vec![turn(), load()], 2, false), Some(0));
        assert_eq!(next(vec![EngineCommand::Look, turn()], 2, false), Some(0));
        assert_eq!(next(vec![EngineCommand::End], 2, false), None);
    }

    #[test]
    fn measurements_go_one_by_one_and_keep_no_turn_waiting() {
        assert_eq!(next(vec![measure(), turn()], 2, false), Some(0));
        assert_eq!(next(vec![measure(), turn()], 2, true), Some(1));
        assert_eq!(next(vec![measure(), turn()], 0, true), None);
        let unload = EngineCommand::Unload;
        assert_eq!(next(vec![measure(), unload, turn()], 2, true), None);
    }
}
