//! Slash commands: the second way to every action.

use crate::action::Command;

/// A name, what may follow it, and what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slash {
    /// Without the slash.
    pub name: &'static str,
    /// Its argument; empty if it takes none.
    pub argument: &'static str,
    /// What it stands for.
    pub command: Command,
}

/// Every slash command.
pub const COMMANDS: &[Slash] = &[
    slash("help", "", Command::Help),
    slash("new", "", Command::New),
    slash("mouse", "on", Command::MouseOn),
    slash("mouse", "off", Command::MouseOff),
    slash("quit", "", Command::Quit),
];

const fn slash(name: &'static str, argument: &'static str, command: Command) -> Slash {
    Slash {
        name,
        argument,
        command,
    }
}

/// What a draft asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Draft {
    /// Nothing: it is blank.
    Blank,
    /// A message.
    Message(String),
    /// A command.
    Command(Command),
    /// A command that there is not; what to tell the user.
    Unknown(String),
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
    match of_name.iter().find(|slash| slash.argument == argument) {
        Some(slash) => Draft::Command(slash.command),
        None if of_name.is_empty() => Draft::Unknown(unknown(name)),
        None => Draft::Unknown(usage(name, &of_name)),
    }
}

fn unknown(name: &str) -> String {
    const NEAR: f64 = 0.75;
    let nearest = COMMANDS
        .iter()
        .map(|slash| (strsim::jaro_winkler(name, slash.name), slash.name))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match nearest {
        Some((score, near)) if score >= NEAR => format!("No /{name}. Did you mean /{near}?"),
        Some(_) | None => format!("No /{name}. /help shows keys and commands; //{name} sends it"),
    }
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

    fn unknown_is(text: &str, expected: &str) {
        assert_eq!(read(text), Draft::Unknown(expected.to_owned()));
    }

    #[test]
    fn a_slash_makes_a_command() {
        assert_eq!(read(" /quit "), Draft::Command(Command::Quit));
        assert_eq!(read("/mouse  off"), Draft::Command(Command::MouseOff));
    }

    #[test]
    fn two_slashes_make_a_message() {
        assert_eq!(
            read("//etc/fstab is a file"),
            Draft::Message("/etc/fstab is a file".to_owned())
        );
    }

    #[test]
    fn blanks_are_nothing() {
        assert_eq!(read(" \n\t"), Draft::Blank);
    }

    #[test]
    fn an_indent_is_kept() {
        assert_eq!(read("  a\n"), Draft::Message("  a".to_owned()));
    }

    #[test]
    fn an_unknown_command_is_met_with_the_nearest() {
        unknown_is("/hlep", "No /hlep. Did you mean /help?");
        unknown_is(
            "/xyz",
            "No /xyz. /help shows keys and commands; //xyz sends it",
        );
        unknown_is("/mouse", "/mouse takes on or off");
        unknown_is("/new now", "/new stands alone");
    }
}
