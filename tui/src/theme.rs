//! Roles and how they look: views name a [`Role`], never a colour.
//!
//! The pairs keep a text contrast of 4.5:1 and more on dark and light grounds; the three confidence bands stay apart for
//! deuteranopes, protanopes and tritanopes. Underline, bold and reverse repeat what colour says.

mod paint;

pub use paint::{Paint, Skin};
use ratatui::style::{Color, Modifier, Style};

/// What a piece of text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Text, and committed tokens that have settled.
    Text,
    /// Who speaks, the selected row.
    Accent,
    /// Hints, numbers, rules: read when needed.
    Quiet,
    /// A mask, a pending block.
    Mask,
    /// Signs that are not text: end tokens, newline marks, special tokens, queued messages.
    Muted,
    /// Text after the end of the answer.
    Ended,
    /// Committed by the last step with confidence below 0.3.
    FreshLow,
    /// Committed by the last step with confidence from 0.3 to 0.7.
    FreshMiddle,
    /// Committed by the last step with confidence of 0.7 and more.
    FreshHigh,
    /// Fixed by the user.
    Pinned,
    /// Held another token before.
    Changed,
    /// Selected with the mouse, whatever it is.
    Selected,
    /// A failure.
    Error,
    /// A warning.
    Warn,
    /// All is well.
    Fine,
    /// A heading of an answer.
    Heading,
    /// Important text of an answer.
    Strong,
    /// Stressed text of an answer.
    Emphasis,
    /// Important and stressed.
    StrongEmphasis,
    /// Text of an answer that is crossed out.
    Struck,
    /// A link's text.
    Link,
    /// Code among words.
    Code,
    /// A word of the language itself.
    CodeKeyword,
    /// A string in code.
    CodeString,
    /// A comment in code.
    CodeComment,
    /// A number or another constant in code.
    CodeNumber,
    /// The name of a function or a type in code.
    CodeName,
}

impl Role {
    /// Every role, for tests and theme files.
    pub const ALL: [Self; 27] = [
        Self::Text,
        Self::Accent,
        Self::Quiet,
        Self::Mask,
        Self::Muted,
        Self::Ended,
        Self::FreshLow,
        Self::FreshMiddle,
        Self::FreshHigh,
        Self::Pinned,
        Self::Changed,
        Self::Selected,
        Self::Error,
        Self::Warn,
        Self::Fine,
        Self::Heading,
        Self::Strong,
        Self::Emphasis,
        Self::StrongEmphasis,
        Self::Struck,
        Self::Link,
        Self::Code,
        Self::CodeKeyword,
        Self::CodeString,
        Self::CodeComment,
        Self::CodeNumber,
        Self::CodeName,
    ];

    /// The role of a token committed with `confidence`, 0 to 1.
    #[must_use]
    pub fn fresh(confidence: f32) -> Self {
        if confidence >= 0.7 {
            Self::FreshHigh
        } else if confidence >= 0.3 {
            Self::FreshMiddle
        } else {
            Self::FreshLow
        }
    }

    /// What says the same without colour.
    fn modifier(self) -> Modifier {
        match self {
            Self::FreshLow | Self::Link => Modifier::UNDERLINED,
            Self::Pinned | Self::Heading | Self::Strong => Modifier::BOLD,
            Self::Changed | Self::Selected => Modifier::REVERSED,
            Self::Muted | Self::Emphasis | Self::CodeComment => Modifier::ITALIC,
            Self::StrongEmphasis => Modifier::BOLD.union(Modifier::ITALIC),
            Self::Ended => Modifier::ITALIC.union(Modifier::CROSSED_OUT),
            Self::Struck => Modifier::CROSSED_OUT,
            Self::Text
            | Self::Accent
            | Self::Quiet
            | Self::Mask
            | Self::FreshMiddle
            | Self::FreshHigh
            | Self::Error
            | Self::Warn
            | Self::Fine
            | Self::Code
            | Self::CodeKeyword
            | Self::CodeString
            | Self::CodeNumber
            | Self::CodeName => Modifier::empty(),
        }
    }
}

/// The terminal's ground.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// Light text on a dark ground.
    Dark,
    /// Dark text on a light ground.
    Light,
}

/// How many colours there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// 24 bits.
    True,
    /// The 256 colours of xterm.
    Indexed,
    /// The 16 colours of the terminal's own theme.
    Sixteen,
    /// None: bold, dim, underline, reverse.
    Mono,
}

/// Turns roles into styles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    /// The ground it is for; of no matter to 16 colours and to none.
    pub ground: Ground,
    /// The colours it may use.
    pub depth: Depth,
    /// What it changes; of no matter where there are no colours.
    pub skin: Skin,
}

impl Theme {
    /// The theme that the program comes with.
    #[must_use]
    pub const fn new(ground: Ground, depth: Depth) -> Self {
        Self {
            ground,
            depth,
            skin: Skin::NONE,
        }
    }

    /// How `role` looks.
    #[must_use]
    pub fn style(&self, role: Role) -> Style {
        let painted = self.skin.paint(role);
        if let Some(style) = painted.and_then(|paint| paint.style(role, self.depth)) {
            return style;
        }
        match self.depth {
            Depth::True => coloured(role, true_colour(role, self.ground)),
            Depth::Indexed => coloured(role, indexed(role, self.ground)),
            Depth::Sixteen => sixteen(role),
            Depth::Mono => Style::new().add_modifier(mono(role)),
        }
    }
}

fn coloured(role: Role, colour: Option<Color>) -> Style {
    let style = Style::new().add_modifier(role.modifier());
    match colour {
        Some(colour) => style.fg(colour),
        None => style,
    }
}

fn by_ground<T>(ground: Ground, dark: T, light: T) -> T {
    match ground {
        Ground::Dark => dark,
        Ground::Light => light,
    }
}

fn true_colour(role: Role, ground: Ground) -> Option<Color> {
    let (dark, light) = match role {
        Role::Text
        | Role::Selected
        | Role::Strong
        | Role::Emphasis
        | Role::StrongEmphasis
        | Role::Struck => {
            return None;
        }
        Role::Quiet | Role::Mask | Role::Muted | Role::Ended | Role::CodeComment => {
            (0x9A_9A9A, 0x63_6363)
        }
        Role::FreshLow => (0xFF_8A5B, 0xC2_185B),
        Role::FreshMiddle | Role::Warn | Role::CodeNumber => (0xF0_C000, 0x7A_5A00),
        Role::FreshHigh | Role::Accent | Role::Heading | Role::Link | Role::CodeKeyword => {
            (0x56_B4E9, 0x00_5F9E)
        }
        Role::Pinned | Role::CodeName => (0xE3_9AC8, 0x5B_2DA0),
        Role::Changed | Role::Fine | Role::CodeString => (0x5F_D7AF, 0x00_695C),
        Role::Error => (0xFF_7B7B, 0xB0_0020),
        Role::Code => (0x87_D7D7, 0x00_5F5F),
    };
    Some(Color::from_u32(by_ground(ground, dark, light)))
}

fn indexed(role: Role, ground: Ground) -> Option<Color> {
    let (dark, light) = match role {
        Role::Text
        | Role::Selected
        | Role::Strong
        | Role::Emphasis
        | Role::StrongEmphasis
        | Role::Struck => {
            return None;
        }
        Role::Quiet | Role::Mask | Role::Muted | Role::Ended | Role::CodeComment => (247, 241),
        Role::FreshLow => (209, 125),
        Role::FreshMiddle | Role::Warn | Role::CodeNumber => (220, 94),
        Role::FreshHigh | Role::Accent | Role::Heading | Role::Link | Role::CodeKeyword => (74, 25),
        Role::Pinned | Role::CodeName => (176, 54),
        Role::Changed | Role::Fine | Role::CodeString => (79, 23),
        Role::Error => (210, 124),
        Role::Code => (116, 23),
    };
    Some(Color::Indexed(by_ground(ground, dark, light)))
}

/// Bright black, yellow and white are left out: popular terminal themes make them unreadable.
fn sixteen(role: Role) -> Style {
    let style = Style::new().add_modifier(role.modifier());
    match role {
        Role::Text | Role::Selected => style,
        Role::Strong | Role::Emphasis | Role::StrongEmphasis | Role::Struck => style,
        Role::Quiet | Role::Mask | Role::Muted | Role::Ended | Role::CodeComment => {
            style.add_modifier(Modifier::DIM)
        }
        Role::FreshLow | Role::Error => style.fg(Color::Red),
        Role::FreshMiddle | Role::Warn | Role::CodeNumber => style.fg(Color::Magenta),
        Role::FreshHigh | Role::Code | Role::CodeName => style.fg(Color::Cyan),
        Role::Pinned => style.add_modifier(Modifier::UNDERLINED),
        Role::Changed | Role::Fine | Role::CodeString => style.fg(Color::Green),
        Role::Accent | Role::Heading | Role::Link | Role::CodeKeyword => style.fg(Color::Blue),
    }
}

fn mono(role: Role) -> Modifier {
    match role {
        Role::Text | Role::FreshMiddle | Role::Fine => Modifier::empty(),
        Role::Code | Role::CodeString | Role::CodeNumber | Role::CodeName => Modifier::empty(),
        Role::Quiet | Role::Mask | Role::Muted | Role::CodeComment => Modifier::DIM,
        Role::Ended => Modifier::DIM | Modifier::CROSSED_OUT,
        Role::FreshLow | Role::Link => Modifier::UNDERLINED,
        Role::FreshHigh | Role::Accent | Role::Error | Role::Warn => Modifier::BOLD,
        Role::Heading | Role::Strong | Role::CodeKeyword => Modifier::BOLD,
        Role::Emphasis => Modifier::ITALIC,
        Role::StrongEmphasis => Modifier::BOLD.union(Modifier::ITALIC),
        Role::Struck => Modifier::CROSSED_OUT,
        Role::Pinned => Modifier::BOLD | Modifier::UNDERLINED,
        Role::Changed | Role::Selected => Modifier::REVERSED,
    }
}

#[cfg(test)]
mod tests;
