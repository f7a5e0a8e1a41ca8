//! How long a server waits for what. Tests wait less.

use std::time::Duration;

/// How long a server waits for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Patience {
    /// For a head whose first byte has come; of the first head, for that byte too.
    pub(crate) head: Duration,
    /// For another request on the same connection.
    pub(crate) idle: Duration,
    /// For a body.
    pub(crate) body: Duration,
    /// For a socket that takes nothing.
    pub(crate) write: Duration,
    /// For running turns once the server is to end.
    pub(crate) ending: Duration,
    /// Of silence in a stream, after which something empty tells that somebody is there.
    pub(crate) quiet: Duration,
    /// For a whole answer until its head is sent, whatever becomes of it.
    pub(crate) whole: Duration,
    /// Between two blanks before a whole answer.
    pub(crate) blanks: Duration,
    /// For a turn that rests.
    pub(crate) pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            body: Duration::from_secs(30),
            write: Duration::from_secs(60),
            ending: Duration::from_secs(10),
            quiet: Duration::from_secs(10),
            whole: Duration::from_secs(20),
            blanks: Duration::from_secs(15),
            pause: Duration::from_secs(600),
        }
    }
}

#[cfg(test)]
mod tests;
