//! Reads the user's themes, and tells when one was saved.

use std::fs;
use std::path::Path;

use tokio::sync::mpsc::UnboundedSender;
use unmask_core::regular_file::{SMALL, read_text};

use crate::action::Action;
use crate::clean::clean_line;
use crate::themes::ThemeFile;

/// The files `*.toml` in `folder`, by name. One that cannot be read is left out and logged.
#[must_use]
pub fn read(folder: &Path) -> Vec<ThemeFile> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let paths = entries.flatten().map(|entry| entry.path());
    let mut files: Vec<ThemeFile> = paths.filter_map(|path| read_file(&path)).collect();
    files.sort_by(|a, b| a.name.cmp(&b.name));
    files
}

fn read_file(path: &Path) -> Option<ThemeFile> {
    let is_theme = path.extension().is_some_and(|it| it == "toml");
    let name = path.file_stem().filter(|_| is_theme)?;
    match read_text(path, SMALL) {
        Ok(text) => Some(ThemeFile {
            name: clean_line(&name.to_string_lossy()),
            path: clean_line(&format!("themes/{}.toml", name.to_string_lossy())),
            text,
        }),
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "a theme cannot be read");
            None
        }
    }
}

/// Tells of the files whenever one was saved, from a thread that sleeps meanwhile. Where the system cannot tell of that,
/// or there is no folder, files are read when a theme is chosen.
pub(super) fn watch(folder: &Path, sender: UnboundedSender<Action>) {
    #[cfg(target_os = "linux")]
    if let Err(error) = linux::watch(folder.to_owned(), sender) {
        tracing::info!(%error, "themes are not watched");
    }
    #[cfg(not(target_os = "linux"))]
    drop((folder, sender));
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io;
    use std::mem::MaybeUninit;
    use std::path::PathBuf;
    use std::thread::Builder;

    use rustix::fs::inotify::{self, CreateFlags, Reader, WatchFlags};

    use super::{Action, UnboundedSender, read};

    pub(super) fn watch(folder: PathBuf, sender: UnboundedSender<Action>) -> io::Result<()> {
        let saved = WatchFlags::CLOSE_WRITE | WatchFlags::MOVED_TO | WatchFlags::DELETE;
        let events = inotify::init(CreateFlags::CLOEXEC)?;
        inotify::add_watch(&events, &folder, saved)?;
        let follow = move || {
            let mut buffer = [MaybeUninit::uninit(); 4096];
            let mut reader = Reader::new(&events, &mut buffer);
            while reader.next().is_ok() {
                // One save makes several events; they are read at once.
                while !reader.is_buffer_empty() && reader.next().is_ok() {}
                if sender.send(Action::Themes(read(&folder))).is_err() {
                    return;
                }
            }
        };
        Builder::new()
            .name("unmask-saves".to_owned())
            .spawn(follow)?;
        Ok(())
    }
}
