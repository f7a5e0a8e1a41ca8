//! Who may change a file, by its owner and its list of rights as Windows keeps them.

use std::path::Path;

use super::Rule;

/// In whose hands everything is: the system, administrators, the installer of Windows' own files.
const TRUSTED: [&str; 3] = [
    "S-1-5-18",
    "S-1-5-32-544",
    "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464",
];
/// Stand for whoever owns the file, which is tested by itself.
const OWNERS: [&str; 2] = ["S-1-3-0", "S-1-3-4"];
/// Groups that people know by name.
const NAMES: [(&str, &str); 4] = [
    ("S-1-1-0", "everybody"),
    ("S-1-5-11", "everybody with an account"),
    ("S-1-5-32-545", "every user"),
    ("S-1-5-32-546", "every guest"),
];

const WRITE_DATA: u32 = 0x2;
const APPEND_DATA: u32 = 0x4;
const DELETE_CHILD: u32 = 0x40;
const DELETE: u32 = 0x1_0000;
const WRITE_DAC: u32 = 0x4_0000;
const WRITE_OWNER: u32 = 0x8_0000;
const GENERIC_ALL: u32 = 0x1000_0000;
const GENERIC_WRITE: u32 = 0x4000_0000;

/// To become, or remove, what is there.
const TAKE: u32 = DELETE | WRITE_DAC | WRITE_OWNER | GENERIC_ALL;

/// What is known of a file or folder; accounts and groups as in `S-1-5-18`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AccessList {
    pub(super) owner: String,
    /// Who is allowed what; `None` where there is no list, and everybody may do all.
    pub(super) allowed: Option<Vec<(String, u32)>>,
}

impl AccessList {
    /// Who else than `user`, the system and administrators may change what is here, `above` steps above the file.
    pub(super) fn stranger(&self, user: &str, rule: Rule, above: usize) -> Option<&str> {
        // Whoever may write to the program's folder may exchange the program itself.
        if rule == Rule::Program {
            return None;
        }
        let Some(allowed) = &self.allowed else {
            return Some("S-1-1-0");
        };
        let is_ours = |id: &str| id == user || TRUSTED.contains(&id);
        // In a folder a new file may be one that the library looks for; further up nothing but what lies there matters.
        let matters = match above {
            0 => TAKE | WRITE_DATA | APPEND_DATA | GENERIC_WRITE,
            1 => TAKE | WRITE_DATA | DELETE_CHILD | GENERIC_WRITE,
            _ => TAKE | DELETE_CHILD,
        };
        let writes = |(id, rights): &&(String, u32)| {
            rights & matters != 0 && !is_ours(id) && !OWNERS.contains(&id.as_str())
        };
        let owner = Some(self.owner.as_str()).filter(|id| !is_ours(id));
        let writer = allowed.iter().find(writes).map(|(id, _)| id.as_str());
        writer.or(owner)
    }
}

/// That `stranger` may change `part`, and what to do.
pub(super) fn sentence(stranger: &str, part: &Path) -> String {
    let known = NAMES.iter().find(|(id, _)| *id == stranger);
    let who = known.map_or_else(
        || format!("the account {stranger}"),
        |(_, name)| (*name).to_owned(),
    );
    let part = part.display();
    format!("{who} may change {part}; run `icacls \"{part}\" /inheritance:d /remove:g *{stranger}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: &str = "S-1-5-21-1-2-3-1001";
    const OTHER: &str = "S-1-5-21-1-2-3-1002";
    const USERS: &str = "S-1-5-11";
    const READ: u32 = 0x12_00a9;
    const MODIFY: u32 = 0x13_01bf;
    const FULL: u32 = 0x1f_01ff;

    #[track_caller]
    fn check(owner: &str, allowed: &[(&str, u32)], expected: [Option<&str>; 3]) {
        let usual = [(ME, FULL), ("S-1-5-18", FULL), ("S-1-5-32-544", FULL)];
        let all = usual.iter().chain(allowed);
        let access = AccessList {
            owner: owner.to_owned(),
            allowed: Some(
                all.map(|(id, rights)| ((*id).to_owned(), *rights))
                    .collect(),
            ),
        };
        let at = |above| access.stranger(ME, Rule::Library, above);
        assert_eq!([at(0), at(1), at(2)], expected, "{owner} {allowed:?}");
        assert_eq!(access.stranger(ME, Rule::Program, 0), None);
        assert_eq!(access.stranger(ME, Rule::Notes, 1), expected[1]);
    }

    #[test]
    fn who_else_may_write_is_told() {
        check(ME, &[], [None; 3]);
        check(
            "S-1-5-32-544",
            &[(USERS, READ), ("S-1-3-0", FULL)],
            [None; 3],
        );
        check(ME, &[(USERS, MODIFY)], [Some(USERS); 3]);
        // As the system drive has it: everybody may make folders in it.
        check(
            "S-1-5-18",
            &[(USERS, APPEND_DATA)],
            [Some(USERS), None, None],
        );
        check(ME, &[(USERS, WRITE_DATA)], [Some(USERS), Some(USERS), None]);
        check(
            ME,
            &[(OTHER, DELETE_CHILD)],
            [None, Some(OTHER), Some(OTHER)],
        );
        check(OTHER, &[], [Some(OTHER); 3]);
        check(ME, &[(OTHER, WRITE_DAC)], [Some(OTHER); 3]);
    }

    #[test]
    fn where_there_is_no_list_everybody_may_write() {
        let access = AccessList {
            owner: ME.to_owned(),
            allowed: None,
        };
        assert_eq!(access.stranger(ME, Rule::Library, 2), Some("S-1-1-0"));
        let told = sentence("S-1-1-0", Path::new("D:\\models"));
        assert_eq!(
            told,
            "everybody may change D:\\models; run `icacls \"D:\\models\" /inheritance:d /remove:g *S-1-1-0`"
        );
        assert!(sentence(OTHER, Path::new("x")).starts_with("the account S-1-5-21-1-2-3-1002 may"));
    }
}
