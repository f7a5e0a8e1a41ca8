use unmask_api::TokenId;

/// Whether an answer's length is known before it is denoised.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Growth {
    /// It is that of the canvas.
    #[default]
    Fixed,
    /// It is not: asked for, and made one of the others once the model and the prompt are known.
    Auto,
    /// Blocks of masks are appended, one whenever no mask is left and no token has ended the answer, up to so many positions.
    /// For block-causal attention, where what follows a block changes nothing in it.
    Blocks {
        /// Positions of the answer at most.
        ceiling: usize,
    },
    /// The canvas grows where the model is unsure and expects no end yet (DAEDAL).
    Daedal(Daedal),
}

/// DAEDAL, arXiv:2508.00819; `generate` of its `LLaDA_DAEDAL.py`, from which the numbers are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Daedal {
    /// The end of text.
    pub eos: TokenId,
    /// Positions of the answer at most.
    pub ceiling: usize,
    /// What a confidence has to exceed to be committed.
    pub high: f64,
    /// Below which confidence a position may become several.
    pub low: f64,
    /// How many it becomes; masks that the first phase appends at a time.
    pub expansion: usize,
    /// The confidence in an end that is enough for the first phase to be over.
    pub enough: f64,
    /// The confidence in an end below which a position may become several.
    pub expands_below: f64,
    /// Positions of the canvas's end that this confidence is the mean of.
    pub checked: usize,
}

impl Daedal {
    /// Positions of the answer that it begins with.
    pub const INITIAL: usize = 64;
    /// Positions of the answer at most, where the context has room for them.
    pub const CEILING: usize = 2048;

    /// With the reference's numbers.
    #[must_use]
    pub fn new(eos: TokenId, ceiling: usize) -> Self {
        Self {
            eos,
            ceiling,
            high: 0.9,
            low: 0.1,
            expansion: 8,
            enough: 0.5,
            expands_below: 0.9,
            checked: 32,
        }
    }
}
