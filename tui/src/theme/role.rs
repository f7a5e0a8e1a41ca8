//! What a piece of text, or the ground under it, is.

use ratatui::style::Modifier;

/// What a piece of text, or the ground under it, is.
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
    /// Committed one or two steps ago with confidence below 0.3.
    FadingLow,
    /// Committed one or two steps ago with confidence from 0.3 to 0.7.
    FadingMiddle,
    /// Committed one or two steps ago with confidence of 0.7 and more.
    FadingHigh,
    /// Committed three to five steps ago with confidence below 0.3.
    WaningLow,
    /// Committed three to five steps ago with confidence from 0.3 to 0.7.
    WaningMiddle,
    /// Committed three to five steps ago with confidence of 0.7 and more.
    WaningHigh,
    /// Committed six to eight steps ago with confidence below 0.3.
    FaintLow,
    /// Committed six to eight steps ago with confidence from 0.3 to 0.7.
    FaintMiddle,
    /// Committed six to eight steps ago with confidence of 0.7 and more.
    FaintHigh,
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
    /// The name of the language of code.
    CodeLabel,
    /// The ground of the screen; the terminal's own unless a theme says so.
    Ground,
    /// The ground of what a person says, of code and of the draft.
    Surface,
    /// The ground of panels.
    Raised,
    /// The ground of the chosen row of a list.
    Chosen,
}

impl Role {
    /// Every role, for tests and theme files.
    pub const ALL: [Self; 49] = [
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
        Self::WaningLow,
        Self::WaningMiddle,
        Self::WaningHigh,
        Self::FaintLow,
        Self::FaintMiddle,
        Self::FaintHigh,
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
        Self::CodeLabel,
        Self::Ground,
        Self::Surface,
        Self::Raised,
        Self::Chosen,
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

    /// The role of a token that was committed with `confidence` so many steps ago: it fades over eight.
    #[must_use]
    pub fn aged(confidence: f32, steps: usize) -> Self {
        let fresh = Self::fresh(confidence);
        let [fading, waning, faint] = match fresh {
            Self::FreshHigh => [Self::FadingHigh, Self::WaningHigh, Self::FaintHigh],
            Self::FreshMiddle => [Self::FadingMiddle, Self::WaningMiddle, Self::FaintMiddle],
            _ => [Self::FadingLow, Self::WaningLow, Self::FaintLow],
        };
        match steps {
            0 => fresh,
            1..=2 => fading,
            3..=5 => waning,
            6..=AFTERGLOW => faint,
            _ => Self::Text,
        }
    }

    /// What a fading role was when it was fresh, and how much of that colour is left, in hundredths.
    pub(super) fn glow(self) -> Option<(Self, u32)> {
        Some(match self {
            Self::FadingLow => (Self::FreshLow, 70),
            Self::WaningLow => (Self::FreshLow, 45),
            Self::FaintLow => (Self::FreshLow, 22),
            Self::FadingMiddle => (Self::FreshMiddle, 70),
            Self::WaningMiddle => (Self::FreshMiddle, 45),
            Self::FaintMiddle => (Self::FreshMiddle, 22),
            Self::FadingHigh => (Self::FreshHigh, 70),
            Self::WaningHigh => (Self::FreshHigh, 45),
            Self::FaintHigh => (Self::FreshHigh, 22),
            _ => return None,
        })
    }

    /// True for what lies under text.
    #[must_use]
    pub fn is_ground(self) -> bool {
        matches!(
            self,
            Self::Ground | Self::Surface | Self::Raised | Self::Chosen
        )
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

    /// True if it marks a word by a line below or a ground, which would show on the space before it too.
    #[must_use]
    pub fn marks_words(self) -> bool {
        matches!(
            self,
            Self::FreshLow
                | Self::FadingLow
                | Self::Unsure
                | Self::Changed
                | Self::Cursor
                | Self::Selected
        )
    }

    /// What says the same without colour.
    pub(super) fn modifier(self) -> Modifier {
        match self {
            Self::FreshLow | Self::FadingLow | Self::Unsure | Self::Link => Modifier::UNDERLINED,
            Self::Cursor => Modifier::BOLD.union(Modifier::REVERSED),
            Self::Pinned | Self::Heading | Self::Strong => Modifier::BOLD,
            Self::Changed | Self::Selected => Modifier::REVERSED,
            Self::Muted | Self::Emphasis | Self::CodeComment => Modifier::ITALIC,
            Self::StrongEmphasis => Modifier::BOLD.union(Modifier::ITALIC),
            Self::Ended => Modifier::ITALIC.union(Modifier::CROSSED_OUT),
            Self::Struck => Modifier::CROSSED_OUT,
            _ => Modifier::empty(),
        }
    }
}

/// Steps over which the colour of a fresh token fades.
pub const AFTERGLOW: usize = 8;
