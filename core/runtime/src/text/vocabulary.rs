use unmask_api::TokenId;

/// What one token stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Bytes of text; a character may be split over several tokens.
    Bytes(&'a [u8]),
    /// The name of a token that is not text, such as `<|eot_id|>`.
    Special(&'a str),
    /// An id that the tokenizer does not know: rows of the embedding that only pad it.
    Unknown,
}

/// The text of every token, looked up without the tokenizer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vocabulary {
    // Invariant: ends is ascending, ends.len() == special.len(), the last end is bytes.len().
    bytes: Vec<u8>,
    ends: Vec<u32>,
    special: Vec<bool>,
}

impl Vocabulary {
    /// Collects the tokens in the order of their ids: text bytes and whether it is a special token's name; no bytes and not
    /// special for an unknown id.
    pub fn new<'a>(tokens: impl IntoIterator<Item = (&'a [u8], bool)>) -> Self {
        let mut this = Self::default();
        for (bytes, special) in tokens {
            this.bytes.extend_from_slice(bytes);
            this.ends.push(this.bytes.len() as u32);
            this.special.push(special);
        }
        this
    }

    /// What `token` stands for.
    #[must_use]
    pub fn piece(&self, token: TokenId) -> Piece<'_> {
        let index = token.index();
        let Some(&end) = self.ends.get(index) else {
            return Piece::Unknown;
        };
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        let bytes = &self.bytes[start as usize..end as usize];
        match (self.special[index], std::str::from_utf8(bytes)) {
            (true, Ok(name)) => Piece::Special(name),
            (false, _) if bytes.is_empty() => Piece::Unknown,
            (true, Err(_)) | (false, _) => Piece::Bytes(bytes),
        }
    }

    /// Bytes of the longest token's text or name.
    #[must_use]
    pub fn longest(&self) -> usize {
        let starts = std::iter::once(&0).chain(&self.ends);
        let lengths = starts.zip(&self.ends).map(|(start, end)| end - start);
        lengths.max().unwrap_or(0) as usize
    }

    /// Number of ids.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// True if there are no tokens.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}
