//! Copies on a thread of its own: to the system's clipboard, or into a file.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use arboard::Clipboard;
use jiff::Zoned;
use tokio::sync::mpsc::UnboundedSender;

use super::export::exported;
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
                write(text.as_bytes(), path.as_deref(), (folder.as_deref(), "md"))
                    .map_or_else(Copied::NotWritten, Copied::Written)
            }
            CopyJob::Export {
                turn,
                answer,
                format,
                style,
                shown,
                path,
            } => exported(
                &turn,
                &answer,
                (format, shown, &style),
                jiff::Timestamp::now(),
            )
            .and_then(|bytes| {
                let extension = format.extension();
                let at = write(&bytes, path.as_deref(), (folder.as_deref(), extension))?;
                Ok(Copied::Exported(at, bytes.len() as u64))
            })
            .unwrap_or_else(Copied::NotWritten),
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

/// Writes a new file that only the user can read; tells where, or why not.
fn write(
    bytes: &[u8],
    path: Option<&Path>,
    (folder, extension): (Option<&Path>, &str),
) -> Result<PathBuf, String> {
    let path = match (path, folder) {
        (Some(path), _) => from_home(path),
        (None, Some(folder)) => {
            let now = Zoned::now();
            let name = now.strftime("answer-%Y%m%d-%H%M%S%.3f");
            folder.join(format!("{name}.{extension}"))
        }
        (None, None) => {
            return Err(
                "there is no folder for data; name a path, as in /copy file PATH".to_owned(),
            );
        }
    };
    let at = path.display();
    if path.is_dir() {
        return Err(format!("{at} is a folder; name a file in it"));
    }
    if let Some(folder) = folder.filter(|folder| path.parent() == Some(folder)) {
        make_folder(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    match new_file(&path).and_then(|mut file| file.write_all(bytes)) {
        Ok(()) => Ok(path),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(format!(
            "{at} exists and is not overwritten; name another path"
        )),
        Err(error) => Err(format!("{at}: {error}")),
    }
}

/// `~/` is the user's home, as shells have it.
fn from_home(path: &Path) -> PathBuf {
    let home = path.strip_prefix("~").ok().zip(std::env::home_dir());
    home.map_or_else(|| path.to_owned(), |(rest, home)| home.join(rest))
}

fn new_file(path: &Path) -> io::Result<std::fs::File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
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

    #[test]
    fn a_file_is_new_and_the_users_alone() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let copies = folder.path().join("copy");
        let written = write(b"a\n", None, (Some(&copies), "md")).expect("it can be written");
        assert_eq!(
            std::fs::read_to_string(&written).expect("it is there"),
            "a\n"
        );
        assert!(written.starts_with(&copies), "{written:?}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = written
                .metadata()
                .expect("it is there")
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn what_exists_is_not_overwritten() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a.md");
        std::fs::write(&path, "old").expect("it can be written");
        let why = write(b"new", Some(&path), (None, "md")).expect_err("it exists");
        assert!(
            why.ends_with("a.md exists and is not overwritten; name another path"),
            "{why}"
        );
        assert_eq!(std::fs::read_to_string(&path).expect("it is there"), "old");
        let why = write(b"new", Some(folder.path()), (None, "md")).expect_err("it is a folder");
        assert!(why.ends_with("is a folder; name a file in it"), "{why}");
    }

    #[test]
    fn without_a_folder_a_path_is_asked_for() {
        let why = write(b"a", None, (None, "md")).expect_err("nowhere to write to");
        assert!(why.contains("/copy file PATH"), "{why}");
    }
}
