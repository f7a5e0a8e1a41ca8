use super::{State, Turn};

/// Two answers to one message, side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compare {
    /// Their places among the [parts](crate::screen_layout::Part) of the transcript.
    pub parts: [usize; 2],
    /// How many entries of each log are shown; `None` for all, those to come among them.
    pub at: Option<usize>,
    /// Which of them the keys mean.
    pub side: Side,
    /// What is shown of them.
    pub shown: Differences,
    /// The first row that is seen of both, where the user has scrolled; else the token that was written last is seen.
    pub top: Option<usize>,
    /// Rows by which both are to move at the next frame, one scrolling after the other; negative is up.
    pub moves: Vec<isize>,
}

/// One of two answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Side {
    /// The first.
    #[default]
    A,
    /// The second.
    B,
}

/// What is shown of two answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Differences {
    /// Their canvases.
    #[default]
    InPlace,
    /// A row for each token that differs.
    Listed,
}

impl Side {
    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

impl Compare {
    /// Of two parts of the transcript, at their ends.
    #[must_use]
    pub fn new(parts: [usize; 2]) -> Self {
        Self {
            parts,
            at: None,
            side: Side::default(),
            shown: Differences::default(),
            top: None,
            moves: Vec::new(),
        }
    }

    /// The part that the keys mean.
    #[must_use]
    pub fn part(&self) -> usize {
        match self.side {
            Side::A => self.parts[0],
            Side::B => self.parts[1],
        }
    }

    /// Rows above the first that is seen, of so many of which so many are seen; `newest` is the row that was written last.
    #[must_use]
    pub fn first_row(&self, (all, seen): (usize, usize), newest: usize) -> usize {
        let top = self.top.unwrap_or((newest + 1).saturating_sub(seen));
        top.min(all.saturating_sub(seen))
    }

    /// Shows both from this row on, or where they were written last; what was to move has moved.
    pub fn show(&mut self, top: Option<usize>) {
        self.top = top;
        self.moves.clear();
    }

    /// Entries of a turn's log that are shown.
    #[must_use]
    pub fn shown_of(&self, turn: &Turn) -> usize {
        let all = turn.log().entries.len();
        self.at.map_or(all, |at| at.min(all))
    }
}

impl State {
    /// What is compared, with both turns; `None` if nothing is, or one of them has gone.
    #[must_use]
    pub fn compared(&self) -> Option<(&Compare, [&Turn; 2])> {
        let compare = self.compare.as_ref()?;
        let [first, second] = compare.parts;
        Some((compare, [self.turn_of(first)?, self.turn_of(second)?]))
    }
}
