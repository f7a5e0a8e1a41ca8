//! Carries effects out.

use std::io;
use std::ops::ControlFlow;

use tokio::sync::mpsc::UnboundedSender;

use super::{Chat, signals};
use crate::action::Action;
use crate::effect::Effect;

/// The threads that do what would keep the screen waiting: files, the clipboard, highlighting, a look at the machine. Each
/// answers with actions.
pub(super) struct Workers {
    /// Through which they tell; it stays open as long as the screen.
    _tell: UnboundedSender<Action>,
}

impl Workers {
    /// Starts them.
    ///
    /// # Errors
    /// If the system has no threads to give.
    pub(super) fn start(tell: &UnboundedSender<Action>) -> io::Result<Self> {
        Ok(Self {
            _tell: tell.clone(),
        })
    }
}

impl Chat<'_> {
    pub(super) fn perform(&mut self, effect: Effect) -> io::Result<ControlFlow<()>> {
        match effect {
            Effect::Start(request) => self.engine.start(request),
            Effect::Pause => self.engine.pause(),
            Effect::Resume => self.engine.resume(),
            Effect::Stop => self.engine.stop(),
            Effect::Abandon => self.engine.abandon(),
            Effect::CancelLoad => self.engine.cancel_load(),
            Effect::Mouse(mouse) => self.screen.set_mouse(mouse)?,
            Effect::Suspend => {
                self.screen.give_back();
                signals::suspend()?;
                self.come_back()?;
            }
            Effect::Repaint => self.screen.forget()?,
            Effect::Quit => return Ok(ControlFlow::Break(())),
        }
        Ok(ControlFlow::Continue(()))
    }
}
