//! Slash commands: the second way to every action.

use crate::action::{Action, Command, Order};

/// A name, what may follow it, and what it does.
#[derive(Debug, Clone, Copy)]
pub struct Slash {
    /// Without the slash.
    pub name: &'static str,
    /// What may follow, as the help shows it; empty if it stands alone.
    pub argument: &'static str,
    /// What it does, in a few words.
    pub about: &'static str,
    /// What it stands for.
    pub run: Run,
}

/// How a slash command becomes an action.
#[derive(Debug, Clone, Copy)]
pub enum Run {
    /// With the argument exactly as the table has it.
    Exactly(Command),
    /// With any argument; a refusal says what is wrong with it.
    With(fn(&str) -> Result<Action, String>),
}

/// Every slash command.
pub const COMMANDS: &[Slash] = &[
    exactly("help", "", "keys and commands", Command::Help),
    exactly("new", "", "a new conversation", Command::New),
    with("rename", "TITLE", "name this conversation", rename),
    exactly("mouse", "on", "capture the mouse", Command::MouseOn),
    exactly(
        "mouse",
        "off",
        "hand the mouse to the terminal",
        Command::MouseOff,
    ),
    exactly("quit", "", "leave", Command::Quit),
];

const fn exactly(
    name: &'static str,
    argument: &'static str,
    about: &'static str,
    command: Command,
) -> Slash {
    Slash {
        name,
        argument,
        about,
        run: Run::Exactly(command),
    }
}

const fn with(
    name: &'static str,
    argument: &'static str,
    about: &'static str,
    read: fn(&str) -> Result<Action, String>,
) -> Slash {
    Slash {
        name,
        argument,
        about,
        run: Run::With(read),
    }
}

fn rename(title: &str) -> Result<Action, String> {
    match title {
        "" => Err("/rename takes a title".to_owned()),
        title => Ok(Action::Order(Order::Rename(title.to_owned()))),
    }
}

/// What a draft asks for.
#[derive(Debug, Clone)]
pub enum Draft {
    /// Nothing: it is blank.
    Blank,
    /// A message.
    Message(String),
    /// A command.
    Do(Action),
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
        match slash.run {
            Run::Exactly(command) if slash.argument == argument => {
                return Draft::Do(Action::Do(command));
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

    #[track_caller]
    fn refused(text: &str, expected: &str) {
        match read(text) {
            Draft::Refused(why) => assert_eq!(why, expected),
            other => panic!("{text} is {other:?}"),
        }
    }

    #[track_caller]
    fn does(text: &str, expected: Command) {
        assert!(matches!(read(text), Draft::Do(Action::Do(command)) if command == expected));
    }

    #[track_caller]
    fn says(text: &str, expected: &str) {
        assert!(matches!(read(text), Draft::Message(message) if message == expected));
    }

    #[test]
    fn a_slash_makes_a_command() {
        does(" /quit ", Command::Quit);
        does("/mouse  off", Command::MouseOff);
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
        refused("/mouse", "/mouse takes on or off");
        refused("/new now", "/new stands alone");
        refused("/rename", "/rename takes a title");
    }
}
