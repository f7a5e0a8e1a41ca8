//! While the screen is up, standard output and error go to the log: native libraries print there.

use std::fs::File;
use std::io;

#[cfg(not(unix))]
pub(super) use other::{Redirect, Tty, own_terminal};
#[cfg(unix)]
pub(super) use unix::{Redirect, Tty, own_terminal};

#[cfg(unix)]
mod unix {
    use std::os::fd::{AsFd, OwnedFd};

    use rustix::stdio::{dup2_stderr, dup2_stdout};

    use super::{File, io};

    /// A descriptor of the terminal that stays when standard output goes elsewhere.
    pub(in crate::terminal) type Tty = File;

    pub(in crate::terminal) fn own_terminal() -> io::Result<Tty> {
        Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?))
    }

    /// The descriptors as they were, and where they go meanwhile.
    pub(in crate::terminal) struct Redirect {
        output: OwnedFd,
        error: OwnedFd,
        log: File,
    }

    impl Redirect {
        /// Sends standard output and error to `log`, or nowhere.
        pub(in crate::terminal) fn begin(log: Option<File>) -> io::Result<Self> {
            let log = match log {
                Some(log) => log,
                None => File::options().write(true).open("/dev/null")?,
            };
            let this = Self {
                output: io::stdout().as_fd().try_clone_to_owned()?,
                error: io::stderr().as_fd().try_clone_to_owned()?,
                log,
            };
            this.resume()?;
            Ok(this)
        }

        /// Sends them to the log again.
        pub(in crate::terminal) fn resume(&self) -> io::Result<()> {
            dup2_stdout(&self.log)?;
            Ok(dup2_stderr(&self.log)?)
        }

        /// Sends them where they went before.
        pub(in crate::terminal) fn pause(&self) -> io::Result<()> {
            dup2_stdout(&self.output)?;
            Ok(dup2_stderr(&self.error)?)
        }
    }

    impl Drop for Redirect {
        fn drop(&mut self) {
            // Only a closed descriptor could fail here, and these are held open.
            drop(self.pause());
        }
    }
}

#[cfg(not(unix))]
mod other {
    use std::io::Write;

    use super::{File, io};

    /// The console, by the standard library, which gives it UTF-16: a handle would take bytes for those of its code page.
    #[derive(Debug)]
    pub(in crate::terminal) struct Tty;

    #[expect(clippy::unnecessary_wraps, reason = "elsewhere it is a file")]
    pub(in crate::terminal) fn own_terminal() -> io::Result<Tty> {
        Ok(Tty)
    }

    impl Tty {
        #[expect(clippy::unnecessary_wraps, reason = "elsewhere it is a file")]
        pub(in crate::terminal) fn try_clone(&self) -> io::Result<Self> {
            Ok(Self)
        }
    }

    impl Write for &Tty {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut output = io::stdout().lock();
            let count = output.write(bytes)?;
            output.flush()?;
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            io::stdout().flush()
        }
    }

    impl Write for Tty {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            (&mut &*self).write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            (&mut &*self).flush()
        }
    }

    /// Standard handles stay where they are: libraries here take theirs when they are loaded, so that a later change would
    /// not reach them.
    pub(in crate::terminal) struct Redirect;

    impl Redirect {
        pub(in crate::terminal) fn begin(_log: Option<File>) -> io::Result<Self> {
            Ok(Self)
        }

        pub(in crate::terminal) fn resume(&self) -> io::Result<()> {
            Ok(())
        }

        pub(in crate::terminal) fn pause(&self) -> io::Result<()> {
            Ok(())
        }
    }
}
