use crate::cells::cell_count;
use crate::row::{Row, Span};
use crate::theme::Role;

/// Rows one below the other, each behind the marks of the quotes and lists it is in.
#[derive(Debug)]
pub(super) struct Page {
    width: usize,
    rows: Vec<Row>,
    margins: Vec<Margin>,
    /// The fewest margins since the last row: what an empty row in between is in.
    common: usize,
}

/// What stands before a row.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Margin {
    Quote,
    Item { marker: String, drawn: Drawn },
}

/// Whether an item's marker stands before a row already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Drawn {
    No,
    Yes,
}

const BAR: &str = "│ ";

impl Margin {
    fn width(&self) -> usize {
        match self {
            Self::Quote => cell_count(BAR),
            Self::Item { marker, .. } => cell_count(marker),
        }
    }

    /// What it draws next.
    fn draw(&mut self) -> Span {
        let (text, role) = match self {
            Self::Quote => (BAR.to_owned(), Role::Quiet),
            Self::Item { marker, drawn } => match std::mem::replace(drawn, Drawn::Yes) {
                Drawn::No => (marker.clone(), Role::Quiet),
                Drawn::Yes => (" ".repeat(cell_count(marker)), Role::Text),
            },
        };
        Span { text, role }
    }
}

impl Page {
    pub(super) fn new(width: usize) -> Self {
        Self {
            width: width.max(1),
            rows: Vec::new(),
            margins: Vec::new(),
            common: 0,
        }
    }

    /// Cells of the margins.
    pub(super) fn margin(&self) -> usize {
        self.width - self.room()
    }

    /// Cells that are left for text.
    pub(super) fn room(&self) -> usize {
        let margins = self.margins.iter().take(self.fitting());
        self.width - margins.map(Margin::width).sum::<usize>()
    }

    /// The outer margins that leave room for a word, or a third of the width; others are not drawn.
    fn fitting(&self) -> usize {
        const WORD: usize = 12;
        let spare = self
            .width
            .saturating_sub(WORD.min(self.width.div_ceil(3).max(2)));
        let mut used = 0;
        let fits = self.margins.iter().take_while(|margin| {
            used += margin.width();
            used <= spare
        });
        fits.count()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(super) fn open_quote(&mut self) {
        self.margins.push(Margin::Quote);
    }

    pub(super) fn open_item(&mut self, marker: String) {
        let drawn = Drawn::No;
        self.margins.push(Margin::Item { marker, drawn });
    }

    /// Ends a quote or an item; an item without text is drawn all the same.
    pub(super) fn close(&mut self, from: usize) {
        if let Some(Margin::Item {
            drawn: Drawn::No, ..
        }) = self.margins.last()
        {
            self.push(vec![Row {
                spans: Vec::new(),
                from,
                ..Row::default()
            }]);
        }
        self.margins.pop();
        self.common = self.common.min(self.margins.len());
    }

    /// An empty row.
    pub(super) fn blank(&mut self, from: usize) {
        let shown = self.common.min(self.fitting());
        let margins = &self.margins[..shown];
        let last_bar = margins.iter().rposition(|margin| *margin == Margin::Quote);
        let mut spans = Vec::new();
        for margin in &margins[..last_bar.map_or(0, |at| at + 1)] {
            spans.push(match margin {
                Margin::Quote => Span {
                    text: BAR.to_owned(),
                    role: Role::Quiet,
                },
                Margin::Item { marker, .. } => Span {
                    text: " ".repeat(cell_count(marker)),
                    role: Role::Text,
                },
            });
        }
        self.rows.push(Row {
            spans,
            from,
            ..Row::default()
        });
    }

    /// Adds rows of at most [`Self::room`] cells.
    pub(super) fn push(&mut self, rows: Vec<Row>) {
        let fitting = self.fitting();
        for mut row in rows {
            let margins = self.margins.iter_mut().map(Margin::draw);
            let mut spans: Vec<Span> = margins.collect();
            spans.truncate(fitting);
            spans.append(&mut row.spans);
            row.spans = spans;
            self.rows.push(row);
        }
        self.common = self.margins.len();
    }

    pub(super) fn finish(self) -> Vec<Row> {
        self.rows
    }
}
