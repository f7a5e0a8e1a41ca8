//! Signals that ask a command to end: heard by the command, which cleans up, and seen to if it does not.

#![cfg_attr(
    unix,
    expect(
        unsafe_code,
        reason = "no safe interface tells whether a signal is ignored"
    )
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use unmask_core::{open_files, partial};

use super::{Interrupted, code};

/// How long a command may clean up that was asked to end.
const GRACE: Duration = Duration::from_secs(3);
/// The ^C that ends the program whatever it does; those before it are the command's.
const LAST_INTERRUPT: usize = 3;

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SignalRequest {
    /// ^C: to end in a way that shows what there is.
    Stop,
    /// To be gone soon; the exit code is this.
    End(u8),
}

impl SignalRequest {
    /// What the program leaves with.
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Stop => code::INTERRUPTED,
            Self::End(code) => code,
        }
    }
}

/// What a ^C means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Interrupting {
    /// What the command makes of it; the third ends the program at once.
    Work,
    /// The end, as any other signal.
    Look,
}

/// Tells `hear` of every signal, from a thread of its own. The third ^C, and what else is not heeded within some seconds,
/// ends the program at once. Signals that whoever started the program has it ignore are not heard.
pub(super) fn watch(hear: impl Fn(SignalRequest) + Send + 'static) -> anyhow::Result<()> {
    watch_for(Interrupting::Work, hear)
}

fn watch_for(
    interrupting: Interrupting,
    hear: impl Fn(SignalRequest) + Send + 'static,
) -> anyhow::Result<()> {
    let cannot = "cannot listen for signals";
    open_files::test().context(cannot)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .context(cannot)?;
    let signals = runtime.block_on(async { system::SignalStream::listen() });
    let mut signals = signals.context(cannot)?;
    thread::Builder::new()
        .name("interrupts".to_owned())
        .spawn(move || {
            let mut interrupts = 0;
            while let Some(asked) = runtime.block_on(signals.next()) {
                hear(asked);
                interrupts += usize::from(asked == SignalRequest::Stop);
                let is_end = asked != SignalRequest::Stop || interrupting == Interrupting::Look;
                if is_end {
                    thread::sleep(GRACE);
                }
                if is_end || interrupts >= LAST_INTERRUPT {
                    partial::abandon();
                    crate::leave(asked.code());
                }
            }
        })?;
    Ok(())
}

/// Whether a command is to end, for one that looks between two pieces of its work.
#[derive(Debug, Clone, Default)]
pub(super) struct Interrupts(Arc<AtomicU8>);

impl Interrupts {
    /// Watches the signals from now on.
    pub(super) fn watch() -> anyhow::Result<Self> {
        Self::watch_for(Interrupting::Work)
    }

    /// The same for a command that is done in a moment, unless a backend keeps it waiting: one ^C is enough.
    pub(super) fn watch_look() -> anyhow::Result<Self> {
        Self::watch_for(Interrupting::Look)
    }

    fn watch_for(interrupting: Interrupting) -> anyhow::Result<Self> {
        let this = Self::default();
        let flag = Arc::clone(&this.0);
        watch_for(interrupting, move |asked| {
            flag.store(asked.code(), Ordering::Relaxed);
        })?;
        Ok(this)
    }

    /// Nothing, unless the command is to end.
    pub(super) fn check(&self, what: &str) -> Result<(), Interrupted> {
        match self.0.load(Ordering::Relaxed) {
            0 => Ok(()),
            code => Err(Interrupted {
                text: format!("stopped while {what}"),
                code,
            }),
        }
    }
}

#[cfg(unix)]
mod system {
    use std::future::{Future, poll_fn};
    use std::io;
    use std::mem::MaybeUninit;
    use std::pin::pin;
    use std::ptr;
    use std::task::Poll;

    use libc::c_int;
    use tokio::signal::unix::{Signal, SignalKind, signal};

    use super::SignalRequest;

    const HEARD: [c_int; 4] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT];

    pub(super) struct SignalStream(Vec<(Signal, SignalRequest)>);

    impl SignalStream {
        pub(super) fn listen() -> io::Result<Self> {
            let heard = HEARD.into_iter().filter(|&number| !is_ignored(number));
            let listen = |number| {
                let asked = match number {
                    libc::SIGINT => SignalRequest::Stop,
                    _ => SignalRequest::End(128 + number as u8),
                };
                Ok((signal(SignalKind::from_raw(number))?, asked))
            };
            heard.map(listen).collect::<io::Result<_>>().map(Self)
        }

        pub(super) async fn next(&mut self) -> Option<SignalRequest> {
            poll_fn(|context| {
                for (signal, asked) in &mut self.0 {
                    if pin!(signal.recv()).poll(context).is_ready() {
                        return Poll::Ready(Some(*asked));
                    }
                }
                Poll::Pending
            })
            .await
        }
    }

    /// As `nohup` has it, and a shell without job control for what runs in the background.
    fn is_ignored(number: c_int) -> bool {
        let mut action = MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: a null new action only reads; `action` has room for the old one, and zeros are one.
        unsafe {
            libc::sigaction(number, ptr::null(), action.as_mut_ptr());
            action.assume_init().sa_sigaction == libc::SIG_IGN
        }
    }
}

#[cfg(not(unix))]
mod system {
    use std::io;

    use tokio::signal::windows::{
        CtrlC, CtrlClose, CtrlShutdown, ctrl_c, ctrl_close, ctrl_shutdown,
    };

    use super::SignalRequest;

    /// What a process leaves with elsewhere whose terminal is gone, or that is to end: 128 and the signal's number.
    const TERMINAL_GONE: u8 = 129;
    const TERMINATED: u8 = 143;

    pub(super) struct SignalStream {
        interrupt: CtrlC,
        close: CtrlClose,
        shutdown: CtrlShutdown,
    }

    impl SignalStream {
        pub(super) fn listen() -> io::Result<Self> {
            Ok(Self {
                interrupt: ctrl_c()?,
                close: ctrl_close()?,
                shutdown: ctrl_shutdown()?,
            })
        }

        pub(super) async fn next(&mut self) -> Option<SignalRequest> {
            let (asked, request) = tokio::select! {
                asked = self.interrupt.recv() => (asked, SignalRequest::Stop),
                asked = self.close.recv() => (asked, SignalRequest::End(TERMINAL_GONE)),
                asked = self.shutdown.recv() => (asked, SignalRequest::End(TERMINATED)),
            };
            asked.map(|()| request)
        }
    }
}
