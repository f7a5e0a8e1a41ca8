use super::{Context, Keymap};
use crate::commands::Command;

/// Commands that belong together, and what they do.
pub type CommandGroup<'a> = (&'a [Command], &'a str);

impl Keymap {
    /// The first key of a command in these places; `None` if it has none.
    #[must_use]
    pub fn label(&self, contexts: &[Context], command: &Command) -> Option<String> {
        let chords = self.chords(contexts, command);
        chords.first().map(|chord| chord.label())
    }

    /// The last row of a panel: `Enter run · ↑↓ choose · Esc`. Commands without a key are left out, and those that belong
    /// together share their word.
    #[must_use]
    pub fn footer(&self, contexts: &[Context], wanted: &[CommandGroup<'_>]) -> String {
        let part = |(commands, word): &CommandGroup<'_>| {
            let labels = commands.iter().filter_map(|it| self.label(contexts, it));
            let keys: String = labels.collect();
            (!keys.is_empty()).then(|| format!("{keys} {word}").trim_end().to_owned())
        };
        let parts: Vec<String> = wanted.iter().filter_map(part).collect();
        parts.join(" · ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keymap::Rebinding;

    #[test]
    fn a_footer_names_the_keys_that_there_are() {
        let places = [Context::List, Context::Overlay];
        let wanted: [CommandGroup<'_>; 3] = [
            (&[Command::Choose], "run"),
            (&[Command::Up, Command::Down], "choose"),
            (&[Command::Back], ""),
        ];
        let mut keymap = Keymap::default();
        assert_eq!(
            keymap.footer(&places, &wanted),
            "Enter run · ↑↓ choose · Esc"
        );
        let rebinding = Rebinding {
            context: Context::List,
            command: Command::Choose,
            chords: Vec::new(),
        };
        keymap.rebind(&[rebinding]).expect("nothing clashes");
        assert_eq!(keymap.footer(&places, &wanted), "↑↓ choose · Esc");
    }
}
