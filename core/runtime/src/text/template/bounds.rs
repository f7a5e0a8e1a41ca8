//! Work that a template asks for, on a thread whose stack holds the deepest that the fuel pays for.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::text::TemplateProblem;

/// Only what is used of it is real.
const STACK_BYTES: usize = 512 << 20;
/// The fuel is used up long before.
const PATIENCE: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(10);

/// What `work` gives. When `stop` is set, or after a while, nobody waits for it any longer: fuel ends it soon.
pub(super) fn within<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
    stop: &AtomicBool,
) -> Result<T, TemplateProblem> {
    let (tell, told) = channel();
    thread::Builder::new()
        .name("chat template".to_owned())
        .stack_size(STACK_BYTES)
        // Nobody may wait any longer.
        .spawn(move || tell.send(work()).ok())
        .map_err(|error| TemplateProblem::NoThread(error.to_string()))?;
    let begun = Instant::now();
    loop {
        match told.recv_timeout(LOOK) {
            Ok(given) => return Ok(given),
            Err(RecvTimeoutError::Disconnected) => return Err(TemplateProblem::Panicked),
            Err(RecvTimeoutError::Timeout) if stop.load(Ordering::Relaxed) => {
                return Err(TemplateProblem::Stopped);
            }
            Err(RecvTimeoutError::Timeout) if begun.elapsed() > PATIENCE => {
                return Err(TemplateProblem::TooMuch);
            }
            Err(RecvTimeoutError::Timeout) => (),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn whoever_stops_waits_no_longer() {
        let (_hold, held) = channel::<()>();
        let work = move || held.recv().ok();
        assert_eq!(
            within(work, &AtomicBool::new(true)),
            Err(TemplateProblem::Stopped)
        );
    }

    #[test]
    fn a_panic_is_no_answer() {
        let given: Result<(), _> = within(|| panic!("a fault"), &AtomicBool::new(false));
        assert_eq!(given, Err(TemplateProblem::Panicked));
    }
}
