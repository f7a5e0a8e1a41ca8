//! Every command there is, as the palette lists them.

use crate::action::Command;
use crate::availability;
use crate::keymap;
use crate::slash::{self, COMMANDS, Run, Slash};
use crate::state::State;

/// One row of the palette.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// What it does.
    pub about: &'static str,
    /// The keys that do it, empty if none do.
    pub keys: String,
    /// The slash command that does it, empty if none does.
    pub slash: String,
    /// What Enter does.
    pub run: PaletteChoice,
    /// Why it cannot be done now.
    pub refusal: Option<&'static str>,
}

/// What a row stands for.
#[derive(Debug, Clone, PartialEq)]
pub enum PaletteChoice {
    /// A command that stands alone.
    Command(Command),
    /// A slash command that takes an argument, by its name.
    Slash(&'static str),
}

/// The rows: what slash commands do, then what only keys do.
#[must_use]
pub fn items(state: &State) -> Vec<Item> {
    let slashes = COMMANDS.iter().map(|slash| of_slash(state, slash));
    let only_keys = slash::bindable()
        .into_iter()
        .filter(|command| Slash::of(command).is_none() && !is_of_a_place(command));
    let only_keys = only_keys.map(|command| Item {
        about: keymap::describe(command),
        keys: state.keymap.keys(command),
        slash: String::new(),
        run: PaletteChoice::Command(command.clone()),
        refusal: None,
    });
    slashes.chain(only_keys).collect()
}

fn of_slash(state: &State, slash: &Slash) -> Item {
    let (keys, run) = match &slash.run {
        Run::Exactly(command) => (
            state.keymap.keys(command),
            PaletteChoice::Command(command.clone()),
        ),
        Run::With(_) => (String::new(), PaletteChoice::Slash(slash.name)),
    };
    Item {
        about: slash.about(),
        keys,
        slash: slash.usage(),
        run,
        refusal: availability::of(state, slash).err(),
    }
}

impl Item {
    /// What the filter looks at.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{} {} {}", self.about, self.slash, self.keys)
    }
}

/// True for a command that means something only where its key is pressed: moving, editing, going back.
fn is_of_a_place(command: &Command) -> bool {
    use keymap::Context::{Anywhere, Composer, Menu};
    let is_of_chat = |place| matches!(place, Anywhere | Composer | Menu);
    let mut bindings = keymap::BINDINGS.iter();
    !bindings.any(|(place, _, does)| does == command && is_of_chat(*place))
        || matches!(
            command,
            Command::Edit(_)
                | Command::Up
                | Command::Down
                | Command::Newline
                | Command::Back
                | Command::Menu
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::Size;
    use crate::keymap::{BINDINGS, Context};

    fn state() -> State {
        State::new(Size {
            columns: 80,
            rows: 24,
        })
    }

    #[test]
    fn every_action_has_a_key_a_slash_command_and_a_row() {
        let items = items(&state());
        let of_chat = BINDINGS.iter().filter(|(context, _, command)| {
            let is_motion = matches!(command, Command::Back | Command::Menu | Command::Scroll(_));
            matches!(context, Context::Menu | Context::Anywhere) && !is_motion
        });
        for (_, chord, command) in of_chat {
            let item = items
                .iter()
                .find(|item| item.run == PaletteChoice::Command(command.clone()));
            let item = item.unwrap_or_else(|| panic!("{command:?} has no row"));
            assert!(!item.keys.is_empty(), "{command:?} of {}", chord.label());
            assert!(
                item.slash.starts_with('/'),
                "{command:?} has no slash command"
            );
        }
    }

    #[test]
    fn no_row_is_there_twice() {
        let items = items(&state());
        for (at, item) in items.iter().enumerate() {
            assert!(
                !items[..at].iter().any(|other| other.text() == item.text()),
                "{item:?}"
            );
        }
    }

    #[test]
    fn what_cannot_be_done_has_the_reason() {
        let items = items(&state());
        let stop = items.iter().find(|item| item.slash == "/stop");
        let refusal = stop.and_then(|item| item.refusal);
        assert_eq!(refusal, Some("no answer is being written"));
    }
}
