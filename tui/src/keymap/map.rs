use super::{BINDINGS, Binding, Chord, Context};
use crate::commands::Command;

/// Every key and what it does: the table, with what the user has changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Keymap {
    bindings: Vec<Binding>,
}

impl Default for Keymap {
    fn default() -> Self {
        Self {
            bindings: BINDINGS.to_vec(),
        }
    }
}

/// A change by the user: the keys of a command in a place; none unbinds it.
#[derive(Debug, Clone, PartialEq)]
pub struct Rebinding {
    /// Where.
    pub context: Context,
    /// What.
    pub command: Command,
    /// On which keys, the one for hints first.
    pub chords: Vec<Chord>,
}

/// Why rebindings cannot be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeymapError {
    /// Two commands want one key.
    #[error(
        "{key} in [keys.{place}] would be both `{first}` and `{second}`; \
         give one of them another key, or \"none\""
    )]
    Clash {
        /// The key.
        key: String,
        /// The place.
        place: String,
        /// The command that has it.
        first: String,
        /// The command that wants it.
        second: String,
    },
    /// A key that writes is wanted where people write.
    #[error("`{key}` in [keys.{place}] could no longer be typed; take a key with ctrl or alt")]
    Writes {
        /// The key.
        key: String,
        /// The place.
        place: String,
    },
}

impl KeymapError {
    /// True if this rebinding is one of those that cannot be applied.
    #[must_use]
    pub fn is_about(&self, rebinding: &Rebinding) -> bool {
        let (key, place, commands) = match self {
            Self::Clash {
                key,
                place,
                first,
                second,
            } => (key, place, vec![first, second]),
            Self::Writes { key, place } => (key, place, Vec::new()),
        };
        let command = command_name(&rebinding.command);
        context_name(rebinding.context) == *place
            && rebinding.chords.iter().any(|chord| chord.label() == *key)
            && (commands.is_empty() || commands.contains(&&command))
    }
}

impl Keymap {
    /// Every binding; of several chords for one command the first is the one that hints show.
    #[must_use]
    pub fn bindings(&self) -> &[Binding] {
        &self.bindings
    }

    /// Applies all rebindings or none of them.
    ///
    /// # Errors
    /// [`KeymapError`] with the keys, places and commands; the map is as it was.
    pub fn rebind(&mut self, rebindings: &[Rebinding]) -> Result<(), KeymapError> {
        let mut map = self.clone();
        for rebinding in rebindings {
            map.apply(rebinding);
        }
        map.check(rebindings)?;
        *self = map;
        Ok(())
    }

    /// The new chords take the place of the old ones, since hints and help go by order.
    fn apply(&mut self, rebinding: &Rebinding) {
        let is_old = |(context, _, command): &Binding| {
            *context == rebinding.context && *command == rebinding.command
        };
        let at = self.bindings.iter().position(is_old);
        self.bindings.retain(|binding| !is_old(binding));
        let at = at.unwrap_or(self.bindings.len());
        let new = rebinding
            .chords
            .iter()
            .map(|&chord| (rebinding.context, chord, rebinding.command.clone()));
        self.bindings.splice(at..at, new);
    }

    fn check(&self, rebindings: &[Rebinding]) -> Result<(), KeymapError> {
        for rebinding in rebindings {
            if let Some(chord) = rebinding
                .chords
                .iter()
                .find(|chord| is_lost(rebinding.context, **chord))
            {
                return Err(KeymapError::Writes {
                    key: chord.label(),
                    place: context_name(rebinding.context),
                });
            }
        }
        for (at, (context, chord, second)) in self.bindings.iter().enumerate() {
            let before = self.bindings[..at].iter();
            let clash = before
                .filter(|(place, key, _)| place == context && key == chord)
                .find(|(_, _, first)| first != second);
            if let Some((_, _, first)) = clash {
                return Err(KeymapError::Clash {
                    key: chord.label(),
                    place: context_name(*context),
                    first: command_name(first),
                    second: command_name(second),
                });
            }
        }
        Ok(())
    }

    /// What a chord does in a place.
    #[must_use]
    pub fn command(&self, context: Context, chord: Chord) -> Option<&Command> {
        let mut bindings = self.bindings.iter();
        let bound = bindings.find(|(place, key, _)| *place == context && *key == chord);
        bound.map(|(_, _, command)| command)
    }

    /// The chords of a command in any of these places, those of the first place first.
    #[must_use]
    pub fn chords(&self, contexts: &[Context], command: &Command) -> Vec<Chord> {
        let of = |context| {
            let bindings = self.bindings.iter();
            bindings.filter(move |(place, _, does)| *place == context && does == command)
        };
        let bound = contexts.iter().copied().flat_map(of);
        bound.map(|(_, chord, _)| *chord).collect()
    }

    /// The keys that reach `command` through the menu: `^X n`; empty if none do.
    #[must_use]
    pub fn menu_keys(&self, command: &Command) -> String {
        let menu = self.chords(&[Context::Anywhere], &Command::Menu);
        let letter = self.chords(&[Context::Menu], command);
        match (menu.first(), letter.first()) {
            (Some(menu), Some(letter)) => format!("{} {}", menu.label(), letter.label()),
            (Some(_) | None, _) => String::new(),
        }
    }

    /// The key or keys that reach `command` from the chat, empty if none do.
    #[must_use]
    pub fn keys(&self, command: &Command) -> String {
        use Context::{Anywhere, Canvas, Composer, Empty, Paused};
        let direct = self.chords(&[Anywhere, Composer, Empty, Paused, Canvas], command);
        match direct.first() {
            Some(chord) => chord.label(),
            None => self.menu_keys(command),
        }
    }
}

/// True for a key that people could no longer write with.
fn is_lost(context: Context, chord: Chord) -> bool {
    let is_written_in = matches!(
        context,
        Context::Composer | Context::Anywhere | Context::List
    );
    chord.writes() && is_written_in
}

/// Every place that has keys.
#[must_use]
pub fn all_contexts() -> Vec<Context> {
    let mut contexts = Vec::new();
    for (context, _, _) in BINDINGS {
        if !contexts.contains(context) {
            contexts.push(*context);
        }
    }
    contexts
}

/// The name of a command in the configuration: `scroll-page-up`.
#[must_use]
pub fn command_name(command: &Command) -> String {
    kebab(&format!("{command:?}"))
}

/// The name of a place in the configuration.
#[must_use]
pub fn context_name(context: Context) -> String {
    kebab(&format!("{context:?}"))
}

/// `Scroll(PageUp)` as `scroll-page-up`.
pub(crate) fn kebab(variant: &str) -> String {
    let mut name = String::new();
    for character in variant.chars().filter(char::is_ascii_alphanumeric) {
        if character.is_ascii_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.push(character.to_ascii_lowercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::{LineEdit, Scroll};
    use crate::keymap::table::{ctrl, key};
    use crossterm::event::KeyCode;

    fn rebinding(context: Context, command: Command, chords: &[Chord]) -> Rebinding {
        Rebinding {
            context,
            command,
            chords: chords.to_vec(),
        }
    }

    #[test]
    fn a_wish_replaces_the_keys_of_a_command() {
        let mut map = Keymap::default();
        let rebindings = [rebinding(Context::Anywhere, Command::Menu, &[ctrl('t')])];
        map.rebind(&rebindings).expect("^T is free");
        assert_eq!(
            map.command(Context::Anywhere, ctrl('t')),
            Some(&Command::Menu)
        );
        assert_eq!(map.command(Context::Anywhere, ctrl('x')), None);
        assert_eq!(map.menu_keys(&Command::New), "^T n");
    }

    #[test]
    fn a_command_without_keys_is_unbound() {
        let mut map = Keymap::default();
        let rebindings = [rebinding(Context::Composer, Command::Newline, &[])];
        map.rebind(&rebindings).expect("nothing clashes");
        assert_eq!(map.chords(&[Context::Composer], &Command::Newline), []);
    }

    #[test]
    fn a_clash_names_both_commands_and_changes_nothing() {
        let mut map = Keymap::default();
        let rebindings = [rebinding(Context::Anywhere, Command::Repaint, &[ctrl('x')])];
        let error = map.rebind(&rebindings).expect_err("^X is the menu's");
        assert_eq!(
            error.to_string(),
            "^X in [keys.anywhere] would be both `menu` and `repaint`; give one of them another key, or \"none\""
        );
        assert_eq!(map, Keymap::default());
    }

    #[test]
    fn two_commands_can_change_keys_with_each_other() {
        let mut map = Keymap::default();
        let rebindings = [
            rebinding(Context::Anywhere, Command::Menu, &[ctrl('l')]),
            rebinding(Context::Anywhere, Command::Repaint, &[ctrl('x')]),
        ];
        map.rebind(&rebindings).expect("both have moved");
        assert_eq!(
            map.command(Context::Anywhere, ctrl('l')),
            Some(&Command::Menu)
        );
    }

    #[test]
    fn a_key_that_writes_cannot_be_bound_where_people_write() {
        let mut map = Keymap::default();
        let rebindings = [rebinding(
            Context::Composer,
            Command::Send,
            &[key(KeyCode::Char('s'))],
        )];
        let error = map.rebind(&rebindings).expect_err("s is written");
        assert!(error.to_string().contains("could no longer be typed"));
        let rebindings = [rebinding(
            Context::Empty,
            Command::Quit,
            &[key(KeyCode::Char('q'))],
        )];
        map.rebind(&rebindings).expect("nothing is written yet");
    }

    #[test]
    fn commands_and_places_are_named_after_their_variants() {
        assert_eq!(
            command_name(&Command::Scroll(Scroll::PageUp)),
            "scroll-page-up"
        );
        assert_eq!(
            command_name(&Command::Edit(LineEdit::DeleteWordLeft)),
            "edit-delete-word-left"
        );
        assert_eq!(context_name(Context::Anywhere), "anywhere");
    }
}
