//! Roles and how they look: views name a [`Role`], never a colour.
//!
//! The pairs keep a text contrast of 4.5:1 and more on dark and light grounds; the three confidence bands stay apart for
//! deuteranopes, protanopes and tritanopes. Underline, bold and reverse repeat what colour says.

mod colours;
mod paint;
mod role;

pub use paint::{Paint, Skin};
use ratatui::style::{Color, Modifier, Style};
pub use role::{AFTERGLOW, Role};

/// The terminal's ground.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// Light text on a dark ground.
    Dark,
    /// Dark text on a light ground.
    Light,
    /// Nobody has said which: what is drawn has to be read on both.
    Unknown,
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
    /// The ground it is for.
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
        if let Some(style) = self.painted(role) {
            return style;
        }
        match self.depth {
            Depth::True => {
                let colour = colours::true_colour(role, self.ground);
                coloured(role, colour, role.modifier())
            }
            Depth::Indexed => {
                let colour = colours::indexed(role, self.ground);
                coloured(role, colour, role.modifier())
            }
            Depth::Sixteen => colours::sixteen(role, self.ground),
            Depth::Mono => Style::new().add_modifier(colours::mono(role)),
        }
    }

    /// How the skin paints it; what fades does so from the colour that the skin gives to what is fresh.
    fn painted(&self, role: Role) -> Option<Style> {
        if let Some(paint) = self.skin.paint(role) {
            return paint.style(role, self.depth);
        }
        let (fresh, left) = role.glow()?;
        let fresh = self.skin.paint(fresh)?;
        let text = self.skin.paint(Role::Text).and_then(|paint| paint.colour);
        let text = text.unwrap_or_else(|| colours::text(self.ground));
        let colour = Some(colours::mixed(fresh.colour?, text, left));
        Paint {
            colour,
            marks: None,
        }
        .style(role, self.depth)
    }

    /// True if `ground` is drawn as a ground of its own; else a bar or a frame stands for it.
    #[must_use]
    pub fn has(&self, ground: Role) -> bool {
        self.style(ground).bg.is_some()
    }

    /// What has `style` when a panel lies over it: most of its colour is gone.
    #[must_use]
    pub fn behind(&self, style: Style) -> Style {
        const LEFT: u32 = 45;
        let faint = |it: Style| it.add_modifier(Modifier::DIM);
        match (self.depth, self.ground) {
            (Depth::Sixteen | Depth::Mono, _) | (_, Ground::Unknown) => faint(style),
            (Depth::True | Depth::Indexed, ground) => {
                let own = |colour: Option<Color>| colour.filter(|it| *it != Color::Reset);
                let under = own(self.style(Role::Ground).bg);
                let under = under.unwrap_or_else(|| colours::under(ground));
                let text = own(style.fg).unwrap_or_else(|| colours::text(ground));
                let mut it = style.fg(self.of_depth(colours::mixed(text, under, LEFT)));
                if let Some(bg) = own(style.bg) {
                    it = it.bg(self.of_depth(colours::mixed(bg, under, LEFT)));
                }
                it
            }
        }
    }

    fn of_depth(&self, colour: Color) -> Color {
        match self.depth {
            Depth::Indexed => paint::indexed(colour),
            Depth::True | Depth::Sixteen | Depth::Mono => colour,
        }
    }
}

fn coloured(role: Role, colour: Option<Color>, marks: Modifier) -> Style {
    let style = Style::new().add_modifier(marks);
    match colour {
        Some(colour) if role.is_ground() => style.bg(colour),
        Some(colour) => style.fg(colour),
        None => style,
    }
}

#[cfg(test)]
mod tests;
