//! Whether some more files can be opened.

use std::io;

/// What a runtime with signals, or a process with its channels, opens, and some more.
#[cfg(unix)]
const FILES: usize = 16;

/// Tests that this process may open some more files: crates that wait for signals, or speak with another process, panic
/// where they cannot.
///
/// # Errors
/// The system's, if it may not.
#[cfg(unix)]
pub fn test() -> io::Result<()> {
    let opened = (0..FILES).map(|_| std::fs::File::open("/dev/null"));
    let opened: io::Result<Vec<_>> = opened.collect();
    opened.map(drop)
}

/// Tests nothing: there is no such limit here.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn test() -> io::Result<()> {
    Ok(())
}
