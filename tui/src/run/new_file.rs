//! New files of the user's own: what is copied or exported.

use std::fs::DirBuilder;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use jiff::Zoned;

/// Writes a new file that only the user can read; tells where, or why not.
pub(super) fn write(
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
    match new_file(&path, bytes) {
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

/// A path as people write it, and short enough to be read to its end.
pub(super) fn as_written(path: PathBuf) -> PathBuf {
    let home = std::env::home_dir().filter(|home| home.parent().is_some());
    match home.and_then(|home| Some(Path::new("~").join(path.strip_prefix(home).ok()?))) {
        Some(short) => short,
        None => path,
    }
}

/// It is there whole or not at all, even if the program ends meanwhile.
fn new_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
    let mut file = tempfile::Builder::new()
        .prefix(".unmask-")
        .tempfile_in(folder.unwrap_or(Path::new(".")))?;
    file.write_all(bytes)?;
    file.persist_noclobber(path).map_err(|error| error.error)?;
    Ok(())
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
    fn a_path_below_the_home_is_told_as_it_may_be_typed() {
        for path in ["/nowhere/a.md", "~/a b/c.png"] {
            let told = as_written(from_home(Path::new(path)));
            assert_eq!(told, Path::new(path));
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
