//! Themes that the program carries with grounds of their own, after palettes in wide use; what was too faint to be read on
//! them is lighter here.

use ratatui::style::Color;

use crate::theme::{Paint, Role, Skin};

/// The colours of a theme.
pub(super) struct Palette {
    pub(super) name: &'static str,
    ground: u32,
    surface: u32,
    raised: u32,
    chosen: u32,
    text: u32,
    quiet: u32,
    accent: u32,
    low: u32,
    middle: u32,
    high: u32,
    pinned: u32,
    fine: u32,
    error: u32,
    code: u32,
    orders: [u32; 6],
}

pub(super) const PALETTES: [Palette; 4] = [
    Palette {
        name: "catppuccin",
        ground: 0x1E_1E2E,
        surface: 0x28_2839,
        raised: 0x31_3244,
        chosen: 0x3C_3E54,
        text: 0xCD_D6F4,
        quiet: 0xA6_ADC8,
        accent: 0x89_DCEB,
        low: 0xF3_8BA8,
        middle: 0xF9_E2AF,
        high: 0x89_B4FA,
        pinned: 0xCB_A6F7,
        fine: 0xA6_E3A1,
        error: 0xF3_8DAA,
        code: 0x94_E2D5,
        orders: [
            0xCB_A6F7, 0xB4_BEFE, 0x89_B4FA, 0x94_E2D5, 0xA6_E3A1, 0xF9_E2AF,
        ],
    },
    Palette {
        name: "gruvbox",
        ground: 0x28_2828,
        surface: 0x32_302F,
        raised: 0x3C_3836,
        chosen: 0x45_403D,
        text: 0xEB_DBB2,
        quiet: 0xBD_AE93,
        accent: 0x8E_C07C,
        low: 0xFC_7E70,
        middle: 0xFA_BD2F,
        high: 0x8A_AA9E,
        pinned: 0xD7_90A3,
        fine: 0xB8_BB26,
        error: 0xFD_8E81,
        code: 0x8E_C07C,
        orders: [
            0xD7_90A3, 0xB3_A0C8, 0x8A_AA9E, 0x8E_C07C, 0xB8_BB26, 0xFA_BD2F,
        ],
    },
    Palette {
        name: "nord",
        ground: 0x2E_3440,
        surface: 0x36_3D4B,
        raised: 0x39_404F,
        chosen: 0x43_4C5E,
        text: 0xE5_E9F0,
        quiet: 0xB6_BDCC,
        accent: 0x92_C5D4,
        low: 0xDD_9E94,
        middle: 0xEB_CB8B,
        high: 0x88_B8D8,
        pinned: 0xC3_A5BD,
        fine: 0xAC_C498,
        error: 0xE0_B3B7,
        code: 0x8F_BCBB,
        orders: [
            0xC3_A5BD, 0xA6_ABCF, 0x95_B0CB, 0x8F_BCBB, 0xA3_BE8C, 0xEB_CB8B,
        ],
    },
    Palette {
        name: "tokyo-night",
        ground: 0x1A_1B26,
        surface: 0x22_243A,
        raised: 0x29_2E42,
        chosen: 0x34_3B58,
        text: 0xC0_CAF5,
        quiet: 0x9C_A7CF,
        accent: 0x7D_CFFF,
        low: 0xF7_768E,
        middle: 0xE0_AF68,
        high: 0x7A_A2F7,
        pinned: 0xBB_9AF7,
        fine: 0x9E_CE6A,
        error: 0xF8_8499,
        code: 0x73_DACA,
        orders: [
            0xBB_9AF7, 0x9D_9BF7, 0x7A_A2F7, 0x73_DACA, 0x9E_CE6A, 0xE0_AF68,
        ],
    },
];

impl Palette {
    /// The palette of this name.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        PALETTES.iter().find(|palette| palette.name == name)
    }

    /// What it makes of each role; fading is worked out from what is fresh.
    pub(super) fn skin(&self) -> Skin {
        let mut skin = Skin::NONE;
        for role in Role::ALL {
            if let Some(colour) = self.colour(role) {
                let paint = Paint {
                    colour: Some(Color::from_u32(colour)),
                    marks: None,
                };
                skin.set(role, paint);
            }
        }
        skin
    }

    fn colour(&self, role: Role) -> Option<u32> {
        Some(match role {
            Role::Ground => self.ground,
            Role::Surface => self.surface,
            Role::Raised => self.raised,
            Role::Chosen => self.chosen,
            Role::Accent | Role::Cursor | Role::Link => self.accent,
            Role::Quiet
            | Role::Mask
            | Role::Muted
            | Role::Ended
            | Role::CodeComment
            | Role::CodeLabel => self.quiet,
            Role::FreshLow => self.low,
            Role::FreshMiddle | Role::Warn | Role::CodeNumber => self.middle,
            Role::FreshHigh | Role::CodeKeyword => self.high,
            Role::Pinned | Role::CodeName => self.pinned,
            Role::Changed | Role::Fine | Role::CodeString => self.fine,
            Role::Error => self.error,
            Role::Code => self.code,
            Role::Order1 => self.orders[0],
            Role::Order2 => self.orders[1],
            Role::Order3 => self.orders[2],
            Role::Order4 => self.orders[3],
            Role::Order5 => self.orders[4],
            Role::Order6 => self.orders[5],
            Role::FadingLow
            | Role::FadingMiddle
            | Role::FadingHigh
            | Role::WaningLow
            | Role::WaningMiddle
            | Role::WaningHigh
            | Role::FaintLow
            | Role::FaintMiddle
            | Role::FaintHigh => return None,
            Role::Text
            | Role::Selected
            | Role::Unsure
            | Role::Heading
            | Role::Strong
            | Role::Emphasis
            | Role::StrongEmphasis
            | Role::Struck => self.text,
        })
    }
}
