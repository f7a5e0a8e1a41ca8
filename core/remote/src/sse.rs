//! Server-sent events out of the bytes of a body, however they were cut. Pure.

/// The longest event that is taken, in bytes.
const LONGEST: usize = 1 << 20;

/// An event that is longer than any that is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLong;

/// Collects the data of events: lines end in LF, CRLF or CR; comments and other fields are left out.
#[derive(Debug, Default)]
pub(crate) struct SseReader {
    line: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    /// The last byte was a CR: a LF behind it ends no other line.
    after_return: bool,
}

impl SseReader {
    /// The data of each event that these bytes end.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<Vec<String>, TooLong> {
        let mut whole = Vec::new();
        for &byte in bytes {
            let is_half = std::mem::replace(&mut self.after_return, byte == b'\r');
            match byte {
                b'\n' if is_half => (),
                b'\n' | b'\r' => whole.extend(self.end_line()),
                byte => self.line.push(byte),
            }
            if self.line.len() + self.data.len() > LONGEST {
                return Err(TooLong);
            }
        }
        Ok(whole)
    }

    fn end_line(&mut self) -> Option<String> {
        let line = std::mem::take(&mut self.line);
        if let Some(data) = line.strip_prefix(b"data:") {
            if self.has_data {
                self.data.push(b'\n');
            }
            self.has_data = true;
            self.data.extend(data.strip_prefix(b" ").unwrap_or(data));
        }
        let is_whole = line.is_empty() && std::mem::take(&mut self.has_data);
        is_whole.then(|| String::from_utf8_lossy(&std::mem::take(&mut self.data)).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_whole_however_their_bytes_are_cut() {
        for end in ["\n", "\r\n", "\r"] {
            let lines = [
                ": hello",
                "data: {\"a\":\"ä€𝄞\"}",
                "",
                "event: x",
                "data:one",
                "data: two",
                "",
                "data:",
                "",
                "data: [DONE]",
                "",
                "",
            ];
            let bytes = lines.join(end).into_bytes();
            for first in 0..=bytes.len() {
                for second in first..=(first + 2).min(bytes.len()) {
                    let mut reader = SseReader::default();
                    let parts = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                    let found: Vec<String> = { parts.into_iter() }
                        .flat_map(|part| reader.push(part).expect("it is short"))
                        .collect();
                    let expected = ["{\"a\":\"ä€𝄞\"}", "one\ntwo", "", "[DONE]"];
                    assert_eq!(found, expected, "{end:?} cut at {first} and {second}");
                }
            }
        }
    }

    #[test]
    fn an_event_without_end_is_not_taken() {
        let mut reader = SseReader::default();
        let part = vec![b'x'; LONGEST / 2];
        assert_eq!(reader.push(&part), Ok(Vec::new()));
        assert_eq!(reader.push(&part), Ok(Vec::new()));
        assert_eq!(reader.push(&part), Err(TooLong));
    }
}
