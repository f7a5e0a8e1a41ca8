//! What a worker says beside its responses: log messages of its backend, and whatever its libraries print.

use std::io::{self, BufRead as _, BufReader, Read};
use std::process::Child;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use ipc_channel::ipc::{self, IpcReceiver};

use super::super::services;
use super::POLL_INTERVAL;
use super::message::LogMessage;

/// How long the output of an ended process is waited for.
const OUTPUT_TIMEOUT: Duration = Duration::from_millis(500);
/// A longer line is cut into several.
const LONGEST_LINE: u64 = 4096;
/// Bytes of the last line that are told with the end of the process.
const LONGEST_LAST_LINE: usize = 200;

/// The output of a process, on its way to the log.
pub(super) struct ProcessOutput {
    last_line: Arc<Mutex<String>>,
    followers: Vec<JoinHandle<()>>,
}

impl ProcessOutput {
    /// Sends the output of `child` to the log, line by line, until it has closed it.
    pub(super) fn follow(child: &mut Child, backend: &str) -> io::Result<Self> {
        let mut this = Self {
            last_line: Arc::default(),
            followers: Vec::new(),
        };
        if let Some(output) = child.stdout.take() {
            this.add(output, "stdout", backend.to_owned())?;
        }
        if let Some(output) = child.stderr.take() {
            this.add(output, "stderr", backend.to_owned())?;
        }
        Ok(this)
    }

    fn add(
        &mut self,
        output: impl Read + Send + 'static,
        stream: &'static str,
        backend: String,
    ) -> io::Result<()> {
        let last_line = Arc::clone(&self.last_line);
        let mut lines = BufReader::new(output);
        let mut read = move || {
            let mut line = Vec::new();
            let mut some = lines.by_ref().take(LONGEST_LINE);
            let count = some.read_until(b'\n', &mut line)?;
            let line = String::from_utf8_lossy(&line);
            if !line.trim().is_empty() {
                let mut last = last_line.lock().unwrap_or_else(PoisonError::into_inner);
                line.trim().clone_into(&mut last);
                tracing::info!(target: "backend", backend, stream, "{}", line.trim_end());
            }
            Ok::<_, io::Error>(count)
        };
        let follower = thread::Builder::new()
            .name("backend-output".to_owned())
            .spawn(move || while read().is_ok_and(|count| count > 0) {})?;
        self.followers.push(follower);
        Ok(())
    }

    /// The last line of a process that has ended, behind `its last line of output: `; empty if it had none.
    pub(super) fn last_line(&self) -> String {
        let began = Instant::now();
        // Whatever it started itself may hold its output open.
        while !self.followers.iter().all(JoinHandle::is_finished)
            && began.elapsed() < OUTPUT_TIMEOUT
        {
            thread::sleep(POLL_INTERVAL);
        }
        let last = self
            .last_line
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match &last[..last.floor_char_boundary(LONGEST_LAST_LINE)] {
            "" => String::new(),
            words => format!("; its last line of output: {words}"),
        }
    }
}

/// Writes the messages of the backend to the log, as it would itself in this process.
pub(super) fn follow_log(messages: IpcReceiver<LogMessage>, backend: String) -> io::Result<()> {
    thread::Builder::new()
        .name("backend-log".to_owned())
        .spawn(move || {
            while let Ok(it) = messages.recv() {
                services::write(it.level, &backend, &it.part, &it.message);
            }
        })?;
    Ok(())
}

/// In a worker: what backends log goes to the program from now on, by the receiver that is returned.
pub(super) fn redirect_log() -> io::Result<IpcReceiver<LogMessage>> {
    let (sender, messages) = ipc::channel::<LogMessage>()?;
    let sender = Mutex::new(sender);
    services::redirect(Box::new(move |level, part, message| {
        let message = LogMessage {
            level,
            part: part.to_owned(),
            message: message.to_owned(),
        };
        let sender = sender.lock().unwrap_or_else(PoisonError::into_inner);
        // Without a program there is nobody to send to, and this process is about to end.
        sender.send(message).ok();
    }));
    Ok(messages)
}
