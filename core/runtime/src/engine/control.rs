use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use unmask_api::CancelFlag;

/// What the owner of a handle wants to become of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Requested {
    #[default]
    Run,
    Pause,
    Stop,
}

/// Joins the handle of one turn, measurement or load with the engine's thread, so that a late request cannot hit the next.
#[derive(Debug, Default)]
pub(super) struct Control {
    requested: Mutex<Requested>,
    changed: Condvar,
    tells_guesses: AtomicBool,
    /// Stops a running forward, or a load.
    pub(super) cancel: CancelFlag,
    /// Raised when that is asked for once more.
    pub(super) again: CancelFlag,
}

impl Control {
    pub(super) fn request(&self, wanted: Requested) {
        let mut now = self.lock();
        // What is stopped stays stopped.
        if *now != Requested::Stop {
            *now = wanted;
        }
        self.changed.notify_all();
    }

    /// Ends the work at once: what runs is broken off.
    pub(super) fn abandon(&self) {
        self.request(Requested::Stop);
        match self.cancel.is_raised() {
            true => self.again.raise(),
            false => self.cancel.raise(),
        }
    }

    /// Steps tell from now on what they would put in the place of masks.
    pub(super) fn tell_guesses(&self) {
        self.tells_guesses.store(true, Ordering::Relaxed);
    }

    pub(super) fn tells_guesses(&self) -> bool {
        self.tells_guesses.load(Ordering::Relaxed)
    }

    pub(super) fn requested(&self) -> Requested {
        *self.lock()
    }

    /// Rests until the request is no longer to pause.
    pub(super) fn wait_while_paused(&self) -> Requested {
        let paused = |requested: &mut Requested| *requested == Requested::Pause;
        let waited = self.changed.wait_while(self.lock(), paused);
        *waited.unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Requested> {
        self.requested
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
