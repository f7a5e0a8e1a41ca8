//! Messages of another process, waited for with a limit.

use std::io;
use std::time::Duration;

use ipc_channel::ipc::IpcReceiver;
use serde::{Serialize, de::DeserializeOwned};

/// Nobody can send any more, or what was sent is no message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Closed;

/// A receiver whose waiting may end without a message, which then is the next one.
pub(super) struct PatientReceiver<T> {
    #[cfg(not(windows))]
    messages: IpcReceiver<T>,
    #[cfg(windows)]
    messages: std::sync::mpsc::Receiver<T>,
}

#[cfg(not(windows))]
impl<T: Serialize + DeserializeOwned + Send + 'static> PatientReceiver<T> {
    pub(super) fn of(messages: IpcReceiver<T>) -> io::Result<Self> {
        Ok(Self { messages })
    }

    /// The next message, or `None` if there is none within `time`.
    pub(super) fn receive(&self, time: Duration) -> Result<Option<T>, Closed> {
        use ipc_channel::TryRecvError;
        match self.messages.try_recv_timeout(time) {
            Ok(message) => Ok(Some(message)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::IpcError(_)) => Err(Closed),
        }
    }
}

/// There the channel takes its waiting back at each limit, and loses a message that comes in that moment (`issue_async_cancel` of
/// ipc-channel 0.23: no read is under way any more, and what it has read is let go). A thread waits without a limit.
#[cfg(windows)]
impl<T: Serialize + DeserializeOwned + Send + 'static> PatientReceiver<T> {
    /// # Errors
    /// If no thread can be started.
    pub(super) fn of(receiver: IpcReceiver<T>) -> io::Result<Self> {
        let (sender, messages) = std::sync::mpsc::channel();
        std::thread::Builder::new()
            .name("backend-messages".to_owned())
            .spawn(move || while receiver.recv().is_ok_and(|it| sender.send(it).is_ok()) {})?;
        Ok(Self { messages })
    }

    /// The next message, or `None` if there is none within `time`.
    pub(super) fn receive(&self, time: Duration) -> Result<Option<T>, Closed> {
        use std::sync::mpsc::RecvTimeoutError;
        match self.messages.recv_timeout(time) {
            Ok(message) => Ok(Some(message)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(Closed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ipc_channel::ipc::channel;

    #[test]
    fn no_message_is_lost_at_a_limit() {
        const MESSAGES: u32 = 300;
        let (sender, receiver) = channel::<u32>().expect("a channel can be made");
        let receiver = PatientReceiver::of(receiver).expect("a thread can be started");
        let sending = std::thread::spawn(move || {
            for message in 0..MESSAGES {
                // About as long as the other side waits, so that a message comes at its limit now and then.
                std::thread::park_timeout(Duration::from_micros(900 + u64::from(message)));
                sender.send(message).expect("somebody receives");
            }
        });
        let mut received = Vec::new();
        let end = loop {
            match receiver.receive(Duration::from_millis(1)) {
                Ok(message) => received.extend(message),
                Err(closed) => break closed,
            }
        };
        sending.join().expect("it does not panic");
        assert_eq!(end, Closed);
        assert_eq!(received, (0..MESSAGES).collect::<Vec<_>>());
    }
}
