//! What a draft asks for.

use super::{COMMANDS, Run, Slash};
use crate::action::Command;

/// What a draft asks for.
#[derive(Debug, Clone)]
pub enum Draft {
    /// Nothing: it is blank.
    Blank,
    /// A message.
    Message(String),
    /// A command.
    Do(Command),
    /// A command that there is not, or that cannot be carried out like this; what to tell the user.
    Refused(String),
}

/// Reads a draft. `//x` is the message `/x`.
#[must_use]
pub fn read(text: &str) -> Draft {
    let trimmed = text.trim();
    match trimmed.strip_prefix('/') {
        _ if trimmed.is_empty() => Draft::Blank,
        Some(escaped) if escaped.starts_with('/') => Draft::Message(escaped.to_owned()),
        Some(command) => read_command(command),
        None => Draft::Message(text.trim_end().to_owned()),
    }
}

fn read_command(command: &str) -> Draft {
    let (name, argument) = command
        .split_once(char::is_whitespace)
        .unwrap_or((command, ""));
    let argument = argument.trim();
    let of_name: Vec<&Slash> = COMMANDS.iter().filter(|slash| slash.name == name).collect();
    for slash in &of_name {
        match &slash.run {
            Run::Exactly(command) if slash.argument == argument => {
                return Draft::Do(command.clone());
            }
            Run::Exactly(_) => (),
            Run::With(read) => return read(argument).map_or_else(Draft::Refused, Draft::Do),
        }
    }
    match of_name.as_slice() {
        [] => Draft::Refused(unknown(name)),
        of_name => Draft::Refused(usage(name, of_name)),
    }
}

fn unknown(name: &str) -> String {
    let names: Vec<&str> = COMMANDS.iter().map(|slash| slash.name).collect();
    match nearest(name, &names) {
        Some(near) => format!("No /{name}. Did you mean /{near}?"),
        None => format!("No /{name}. /help shows keys and commands; //{name} sends it"),
    }
}

/// The name that was probably meant.
pub(super) fn nearest<'a>(name: &str, names: &[&'a str]) -> Option<&'a str> {
    const NEAR: f64 = 0.75;
    let scored = names
        .iter()
        .map(|known| (strsim::jaro_winkler(name, known), *known));
    let (score, near) = scored.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (score >= NEAR).then_some(near)
}

fn usage(name: &str, of_name: &[&Slash]) -> String {
    let arguments: Vec<&str> = of_name.iter().map(|slash| slash.argument).collect();
    match arguments.join(" or ") {
        none if none.is_empty() => format!("/{name} stands alone"),
        arguments => format!("/{name} takes {arguments}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::CopyOrder;

    #[track_caller]
    fn refused(text: &str, expected: &str) {
        match read(text) {
            Draft::Refused(why) => assert_eq!(why, expected),
            other => panic!("{text} is {other:?}"),
        }
    }

    #[track_caller]
    fn does(text: &str, expected: Command) {
        assert!(matches!(read(text), Draft::Do(command) if command == expected));
    }

    #[track_caller]
    fn says(text: &str, expected: &str) {
        assert!(matches!(read(text), Draft::Message(message) if message == expected));
    }

    #[test]
    fn a_slash_makes_a_command() {
        does(" /quit ", Command::Quit);
        does("/mouse", Command::ToggleMouse);
    }

    #[test]
    fn copy_takes_what_and_where() {
        does("/copy", Command::Copy);
        for (text, order) in [
            ("/copy code", CopyOrder::Code(None)),
            ("/copy code 2", CopyOrder::Code(Some(2))),
            ("/copy all", CopyOrder::All),
            ("/copy file", CopyOrder::File(None)),
            ("/copy file a b.md", CopyOrder::File(Some("a b.md".into()))),
        ] {
            let Draft::Do(Command::CopyPart(read)) = read(text) else {
                panic!("{text} copies nothing");
            };
            assert_eq!(read, order);
        }
    }

    #[test]
    fn two_slashes_make_a_message() {
        says("//etc/fstab is a file", "/etc/fstab is a file");
    }

    #[test]
    fn blanks_are_nothing() {
        assert!(matches!(read(" \n\t"), Draft::Blank));
    }

    #[test]
    fn an_indent_is_kept() {
        says("  a\n", "  a");
    }

    #[test]
    fn what_cannot_be_done_is_refused_with_what_can() {
        refused("/hlep", "No /hlep. Did you mean /help?");
        refused(
            "/xyz",
            "No /xyz. /help shows keys and commands; //xyz sends it",
        );
        refused("/mouse up", "/mouse takes on, off or nothing");
        refused(
            "/copy that",
            "/copy takes code N, all, file [PATH] or nothing",
        );
        refused(
            "/copy code x",
            "x is no number of a code block; /copy code 1 is the first",
        );
        refused("/new now", "/new stands alone");
        refused("/rename", "/rename takes a title");
        refused("/set steps", "/set takes KEY=VALUE, such as /set steps=64");
        refused("/set stpes=3", "No setting stpes. Did you mean steps?");
        refused(
            "/set playback=3",
            "No setting playback. Did you mean delay?",
        );
        refused("/set qqq=3", "No setting qqq; /settings shows them all");
        refused("/speed 9", "/speed takes quality, balanced, fast or turbo");
        refused("/retry 7", "/retry takes nothing or seed=N, a whole number");
        refused(
            "/retry seed=-1",
            "/retry takes nothing or seed=N, a whole number",
        );
    }
}
