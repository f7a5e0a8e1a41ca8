//! Something that a server is told beside the answer that it streams.

use std::sync::mpsc::{Receiver, TryRecvError, channel};

use serde_json::Value;
use unmask_core::engine::{Failure, FailureKind};

use super::client::{RemoteClient, spawn};

/// Something that a server is being told, on a thread of its own: nobody waits for a server that does not hear. Dropped, it
/// hangs up.
pub(crate) struct Telling {
    heard: Receiver<Result<(), Failure>>,
    client: RemoteClient,
}

impl Telling {
    /// Sends `body` to `path`.
    ///
    /// # Errors
    /// If the system has no thread to give.
    pub(crate) fn tell(client: &RemoteClient, path: String, body: Value) -> Result<Self, Failure> {
        let client = client.apart();
        let own = client.clone();
        let (sender, heard) = channel();
        // Whoever told it may have left.
        let tell = move || drop(sender.send(own.tell(&path, &body)));
        spawn(tell).map_err(|error| ended(&client, &error.to_string()))?;
        Ok(Self { heard, client })
    }

    /// What has come of it; `None` as long as the server has not answered.
    pub(crate) fn outcome(&self) -> Option<Result<(), Failure>> {
        match self.heard.try_recv() {
            Ok(outcome) => Some(outcome),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Err(ended(&self.client, "its thread ended"))),
        }
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        self.client.hang_up();
    }
}

fn ended(client: &RemoteClient, what: &str) -> Failure {
    Failure {
        kind: FailureKind::Backend,
        text: format!("{} could not be told: {what}", client.root()),
        hint: "try again".to_owned(),
    }
}
