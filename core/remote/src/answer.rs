//! A streamed answer, read on a thread of its own so that whoever waits for it can be asked what they want meanwhile.

use std::io::Read;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::Builder;
use std::time::Duration;

use serde_json::Value;
use unmask_core::engine::{Failure, FailureKind};

use super::client::message;
use super::sse::SseReader;

/// What comes next of an answer.
#[derive(Debug)]
pub(crate) enum News {
    /// An object.
    Chunk(Value),
    /// Nothing, for a while.
    Quiet,
    /// Its end, as the server says.
    End,
}

/// A streamed answer. Dropped, it is read no further than to what comes next.
pub(crate) struct StreamedAnswer {
    news: Receiver<Result<Option<Value>, Failure>>,
    root: String,
}

impl StreamedAnswer {
    /// Reads `body`, which the server at `root` sends.
    ///
    /// # Errors
    /// If the system has no thread to give.
    pub(crate) fn read(body: impl Read + Send + 'static, root: &str) -> Result<Self, Failure> {
        let (sender, news) = sync_channel(64);
        let server = root.to_owned();
        Builder::new()
            .name("unmask-remote".to_owned())
            .spawn(move || {
                let end = read_all(body, &server, &sender);
                // Whoever waited may have left.
                sender.send(end.map(|()| None)).ok();
            })
            .map_err(|error| broken(root, &error.to_string()))?;
        Ok(Self {
            news,
            root: root.to_owned(),
        })
    }

    /// What comes within `patience`.
    ///
    /// # Errors
    /// What the server says that went wrong, or that it is gone.
    pub(crate) fn next(&self, patience: Duration) -> Result<News, Failure> {
        match self.news.recv_timeout(patience) {
            Ok(Ok(Some(chunk))) => Ok(News::Chunk(chunk)),
            Ok(Ok(None)) => Ok(News::End),
            Ok(Err(failure)) => Err(failure),
            Err(RecvTimeoutError::Timeout) => Ok(News::Quiet),
            Err(RecvTimeoutError::Disconnected) => {
                Err(broken(&self.root, "nobody reads it any more"))
            }
        }
    }
}

/// Until the end of the answer, or until nobody wants more of it.
fn read_all(
    mut body: impl Read,
    root: &str,
    sender: &SyncSender<Result<Option<Value>, Failure>>,
) -> Result<(), Failure> {
    let mut reader = SseReader::default();
    let mut buffer = vec![0; 16 << 10];
    // Some servers end without a word.
    let mut is_finished = false;
    loop {
        let length = match body.read(&mut buffer) {
            Ok(0) if is_finished => return Ok(()),
            Ok(0) => return Err(broken(root, "it ended before the answer was whole")),
            Ok(length) => length,
            Err(_) if is_finished => return Ok(()),
            Err(error) => return Err(broken(root, &error.to_string())),
        };
        let whole = reader.push(&buffer[..length]);
        for data in whole.map_err(|_| broken(root, "it sent an event that is too long"))? {
            if data.trim() == "[DONE]" {
                return Ok(());
            }
            if data.trim().is_empty() {
                continue;
            }
            let chunk: Value = serde_json::from_str(&data)
                .map_err(|error| broken(root, &format!("it sent no JSON: {error}")))?;
            if let Some(said) = message(&chunk["error"]) {
                return Err(Failure {
                    kind: FailureKind::Generation,
                    text: format!("{root} gave up: {said}"),
                    hint: "try again, or look at the server's log".to_owned(),
                });
            }
            is_finished |= chunk["choices"][0]["finish_reason"].is_string();
            if sender.send(Ok(Some(chunk))).is_err() {
                return Ok(());
            }
        }
    }
}

fn broken(root: &str, what: &str) -> Failure {
    Failure {
        kind: FailureKind::Backend,
        text: format!("the answer of {root} broke off: {what}"),
        hint: "what came is kept; ask again, or look at the server's log".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All that is told of an answer of these bytes.
    fn told(bytes: &'static [u8]) -> (Vec<String>, Result<(), String>) {
        let answer = StreamedAnswer::read(bytes, "http://x").expect("there are threads");
        let mut chunks = Vec::new();
        loop {
            match answer.next(Duration::from_secs(10)) {
                Ok(News::Chunk(chunk)) => chunks.push(chunk.to_string()),
                Ok(News::End) => return (chunks, Ok(())),
                Ok(News::Quiet) => panic!("all of it is there"),
                Err(failure) => return (chunks, Err(failure.text)),
            }
        }
    }

    #[test]
    fn an_answer_is_whole_or_what_is_wrong_with_it_is_told() {
        let whole = b"data: {\"a\":1}\n\ndata: [DONE]\n\ndata: {\"late\":1}\n\n";
        assert_eq!(told(whole), (vec!["{\"a\":1}".to_owned()], Ok(())));
        let (chunks, end) = told(b"data: {\"choices\":[{\"finish_reason\":\"stop\"}]}\n\n");
        assert_eq!(
            (chunks.len(), end),
            (1, Ok(())),
            "some say no more than that"
        );
        for (bytes, words) in [
            (&b"data: {\"a\":1}\n\n"[..], "ended before"),
            (
                b"data: {\"a\":1}\n\ndata: {\"error\":{\"message\":\"no\\u001b[31m memory\"}}\n\n",
                "gave up: no\u{fffd}[31m memory",
            ),
            (
                b"data: {\"a\":1}\n\ndata: {\"error\":\"gone\"}\n\n",
                "gave up: gone",
            ),
            (b"data: {\"a\":1}\n\ndata: <html>\n\n", "no JSON"),
        ] {
            let (chunks, end) = told(bytes);
            assert_eq!(chunks.len(), 1);
            assert!(
                end.as_ref().is_err_and(|text| text.contains(words)),
                "{end:?}"
            );
        }
    }
}
