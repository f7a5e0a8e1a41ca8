//! Answers over HTTP, also such as break off.

use std::io::{self, Write as _};
use std::net::TcpStream;

/// Sends `body` as if `length` bytes came, and hangs up.
///
/// # Errors
/// If whoever asked is gone.
pub fn send(
    mut stream: &TcpStream,
    status: &str,
    headers: &str,
    body: &[u8],
    length: usize,
) -> io::Result<()> {
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n"
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    stream.flush()
}
