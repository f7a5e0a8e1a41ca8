//! Copies on a thread of its own: to the system's clipboard, or into a file.

use std::io;
use std::path::PathBuf;

use arboard::Clipboard;
use tokio::sync::mpsc::UnboundedSender;

use super::new_file::{as_written, write};
use super::worker::Worker;
use crate::action::{Action, Copied};
use crate::effect::CopyJob;

/// Whose clipboard the system's is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Route {
    /// The user's.
    Native,
    /// That of a machine the user is not at: only the terminal reaches the user's.
    Terminal,
}

/// Starts the thread; `folder` is where files go that the user does not name.
///
/// # Errors
/// If the system has no thread to give.
pub(super) fn start(
    sender: &UnboundedSender<Action>,
    folder: Option<PathBuf>,
) -> io::Result<Worker<CopyJob>> {
    let route = route(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
    // On X11 and Wayland the text is there only as long as somebody hands it out.
    let mut clipboard = None;
    Worker::start("copy", sender.clone(), move |job| {
        let copied = match job {
            CopyJob::Clipboard { what, text } => copy(route, &mut clipboard, what, text),
            CopyJob::File { text, path } => {
                let at = write(text.as_bytes(), path.as_deref(), (folder.as_deref(), "md"));
                at.map(as_written)
                    .map_or_else(Copied::NotWritten, Copied::Written)
            }
        };
        Some(Action::Copied(copied))
    })
}

fn route(is_set: impl Fn(&str) -> bool) -> Route {
    match is_set("SSH_TTY") || is_set("SSH_CONNECTION") {
        true => Route::Terminal,
        false => Route::Native,
    }
}

fn copy(route: Route, clipboard: &mut Option<Clipboard>, what: String, text: String) -> Copied {
    let written = match route {
        Route::Native => natively(clipboard, &text),
        Route::Terminal => Err("this is a remote session".to_owned()),
    };
    match written {
        Ok(()) => Copied::Natively { what },
        Err(why) => {
            tracing::info!(%why, "no native clipboard");
            Copied::NoClipboard { what, text }
        }
    }
}

fn natively(clipboard: &mut Option<Clipboard>, text: &str) -> Result<(), String> {
    let opened = match clipboard.take() {
        Some(clipboard) => clipboard,
        None => Clipboard::new().map_err(|error| error.to_string())?,
    };
    let clipboard = clipboard.insert(opened);
    let set = clipboard.set_text(text);
    set.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_ssh_only_the_terminal_reaches_the_user() {
        assert_eq!(route(|name| name == "SSH_TTY"), Route::Terminal);
        assert_eq!(route(|name| name == "SSH_CONNECTION"), Route::Terminal);
        assert_eq!(route(|name| name == "DISPLAY"), Route::Native);
    }
}
