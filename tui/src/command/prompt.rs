//! Text that is read as a prompt: never more than any model could take.

use std::io::{self, BufRead, Read};

/// Bytes of a prompt from a file or a pipe. What a model's context holds is tested once that is known; this is far more.
pub(super) const LONGEST: u64 = 16 << 20;

/// Everything that `from` has.
///
/// # Errors
/// The system's; also if it is too long, or no text.
pub(super) fn all(from: impl Read) -> io::Result<String> {
    let mut text = String::new();
    from.take(LONGEST + 1).read_to_string(&mut text)?;
    bounded(text)
}

/// The next line of `from` with its end; empty if there is none.
///
/// # Errors
/// As [`all`]'s.
pub(super) fn line(from: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    from.take(LONGEST + 1).read_line(&mut line)?;
    bounded(line)
}

/// The text without the mark of the byte order that some editors put before it.
pub(super) fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

fn bounded(text: String) -> io::Result<String> {
    match text.len() as u64 > LONGEST {
        true => Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!(
                "it is longer than {} MiB, which no model can read",
                LONGEST >> 20
            ),
        )),
        false => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endless_line_is_refused_and_the_longest_is_read() {
        let endless = line(&mut io::BufReader::new(io::repeat(b'a')));
        let error = endless.expect_err("no line is that long").to_string();
        assert!(error.contains("longer than 16 MiB"), "{error}");
        let longest = all(io::repeat(b'a').take(LONGEST));
        assert_eq!(longest.expect("it is just allowed").len() as u64, LONGEST);
        assert!(all(io::repeat(b'a').take(LONGEST + 1)).is_err());
    }
}
