//! What a theme may change: a colour and marks for each role, brought down to the colours that a terminal has.

use ratatui::style::{Color, Modifier, Style};

use super::{Depth, Role};

/// How a role looks, where a theme says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint {
    /// The colour of its text; `None` is the terminal's own.
    pub colour: Option<Color>,
    /// Bold, underline and the like; `None` keeps those that the role has without a theme.
    pub marks: Option<Modifier>,
}

/// The paints of a theme; roles without one look as they do without a theme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skin {
    paints: [Option<Paint>; Role::ALL.len()],
}

/// The words for marks.
const MARKS: [(&str, Modifier); 6] = [
    ("bold", Modifier::BOLD),
    ("dim", Modifier::DIM),
    ("italic", Modifier::ITALIC),
    ("underline", Modifier::UNDERLINED),
    ("reverse", Modifier::REVERSED),
    ("strike", Modifier::CROSSED_OUT),
];

impl Skin {
    /// Changes nothing.
    pub const NONE: Self = Self {
        paints: [None; Role::ALL.len()],
    };

    /// The paint of a role.
    #[must_use]
    pub fn paint(&self, role: Role) -> Option<Paint> {
        let at = Role::ALL.iter().position(|it| *it == role)?;
        self.paints[at]
    }

    /// Paints a role.
    pub fn set(&mut self, role: Role, paint: Paint) {
        if let Some(at) = Role::ALL.iter().position(|it| *it == role) {
            self.paints[at] = Some(paint);
        }
    }
}

impl Paint {
    /// Reads `#ff8a5b underline`, `209`, `default bold`.
    ///
    /// # Errors
    /// What is wrong with it, and how to write it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut words = text.split_whitespace();
        let colour = colour(words.next().unwrap_or_default())?;
        let mut marks = None;
        for word in words {
            let mark = mark(word)?;
            marks = Some(marks.unwrap_or(Modifier::empty()) | mark);
        }
        Ok(Self { colour, marks })
    }

    /// The style of `role` with so many colours; `None` if there are none to paint with.
    pub(super) fn style(self, role: Role, depth: Depth) -> Option<Style> {
        let colour = match (depth, self.colour) {
            (Depth::Mono, _) => return None,
            (_, None) => None,
            (Depth::True, colour) => colour,
            (Depth::Indexed, Some(colour)) => Some(indexed(colour)),
            (Depth::Sixteen, Some(colour)) => sixteen(colour),
        };
        // A ground in the terminal's own 16 colours would be as loud as text.
        if role.is_ground() && depth == Depth::Sixteen {
            return None;
        }
        let marks = self.marks.unwrap_or(role.modifier());
        Some(super::coloured(role, colour, marks))
    }
}

fn mark(word: &str) -> Result<Modifier, String> {
    let found = MARKS.iter().find(|(name, _)| *name == word);
    match found {
        Some((_, mark)) => Ok(*mark),
        None if word == "plain" => Ok(Modifier::empty()),
        None => {
            let known = MARKS.map(|(name, _)| name).join(", ");
            Err(format!("`{word}` is no mark; there are {known} and plain"))
        }
    }
}

fn colour(word: &str) -> Result<Option<Color>, String> {
    if word == "default" {
        return Ok(None);
    }
    let hex = word.strip_prefix('#').filter(|hex| hex.len() == 6);
    if let Some(value) = hex.and_then(|hex| u32::from_str_radix(hex, 16).ok()) {
        return Ok(Some(Color::from_u32(value)));
    }
    match word.parse() {
        Ok(index) => Ok(Some(Color::Indexed(index))),
        Err(_) => Err(format!(
            "`{word}` is no colour; write \"#56b4e9\", a number from 0 to 255, or \"default\""
        )),
    }
}

/// The nearest of xterm's colours 16 to 255, which no terminal theme changes.
pub(super) fn indexed(colour: Color) -> Color {
    let Color::Rgb(red, green, blue) = colour else {
        return colour;
    };
    let nearest = (16..=255).min_by_key(|&index| distance(xterm(index), (red, green, blue)));
    Color::Indexed(nearest.unwrap_or(16))
}

/// Red, green and blue of a colour, if it is not one of the terminal's own.
pub(super) fn rgb(colour: Color) -> Color {
    match colour {
        Color::Indexed(index @ 16..) => {
            let (red, green, blue) = xterm(index);
            Color::Rgb(red, green, blue)
        }
        other => other,
    }
}

/// The nearest of the 16 colours that popular terminal themes leave readable; greys keep the colour of the text.
fn sixteen(colour: Color) -> Option<Color> {
    const READABLE: [((u8, u8, u8), Color); 5] = [
        ((205, 49, 49), Color::Red),
        ((13, 160, 100), Color::Green),
        ((50, 100, 220), Color::Blue),
        ((188, 63, 188), Color::Magenta),
        ((17, 168, 205), Color::Cyan),
    ];
    let (red, green, blue) = match colour {
        Color::Rgb(red, green, blue) => (red, green, blue),
        Color::Indexed(index @ 16..) => xterm(index),
        // The first 16 are the terminal's own already.
        other => return Some(other),
    };
    let spread = red.max(green).max(blue) - red.min(green).min(blue);
    if spread < 32 {
        return None;
    }
    let nearest = READABLE
        .iter()
        .min_by_key(|(rgb, _)| distance(*rgb, (red, green, blue)));
    nearest.map(|(_, colour)| *colour)
}

/// Red, green and blue of xterm's colours from 16 on: a cube of six levels, then 24 greys.
fn xterm(index: u8) -> (u8, u8, u8) {
    const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    match index {
        0..16 => (0, 0, 0),
        16..232 => {
            let at = usize::from(index - 16);
            (LEVELS[at / 36], LEVELS[at / 6 % 6], LEVELS[at % 6])
        }
        232.. => {
            let grey = 8 + 10 * (index - 232);
            (grey, grey, grey)
        }
    }
}

/// How different two colours look: the weighted distance of <https://www.compuphase.com/cmetric.htm>.
fn distance(a: (u8, u8, u8), b: (u8, u8, u8)) -> i32 {
    let (red, green, blue) = (
        i32::from(a.0) - i32::from(b.0),
        i32::from(a.1) - i32::from(b.1),
        i32::from(a.2) - i32::from(b.2),
    );
    let mean = (i32::from(a.0) + i32::from(b.0)) / 2;
    (512 + mean) * red * red + 1024 * green * green + (767 - mean) * blue * blue
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, colour: Option<Color>, marks: Option<Modifier>) {
        assert_eq!(Paint::parse(text), Ok(Paint { colour, marks }));
    }

    #[test]
    fn paints_are_read() {
        let orange = Some(Color::Rgb(0xFF, 0x8A, 0x5B));
        check("#ff8a5b", orange, None);
        let both = Modifier::BOLD | Modifier::UNDERLINED;
        check("#FF8A5B bold underline", orange, Some(both));
        check(
            "209 plain",
            Some(Color::Indexed(209)),
            Some(Modifier::empty()),
        );
        check("default dim", None, Some(Modifier::DIM));
    }

    #[track_caller]
    fn refused(text: &str, why: &str) {
        let refusal = Paint::parse(text).expect_err(text);
        assert!(refusal.contains(why), "{refusal}");
    }

    #[test]
    fn what_is_no_paint_is_refused_with_what_is() {
        refused("red", "`red` is no colour");
        refused("#fff", "`#fff` is no colour");
        refused("256", "from 0 to 255");
        refused("", "is no colour");
        refused("default blink", "`blink` is no mark; there are bold");
    }

    #[test]
    fn a_colour_becomes_the_nearest_that_the_terminal_has() {
        let paint = Paint::parse("#ff8a5b").expect("a paint");
        let style = |depth| paint.style(Role::Text, depth).map(|style| style.fg);
        assert_eq!(style(Depth::True), Some(Some(Color::Rgb(0xFF, 0x8A, 0x5B))));
        assert_eq!(style(Depth::Indexed), Some(Some(Color::Indexed(209))));
        assert_eq!(style(Depth::Sixteen), Some(Some(Color::Red)));
        assert_eq!(style(Depth::Mono), None);
    }

    #[test]
    fn xterms_own_colours_stay_what_they_are() {
        for index in 16..=255 {
            let (red, green, blue) = xterm(index);
            let Color::Indexed(nearest) = indexed(Color::Rgb(red, green, blue)) else {
                panic!("it is one of 256");
            };
            assert_eq!(xterm(nearest), (red, green, blue));
        }
    }
}
