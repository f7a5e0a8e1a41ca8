//! Jinja's expressions, by the grammar of its parser.

use std::fmt::Write as _;

use super::cursor::Parser;
use super::lexer::Token;

/// An expression for minijinja.
pub(super) struct Rewritten {
    pub(super) text: String,
    pub(super) bond: Bond,
}

/// How tightly what was written holds together.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Bond {
    /// An attribute may follow.
    Primary,
    /// A filter may follow.
    Filtered,
    Loose,
}

impl Rewritten {
    pub(super) fn new(text: String, bond: Bond) -> Self {
        Self { text, bond }
    }

    /// For attributes, items and calls.
    pub(super) fn primary(self) -> String {
        match self.bond {
            Bond::Primary => self.text,
            Bond::Filtered | Bond::Loose => format!("({})", self.text),
        }
    }

    /// For filters and as an operand.
    pub(super) fn operand(self) -> String {
        match self.bond {
            Bond::Primary | Bond::Filtered => self.text,
            Bond::Loose => format!("({})", self.text),
        }
    }

    pub(super) fn filtered(self, filter: &str, arguments: &[String]) -> Self {
        let mut text = self.operand();
        // A String takes everything.
        write!(text, "|{filter}({})", arguments.join(", ")).ok();
        Self::new(text, Bond::Filtered)
    }
}

/// What stands between `{{` and `}}`.
pub(super) fn printed(tokens: Vec<Token<'_>>) -> Result<String, String> {
    let mut parser = Parser::new(tokens);
    let text = parser.tuple(Conditional::Yes)?;
    parser.end()?;
    Ok(text)
}

/// Whether `a if b` is read, which a loop has a meaning of its own for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Conditional {
    Yes,
    No,
}

impl<'a> Parser<'a> {
    /// An expression, or several with commas, which are a tuple.
    pub(super) fn tuple(&mut self, conditional: Conditional) -> Result<String, String> {
        let mut items = Vec::new();
        let mut commas = 0;
        while !self.at_tuple_end() {
            items.push(match conditional {
                Conditional::Yes => self.expression()?.text,
                Conditional::No => self.or()?.text,
            });
            if !self.skip(",") {
                break;
            }
            commas += 1;
        }
        match (items.len(), commas) {
            (0, _) => Err("an expression is missing".to_owned()),
            (1, 0) => Ok(items.remove(0)),
            _ => Ok(format!("({},)", items.join(", "))),
        }
    }

    fn at_tuple_end(&mut self) -> bool {
        self.at_end() || self.is(")") || self.is_word("recursive")
    }

    pub(super) fn expression(&mut self) -> Result<Rewritten, String> {
        self.deeper(|parser| {
            let mut value = parser.or()?;
            while parser.skip_word("if") {
                parser.link()?;
                let test = parser.or()?.operand();
                let mut text = format!("{} if {test}", value.operand());
                if parser.skip_word("else") {
                    write!(text, " else {}", parser.expression()?.operand()).ok();
                }
                value = Rewritten::new(text, Bond::Loose);
            }
            Ok(value)
        })
    }

    pub(super) fn text(&mut self) -> Result<String, String> {
        Ok(self.expression()?.text)
    }

    fn or(&mut self) -> Result<Rewritten, String> {
        self.joined("or", Self::and)
    }

    fn and(&mut self) -> Result<Rewritten, String> {
        self.joined("and", Self::not)
    }

    fn joined(
        &mut self,
        word: &str,
        next: fn(&mut Self) -> Result<Rewritten, String>,
    ) -> Result<Rewritten, String> {
        let first = next(self)?;
        if !self.is_word(word) {
            return Ok(first);
        }
        let mut text = first.operand();
        while self.skip_word(word) {
            self.link()?;
            write!(text, " {word} {}", next(self)?.operand()).ok();
        }
        Ok(Rewritten::new(text, Bond::Loose))
    }

    fn not(&mut self) -> Result<Rewritten, String> {
        if !self.skip_word("not") {
            return self.comparison();
        }
        let value = self.deeper(Self::not)?.operand();
        Ok(Rewritten::new(format!("not {value}"), Bond::Loose))
    }

    fn comparison(&mut self) -> Result<Rewritten, String> {
        let value = self.sum()?;
        let mut arguments = Vec::new();
        loop {
            let operator = match self.tokens.peek() {
                Some(Token::Operator(found @ ("==" | "!=" | "<" | "<=" | ">" | ">="))) => *found,
                Some(Token::Name("in")) => "in",
                Some(Token::Name("not")) => "not in",
                _ => break,
            };
            self.tokens.next();
            if operator == "not in" && !self.skip_word("in") {
                return Err("`in` is missing behind `not`".to_owned());
            }
            self.link()?;
            arguments.push(format!("'{operator}'"));
            arguments.push(self.sum()?.text);
        }
        Ok(match arguments.is_empty() {
            true => value,
            false => value.filtered("__compare", &arguments),
        })
    }

    fn sum(&mut self) -> Result<Rewritten, String> {
        self.binary(&[("+", "__add"), ("-", "__sub")], Self::concatenation)
    }

    fn concatenation(&mut self) -> Result<Rewritten, String> {
        self.binary(&[("~", "__concat")], Self::product)
    }

    fn product(&mut self) -> Result<Rewritten, String> {
        let operators = [
            ("*", "__mul"),
            ("/", "__div"),
            ("//", "__floordiv"),
            ("%", "__mod"),
        ];
        self.binary(&operators, Self::power)
    }

    fn power(&mut self) -> Result<Rewritten, String> {
        self.binary(&[("**", "__pow")], Self::filtered)
    }

    fn binary(
        &mut self,
        operators: &[(&str, &str)],
        next: fn(&mut Self) -> Result<Rewritten, String>,
    ) -> Result<Rewritten, String> {
        let mut left = next(self)?;
        while let Some((_, filter)) = operators.iter().find(|(sign, _)| self.is(sign)) {
            self.tokens.next();
            self.link()?;
            let right = next(self)?.text;
            left = left.filtered(filter, &[right]);
        }
        Ok(left)
    }

    fn filtered(&mut self) -> Result<Rewritten, String> {
        let value = self.unary()?;
        self.filters(value)
    }

    fn unary(&mut self) -> Result<Rewritten, String> {
        for (sign, filter) in [("-", "__neg"), ("+", "__pos")] {
            if self.skip(sign) {
                let value = self.deeper(Self::unary)?;
                return Ok(value.filtered(filter, &[]));
            }
        }
        let value = self.primary()?;
        self.postfix(value)
    }
}
