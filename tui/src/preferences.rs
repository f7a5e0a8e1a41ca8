//! `config.toml`: how the screen looks and what its keys do.
//!
//! Reading is pure. What cannot be used is left at its default and reported with file and line; the screen opens anyway.

mod keys;
mod schema;
mod traces;

use toml::de::DeValue;

use crate::cells::Emoji;
use crate::diagnostic::{self, Diagnostic, Document};
use crate::effect::Mouse;
use crate::keymap::Keymap;
use crate::state::{AlertMethod, CopyOnSelect, ExitPrint, MASK_WIDTH, Motion, StopKeep};
use crate::terminal::ColorChoice;
use crate::themes::AUTO;

pub use schema::schema;
pub use traces::{TRACES, TracePreferences};

/// What the user wants of the screen.
#[derive(Debug, Clone, PartialEq)]
pub struct Preferences {
    /// The theme's name.
    pub theme: String,
    /// Whether to use colours.
    pub color: ColorChoice,
    /// How much moves.
    pub motion: Motion,
    /// Who has the mouse at first.
    pub mouse: Mouse,
    /// Whether what is selected is copied at once.
    pub copy_on_select: CopyOnSelect,
    /// Cells of a mask with the space before it, 1 to 8.
    pub mask_width: u8,
    /// How emoji by variation are drawn.
    pub width: Emoji,
    /// What stays on the terminal once the screen is closed.
    pub exit_print: ExitPrint,
    /// How to be called when a long turn ends unseen.
    pub notify: AlertMethod,
    /// What is kept of a stopped answer.
    pub stop_keep: StopKeep,
    /// What is kept of how answers came about.
    pub traces: TracePreferences,
    /// Every key.
    pub keymap: Keymap,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            theme: AUTO.to_owned(),
            color: ColorChoice::Auto,
            motion: Motion::Full,
            mouse: Mouse::Captured,
            copy_on_select: CopyOnSelect::default(),
            mask_width: MASK_WIDTH,
            width: Emoji::default(),
            exit_print: ExitPrint::default(),
            notify: AlertMethod::default(),
            stop_keep: StopKeep::default(),
            traces: TracePreferences::default(),
            keymap: Keymap::default(),
        }
    }
}

/// The name of the file in the program's folder of configuration.
pub const FILE_NAME: &str = "config.toml";

/// The keys of `[ui]`, each with its environment variable and what it may be.
pub const UI: [(&str, &str, &str); 10] = [
    (
        "theme",
        "UNMASK_THEME",
        "auto, dark, light, gradio, mono, or the name of a file in themes/",
    ),
    ("color", "UNMASK_COLOR", "auto or never"),
    ("motion", "UNMASK_MOTION", "full or reduced"),
    ("mouse", "UNMASK_MOUSE", "true or false"),
    ("copy_on_select", "UNMASK_COPY_ON_SELECT", "true or false"),
    ("mask_width", "UNMASK_MASK_WIDTH", "a number from 1 to 8"),
    ("width", "UNMASK_WIDTH", "unicode or narrow_vs16"),
    ("exit_print", "UNMASK_EXIT_PRINT", "resume or last"),
    ("notify", "UNMASK_NOTIFY", "off, bell or osc9"),
    ("stop_keep", "UNMASK_STOP_KEEP", "prefix or all"),
];

/// What `unmask config init` writes.
pub const COMMENTED: &str = include_str!("preferences/config.toml");

impl Preferences {
    /// Reads the text of a file; `path` is how diagnostics name it.
    #[must_use]
    pub fn parse(path: &str, text: &str) -> (Self, Vec<Diagnostic>) {
        let mut preferences = Self::default();
        let mut diagnostics = Vec::new();
        let document = Document::parse(path, text, &mut diagnostics);
        for (key, value) in document.entries() {
            match (key.name, value.get_ref()) {
                ("ui", DeValue::Table(table)) => {
                    for (key, value) in document.within(table) {
                        if let Err(why) = preferences.set(key.name, &said(value.get_ref())) {
                            diagnostics.push(key.diagnostic(why));
                        }
                    }
                }
                ("traces", DeValue::Table(table)) => {
                    for (key, value) in document.within(table) {
                        let set = preferences.traces.set(key.name, &said(value.get_ref()));
                        if let Err(why) = set {
                            diagnostics.push(key.diagnostic(why));
                        }
                    }
                }
                ("keys", DeValue::Table(table)) => {
                    keys::read(&document, table, &mut preferences.keymap, &mut diagnostics);
                }
                ("ui" | "traces" | "keys", _) => {
                    diagnostics.push(key.diagnostic(format!("`{0}` is a table: [{0}]", key.name)));
                }
                (other, _) => {
                    diagnostics.push(key.unknown("table", other, &["ui", "traces", "keys"]))
                }
            }
        }
        (preferences, diagnostics)
    }

    /// Lets the environment win over the file.
    pub fn obey(&mut self, variable: impl Fn(&str) -> Option<String>) -> Vec<Diagnostic> {
        let mut diagnostics = Vec::new();
        for (key, name, _) in UI {
            let Some(value) = variable(name).filter(|value| !value.is_empty()) else {
                continue;
            };
            if let Err(why) = self.set(key, &value) {
                diagnostics.push(Diagnostic {
                    place: name.to_owned(),
                    text: why,
                });
            }
        }
        diagnostics
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        let Some((_, _, may_be)) = UI.iter().find(|(name, _, _)| *name == key) else {
            return Err(diagnostic::unknown(
                "key",
                key,
                &UI.map(|(name, _, _)| name),
            ));
        };
        match (key, value) {
            ("theme", name) if !name.is_empty() => self.theme = name.to_owned(),
            ("color", "auto") => self.color = ColorChoice::Auto,
            ("color", "never") => self.color = ColorChoice::Never,
            ("motion", "full") => self.motion = Motion::Full,
            ("motion", "reduced") => self.motion = Motion::Reduced,
            ("mouse", "true") => self.mouse = Mouse::Captured,
            ("mouse", "false") => self.mouse = Mouse::Released,
            ("copy_on_select", "true") => self.copy_on_select = CopyOnSelect::AtRelease,
            ("copy_on_select", "false") => self.copy_on_select = CopyOnSelect::Never,
            ("width", "unicode") => self.width = Emoji::Wide,
            ("width", "narrow_vs16") => self.width = Emoji::Narrow,
            ("exit_print", "resume") => self.exit_print = ExitPrint::Resume,
            ("exit_print", "last") => self.exit_print = ExitPrint::Last,
            ("notify", "off") => self.notify = AlertMethod::Off,
            ("notify", "bell") => self.notify = AlertMethod::Bell,
            ("notify", "osc9") => self.notify = AlertMethod::Osc9,
            ("stop_keep", "prefix") => self.stop_keep = StopKeep::Prefix,
            ("stop_keep", "all") => self.stop_keep = StopKeep::All,
            (key, value) => match (key, value.parse()) {
                ("mask_width", Ok(cells @ 1..=8)) => self.mask_width = cells,
                _ => return Err(format!("`{key}` is {may_be}, not `{value}`")),
            },
        }
        Ok(())
    }
}

/// A value as it was said; what is no text, number or truth is called by its type.
fn said(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Boolean(truth) => truth.to_string(),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        other => other.type_str().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::Command;
    use crate::keymap::Context;

    #[track_caller]
    fn diagnostics(text: &str, expected: &[&str]) -> Preferences {
        let (preferences, diagnostics) = Preferences::parse("config.toml", text);
        let diagnostics: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
        assert_eq!(diagnostics, expected);
        preferences
    }

    #[test]
    fn what_is_said_is_meant() {
        let text = "[ui]\ntheme = \"light\"\ncolor = \"never\"\nmotion = \"reduced\"\nmouse = false\ncopy_on_select = true\nmask_width = 1\nwidth = \"narrow_vs16\"\nexit_print = \"last\"\nnotify = \"osc9\"\nstop_keep = \"all\"\n[traces]\nkeep = \"lean\"\nmax_mb = 7";
        let expected = Preferences {
            theme: "light".to_owned(),
            color: ColorChoice::Never,
            motion: Motion::Reduced,
            mouse: Mouse::Released,
            copy_on_select: CopyOnSelect::AtRelease,
            mask_width: 1,
            width: Emoji::Narrow,
            exit_print: ExitPrint::Last,
            notify: AlertMethod::Osc9,
            stop_keep: StopKeep::All,
            traces: TracePreferences {
                keep: crate::state::TracesKept::Lean,
                max_mb: 7,
            },
            keymap: Keymap::default(),
        };
        assert_eq!(diagnostics(text, &[]), expected);
    }

    #[test]
    fn an_unknown_key_is_reported_with_the_nearest() {
        diagnostics(
            "[ui]\n\nthme = \"dark\"\n[kyes]\n",
            &[
                "config.toml:3: no key `thme`; did you mean `theme`?",
                "config.toml:4: no table `kyes`; did you mean `keys`?",
            ],
        );
    }

    #[test]
    fn a_bad_value_leaves_the_default_and_says_what_it_may_be() {
        let preferences = diagnostics(
            "[ui]\nmotion = \"slow\"\nmouse = 3\ntheme = \"dark\"\nmask_width = 9\nexit_print = \"all\"\nnotify = true\nstop_keep = \"some\"\nwidth = 1\ncopy_on_select = \"yes\"\n[traces]\nkeep = 1\nmax_mb = -1\nmax = 1",
            &[
                "config.toml:2: `motion` is full or reduced, not `slow`",
                "config.toml:3: `mouse` is true or false, not `3`",
                "config.toml:5: `mask_width` is a number from 1 to 8, not `9`",
                "config.toml:6: `exit_print` is resume or last, not `all`",
                "config.toml:7: `notify` is off, bell or osc9, not `true`",
                "config.toml:8: `stop_keep` is prefix or all, not `some`",
                "config.toml:9: `width` is unicode or narrow_vs16, not `1`",
                "config.toml:10: `copy_on_select` is true or false, not `yes`",
                "config.toml:12: `keep` is all, lean or off, not `1`",
                "config.toml:13: `max_mb` is a number of megabytes, not `-1`",
                "config.toml:14: no key `max`; did you mean `max_mb`?",
            ],
        );
        assert_eq!(
            (preferences.motion, preferences.theme.as_str()),
            (Motion::Full, "dark")
        );
    }

    #[test]
    fn a_file_that_is_no_toml_is_read_as_far_as_it_can_be() {
        let text = "[ui]\ntheme = \"dark\"\nmotion = reduced\n";
        let (preferences, diagnostics) = Preferences::parse("config.toml", text);
        assert_eq!(preferences.theme, "dark");
        assert_eq!(diagnostics[0].place, "config.toml:3");
    }

    #[test]
    fn keys_are_bound_anew_and_unbound() {
        let text = "[keys.anywhere]\nmenu = \"ctrl+t\"\nrepaint = \"none\"\n\
                    [keys.composer]\nnewline = [\"alt+enter\", \"ctrl+j\"]\n";
        let keymap = diagnostics(text, &[]).keymap;
        assert_eq!(keymap.menu_keys(&Command::New), "^T n");
        assert_eq!(keymap.chords(&[Context::Anywhere], &Command::Repaint), []);
        let newline = keymap.chords(&[Context::Composer], &Command::Newline);
        assert_eq!(newline[0].label(), "Alt+Enter");
    }

    #[test]
    fn what_is_wrong_with_a_key_is_reported_with_its_line() {
        diagnostics(
            "[keys.composr]\nsend = \"enter\"\n[keys.anywhere]\nmenus = \"ctrl+t\"\nmenu = \"hyper+t\"\nhelp = 3\n",
            &[
                "config.toml:1: no place `composr`; did you mean `composer`?",
                "config.toml:4: no command `menus`; did you mean `menu`?",
                "config.toml:5: `hyper+t` is no key; write it like `ctrl+j`, `alt+enter`, `f2`, `pageup` or `?`",
                "config.toml:6: `help` is a key like \"ctrl+j\", several in brackets, or \"none\"",
            ],
        );
    }

    #[test]
    fn a_clash_names_both_commands_and_leaves_all_keys_as_they_come() {
        let preferences = diagnostics(
            "[keys.anywhere]\nrepaint = \"ctrl+x\"\nsuspend = \"ctrl+q\"\n",
            &[
                "config.toml:2: ^X in [keys.anywhere] would be both `menu` and `repaint`; give one of them another key, or \"none\"",
            ],
        );
        assert_eq!(preferences.keymap, Keymap::default());
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let (mut preferences, _) = Preferences::parse("config.toml", "[ui]\ntheme = \"dark\"");
        let diagnostics = preferences.obey(|name| match name {
            "UNMASK_THEME" => Some("light".to_owned()),
            "UNMASK_MOUSE" => Some("no".to_owned()),
            _ => None,
        });
        assert_eq!(preferences.theme, "light");
        assert_eq!(
            diagnostics[0].to_string(),
            "UNMASK_MOUSE: `mouse` is true or false, not `no`"
        );
    }

    #[test]
    fn the_file_that_init_writes_changes_nothing_even_without_its_comment_marks() {
        assert_eq!(diagnostics(COMMENTED, &[]), Preferences::default());
        let bare: Vec<&str> = COMMENTED
            .lines()
            .map(|line| {
                line.strip_prefix("# ")
                    .filter(|it| it.contains(" = "))
                    .unwrap_or(line)
            })
            .collect();
        assert_eq!(diagnostics(&bare.join("\n"), &[]), Preferences::default());
    }

    #[test]
    fn every_documented_key_is_read_and_every_key_that_is_read_is_documented() {
        let (ui, _) = COMMENTED
            .split_once("# Keys:")
            .expect("both tables are there");
        let said = ui
            .lines()
            .filter_map(|line| line.strip_prefix("# ")?.split_once(" = "));
        let documented: Vec<&str> = said.map(|(key, _)| key).collect();
        let read = UI.map(|(key, _, _)| key).into_iter();
        let read: Vec<&str> = read.chain(TRACES.map(|(key, _)| key)).collect();
        assert_eq!(documented, read);
        for (key, _, may_be) in UI {
            let words = may_be.split([' ', ',']).filter(|word| !word.is_empty());
            let read =
                words.map(|word| Preferences::parse("", &format!("[ui]\n{key} = \"{word}\"")));
            let taken = read.filter(|(_, diagnostics)| diagnostics.is_empty());
            let changed = taken.filter(|(read, _)| *read != Preferences::default());
            assert_ne!(changed.count(), 0, "{key} changes nothing");
        }
    }
}
