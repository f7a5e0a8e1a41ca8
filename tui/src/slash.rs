//! Slash commands: the second way to every action.

mod completions;
mod read;
mod template;
mod turns;

use read::nearest;
pub use read::{Draft, read};
use unmask_core::engine::FillPart;

use crate::action::{AfterScan, Command, CopyOrder, ReplayAct};
use crate::keymap;
use crate::state::{Motion, Mouse};

/// The text and the blanks of what follows `/fill`; `None` if it has no blanks.
#[must_use]
pub fn blanks(text: &str) -> Option<Vec<FillPart>> {
    template::parts(text).ok()
}

/// A name, what may follow it, and what it does.
#[derive(Debug, Clone)]
pub struct Slash {
    /// Without the slash.
    pub name: &'static str,
    /// What may follow, as the help shows it; empty if it stands alone.
    pub argument: &'static str,
    /// What it does, in a few words; empty if it is what the command says of itself.
    words: &'static str,
    /// What it stands for.
    pub run: Run,
    /// What must be so that it can be carried out.
    pub need: Need,
}

/// What must be so that a command can be carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing.
    Nothing,
    /// No answer is being written.
    Idle,
    /// A model is loaded.
    Model,
    /// A model is loaded and no answer is being written.
    Ready,
    /// An answer is being written or a model loaded.
    Work,
    /// An answer rests.
    Paused,
}

impl Slash {
    /// The same, in other words.
    const fn saying(mut self, words: &'static str) -> Self {
        self.words = words;
        self
    }

    /// The same, for when `need` is met.
    const fn needing(mut self, need: Need) -> Self {
        self.need = need;
        self
    }

    /// What it does, in a few words.
    #[must_use]
    pub fn about(&self) -> &'static str {
        match &self.run {
            Run::Exactly(command) if self.words.is_empty() => keymap::describe(command),
            Run::Exactly(_) | Run::With(_) => self.words,
        }
    }

    /// How it is typed: `/rename TITLE`.
    #[must_use]
    pub fn usage(&self) -> String {
        let usage = format!("/{} {}", self.name, self.argument);
        usage.trim_end().to_owned()
    }

    /// The command that stands for exactly `command`.
    #[must_use]
    pub fn of(command: &Command) -> Option<&'static Self> {
        let mut all = COMMANDS.iter();
        all.find(|slash| matches!(&slash.run, Run::Exactly(does) if does == command))
    }

    /// What a draft begins with, if it is a command.
    #[must_use]
    pub fn in_draft(text: &str) -> Option<&'static Self> {
        let name = text.trim().strip_prefix('/')?.split_whitespace().next()?;
        COMMANDS.iter().find(|slash| slash.name == name)
    }

    /// The commands whose names begin with `prefix`, then those that hold its letters in their order.
    #[must_use]
    pub fn like(prefix: &str) -> Vec<&'static Self> {
        let names: Vec<&str> = COMMANDS.iter().map(|slash| slash.name).collect();
        let pick = crate::state::Pick {
            query: prefix.to_owned(),
            ..crate::state::Pick::default()
        };
        let mut found: Vec<_> = (pick.matches(&names).into_iter())
            .map(|index| &COMMANDS[index])
            .collect();
        found.sort_by_key(|slash| !slash.name.starts_with(prefix));
        found
    }
}

/// How a slash command becomes a command.
#[derive(Debug, Clone)]
pub enum Run {
    /// With the argument exactly as the table has it.
    Exactly(Command),
    /// With any argument; a refusal says what is wrong with it.
    With(fn(&str) -> Result<Command, String>),
}

/// Every slash command.
pub const COMMANDS: &[Slash] = &[
    exactly("help", Command::Help),
    exactly("models", Command::Models),
    with(
        "models",
        "NAME|add PATH|get ID",
        "load, add or get a model",
        model,
    ),
    with("backend", "NAME", "this model on another backend", backend).needing(Need::Ready),
    exactly("settings", Command::Settings),
    with("set", "KEY=VALUE", "change a setting", turns::set),
    with(
        "speed",
        "quality|balanced|fast|turbo",
        "turn the speed dial",
        turns::speed,
    ),
    with(
        "pin",
        "POS:WORD, …|clear",
        "words that answers hold",
        turns::pin,
    ),
    exactly("retry", Command::Retry).needing(Need::Ready),
    with(
        "retry",
        "seed=N",
        "regenerate it with this seed",
        turns::retry,
    )
    .needing(Need::Ready),
    exactly("continue", Command::Continue).needing(Need::Ready),
    exactly("undo", Command::UndoTurn).needing(Need::Idle),
    exactly("stats", Command::Stats),
    exactly("doctor", Command::Doctor),
    exactly("keys", Command::Help).saying("what every key does"),
    exactly("new", Command::New).needing(Need::Idle),
    exactly("sessions", Command::Sessions),
    with("rename", "TITLE", "name this conversation", rename),
    exactly("raw", Command::ToggleRaw),
    exactly("ghosts", Command::Ghosts),
    exactly("slow", Command::FullSpeed),
    exactly("replay", Command::Replay(ReplayAct::Open)),
    with(
        "replay",
        "N",
        "the answer of this turn, step by step",
        turns::replay,
    ),
    exactly("export", Command::Formats),
    with(
        "export",
        "FORMAT PATH",
        "this answer as a file: html, png, …",
        turns::export,
    ),
    with(
        "share",
        "PATH",
        "a card of this answer as a PNG",
        turns::share,
    ),
    with(
        "fill",
        "TEMPLATE",
        "fill ___ and [MASK:n] in a text",
        turns::fill,
    )
    .needing(Need::Ready),
    exactly("edit", Command::EditMessage).needing(Need::Ready),
    with("edit", "N", "edit the message of this turn", turns::edit).needing(Need::Ready),
    exactly("find", Command::BeginFind),
    with("find", "TEXT", "look for words here", turns::find),
    exactly("compare", Command::CompareLast).needing(Need::Idle),
    with(
        "compare",
        "KEY=VALUE|MODEL|1 1b",
        "two answers side by side",
        turns::compare,
    )
    .needing(Need::Idle),
    with(
        "branch",
        "NAME",
        "back to an answer that was set aside",
        turns::branch,
    )
    .needing(Need::Idle),
    with(
        "remask",
        "FROM-TO|low=P",
        "refill tokens of the last answer",
        turns::remask,
    )
    .needing(Need::Ready),
    exactly("unfold", Command::Unfold).needing(Need::Work),
    exactly("pause", Command::PauseOrResume).needing(Need::Work),
    exactly("copy", Command::Copy),
    with(
        "copy",
        "code N|all|file PATH",
        "copy a part, or into a file",
        copy,
    ),
    exactly("delete", Command::Delete)
        .saying("remove this conversation")
        .needing(Need::Idle),
    exactly("history", Command::SearchPrompts),
    exactly("stop", Command::Interrupt).needing(Need::Work),
    exactly("resume", Command::Resume).needing(Need::Paused),
    exactly("editor", Command::Editor),
    exactly("palette", Command::Palette),
    exactly("mouse", Command::ToggleMouse),
    with("mouse", "on|off", "who gets the mouse", mouse),
    exactly("theme", Command::Themes),
    with("theme", "NAME", "draw in this theme", theme),
    with("motion", "full|reduced", "let much or little move", motion),
    exactly("repaint", Command::Repaint),
    exactly("suspend", Command::Suspend),
    exactly("quit", Command::Quit),
];

/// Stands alone, and does what the command says of itself.
const fn exactly(name: &'static str, command: Command) -> Slash {
    Slash {
        name,
        argument: "",
        words: "",
        run: Run::Exactly(command),
        need: Need::Nothing,
    }
}

const fn with(
    name: &'static str,
    argument: &'static str,
    words: &'static str,
    read: fn(&str) -> Result<Command, String>,
) -> Slash {
    Slash {
        name,
        argument,
        words,
        run: Run::With(read),
        need: Need::Nothing,
    }
}

fn model(argument: &str) -> Result<Command, String> {
    match argument.split_once(char::is_whitespace) {
        Some(("add", path)) => Ok(Command::AddModel(path.trim().to_owned())),
        Some(("get", name)) => Ok(Command::Get(name.trim().to_owned())),
        None if argument == "get" => Ok(Command::Look(AfterScan::Get)),
        None if argument != "add" => Ok(Command::Look(AfterScan::Model(argument.to_owned()))),
        Some(_) | None => Err("/models takes NAME, add PATH or get ID".to_owned()),
    }
}

fn backend(name: &str) -> Result<Command, String> {
    match name {
        "" => Err("/backend takes a name; /models lists the backends".to_owned()),
        name => Ok(Command::Look(AfterScan::Backend(name.to_owned()))),
    }
}

fn rename(title: &str) -> Result<Command, String> {
    match title {
        "" => Err("/rename takes a title".to_owned()),
        title => Ok(Command::Rename(title.to_owned())),
    }
}

fn copy(what: &str) -> Result<Command, String> {
    let (word, rest) = what.split_once(char::is_whitespace).unwrap_or((what, ""));
    let rest = rest.trim();
    let order = match (word, rest) {
        ("code", "") => CopyOrder::Code(None),
        ("code", number) => CopyOrder::Code(Some(number.parse().map_err(|_| {
            format!("{number} is no number of a code block; /copy code 1 is the first")
        })?)),
        ("all", "") => CopyOrder::All,
        ("file", "") => CopyOrder::File(None),
        ("file", path) => CopyOrder::File(Some(path.into())),
        _ => return Err("/copy takes code N, all, file [PATH] or nothing".to_owned()),
    };
    Ok(Command::CopyPart(order))
}

fn theme(name: &str) -> Result<Command, String> {
    Ok(Command::Theme(name.to_owned()))
}

fn motion(word: &str) -> Result<Command, String> {
    let motion = match word {
        "full" => Motion::Full,
        "reduced" => Motion::Reduced,
        _ => return Err("/motion takes full or reduced".to_owned()),
    };
    Ok(Command::Motion(motion))
}

fn mouse(word: &str) -> Result<Command, String> {
    let mouse = match word {
        "on" => Mouse::Captured,
        "off" => Mouse::Released,
        _ => return Err("/mouse takes on, off or nothing".to_owned()),
    };
    Ok(Command::Mouse(mouse))
}

/// Every command that can be bound: those of the table and those of slash commands.
#[must_use]
pub fn bindable() -> Vec<&'static Command> {
    let bound = keymap::BINDINGS.iter().map(|(_, _, command)| command);
    let slashes = COMMANDS.iter().filter_map(|slash| match &slash.run {
        Run::Exactly(command) => Some(command),
        Run::With(_) => None,
    });
    let mut commands = Vec::new();
    for command in bound.chain(slashes) {
        if !commands.contains(&command) {
            commands.push(command);
        }
    }
    commands
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_have_names_of_their_own() {
        let names = || bindable().into_iter().map(keymap::command_name);
        let distinct: std::collections::HashSet<String> = names().collect();
        assert_eq!(distinct.len(), names().count());
    }
}
