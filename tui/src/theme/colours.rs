//! The colours of roles for each kind of terminal.

use ratatui::style::{Color, Modifier, Style};

use super::{Ground, Role, paint};

/// One role's colours: on dark grounds, on light ones, and on one that nobody knows, where it has 4.5:1 on black and on white.
struct Swatch {
    dark: u32,
    light: u32,
    either: Option<u32>,
    indexed: [u8; 2],
}

const fn swatch(dark: u32, light: u32, either: u32, indexed: [u8; 2]) -> Option<Swatch> {
    Some(Swatch {
        dark,
        light,
        either: Some(either),
        indexed,
    })
}

/// On an unknown ground there is no other ground.
const fn ground(dark: u32, light: u32, indexed: [u8; 2]) -> Option<Swatch> {
    Some(Swatch {
        dark,
        light,
        either: None,
        indexed,
    })
}

const BLUE: Option<Swatch> = swatch(0x56_B4E9, 0x00_5F9E, 0x0F_7AC0, [74, 25]);
const YELLOW: Option<Swatch> = swatch(0xF0_C000, 0x7A_5A00, 0x90_710D, [220, 94]);
const GREEN: Option<Swatch> = swatch(0x5F_D7AF, 0x00_695C, 0x14_8477, [79, 23]);
const VIOLET: Option<Swatch> = swatch(0xE3_9AC8, 0x5B_2DA0, 0x8D_5FC9, [176, 54]);
const GREY: Option<Swatch> = swatch(0xA3_A8B0, 0x5C_5F66, 0x76_7676, [248, 240]);

/// `None` is the terminal's own.
const fn swatch_of(role: Role) -> Option<Swatch> {
    match role {
        Role::Accent | Role::Cursor | Role::Link => {
            swatch(0x7D_CFFF, 0x00_6C9C, 0x01_79CC, [117, 24])
        }
        Role::Mask => swatch(0x8E_949E, 0x63_676E, 0x76_7676, [246, 242]),
        Role::Quiet | Role::Muted | Role::Ended | Role::CodeComment | Role::CodeLabel => GREY,
        Role::FreshLow => swatch(0xFF_8A5B, 0xC2_185B, 0xDB_2B6C, [209, 125]),
        Role::FreshMiddle | Role::Warn | Role::CodeNumber => YELLOW,
        Role::FreshHigh | Role::CodeKeyword => BLUE,
        Role::Pinned | Role::CodeName => VIOLET,
        Role::Changed | Role::Fine | Role::CodeString => GREEN,
        Role::Error => swatch(0xFF_7B7B, 0xB0_0020, 0xD6_3B49, [210, 124]),
        Role::Code => swatch(0x87_D7D7, 0x00_5F5F, 0x21_8282, [116, 23]),
        Role::Order1 => swatch(0xC0_9AE6, 0x44_0154, 0x8D_5FC9, [140, 53]),
        Role::Order2 => swatch(0x9A_A8F0, 0x41_4487, 0x66_6EC4, [111, 60]),
        Role::Order3 => swatch(0x62_B8CE, 0x1F_6A7A, 0x21_8098, [74, 24]),
        Role::Order4 => swatch(0x3C_C8A0, 0x0B_6B4F, 0x14_8564, [79, 23]),
        Role::Order5 => swatch(0x9B_DD6A, 0x3F_6B12, 0x56_811C, [149, 22]),
        Role::Order6 => swatch(0xFD_E725, 0x6B_5E00, 0x81_7600, [220, 58]),
        Role::Surface => ground(0x1E_2127, 0xF1_F0EC, [235, 255]),
        Role::Raised => ground(0x26_2A33, 0xFB_FAF7, [236, 231]),
        Role::Chosen => ground(0x2F_3A4C, 0xDC_E6EE, [237, 254]),
        Role::Text
        | Role::Selected
        | Role::Unsure
        | Role::Heading
        | Role::Strong
        | Role::Emphasis
        | Role::StrongEmphasis
        | Role::Struck
        | Role::Ground
        | Role::FadingLow
        | Role::FadingMiddle
        | Role::FadingHigh
        | Role::WaningLow
        | Role::WaningMiddle
        | Role::WaningHigh
        | Role::FaintLow
        | Role::FaintMiddle
        | Role::FaintHigh => None,
    }
}

/// The colour of a role among 16 millions.
pub(super) fn true_colour(role: Role, ground: Ground) -> Option<Color> {
    if let Some((fresh, left)) = role.glow() {
        // Between two colours that are read on both there are some that are not.
        if ground == Ground::Unknown {
            return true_colour(fresh, ground).filter(|_| left > 50);
        }
        return Some(faded(true_colour(fresh, ground)?, left, ground));
    }
    let swatch = swatch_of(role)?;
    let colour = match ground {
        Ground::Dark => swatch.dark,
        Ground::Light => swatch.light,
        Ground::Unknown => swatch.either?,
    };
    Some(Color::from_u32(colour))
}

/// The colour of a role among xterm's 256.
pub(super) fn indexed(role: Role, ground: Ground) -> Option<Color> {
    if role.glow().is_some() {
        return true_colour(role, ground).map(paint::indexed);
    }
    let [dark, light] = swatch_of(role)?.indexed;
    match ground {
        Ground::Dark => Some(Color::Indexed(dark)),
        Ground::Light => Some(Color::Indexed(light)),
        Ground::Unknown => None,
    }
}

/// So many hundredths of `colour`, the rest of what text usually is.
pub(super) fn faded(colour: Color, left: u32, ground: Ground) -> Color {
    mixed(colour, text(ground), left)
}

/// About what terminals draw text in.
pub(super) fn text(ground: Ground) -> Color {
    match ground {
        Ground::Dark => Color::Rgb(0xD8, 0xDA, 0xDE),
        Ground::Light => Color::Rgb(0x24, 0x26, 0x2B),
        Ground::Unknown => Color::Rgb(0x76, 0x76, 0x76),
    }
}

/// About what terminals draw it on.
pub(super) fn under(ground: Ground) -> Color {
    match ground {
        Ground::Dark => Color::Rgb(0x10, 0x12, 0x16),
        Ground::Light => Color::Rgb(0xFF, 0xFF, 0xFF),
        Ground::Unknown => Color::Rgb(0x76, 0x76, 0x76),
    }
}

/// So many hundredths of `one`, the rest of `other`.
pub(super) fn mixed(one: Color, other: Color, of_one: u32) -> Color {
    let (Color::Rgb(a, b, c), Color::Rgb(x, y, z)) = (paint::rgb(one), paint::rgb(other)) else {
        return one;
    };
    let mix = |one: u8, other: u8| {
        let sum = u32::from(one) * of_one + u32::from(other) * (100 - of_one);
        u8::try_from(sum / 100).unwrap_or(u8::MAX)
    };
    Color::Rgb(mix(a, x), mix(b, y), mix(c, z))
}

/// Bright black, yellow and white are left out: popular terminal themes make them unreadable. Blue is on dark grounds, and
/// cyan on light ones: where nobody knows the ground, the accent is bold alone.
pub(super) fn sixteen(role: Role, ground: Ground) -> Style {
    let style = Style::new().add_modifier(role.modifier());
    match role {
        Role::Accent | Role::Cursor | Role::Link => match ground {
            Ground::Dark => style.fg(Color::Cyan),
            Ground::Light => style.fg(Color::Blue),
            Ground::Unknown => style.add_modifier(Modifier::BOLD),
        },
        Role::Quiet
        | Role::Mask
        | Role::Muted
        | Role::Ended
        | Role::CodeComment
        | Role::CodeLabel => style.add_modifier(Modifier::DIM),
        Role::FreshLow | Role::FadingLow | Role::Order6 | Role::Error => style.fg(Color::Red),
        Role::FreshMiddle
        | Role::FadingMiddle
        | Role::Order1
        | Role::Warn
        | Role::CodeNumber
        | Role::CodeKeyword => style.fg(Color::Magenta),
        Role::FreshHigh | Role::FadingHigh | Role::Order3 | Role::Code | Role::CodeName => {
            style.fg(Color::Cyan)
        }
        Role::Pinned => style.add_modifier(Modifier::UNDERLINED),
        Role::Changed
        | Role::Order2
        | Role::Order4
        | Role::Order5
        | Role::Fine
        | Role::CodeString => style.fg(Color::Green),
        Role::Chosen => style.add_modifier(Modifier::REVERSED),
        _ => style,
    }
}

/// Bold, dim, underline and reverse.
pub(super) fn mono(role: Role) -> Modifier {
    match role {
        Role::Quiet | Role::Mask | Role::Muted | Role::CodeComment | Role::CodeLabel => {
            Modifier::DIM
        }
        Role::Ended => Modifier::DIM | Modifier::CROSSED_OUT,
        Role::FreshLow | Role::FadingLow | Role::Unsure | Role::Link => Modifier::UNDERLINED,
        Role::Cursor => Modifier::BOLD.union(Modifier::REVERSED),
        Role::FreshHigh | Role::Accent | Role::Error | Role::Warn => Modifier::BOLD,
        Role::Heading | Role::Strong | Role::CodeKeyword => Modifier::BOLD,
        Role::Emphasis => Modifier::ITALIC,
        Role::StrongEmphasis => Modifier::BOLD.union(Modifier::ITALIC),
        Role::Struck => Modifier::CROSSED_OUT,
        Role::Pinned => Modifier::BOLD | Modifier::UNDERLINED,
        Role::Changed | Role::Selected | Role::Chosen => Modifier::REVERSED,
        _ => Modifier::empty(),
    }
}
