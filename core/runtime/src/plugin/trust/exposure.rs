//! Who else may change a file, or put another into its place.

#[cfg(any(windows, test))]
mod access;
#[cfg(windows)]
mod windows;

use std::path::Path;

/// What is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// A library in the program's own folder. Whoever may write there may exchange the program itself, so that only what
    /// everybody may write to is told of, and on Windows, where that is usual beside the system's drive, nothing.
    Program,
    /// A library of others: it and its folder are its owner's alone to write to.
    Library,
    /// A file of ours in the user's folders, where the system may let the user's own group write.
    Notes,
}

/// An error, saying what to do, if another user than this one and root may change the file at `path`, or put another into its
/// place: it or a folder above it is theirs, or a group or everybody may write to it.
///
/// In a folder above its own others may write if nobody can rename what is another's, as in `/tmp`, and so may a group with
/// the user's own number, which systems make for one user.
#[cfg(unix)]
pub(super) fn exposure(path: &Path, rule: Rule) -> Result<(), String> {
    use std::os::unix::fs::MetadataExt as _;
    let user = rustix::process::geteuid().as_raw();
    for (above, part) in path.ancestors().enumerate() {
        if part.as_os_str().is_empty() {
            continue;
        }
        let data = std::fs::metadata(part);
        let data = data.map_err(|error| format!("{}: {error}", part.display()))?;
        let rights = Rights {
            owner: data.uid(),
            group: data.gid(),
            mode: data.mode(),
        };
        if let Some(stranger) = rights.stranger(user, rule, above) {
            let what = stranger.sentence(part);
            return Err(match rule {
                Rule::Program | Rule::Library => format!("{what}, or move the library"),
                Rule::Notes => what,
            });
        }
    }
    Ok(())
}

/// The same, by lists of rights: of each folder above too. Never run on Windows itself.
#[cfg(windows)]
pub(super) fn exposure(path: &Path, rule: Rule) -> Result<(), String> {
    // Nothing is asked of what came with the program: so it fails at nothing that cannot be read.
    if rule == Rule::Program {
        return Ok(());
    }
    let user = windows::user().map_err(|error| format!("cannot tell who this is: {error}"))?;
    for (above, part) in path.ancestors().enumerate() {
        if part.as_os_str().is_empty() {
            continue;
        }
        let access = windows::access(part);
        let access = access.map_err(|error| format!("{}: {error}", part.display()))?;
        if let Some(stranger) = access.stranger(&user, rule, above) {
            let what = access::sentence(stranger, part);
            return Err(match rule {
                Rule::Program | Rule::Library => format!("{what}, or move the library"),
                Rule::Notes => what,
            });
        }
    }
    Ok(())
}

/// Whose a file or folder is, and who may write to it.
#[cfg(unix)]
#[derive(Debug, Clone, Copy)]
struct Rights {
    owner: u32,
    group: u32,
    mode: u32,
}

/// Who else may write.
#[cfg(unix)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stranger {
    Everybody,
    Group(u32),
    Owner(u32),
}

#[cfg(unix)]
impl Rights {
    /// Who else than `user` and root may write here, `above` steps above the file.
    fn stranger(self, user: u32, rule: Rule, above: usize) -> Option<Stranger> {
        const OTHERS_WRITE: u32 = 0o002;
        const GROUP_WRITES: u32 = 0o020;
        const STICKY: u32 = 0o1000;
        const ROOT: u32 = 0;
        let is_sticky = above > 1 && self.mode & STICKY != 0;
        if self.mode & OTHERS_WRITE != 0 && !is_sticky {
            return Some(Stranger::Everybody);
        }
        if rule == Rule::Program {
            return None;
        }
        let is_private = (above > 1 || rule == Rule::Notes) && [user, ROOT].contains(&self.group);
        if self.mode & GROUP_WRITES != 0 && !is_sticky && !is_private {
            return Some(Stranger::Group(self.group));
        }
        (![user, ROOT].contains(&self.owner)).then_some(Stranger::Owner(self.owner))
    }
}

#[cfg(unix)]
impl Stranger {
    /// That they may write to `part`, and what to do.
    fn sentence(self, part: &Path) -> String {
        let part = part.display();
        match self {
            Self::Everybody => format!("everybody may write to {part}; run `chmod o-w` on it"),
            Self::Group(id) => format!("group {id} may write to {part}; run `chmod g-w` on it"),
            Self::Owner(id) => {
                format!("{part} belongs to user {id}, who may change it; run `chown` on it")
            }
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[track_caller]
    fn check(owner: u32, group: u32, mode: u32, expected: [Option<Stranger>; 3]) {
        let rights = Rights { owner, group, mode };
        let at = |above| rights.stranger(1000, Rule::Library, above);
        assert_eq!([at(0), at(1), at(2)], expected, "{owner} {group} {mode:o}");
    }

    #[test]
    fn who_else_may_write_is_told() {
        let (everybody, group) = (Some(Stranger::Everybody), Some(Stranger::Group(1000)));
        check(1000, 1000, 0o755, [None; 3]);
        check(0, 0, 0o755, [None; 3]);
        check(1000, 1000, 0o757, [everybody; 3]);
        check(0, 0, 0o1777, [everybody, everybody, None]);
        check(1000, 1000, 0o775, [group, group, None]);
        check(1000, 50, 0o775, [Some(Stranger::Group(50)); 3]);
        check(
            0,
            50,
            0o1775,
            [Some(Stranger::Group(50)), Some(Stranger::Group(50)), None],
        );
        check(1001, 1000, 0o755, [Some(Stranger::Owner(1001)); 3]);
        check(
            1001,
            1000,
            0o1777,
            [everybody, everybody, Some(Stranger::Owner(1001))],
        );
    }

    #[test]
    fn the_programs_own_folder_is_as_safe_as_the_program_and_notes_as_the_users_group() {
        let rights = Rights {
            owner: 1001,
            group: 50,
            mode: 0o775,
        };
        assert_eq!(rights.stranger(1000, Rule::Program, 0), None);
        let rights = Rights {
            owner: 1000,
            group: 1000,
            mode: 0o775,
        };
        assert_eq!(rights.stranger(1000, Rule::Notes, 1), None);
        let strange = Rights {
            group: 50,
            ..rights
        };
        let group = Some(Stranger::Group(50));
        assert_eq!(strange.stranger(1000, Rule::Notes, 1), group);
    }
}
