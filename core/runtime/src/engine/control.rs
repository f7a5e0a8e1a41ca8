use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use unmask_api::CancelFlag;

use super::Passes;

/// What the owner of a handle wants to become of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Requested {
    #[default]
    Run,
    Pause,
    Stop,
}

/// Joins the handle of one turn, measurement or load with the engine's thread, so that a late request cannot hit the next.
pub(super) struct Control {
    requested: Mutex<Requested>,
    /// Has the engine's thread look at it.
    wake: Box<dyn Fn() + Send + Sync>,
    tells_guesses: AtomicBool,
    /// Whether a pass has computed this turn and others.
    has_shared: AtomicBool,
    /// The pass that computes this turn and others.
    pass: Mutex<Option<Arc<SharedPass>>>,
    /// Stops a running forward, or a load.
    pub(super) cancel: CancelFlag,
    /// Raised when that is asked for once more.
    pub(super) again: CancelFlag,
}

/// A pass of several turns: broken off when nobody wants it any more.
#[derive(Debug)]
pub(super) struct SharedPass {
    pub(super) cancel: CancelFlag,
    wanted_by: AtomicUsize,
}

impl SharedPass {
    /// The pass of these turns, until [`Control::leave_pass`].
    pub(super) fn of(turns: &[&Control]) -> Arc<Self> {
        let pass = Arc::new(Self {
            cancel: CancelFlag::new(),
            wanted_by: AtomicUsize::new(turns.len()),
        });
        for turn in turns {
            *lock(&turn.pass) = Some(Arc::clone(&pass));
            if turn.cancel.is_raised() {
                turn.leave_pass();
            }
        }
        pass
    }
}

impl Control {
    pub(super) fn new(wake: impl Fn() + Send + Sync + 'static) -> Self {
        Self {
            requested: Mutex::default(),
            wake: Box::new(wake),
            tells_guesses: AtomicBool::default(),
            has_shared: AtomicBool::default(),
            pass: Mutex::default(),
            cancel: CancelFlag::new(),
            again: CancelFlag::new(),
        }
    }

    pub(super) fn request(&self, wanted: Requested) {
        {
            let mut now = lock(&self.requested);
            // What is stopped stays stopped.
            if *now != Requested::Stop {
                *now = wanted;
            }
        }
        (self.wake)();
    }

    /// Ends the work at once: what runs is broken off.
    pub(super) fn abandon(&self) {
        match self.cancel.is_raised() {
            true => self.again.raise(),
            false => self.cancel.raise(),
        }
        self.leave_pass();
        self.request(Requested::Stop);
    }

    /// Whatever becomes of the pass that it shares, it is nothing to this turn any more.
    pub(super) fn leave_pass(&self) {
        let Some(pass) = lock(&self.pass).take() else {
            return;
        };
        if pass.wanted_by.fetch_sub(1, Ordering::Relaxed) == 1 {
            pass.cancel.raise();
        }
    }

    /// A pass has computed this turn and others.
    pub(super) fn has_shared(&self) {
        self.has_shared.store(true, Ordering::Relaxed);
    }

    pub(super) fn ran_in(&self) -> Passes {
        match self.has_shared.load(Ordering::Relaxed) {
            true => Passes::Together,
            false => Passes::Alone,
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
        *lock(&self.requested)
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control")
            .field("requested", &self.requested())
            .finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_pass_is_broken_off_once_nobody_wants_it() {
        let control = || Control::new(|| ());
        let (first, second, gone) = (control(), control(), control());
        gone.abandon();
        let pass = SharedPass::of(&[&first, &second, &gone]);
        assert!(!pass.cancel.is_raised());
        first.abandon();
        first.abandon();
        assert!(!pass.cancel.is_raised());
        second.abandon();
        assert!(pass.cancel.is_raised());
    }
}
