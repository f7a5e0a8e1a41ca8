//! Gives the terminal back when the process dies of a fault: backends are native code.
#![cfg_attr(
    unix,
    expect(
        unsafe_code,
        reason = "no safe interface handles SIGSEGV, SIGABRT and SIGBUS"
    )
)]

#[cfg(not(unix))]
pub(super) use other::{arm, disarm, install};
#[cfg(unix)]
pub(super) use unix::{arm, disarm, install};

#[cfg(unix)]
mod unix {
    use std::io;
    use std::mem::MaybeUninit;
    use std::os::fd::{AsRawFd, IntoRawFd, RawFd};
    use std::path::Path;
    use std::ptr;
    use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

    use libc::{c_int, c_void, sigaction, siginfo_t, termios};

    use crate::clean::clean_line;
    use crate::terminal::RESTORE;
    use crate::terminal::stdio::Tty;

    const FATAL: [c_int; 5] = [
        libc::SIGSEGV,
        libc::SIGABRT,
        libc::SIGBUS,
        libc::SIGILL,
        libc::SIGFPE,
    ];

    /// What the handler needs. A handler reaches nothing but statics; this one is set once and never freed.
    struct Saved {
        tty: RawFd,
        modes: termios,
        /// What is said once the terminal is given back.
        last_words: Vec<u8>,
        before: [sigaction; FATAL.len()],
    }

    static SAVED: AtomicPtr<Saved> = AtomicPtr::new(ptr::null_mut());
    static IS_ARMED: AtomicBool = AtomicBool::new(false);

    /// Remembers the terminal's modes and installs the handler, once for the process. `log` is where the user is sent.
    pub(in crate::terminal) fn install(tty: &Tty, log: Option<&Path>) -> io::Result<()> {
        if !SAVED.load(Ordering::Acquire).is_null() {
            return Ok(());
        }
        let modes = modes_of(tty.as_raw_fd())?;
        let saved = Box::leak(Box::new(Saved {
            tty: tty.try_clone()?.into_raw_fd(),
            modes,
            last_words: last_words(log).into_bytes(),
            before: FATAL.map(action_of),
        }));
        SAVED.store(saved, Ordering::Release);
        for signal in FATAL {
            handle(signal)?;
        }
        Ok(())
    }

    fn last_words(log: Option<&Path>) -> String {
        let log = log.map_or(String::new(), |path| {
            format!(
                "; the log may say more: {}",
                clean_line(&path.to_string_lossy())
            )
        });
        format!("unmask: native code has crashed, most likely a backend's{log}\r\n")
    }

    /// From now on a fault restores the terminal.
    pub(in crate::terminal) fn arm() {
        IS_ARMED.store(true, Ordering::Release);
    }

    /// The terminal has been given back: a fault leaves it alone.
    pub(in crate::terminal) fn disarm() {
        IS_ARMED.store(false, Ordering::Release);
    }

    fn modes_of(tty: RawFd) -> io::Result<termios> {
        let mut modes = MaybeUninit::uninit();
        // SAFETY: `modes` has room for what tcgetattr writes.
        match unsafe { libc::tcgetattr(tty, modes.as_mut_ptr()) } {
            // SAFETY: tcgetattr has written the modes.
            0 => Ok(unsafe { modes.assume_init() }),
            _ => Err(io::Error::last_os_error()),
        }
    }

    fn default_action() -> sigaction {
        // SAFETY: sigaction is plain data for which zeros are valid: SIG_DFL, no flags, an empty mask.
        unsafe { MaybeUninit::zeroed().assume_init() }
    }

    fn action_of(signal: c_int) -> sigaction {
        let mut action = default_action();
        // SAFETY: a null new action only reads; `action` has room for the old one.
        unsafe { libc::sigaction(signal, ptr::null(), &raw mut action) };
        action
    }

    fn handle(signal: c_int) -> io::Result<()> {
        let mut action = default_action();
        let handler: extern "C" fn(c_int, *mut siginfo_t, *mut c_void) = restore_and_die;
        action.sa_sigaction = handler as usize;
        // On the stack that the standard library sets aside, since the fault may be a full stack.
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        // SAFETY: the action is whole, and its handler calls only functions that are safe in handlers.
        match unsafe { libc::sigaction(signal, &raw const action, ptr::null_mut()) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// Only write, tcsetattr, sigaction and raise, all safe in a signal handler (POSIX.1-2024, 2.4.3).
    extern "C" fn restore_and_die(signal: c_int, info: *mut siginfo_t, _context: *mut c_void) {
        let saved = SAVED.load(Ordering::Acquire);
        // SAFETY: it is null or what `install` leaked, which is never freed nor changed.
        let saved = unsafe { saved.as_ref() };
        if let Some(saved) = saved
            && IS_ARMED.swap(false, Ordering::AcqRel)
        {
            // SAFETY: the descriptor was leaked open, the buffers are a constant and what was
            // leaked with it, the modes were read from this terminal.
            unsafe {
                libc::write(saved.tty, RESTORE.as_ptr().cast(), RESTORE.len());
                libc::tcsetattr(saved.tty, libc::TCSANOW, &raw const saved.modes);
                libc::write(
                    saved.tty,
                    saved.last_words.as_ptr().cast(),
                    saved.last_words.len(),
                );
            }
        }
        // SAFETY: with SA_SIGINFO the kernel passes a valid pointer.
        let is_fault = unsafe { (*info).si_code } > 0;
        let mut next = default_action();
        if let (Some(saved), true) = (saved, is_fault)
            && let Some(index) = FATAL.iter().position(|&fatal| fatal == signal)
        {
            // The instruction runs again and faults into the handler that was there before: the standard library's, which
            // tells a full stack.
            next = saved.before[index];
        }
        // SAFETY: the action is the default one or one that was installed before.
        unsafe { libc::sigaction(signal, &raw const next, ptr::null_mut()) };
        if !is_fault {
            // SAFETY: raise takes any signal; it is delivered with the default action when this handler returns.
            unsafe { libc::raise(signal) };
        }
    }
}

#[cfg(not(unix))]
mod other {
    use std::io;
    use std::path::Path;

    use crate::terminal::stdio::Tty;

    /// The console restores itself when its process dies.
    pub(in crate::terminal) fn install(_tty: &Tty, _log: Option<&Path>) -> io::Result<()> {
        Ok(())
    }

    pub(in crate::terminal) fn arm() {}

    pub(in crate::terminal) fn disarm() {}
}
