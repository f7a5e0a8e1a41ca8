//! Runs code that may panic on a file that somebody else wrote.

use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;

thread_local! {
    /// Whether a panic of this thread is expected, and so printed by nobody.
    static IS_CONTAINED: Cell<bool> = const { Cell::new(false) };
    static LAST: RefCell<String> = const { RefCell::new(String::new()) };
}

/// The panic hook is the process's: it is wrapped once.
static HOOK: Once = Once::new();

/// What `deed` gives, or the words of its panic, which no hook prints.
pub(super) fn contained<T>(deed: impl FnOnce() -> T) -> Result<T, String> {
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panic| match IS_CONTAINED.get() {
            true => note(panic),
            false => before(panic),
        }));
    });
    let was_contained = IS_CONTAINED.replace(true);
    let done = panic::catch_unwind(AssertUnwindSafe(deed));
    IS_CONTAINED.set(was_contained);
    done.map_err(|_| LAST.take())
}

fn note(panic: &PanicHookInfo<'_>) {
    let text = panic.payload_as_str().unwrap_or("it gave no reason");
    tracing::error!(
        text,
        place = panic.location().map(ToString::to_string),
        "contained a panic"
    );
    LAST.set(text.to_owned());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_its_words_and_the_next_deed_is_done() {
        assert_eq!(contained(|| 1), Ok(1));
        let inner = || contained::<()>(|| panic!("inner"));
        assert_eq!(
            contained(|| inner().expect_err("it panics")),
            Ok("inner".to_owned())
        );
        assert_eq!(
            contained::<()>(|| panic!("at {}", 3)),
            Err("at 3".to_owned())
        );
    }
}
