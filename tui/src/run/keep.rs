use tokio::sync::mpsc::UnboundedReceiver;

use super::{App, Ending, Left};
use crate::action::{Action, Command};
use crate::clean::clean;
use crate::effect::Effect;
use crate::session::{Job, Storage};
use crate::state::Persistence;
use crate::update::update;
use unmask_core::conversations::SessionId;

/// What is kept on disk, and by whom.
#[derive(Debug, Default)]
pub struct Keep {
    /// Keeps it; there is none without a folder.
    pub storage: Option<Storage>,
    /// Whether the user wants it kept.
    pub keeping: Persistence,
    /// The conversation to begin with.
    pub resume: Option<SessionId>,
}

impl App<'_> {
    /// Reads the prompts sent before, and the conversation to begin with; leaves so many bytes of traces at most.
    pub(super) fn begin_keeping(
        &mut self,
        keeping: Persistence,
        resume: Option<SessionId>,
        most_traces: u64,
    ) {
        self.state.saved.keeping = keeping;
        self.state.saved.opening = resume;
        self.workers.keep(Job::Recall);
        if let Some(id) = resume {
            self.workers.keep(Job::Open(id));
        }
        // Who wants nothing kept wants nothing changed.
        if self.state.saved.is_wanted() {
            self.workers.keep(Job::Trim(most_traces));
        }
    }

    /// Gives the terminal back, then waits until all is kept, also what a running turn has come to; tells what was on the
    /// screen.
    pub(super) fn leave(
        mut self,
        receiver: &mut UnboundedReceiver<Action>,
        ending: Ending,
    ) -> Left {
        for effect in self.act(Action::Do(Command::Quit)) {
            if let Effect::Keep(job) = effect {
                self.workers.keep(job);
            }
        }
        drop(self.screen);
        self.workers.finish();
        while let Ok(action) = receiver.try_recv() {
            update(&mut self.state, action);
        }
        let answer = self.state.transcript.last_answer();
        Left {
            ending,
            session: self.state.saved.id,
            answer: answer.map(|answer| clean(&answer.text).into_owned()),
        }
    }
}
