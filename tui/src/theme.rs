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
    /// The token that the keys mean, whatever it is.
    Cursor,
    /// Committed some steps ago with confidence below 0.3.
    FadingLow,
    /// Committed some steps ago with confidence from 0.3 to 0.7.
    FadingMiddle,
    /// Committed some steps ago with confidence of 0.7 and more.
    FadingHigh,
    /// Among the words that the model was least sure of.
    Unsure,
    /// Committed in the first sixth.
    Order1,
    /// Committed in the second sixth.
    Order2,
    /// Committed in the third sixth.
    Order3,
    /// Committed in the fourth sixth.
    Order4,
    /// Committed in the fifth sixth.
    Order5,
    /// Committed in the last sixth.
    Order6,
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
    pub const ALL: [Self; 38] = [
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
        Self::Cursor,
        Self::FadingLow,
        Self::FadingMiddle,
        Self::FadingHigh,
        Self::Unsure,
        Self::Order1,
        Self::Order2,
        Self::Order3,
        Self::Order4,
        Self::Order5,
        Self::Order6,
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

    /// The role of a token that was committed with `confidence` some steps ago.
    #[must_use]
    pub fn fading(confidence: f32) -> Self {
        match Self::fresh(confidence) {
            Self::FreshHigh => Self::FadingHigh,
            Self::FreshMiddle => Self::FadingMiddle,
            _ => Self::FadingLow,
        }
    }

    /// The role of a token in this sixth of all that were committed, counted from 0.
    #[must_use]
    pub fn order(sixth: usize) -> Self {
        const ORDERS: [Role; 6] = [
            Role::Order1,
            Role::Order2,
            Role::Order3,
            Role::Order4,
            Role::Order5,
            Role::Order6,
        ];
        ORDERS[sixth.min(ORDERS.len() - 1)]
    }

    /// The role of a token whose candidates had this entropy, in nat.
    #[must_use]
    pub fn entropy(entropy: f32) -> Self {
        if entropy < 0.5 {
            Self::FreshHigh
        } else if entropy < 1.5 {
            Self::FreshMiddle
        } else {
            Self::FreshLow
        }
    }

    /// What says the same without colour.
    fn modifier(self) -> Modifier {
        match self {
            Self::FreshLow | Self::FadingLow | Self::Unsure | Self::Link => Modifier::UNDERLINED,
            Self::Cursor => Modifier::BOLD.union(Modifier::REVERSED),
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
            | Self::FadingMiddle
            | Self::FadingHigh
            | Self::Order1
            | Self::Order2
            | Self::Order3
            | Self::Order4
            | Self::Order5
            | Self::Order6
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
        | Role::Unsure
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
        Role::FadingLow => (0xE8_B29C, 0x8A_2A4C),
        Role::FadingMiddle => (0xDE_C67C, 0x5C_4A14),
        Role::FadingHigh => (0x96_BED6, 0x2A_4F6C),
        Role::Order1 => (0xC0_9AE6, 0x44_0154),
        Role::Order2 => (0x9A_A8F0, 0x41_4487),
        Role::Order3 => (0x62_B8CE, 0x1F_6A7A),
        Role::Order4 => (0x3C_C8A0, 0x0B_6B4F),
        Role::Order5 => (0x9B_DD6A, 0x3F_6B12),
        Role::Order6 => (0xFD_E725, 0x6B_5E00),
        Role::FreshMiddle | Role::Warn | Role::CodeNumber => (0xF0_C000, 0x7A_5A00),
        Role::FreshHigh
        | Role::Cursor
        | Role::Accent
        | Role::Heading
        | Role::Link
        | Role::CodeKeyword => (0x56_B4E9, 0x00_5F9E),
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
        | Role::Unsure
        | Role::Strong
        | Role::Emphasis
        | Role::StrongEmphasis
        | Role::Struck => {
            return None;
        }
        Role::Quiet | Role::Mask | Role::Muted | Role::Ended | Role::CodeComment => (247, 241),
        Role::FreshLow => (209, 125),
        Role::FadingLow => (181, 89),
        Role::FadingMiddle => (186, 58),
        Role::FadingHigh => (110, 24),
        Role::Order1 => (140, 53),
        Role::Order2 => (111, 60),
        Role::Order3 => (74, 24),
        Role::Order4 => (79, 23),
        Role::Order5 => (149, 22),
        Role::Order6 => (220, 58),
        Role::FreshMiddle | Role::Warn | Role::CodeNumber => (220, 94),
        Role::FreshHigh
        | Role::Cursor
        | Role::Accent
        | Role::Heading
        | Role::Link
        | Role::CodeKeyword => (74, 25),
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
        Role::Text | Role::Selected | Role::Unsure => style,
        Role::FadingLow | Role::FadingMiddle | Role::FadingHigh => style,
        Role::Strong | Role::Emphasis | Role::StrongEmphasis | Role::Struck => style,
        Role::Quiet | Role::Mask | Role::Muted | Role::Ended | Role::CodeComment => {
            style.add_modifier(Modifier::DIM)
        }
        Role::FreshLow | Role::Order6 | Role::Error => style.fg(Color::Red),
        Role::FreshMiddle | Role::Order1 | Role::Warn | Role::CodeNumber => {
            style.fg(Color::Magenta)
        }
        Role::FreshHigh | Role::Order3 | Role::Code | Role::CodeName => style.fg(Color::Cyan),
        Role::Pinned => style.add_modifier(Modifier::UNDERLINED),
        Role::Changed | Role::Order4 | Role::Order5 | Role::Fine | Role::CodeString => {
            style.fg(Color::Green)
        }
        Role::Accent
        | Role::Cursor
        | Role::Order2
        | Role::Heading
        | Role::Link
        | Role::CodeKeyword => style.fg(Color::Blue),
    }
}

fn mono(role: Role) -> Modifier {
    match role {
        Role::Text | Role::FreshMiddle | Role::Fine => Modifier::empty(),
        Role::FadingMiddle | Role::FadingHigh => Modifier::empty(),
        Role::Order1 | Role::Order2 | Role::Order3 | Role::Order4 | Role::Order5 | Role::Order6 => {
            Modifier::empty()
        }
        Role::Code | Role::CodeString | Role::CodeNumber | Role::CodeName => Modifier::empty(),
        Role::Quiet | Role::Mask | Role::Muted | Role::CodeComment => Modifier::DIM,
        Role::Ended => Modifier::DIM | Modifier::CROSSED_OUT,
        Role::FreshLow | Role::FadingLow | Role::Unsure | Role::Link => Modifier::UNDERLINED,
        Role::Cursor => Modifier::BOLD.union(Modifier::REVERSED),
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
