//! Themes by name: those that the program carries, and files of the user's.

mod carried;
mod file;

use ratatui::style::Color;

use crate::diagnostic::Diagnostic;
use crate::theme::{Depth, Ground, Paint, Role, Skin, Theme};
use carried::Palette;
pub use file::roles;

/// The colours that a terminal has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colours {
    /// Its ground, if it is known.
    pub ground: Option<Ground>,
    /// How many it has.
    pub depth: Depth,
}

impl Colours {
    /// Before the terminal has been asked.
    pub const UNKNOWN: Self = Self {
        ground: None,
        depth: Depth::True,
    };

    /// The theme in them if nothing is chosen. On a ground that is not known only colours between black and white, and the
    /// terminal's own, are sure to be readable.
    #[must_use]
    pub fn theme(self) -> Theme {
        match (self.ground, self.depth) {
            (Some(ground), depth) => Theme::new(ground, depth),
            (None, Depth::Mono) => Theme::new(Ground::Dark, Depth::Mono),
            (None, Depth::True) => Theme::new(Ground::Unknown, Depth::True),
            (None, Depth::Indexed | Depth::Sixteen) => Theme::new(Ground::Unknown, Depth::Sixteen),
        }
    }
}

/// A theme of the user's: `themes/NAME.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThemeFile {
    /// The file's name without `.toml`.
    pub name: String,
    /// The file, as diagnostics name it.
    pub path: String,
    /// What it says.
    pub text: String,
}

/// The themes, and which of them is in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Themes {
    /// The user's, by name.
    pub files: Vec<ThemeFile>,
    /// The one that is asked for.
    pub chosen: String,
    /// The one that is drawn in.
    pub shown: String,
}

impl Default for Themes {
    fn default() -> Self {
        Self {
            files: Vec::new(),
            chosen: AUTO.to_owned(),
            shown: AUTO.to_owned(),
        }
    }
}

/// The name of the theme that follows the terminal.
pub const AUTO: &str = "auto";

/// The themes that the program carries, with what they are.
pub const BUILT_IN: [(&str, &str); 9] = [
    (AUTO, "dark or light, as the terminal is"),
    ("dark", "for dark grounds"),
    ("light", "for light grounds"),
    ("catppuccin", "Catppuccin Mocha"),
    ("gruvbox", "Gruvbox, dark"),
    ("nord", "Nord"),
    ("tokyo-night", "Tokyo Night"),
    ("gradio", "as LLaDA's own demo; some colours are faint"),
    ("mono", "no colours"),
];

/// What a theme makes of a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Recipe {
    base: Base,
    skin: Skin,
}

/// What a theme begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Base {
    Terminal,
    Ground(Ground),
    Mono,
}

impl Themes {
    /// Every name, with what it is.
    #[must_use]
    pub fn names(&self) -> Vec<(String, String)> {
        let built_in = BUILT_IN.map(|(name, about)| (name.to_owned(), about.to_owned()));
        let files = self.files.iter().filter(|file| !is_built_in(&file.name));
        let files = files.map(|file| (file.name.clone(), file.path.clone()));
        built_in.into_iter().chain(files).collect()
    }

    /// The theme of this name in a terminal's colours, with diagnostics of what its file says wrongly.
    ///
    /// # Errors
    /// There is no such theme; what there is.
    pub fn theme(&self, name: &str, colours: Colours) -> Result<(Theme, Vec<Diagnostic>), String> {
        let mut diagnostics = Vec::new();
        let recipe = self.recipe(name, &mut Vec::new(), &mut diagnostics)?;
        let colours = match recipe.base {
            Base::Terminal => colours,
            Base::Ground(ground) => Colours {
                ground: Some(ground),
                ..colours
            },
            Base::Mono => Colours {
                depth: Depth::Mono,
                ..colours
            },
        };
        let theme = Theme {
            skin: recipe.skin,
            ..colours.theme()
        };
        Ok((theme, diagnostics))
    }

    fn recipe(
        &self,
        name: &str,
        children: &mut Vec<String>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Result<Recipe, String> {
        let plain = |base| Recipe {
            base,
            skin: Skin::NONE,
        };
        match name {
            AUTO => return Ok(plain(Base::Terminal)),
            "dark" => return Ok(plain(Base::Ground(Ground::Dark))),
            "light" => return Ok(plain(Base::Ground(Ground::Light))),
            "mono" => return Ok(plain(Base::Mono)),
            "gradio" => return Ok(gradio()),
            _ => (),
        }
        if let Some(palette) = Palette::named(name) {
            return Ok(Recipe {
                base: Base::Ground(Ground::Dark),
                skin: palette.skin(),
            });
        }
        let found = self.files.iter().find(|file| file.name == name);
        let file = found.ok_or_else(|| self.unknown(name))?;
        if children.iter().any(|child| child == name) {
            return Err(format!("theme `{name}` is its own ancestor"));
        }
        children.push(name.to_owned());
        let parsed = file::parse(file, diagnostics);
        let (parent, line) = parsed.parent.unwrap_or((AUTO.to_owned(), 1));
        let mut recipe = self
            .recipe(&parent, children, diagnostics)
            .unwrap_or_else(|why| {
                diagnostics.push(Diagnostic::at(&file.path, line, why));
                plain(Base::Terminal)
            });
        for (role, paint) in parsed.paints {
            recipe.skin.set(role, paint);
        }
        Ok(recipe)
    }

    fn unknown(&self, name: &str) -> String {
        let names = self.names();
        let names: Vec<&str> = names.iter().map(|(name, _)| name.as_str()).collect();
        match crate::diagnostic::nearest(name, &names) {
            Some(near) => format!("no theme `{name}`; did you mean `{near}`?"),
            None => format!("no theme `{name}`; there are {}", names.join(", ")),
        }
    }
}

fn is_built_in(name: &str) -> bool {
    BUILT_IN.iter().any(|(it, _)| *it == name)
}

/// The colours of `app.py` at <https://github.com/ML-GSAI/LLaDA>, for those who compare.
fn gradio() -> Recipe {
    let colours = [
        (Role::Mask, 0x44_4444),
        (Role::FreshLow, 0xFF_6666),
        (Role::FreshMiddle, 0xFF_AA33),
        (Role::FreshHigh, 0x66_CC66),
    ];
    let mut skin = Skin::NONE;
    for (role, colour) in colours {
        let paint = Paint {
            colour: Some(Color::from_u32(colour)),
            marks: None,
        };
        skin.set(role, paint);
    }
    Recipe {
        base: Base::Terminal,
        skin,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRUE: Colours = Colours {
        ground: None,
        depth: Depth::True,
    };

    fn of(files: &[(&str, &str)]) -> Themes {
        let file = |(name, text): &(&str, &str)| ThemeFile {
            name: (*name).to_owned(),
            path: format!("themes/{name}.toml"),
            text: (*text).to_owned(),
        };
        Themes {
            files: files.iter().map(file).collect(),
            ..Themes::default()
        }
    }

    #[track_caller]
    fn colour(themes: &Themes, name: &str, role: Role) -> Option<Color> {
        let (theme, diagnostics) = themes.theme(name, TRUE).expect(name);
        assert_eq!(diagnostics, []);
        theme.style(role).fg
    }

    #[test]
    fn a_ground_that_is_chosen_counts_as_known() {
        let themes = Themes::default();
        let between = Some(Color::Rgb(0x76, 0x76, 0x76));
        assert_eq!(colour(&themes, "auto", Role::Mask), between);
        let grey = Some(Color::Rgb(0x63, 0x67, 0x6E));
        assert_eq!(colour(&themes, "light", Role::Mask), grey);
    }

    #[test]
    fn a_file_changes_some_roles_of_its_parent_and_of_its_parents_parent() {
        let themes = of(&[
            (
                "base",
                "parent = \"dark\"\n[roles]\nmask = 240\naccent = \"#ff0000\"",
            ),
            (
                "mine",
                "parent = \"base\"\n[roles]\naccent = \"#00ff00 bold\"",
            ),
        ]);
        let green = Some(Color::Rgb(0, 0xFF, 0));
        assert_eq!(colour(&themes, "mine", Role::Accent), green);
        assert_eq!(
            colour(&themes, "mine", Role::Mask),
            Some(Color::Indexed(240))
        );
        let own = colour(&Themes::default(), "dark", Role::Pinned);
        assert_eq!(colour(&themes, "mine", Role::Pinned), own);
    }

    #[test]
    fn what_a_file_says_wrongly_is_reported_and_the_rest_is_used() {
        let text = "parnt = \"dark\"\n[roles]\nmsk = 240\naccent = \"blue\"\nmask = 240";
        let themes = of(&[("mine", text)]);
        let (theme, diagnostics) = themes.theme("mine", TRUE).expect("it is there");
        assert_eq!(
            theme.skin.paint(Role::Mask).and_then(|it| it.colour),
            Some(Color::Indexed(240))
        );
        let diagnostics: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
        assert_eq!(
            diagnostics,
            [
                "themes/mine.toml:1: no key `parnt`; did you mean `parent`?",
                "themes/mine.toml:3: no role `msk`; did you mean `mask`?",
                "themes/mine.toml:4: `blue` is no colour; write \"#56b4e9\", a number from 0 to 255, or \"default\"",
            ]
        );
    }

    #[test]
    fn a_circle_of_parents_is_broken_and_reported() {
        let themes = of(&[("a", "parent = \"b\""), ("b", "parent = \"a\"")]);
        let (_, diagnostics) = themes.theme("a", TRUE).expect("it is there");
        assert_eq!(
            diagnostics[0].to_string(),
            "themes/b.toml:1: theme `a` is its own ancestor"
        );
    }

    #[test]
    fn an_unknown_theme_is_refused_with_the_nearest() {
        let refusal = Themes::default()
            .theme("drak", TRUE)
            .expect_err("there is none");
        assert_eq!(refusal, "no theme `drak`; did you mean `dark`?");
    }
}
