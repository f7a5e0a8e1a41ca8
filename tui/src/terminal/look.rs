//! What the terminal can show, from its answers and the environment.

use super::Replies;
use crate::cells::Emoji;
use crate::state::{Glyphs, Look, MASK_WIDTH};
use crate::theme::{Depth, Ground};
use crate::themes::Colours;

/// Whether to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ColorChoice {
    /// As the terminal and `NO_COLOR` say.
    #[default]
    Auto,
    /// None.
    Never,
}

/// The look for a terminal; `variable` reads the environment.
pub(crate) fn look(
    choice: ColorChoice,
    replies: &Replies,
    variable: impl Fn(&str) -> Option<String>,
) -> Look {
    let read = |name: &str| variable(name).filter(|value| !value.is_empty());
    let ground = replies
        .ground
        .or_else(|| from_colorfgbg(&read("COLORFGBG")?));
    let colours = Colours {
        ground,
        depth: depth(choice, &read),
    };
    Look {
        theme: colours.theme(),
        colours,
        glyphs: glyphs(replies, &read),
        keyboard: replies.keyboard,
        mask_width: MASK_WIDTH,
        emoji: Emoji::default(),
    }
}

fn depth(choice: ColorChoice, read: &impl Fn(&str) -> Option<String>) -> Depth {
    let term = read("TERM").unwrap_or_default();
    if choice == ColorChoice::Never || read("NO_COLOR").is_some() || term == "dumb" {
        return Depth::Mono;
    }
    let has_true_colour = read("COLORTERM").is_some_and(|it| it == "truecolor" || it == "24bit");
    if has_true_colour || term.ends_with("-direct") {
        Depth::True
    } else if term.contains("256color") {
        Depth::Indexed
    } else {
        Depth::Sixteen
    }
}

fn glyphs(replies: &Replies, read: &impl Fn(&str) -> Option<String>) -> Glyphs {
    let is_console = read("TERM").is_some_and(|term| term == "linux");
    let is_unicode = match replies.shade_width {
        Some(cells) => cells == 1 && names_utf8(read) != Some(false),
        // Windows has no locale variables and writes Unicode.
        None => names_utf8(read).unwrap_or(cfg!(windows)),
    };
    match is_unicode && !is_console {
        true => Glyphs::Unicode,
        false => Glyphs::Ascii,
    }
}

/// Whether the locale is one of UTF-8; `None` if nobody has set one, where the shade that the terminal drew says more.
fn names_utf8(read: &impl Fn(&str) -> Option<String>) -> Option<bool> {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(read)?;
    let locale = locale.to_ascii_lowercase();
    Some(locale.contains("utf-8") || locale.contains("utf8"))
}

/// The ground of `foreground;background` or `foreground;other;background`, in the 16 colours.
fn from_colorfgbg(value: &str) -> Option<Ground> {
    let background: u8 = value.rsplit(';').next()?.parse().ok()?;
    Some(match background {
        0..=6 | 8 => Ground::Dark,
        _ => Ground::Light,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Keyboard;
    use crate::terminal::Late;

    fn seen(ground: Option<Ground>, environment: &[(&str, &str)]) -> Look {
        let replies = Replies {
            ground,
            keyboard: Keyboard::Legacy,
            shade_width: Some(1),
            typed: String::new(),
            late: Late::Nothing,
        };
        look(ColorChoice::Auto, &replies, |name| {
            let found = environment.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[track_caller]
    fn check(ground: Option<Ground>, environment: &[(&str, &str)], expected: Depth) {
        assert_eq!(seen(ground, environment).theme.depth, expected);
    }

    #[test]
    fn depth_follows_the_environment() {
        let dark = Some(Ground::Dark);
        check(dark, &[("COLORTERM", "truecolor")], Depth::True);
        check(dark, &[("TERM", "xterm-256color")], Depth::Indexed);
        check(dark, &[("TERM", "xterm")], Depth::Sixteen);
        check(dark, &[("TERM", "dumb")], Depth::Mono);
    }

    #[test]
    fn no_color_wins_unless_it_is_empty() {
        let dark = Some(Ground::Dark);
        let colours = ("COLORTERM", "truecolor");
        check(dark, &[colours, ("NO_COLOR", "1")], Depth::Mono);
        check(dark, &[colours, ("NO_COLOR", "")], Depth::True);
    }

    #[test]
    fn an_unknown_ground_gets_what_is_read_on_both() {
        check(None, &[("TERM", "xterm-256color")], Depth::Sixteen);
        let unknown = seen(None, &[("COLORTERM", "truecolor")]).theme;
        assert_eq!(
            (unknown.ground, unknown.depth),
            (Ground::Unknown, Depth::True)
        );
        check(
            None,
            &[("COLORTERM", "truecolor"), ("COLORFGBG", "0;15")],
            Depth::True,
        );
    }

    #[test]
    fn colorfgbg_tells_the_ground() {
        assert_eq!(from_colorfgbg("15;0"), Some(Ground::Dark));
        assert_eq!(from_colorfgbg("0;default;15"), Some(Ground::Light));
        assert_eq!(from_colorfgbg("default"), None);
    }

    #[test]
    fn only_utf8_terminals_get_all_signs() {
        let glyphs = |environment: &[(&str, &str)]| seen(None, environment).glyphs;
        assert_eq!(glyphs(&[]), Glyphs::Unicode, "it drew a shade in one cell");
        assert_eq!(glyphs(&[("LANG", "de_DE.UTF-8")]), Glyphs::Unicode);
        assert_eq!(
            glyphs(&[("LC_ALL", "C"), ("LANG", "de_DE.UTF-8")]),
            Glyphs::Ascii
        );
        assert_eq!(
            glyphs(&[("LANG", "C.UTF-8"), ("TERM", "linux")]),
            Glyphs::Ascii
        );
    }
}
