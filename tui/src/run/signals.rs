//! Signals that end the screen, and the one that says that it goes on.

/// What a signal means.
pub(super) enum SignalEvent {
    /// Leave; which signal it was.
    End(i32),
    /// The process was stopped and goes on. Windows stops none.
    #[cfg_attr(not(unix), expect(dead_code, reason = "there is no job control there"))]
    Continued,
}

#[cfg(not(unix))]
pub(super) use other::{Signals, suspend};
#[cfg(unix)]
pub(super) use unix::{Signals, suspend};

#[cfg(unix)]
mod unix {
    use std::io;

    use futures_util::FutureExt;
    use tokio::signal::unix::{Signal, SignalKind, signal};

    use super::SignalEvent;

    /// Listens while it lives.
    pub(in crate::run) struct Signals {
        interrupt: Signal,
        terminate: Signal,
        hang_up: Signal,
        quit: Signal,
        go_on: Signal,
    }

    impl Signals {
        /// Within a runtime. From now on no signal ends the process by itself.
        pub(in crate::run) fn listen() -> io::Result<Self> {
            Ok(Self {
                interrupt: signal(SignalKind::interrupt())?,
                terminate: signal(SignalKind::terminate())?,
                hang_up: signal(SignalKind::hangup())?,
                quit: signal(SignalKind::quit())?,
                go_on: signal(SignalKind::from_raw(libc::SIGCONT))?,
            })
        }

        pub(in crate::run) async fn next(&mut self) -> SignalEvent {
            tokio::select! {
                _ = self.interrupt.recv() => SignalEvent::End(libc::SIGINT),
                _ = self.terminate.recv() => SignalEvent::End(libc::SIGTERM),
                _ = self.hang_up.recv() => SignalEvent::End(libc::SIGHUP),
                _ = self.quit.recv() => SignalEvent::End(libc::SIGQUIT),
                _ = self.go_on.recv() => SignalEvent::Continued,
            }
        }

        /// Forgets the ^C, the ^\ and the stops that were meant for another program which had the terminal.
        pub(in crate::run) async fn forget_interrupts(&mut self) {
            // Signals are handed out while the runtime waits.
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            for signal in [&mut self.interrupt, &mut self.quit, &mut self.go_on] {
                signal.recv().now_or_never();
            }
        }
    }

    /// Stops the process until somebody continues it.
    pub(in crate::run) fn suspend() -> io::Result<()> {
        signal_hook::low_level::raise(libc::SIGTSTP)
    }
}

#[cfg(not(unix))]
mod other {
    use std::io;

    use super::SignalEvent;

    /// Listens while it lives.
    pub(in crate::run) struct Signals {
        close: tokio::signal::windows::CtrlClose,
    }

    impl Signals {
        pub(in crate::run) fn listen() -> io::Result<Self> {
            Ok(Self {
                close: tokio::signal::windows::ctrl_close()?,
            })
        }

        pub(in crate::run) async fn next(&mut self) -> SignalEvent {
            const SIGHUP: i32 = 1;
            self.close.recv().await;
            SignalEvent::End(SIGHUP)
        }

        pub(in crate::run) async fn forget_interrupts(&mut self) {}
    }

    /// There is no job control here.
    pub(in crate::run) fn suspend() -> io::Result<()> {
        Ok(())
    }
}
