//! What a host says beside its answers: notes of its backend, and whatever its libraries print.

use std::io::{self, BufRead as _, BufReader, Read};
use std::process::Child;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use ipc_channel::ipc::{self, IpcReceiver};

use super::super::host;
use super::GLANCE;
use super::message::Note;

/// How long the output of an ended process is waited for.
const ECHO: Duration = Duration::from_millis(500);
/// A longer line is cut into several.
const LONGEST_LINE: u64 = 4096;
/// Bytes of the last line that are told with the end of the process.
const LONGEST_WORDS: usize = 200;

/// The output of a process, on its way to the log.
pub(super) struct Output {
    last_line: Arc<Mutex<String>>,
    followers: Vec<JoinHandle<()>>,
}

impl Output {
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

    /// The last line of a process that has ended, behind `its last words: `; empty if it had none.
    pub(super) fn last_words(&self) -> String {
        let began = Instant::now();
        // Whatever it started itself may hold its output open.
        while !self.followers.iter().all(JoinHandle::is_finished) && began.elapsed() < ECHO {
            thread::sleep(GLANCE);
        }
        let last = self
            .last_line
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match &last[..last.floor_char_boundary(LONGEST_WORDS)] {
            "" => String::new(),
            words => format!("; its last words: {words}"),
        }
    }
}

/// Writes the notes of the backend to the log, as it would itself in this process.
pub(super) fn follow_notes(notes: IpcReceiver<Note>, backend: String) -> io::Result<()> {
    thread::Builder::new()
        .name("backend-notes".to_owned())
        .spawn(move || {
            while let Ok(note) = notes.recv() {
                host::write(note.level, &backend, &note.part, &note.message);
            }
        })?;
    Ok(())
}

/// In a host: what backends have to say goes to the program from now on, which hears it there.
pub(super) fn send_notes() -> io::Result<IpcReceiver<Note>> {
    let (sender, notes) = ipc::channel::<Note>()?;
    let sender = Mutex::new(sender);
    host::tell_instead(Box::new(move |level, part, message| {
        let note = Note {
            level,
            part: part.to_owned(),
            message: message.to_owned(),
        };
        let sender = sender.lock().unwrap_or_else(PoisonError::into_inner);
        // Without a program there is nobody to tell, and this process is about to end.
        sender.send(note).ok();
    }));
    Ok(notes)
}
