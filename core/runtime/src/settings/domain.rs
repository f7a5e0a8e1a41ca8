/// What a setting may be.
#[derive(Debug, Clone, Copy)]
pub enum Domain {
    /// A whole number, 1 and up.
    Count(Counted),
    /// A number.
    Number(Bounds),
    /// A number, or `off`.
    Optional(Bounds),
    /// True or false.
    Switch,
    /// One of these words.
    Choice(&'static [Word]),
    /// A whole number, 0 and up.
    Seed,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// Positions of the answer.
    Answer,
    /// Positions of a block.
    Block,
    /// Steps.
    Steps,
}

/// The range of a number, and how the screen goes through it.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// In words, as a file may have it.
    pub range: &'static str,
    /// The lowest value, which itself is in only if `has_least`.
    pub least: f64,
    /// Whether the lowest value is in the range.
    pub has_least: bool,
    /// The highest value.
    pub most: f64,
    /// The highest value that the screen takes.
    pub screen_most: f64,
    /// The values that the arrows stop at.
    pub arrows: (f64, f64),
    /// Into how many parts the arrows cut one.
    pub per_one: f64,
    /// Digits behind the point on the screen, unless more are needed; 0 of whole numbers.
    pub digits: usize,
}

/// A value of a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word {
    /// As files and flags have it.
    pub word: &'static str,
    /// As the screen shows it, at most 10 cells.
    pub short: &'static str,
}

/// A number from 0 on.
pub(super) const NOT_NEGATIVE: Bounds = Bounds {
    range: "0 or more",
    least: 0.0,
    has_least: true,
    most: f64::INFINITY,
    screen_most: f64::INFINITY,
    arrows: (0.0, f64::INFINITY),
    per_one: 1.0,
    digits: 1,
};

/// A confidence from 0 to 1, or none.
pub(super) const SHARE: Domain = Domain::Optional(Bounds {
    range: "0 to 1",
    most: 1.0,
    screen_most: 1.0,
    arrows: (0.5, 0.99),
    per_one: 20.0,
    digits: 2,
    ..NOT_NEGATIVE
});

impl Bounds {
    /// True if the number is in the range.
    #[must_use]
    pub fn contain(&self, number: f64) -> bool {
        let is_above = number > self.least || (self.has_least && number == self.least);
        let is_whole = self.digits > 0 || number.fract() == 0.0;
        number.is_finite() && is_above && number <= self.most && is_whole
    }
}
