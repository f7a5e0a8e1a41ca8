use tokio::sync::mpsc::UnboundedReceiver;

use super::{App, Ending, Left};
use crate::action::{Action, Command};
use crate::clean::clean;
use crate::effect::Effect;
use crate::session::Storage;
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
    /// Gives the terminal back, then waits until all is kept, also what a running turn has come to; tells what was on the
    /// screen.
    pub(super) fn leave(
        mut self,
        receiver: &mut UnboundedReceiver<Action>,
        ending: Ending,
    ) -> Left {
        for effect in self.act(Action::Do(Command::Leave)) {
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
