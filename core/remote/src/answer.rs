//! A streamed answer, read on a thread of its own so that whoever waits for it can be asked what they want meanwhile.

use std::io::Read;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use serde_json::Value;
use unmask_core::engine::{Failure, FailureKind};

use super::client::{RemoteClient, message, spawn};
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

/// A streamed answer, asked for and read on a thread of its own. Dropped, it hangs up.
pub(crate) struct StreamedAnswer {
    news: Receiver<Result<Option<Value>, Failure>>,
    client: RemoteClient,
}

impl StreamedAnswer {
    /// Sends `body` to `path`.
    ///
    /// # Errors
    /// If the system has no thread to give.
    pub(crate) fn ask(
        client: &RemoteClient,
        path: &'static str,
        body: Value,
    ) -> Result<Self, Failure> {
        let client = client.apart();
        let asking = client.clone();
        let news = read(client.root(), move || asking.stream(path, &body))?;
        Ok(Self { news, client })
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
                Err(broken(self.client.root(), "nobody reads it any more"))
            }
        }
    }
}

impl Drop for StreamedAnswer {
    fn drop(&mut self) {
        self.client.hang_up();
    }
}

/// Reads the answer that `ask` gets from the server at `root`.
fn read<R: Read>(
    root: &str,
    ask: impl FnOnce() -> Result<R, Failure> + Send + 'static,
) -> Result<Receiver<Result<Option<Value>, Failure>>, Failure> {
    let (sender, news) = sync_channel(64);
    let server = root.to_owned();
    let all = move || {
        let end = ask().and_then(|body| read_all(body, &server, &sender));
        // Whoever waited may have left.
        sender.send(end.map(|()| None)).ok();
    };
    spawn(all).map_err(|error| broken(root, &error.to_string()))?;
    Ok(news)
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
        let news = read("http://x", move || Ok(bytes)).expect("there are threads");
        let mut chunks = Vec::new();
        loop {
            match news.recv().expect("it has an end") {
                Ok(Some(chunk)) => chunks.push(chunk.to_string()),
                Ok(None) => return (chunks, Ok(())),
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
