//! Reads the user's themes, and tells when one was saved.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::thread::Builder;

use notify::event::{AccessKind, AccessMode, ModifyKind};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
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

/// Tells of the files whenever one was saved, as long as what is returned lives. Where the system cannot tell of that, or there
/// is no folder, files are read when a theme is chosen.
pub(super) fn watch(folder: &Path, sender: UnboundedSender<Action>) -> Option<RecommendedWatcher> {
    let started = start(folder.to_owned(), sender);
    started
        .map_err(|error| tracing::info!(%error, "themes are not watched"))
        .ok()
}

fn start(folder: PathBuf, sender: UnboundedSender<Action>) -> notify::Result<RecommendedWatcher> {
    let (told, changes) = channel();
    let mut watcher = notify::recommended_watcher(told)?;
    watcher.watch(&folder, RecursiveMode::NonRecursive)?;
    let follow = move || {
        for change in &changes {
            // One save makes several, and reading makes some of its own.
            let others: Vec<_> = changes.try_iter().collect();
            let is_new = is_saved(&change) || others.iter().any(is_saved);
            if is_new && sender.send(Action::Themes(read(&folder))).is_err() {
                return;
            }
        }
    };
    Builder::new()
        .name("unmask-saves".to_owned())
        .spawn(follow)
        .map_err(notify::Error::io)?;
    Ok(watcher)
}

/// Whether files may be others than before; so may they be if that cannot be told.
fn is_saved(change: &notify::Result<Event>) -> bool {
    match change {
        Ok(event) => match event.kind {
            EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
            // Linux also tells when it is closed: until then it may be half a file.
            EventKind::Create(_) | EventKind::Modify(ModifyKind::Data(_)) => {
                !cfg!(target_os = "linux")
            }
            EventKind::Any | EventKind::Modify(_) | EventKind::Remove(_) | EventKind::Other => true,
        },
        Err(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::unbounded_channel;

    use super::*;

    #[test]
    fn a_theme_that_is_saved_replaced_or_removed_is_told_of() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let (sender, mut receiver) = unbounded_channel();
        let watcher = watch(folder.path(), sender)
            .expect("this system tells of files: are its inotify instances used up?");
        let mut last = || match receiver.blocking_recv() {
            Some(Action::Themes(files)) => files
                .into_iter()
                .map(|it| (it.name, it.text))
                .collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
        let path = folder.path().join("mine.toml");
        let one = |text: &str| vec![("mine".to_owned(), text.to_owned())];
        fs::write(&path, "a = 1").expect("it is ours");
        while last() != one("a = 1") {}
        // As editors save: a file beside it, under its name at once.
        let beside = folder.path().join("mine.tmp");
        fs::write(&beside, "a = 2").expect("it is ours");
        fs::rename(&beside, &path).expect("it is ours");
        while last() != one("a = 2") {}
        fs::remove_file(&path).expect("it is there");
        while !last().is_empty() {}
        drop(watcher);
    }

    #[test]
    fn what_reading_makes_is_no_save() {
        let event = |kind| Ok(Event::new(kind));
        for kind in [
            AccessKind::Read,
            AccessKind::Open(AccessMode::Read),
            AccessKind::Close(AccessMode::Read),
        ] {
            assert!(!is_saved(&event(EventKind::Access(kind))), "{kind:?}");
        }
        let written = AccessKind::Close(AccessMode::Write);
        assert!(is_saved(&event(EventKind::Access(written))));
        assert!(is_saved(&event(EventKind::Any)));
    }
}
