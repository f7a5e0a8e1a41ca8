//! The terminal: taken on [`Screen::open`], given back on return, error, panic and fatal signals.

mod ambiguous_width;
mod fatal;
mod late;
mod look;
mod probe;
mod repositioning;
mod stdio;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::clipboard::CopyToClipboard;
use crossterm::event::{
    DisableMouseCapture, EnableBracketedPaste, EnableFocusChange, EnableMouseCapture,
    KeyboardEnhancementFlags, PushKeyboardEnhancementFlags,
};
use crossterm::terminal::{
    BeginSynchronizedUpdate, DisableLineWrap, EndSynchronizedUpdate, EnterAlternateScreen,
    SetTitle, disable_raw_mode, enable_raw_mode,
};
use crossterm::{execute, queue};
use ratatui::backend::CrosstermBackend;
use ratatui::{Frame, Terminal};

pub(crate) use late::Late;
pub use look::ColorChoice;
pub(crate) use look::look;
pub(crate) use probe::Replies;

use crate::action::Size;
use crate::effect::Mouse;
use crate::state::{AlertMethod, Keyboard};
use ambiguous_width::AmbiguousRows;
use repositioning::RepositioningBackend;
use stdio::{Redirect, Tty};

/// Gives the terminal back, whatever part of it was taken: synchronized update, keyboard flags, mouse, paste marks, focus,
/// wrapping, cursor, colours, alternate screen, title.
const RESTORE: &[u8] =
    b"\x1b[?2026l\x1b[<u\x1b[?1006l\x1b[?1003l\x1b[?1002l\x1b[?1000l\x1b[?2004l\x1b[?1004l\x1b[?7h\x1b[?25h\x1b[0m\x1b[H\
\x1b[?1049l\x1b[23;0t";

/// Keeps the title that the terminal had.
const SAVE_TITLE: &[u8] = b"\x1b[22;0t";

/// The log file.
#[derive(Debug)]
pub struct Log {
    /// Opened to be appended to.
    pub file: File,
    /// Where it is.
    pub path: PathBuf,
}

/// Why the chat could not be shown.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScreenError {
    /// The terminal could not be taken.
    #[error(
        "cannot use this terminal for the full-screen chat; `unmask generate` works without one"
    )]
    Terminal(#[source] io::Error),
    /// A frame could not be written, or no key be read.
    #[error("lost the terminal")]
    Lost(#[source] io::Error),
}

/// The terminal while it is ours.
pub(crate) struct Screen {
    terminal: Terminal<RepositioningBackend<BufWriter<Tty>>>,
    guard: Arc<Guard>,
    keyboard: Keyboard,
    mouse: Mouse,
    focus: Focus,
    ambiguous_width: AmbiguousRows,
    title: String,
}

/// Whether the terminal is asked to tell of its focus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Focus {
    Unasked,
    Watched,
}

/// What is needed to give the terminal back; shared with the panic hook.
struct Guard {
    tty: Tty,
    redirect: Redirect,
    is_taken: AtomicBool,
}

impl Screen {
    /// Takes the terminal; until it is given back, what others print goes to `log`, or nowhere. Returns also what the
    /// terminal answered when it was asked what it can do.
    pub(crate) fn open(log: Option<Log>) -> io::Result<(Self, Replies)> {
        let tty = stdio::own_terminal()?;
        fatal::install(&tty, log.as_ref().map(|log| log.path.as_path()))?;
        let guard = Arc::new(Guard {
            redirect: Redirect::begin(log.map(|log| log.file))?,
            tty: tty.try_clone()?,
            is_taken: AtomicBool::new(false),
        });
        restore_on_panic(&guard);
        let backend = RepositioningBackend(CrosstermBackend::new(BufWriter::with_capacity(
            1 << 16,
            tty,
        )));
        let mut screen = Self {
            terminal: Terminal::new(backend)?,
            guard,
            keyboard: Keyboard::Legacy,
            mouse: Mouse::Captured,
            focus: Focus::Unasked,
            ambiguous_width: AmbiguousRows::default(),
            title: String::new(),
        };
        screen.take()?;
        let replies = probe::ask(&screen.guard.tty);
        screen.keyboard = replies.keyboard;
        screen.take_keyboard()?;
        screen.forget()?;
        Ok((screen, replies))
    }

    /// Takes the terminal, again after it was given back.
    pub(crate) fn take(&mut self) -> io::Result<()> {
        enable_raw_mode()?;
        self.guard.is_taken.store(true, Ordering::SeqCst);
        fatal::arm();
        self.guard.redirect.resume()?;
        let out = self.terminal.backend_mut();
        out.write_all(SAVE_TITLE)?;
        // Everything is placed, so that nothing has to wrap; what is drawn wider than it should be must not.
        execute!(
            out,
            EnterAlternateScreen,
            DisableLineWrap,
            EnableBracketedPaste
        )?;
        self.title.clear();
        self.take_keyboard()?;
        if self.focus == Focus::Watched {
            self.watch_focus()?;
        }
        self.set_mouse(self.mouse)
    }

    /// Has the terminal tell when it gets the focus and when it loses it. Some do so at once, so that this comes after the
    /// questions of [`Screen::open`].
    pub(crate) fn watch_focus(&mut self) -> io::Result<()> {
        self.focus = Focus::Watched;
        execute!(self.terminal.backend_mut(), EnableFocusChange)
    }

    /// Tells the user that a long turn has ended.
    pub(crate) fn alert(&mut self, method: AlertMethod) -> io::Result<()> {
        let sequence: &[u8] = match method {
            AlertMethod::Off => return Ok(()),
            AlertMethod::Bell => b"\x07",
            AlertMethod::Osc9 => b"\x1b]9;unmask: the turn has ended\x07",
        };
        let out = self.terminal.backend_mut();
        out.write_all(sequence)?;
        out.flush()
    }

    fn take_keyboard(&mut self) -> io::Result<()> {
        match self.keyboard {
            Keyboard::Legacy => Ok(()),
            Keyboard::Kitty => execute!(
                self.terminal.backend_mut(),
                PushKeyboardEnhancementFlags(KeyboardEnhancementFlags::DISAMBIGUATE_ESCAPE_CODES)
            ),
        }
    }

    /// Gives the terminal back for a while.
    pub(crate) fn give_back(&self) {
        self.guard.give_back();
    }

    /// Takes the terminal anew after somebody else may have changed its modes.
    pub(crate) fn take_again(&mut self) -> io::Result<()> {
        self.guard.give_back();
        self.take()?;
        self.forget()
    }

    /// Captures or releases the mouse.
    pub(crate) fn set_mouse(&mut self, mouse: Mouse) -> io::Result<()> {
        self.mouse = mouse;
        let out = self.terminal.backend_mut();
        match mouse {
            Mouse::Captured if cfg!(windows) => execute!(out, EnableMouseCapture),
            // Buttons, the wheel and drags: telling of every move would keep a slow line busy for nothing.
            Mouse::Captured => {
                out.write_all(b"\x1b[?1000h\x1b[?1002h\x1b[?1006h")?;
                out.flush()
            }
            // Without the last, some terminals turn the wheel into arrow keys.
            Mouse::Released => {
                execute!(out, DisableMouseCapture)?;
                out.write_all(b"\x1b[?1007l")?;
                out.flush()
            }
        }
    }

    /// Asks the terminal to put `text` into its clipboard (OSC 52). Whether it does cannot be known.
    pub(crate) fn copy(&mut self, text: &str) -> io::Result<()> {
        let out = self.terminal.backend_mut();
        execute!(out, CopyToClipboard::to_clipboard_from(text))
    }

    /// Forgets what is on the screen, so that the next frame is drawn whole.
    pub(crate) fn forget(&mut self) -> io::Result<()> {
        // `Terminal::clear` would ask for the cursor's place on standard output, which is the log's now.
        let size = self.terminal.size()?;
        self.terminal.resize(size.into())
    }

    /// Draws one frame as one synchronized update.
    pub(crate) fn draw(
        &mut self,
        title: &str,
        view: impl FnOnce(&mut Frame<'_>),
    ) -> io::Result<()> {
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        if self.title != title {
            title.clone_into(&mut self.title);
            queue!(self.terminal.backend_mut(), SetTitle(title))?;
        }
        let ambiguous_width = &mut self.ambiguous_width;
        self.terminal.draw(|frame| {
            view(frame);
            ambiguous_width.mark(frame.buffer_mut());
        })?;
        execute!(self.terminal.backend_mut(), EndSynchronizedUpdate)
    }

    /// The terminal's size.
    pub(crate) fn size(&self) -> io::Result<Size> {
        let size = self.terminal.size()?;
        Ok(Size {
            columns: size.width,
            rows: size.height,
        })
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.guard.give_back();
    }
}

impl Guard {
    /// Gives the terminal back if it is taken. Errors are of no use here: the terminal may be gone.
    fn give_back(&self) {
        if !self.is_taken.swap(false, Ordering::SeqCst) {
            return;
        }
        fatal::disarm();
        if cfg!(windows) {
            drop(execute!(&self.tty, DisableMouseCapture));
        }
        drop((&self.tty).write_all(RESTORE));
        drop(disable_raw_mode());
        drop(self.redirect.pause());
    }
}

/// A panic of the thread that draws gives the terminal back before the message is printed. Other threads' panics are
/// caught where they belong; their messages go to the log.
fn restore_on_panic(guard: &Arc<Guard>) {
    let guard = Arc::downgrade(guard);
    let drawing = std::thread::current().id();
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if std::thread::current().id() == drawing
            && let Some(guard) = guard.upgrade()
        {
            guard.give_back();
        }
        before(panic);
    }));
}
