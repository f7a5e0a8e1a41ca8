//! A program run in a pseudo-terminal, with the screen it draws.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use vt100::{Parser, Screen};

/// One picture: when it stood on the screen, and what it was.
pub type Frame = (Duration, Screen);

/// A running program and its terminal. Dropping it kills the program.
pub struct Terminal {
    master: Box<dyn MasterPty + Send>,
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    shared: Arc<(Mutex<Shown>, Condvar)>,
}

struct Shown {
    parser: Parser,
    raw: Vec<u8>,
    frames: Vec<Frame>,
    ended: bool,
}

impl Terminal {
    /// Starts `program` with `arguments` and extra environment variables, in a terminal of truecolor and this size.
    pub fn start(
        program: &Path,
        arguments: &[&str],
        environment: &[(&str, &str)],
        (columns, rows): (u16, u16),
    ) -> Self {
        let pty = native_pty_system()
            .openpty(size(columns, rows))
            .expect("the system has a pseudo-terminal");
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.env("TERM", "xterm-256color");
        command.env("COLORTERM", "truecolor");
        for (name, value) in environment {
            command.env(name, value);
        }
        let child = pty
            .slave
            .spawn_command(command)
            .expect("the program starts");
        drop(pty.slave);
        let cells = |n| NonZeroU16::new(n).expect("a terminal has cells");
        let shared = Arc::new((
            Mutex::new(Shown {
                parser: Parser::new(cells(rows), cells(columns), 0),
                raw: Vec::new(),
                frames: Vec::new(),
                ended: false,
            }),
            Condvar::new(),
        ));
        let output = pty
            .master
            .try_clone_reader()
            .expect("the terminal can be read");
        let told = Arc::clone(&shared);
        thread::spawn(move || follow(output, &told));
        Self {
            keys: pty
                .master
                .take_writer()
                .expect("the terminal can be written"),
            master: pty.master,
            child,
            shared,
        }
    }

    /// Presses keys.
    pub fn press(&mut self, keys: &str) {
        self.keys
            .write_all(keys.as_bytes())
            .expect("the terminal takes keys");
        self.keys.flush().expect("the terminal takes keys");
    }

    /// Changes the size, as a window manager would.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        let cells = |n| NonZeroU16::new(n).expect("a terminal has cells");
        self.lock(|shown| {
            shown
                .parser
                .screen_mut()
                .set_size(cells(rows), cells(columns))
        });
        self.master
            .resize(size(columns, rows))
            .expect("the terminal can be resized");
    }

    /// Waits until the screen's text fits.
    ///
    /// # Panics
    /// With the screen, if it does not within the time.
    pub fn wait(&self, within: Duration, what: &str, fits: impl Fn(&str) -> bool) {
        self.wait_screen(within, what, |screen| fits(&screen.contents()));
    }

    /// Waits until the screen fits.
    ///
    /// # Panics
    /// With the screen, if it does not within the time.
    pub fn wait_screen(&self, within: Duration, what: &str, fits: impl Fn(&Screen) -> bool) {
        let (shown, changed) = &*self.shared;
        let until = Instant::now() + within;
        let mut now = shown.lock().unwrap_or_else(PoisonError::into_inner);
        while !fits(now.parser.screen()) {
            let left = until.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "no {what} within {within:?}; the screen:\n{}",
                now.parser.screen().contents()
            );
            now = changed
                .wait_timeout(now, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Waits until the program has ended and all its output is read.
    ///
    /// # Panics
    /// If it does not within the time.
    pub fn wait_end(&mut self, within: Duration) -> ExitStatus {
        let (shown, changed) = &*self.shared;
        let now = shown.lock().unwrap_or_else(PoisonError::into_inner);
        let (now, late) = changed
            .wait_timeout_while(now, within, |shown| !shown.ended)
            .unwrap_or_else(PoisonError::into_inner);
        assert!(
            !late.timed_out(),
            "no end within {within:?}; the screen:\n{}",
            now.parser.screen().contents()
        );
        drop(now);
        self.child.wait().expect("an ended program has a status")
    }

    /// The screen now.
    pub fn screen(&self) -> Screen {
        self.lock(|shown| shown.parser.screen().clone())
    }

    /// Every byte that the program wrote.
    pub fn raw(&self) -> Vec<u8> {
        self.lock(|shown| shown.raw.clone())
    }

    /// Every picture so far, each with the time since the first.
    pub fn frames(&self) -> Vec<Frame> {
        self.lock(|shown| shown.frames.clone())
    }

    /// Forgets pictures and bytes so far, so that a long run needs no more memory than a short one.
    pub fn forget(&self) {
        self.lock(|shown| {
            shown.frames.clear();
            shown.raw.clear();
        });
    }

    /// Waits until nothing has been written for `quiet`, at most `within`; false if it goes on.
    pub fn settles(&self, quiet: Duration, within: Duration) -> bool {
        let until = Instant::now() + within;
        let (shown, changed) = &*self.shared;
        let mut now = shown.lock().unwrap_or_else(PoisonError::into_inner);
        while Instant::now() < until {
            let (then, wait) = changed
                .wait_timeout(now, quiet)
                .unwrap_or_else(PoisonError::into_inner);
            now = then;
            if wait.timed_out() || now.ended {
                return true;
            }
        }
        false
    }

    /// True once the program has ended.
    pub fn has_ended(&self) -> bool {
        self.lock(|shown| shown.ended)
    }

    /// The process.
    pub fn process_id(&self) -> u32 {
        self.child
            .process_id()
            .expect("a running program has an id")
    }

    fn lock<T>(&self, use_it: impl FnOnce(&mut Shown) -> T) -> T {
        use_it(&mut self.shared.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.child.kill().ok();
    }
}

/// Feeds the output to the parser until there is no more.
fn follow(mut output: impl Read, shared: &(Mutex<Shown>, Condvar)) {
    let began = Instant::now();
    let mut buffer = [0; 65536];
    loop {
        // A closed terminal reads as an error on some systems.
        let read = output.read(&mut buffer).unwrap_or(0);
        let mut shown = shared.0.lock().unwrap_or_else(PoisonError::into_inner);
        shown.raw.extend_from_slice(&buffer[..read]);
        shown.parser.process(&buffer[..read]);
        let screen = shown.parser.screen().clone();
        shown.frames.push((began.elapsed(), screen));
        shown.ended = read == 0;
        shared.1.notify_all();
        if read == 0 {
            return;
        }
    }
}

fn size(cols: u16, rows: u16) -> PtySize {
    PtySize {
        rows,
        cols,
        pixel_width: 0,
        pixel_height: 0,
    }
}
