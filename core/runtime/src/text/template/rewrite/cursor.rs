//! The tokens of a tag one by one, and how far a tag may go.

use super::lexer::Token;

/// Operators, filters, attributes and items of one tag: a chain of them is a recursion for whoever compiles it.
const LINKS: usize = 1000;
/// Brackets and signs in one another.
const DEPTH: usize = 50;

pub(super) struct Parser<'a> {
    pub(super) tokens: std::iter::Peekable<std::vec::IntoIter<Token<'a>>>,
    depth: usize,
    links: usize,
}

impl<'a> Parser<'a> {
    pub(super) fn new(tokens: Vec<Token<'a>>) -> Self {
        Self {
            tokens: tokens.into_iter().peekable(),
            depth: 0,
            links: 0,
        }
    }

    pub(super) fn end(&mut self) -> Result<(), String> {
        match self.tokens.next() {
            None => Ok(()),
            Some(token) => Err(format!("{} is not expected", said(&token))),
        }
    }

    pub(super) fn at_end(&mut self) -> bool {
        self.tokens.peek().is_none()
    }

    pub(super) fn next(&mut self) -> Option<Token<'a>> {
        self.tokens.next()
    }

    pub(super) fn is(&mut self, operator: &str) -> bool {
        matches!(self.tokens.peek(), Some(Token::Operator(found)) if *found == operator)
    }

    pub(super) fn skip(&mut self, operator: &str) -> bool {
        let found = self.is(operator);
        if found {
            self.tokens.next();
        }
        found
    }

    pub(super) fn expect(&mut self, operator: &str) -> Result<(), String> {
        match self.skip(operator) {
            true => Ok(()),
            false => Err(format!("`{operator}` is missing")),
        }
    }

    pub(super) fn is_word(&mut self, word: &str) -> bool {
        matches!(self.tokens.peek(), Some(Token::Name(found)) if *found == word)
    }

    pub(super) fn skip_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        if found {
            self.tokens.next();
        }
        found
    }

    pub(super) fn name(&mut self) -> Result<&'a str, String> {
        match self.tokens.next() {
            Some(Token::Name(name)) => Ok(name),
            Some(token) => Err(format!("{} stands where a name should", said(&token))),
            None => Err("a name is missing".to_owned()),
        }
    }

    pub(super) fn link(&mut self) -> Result<(), String> {
        self.links += 1;
        match self.links > LINKS {
            true => Err(format!("a tag has more than {LINKS} operators and filters")),
            false => Ok(()),
        }
    }

    pub(super) fn deeper<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, String>,
    ) -> Result<T, String> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(format!(
                "a tag has more than {DEPTH} brackets in one another"
            ));
        }
        let read = read(self);
        self.depth -= 1;
        read
    }
}

pub(super) fn said(token: &Token<'_>) -> String {
    match token {
        Token::Name(name) => format!("`{name}`"),
        Token::Text(_) => "a text".to_owned(),
        Token::Integer(_) | Token::Float(_) => "a number".to_owned(),
        Token::Operator(operator) => format!("`{operator}`"),
    }
}
