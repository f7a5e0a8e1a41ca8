use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use unmask_api::CancelFlag;

/// What the user wants of a running turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Wish {
    #[default]
    Run,
    Pause,
    Stop,
}

/// Joins the engine's handle and its thread for the length of one turn or load, so that a late wish cannot hit the next.
#[derive(Debug, Default)]
pub(super) struct Control {
    wish: Mutex<Wish>,
    changed: Condvar,
    /// Stops a running forward, or a load.
    pub(super) cancel: CancelFlag,
    /// Raised when that is asked for once more.
    pub(super) again: CancelFlag,
}

impl Control {
    pub(super) fn set(&self, wish: Wish) {
        let mut now = self.lock();
        // A stopped turn stays stopped.
        if *now != Wish::Stop {
            *now = wish;
        }
        self.changed.notify_all();
    }

    /// Ends the turn or load at once: what runs is broken off.
    pub(super) fn abandon(&self) {
        self.set(Wish::Stop);
        match self.cancel.is_raised() {
            true => self.again.raise(),
            false => self.cancel.raise(),
        }
    }

    pub(super) fn wish(&self) -> Wish {
        *self.lock()
    }

    /// Rests until the wish is no longer to pause.
    pub(super) fn wait_while_paused(&self) -> Wish {
        let paused = |wish: &mut Wish| *wish == Wish::Pause;
        let waited = self.changed.wait_while(self.lock(), paused);
        *waited.unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Wish> {
        self.wish.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
