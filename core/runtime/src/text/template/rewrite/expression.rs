//! Jinja's expressions, by the grammar of its parser.

use std::fmt::Write as _;

use super::cursor::{Parser, said};
use super::lexer::Token;

/// What Python finds on a mapping before it looks for a key.
const METHODS: [&str; 11] = [
    "clear",
    "copy",
    "fromkeys",
    "get",
    "items",
    "keys",
    "pop",
    "popitem",
    "setdefault",
    "update",
    "values",
];

/// An expression for minijinja.
pub(super) struct Rewritten {
    text: String,
    bond: Bond,
}

/// How tightly what was written holds together.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bond {
    /// An attribute may follow.
    Primary,
    /// A filter may follow.
    Filtered,
    Loose,
}

impl Rewritten {
    fn new(text: String, bond: Bond) -> Self {
        Self { text, bond }
    }

    /// For attributes, items and calls.
    fn primary(self) -> String {
        match self.bond {
            Bond::Primary => self.text,
            Bond::Filtered | Bond::Loose => format!("({})", self.text),
        }
    }

    /// For filters and as an operand.
    fn operand(self) -> String {
        match self.bond {
            Bond::Primary | Bond::Filtered => self.text,
            Bond::Loose => format!("({})", self.text),
        }
    }

    fn filtered(self, filter: &str, arguments: &[String]) -> Self {
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

    fn primary(&mut self) -> Result<Rewritten, String> {
        let text = match self.tokens.next() {
            None => return Err("an expression is missing".to_owned()),
            Some(Token::Name("True" | "true")) => "true".to_owned(),
            Some(Token::Name("False" | "false")) => "false".to_owned(),
            Some(Token::Name("None" | "none")) => "none".to_owned(),
            Some(Token::Name(word @ ("if" | "else" | "and" | "or" | "in" | "is"))) => {
                return Err(format!("`{word}` stands where a value should"));
            }
            Some(Token::Name(name)) => name.to_owned(),
            Some(Token::Integer(value)) => value.to_string(),
            Some(Token::Float(value)) if value.is_infinite() => "1e999".to_owned(),
            Some(Token::Float(value)) => format!("{value:?}"),
            Some(Token::Text(mut text)) => {
                while let Some(Token::Text(more)) =
                    self.tokens.next_if(|token| matches!(token, Token::Text(_)))
                {
                    text.push_str(&more);
                }
                quoted(&text)
            }
            Some(Token::Operator("(")) => {
                let inner = match self.is(")") {
                    true => "()".to_owned(),
                    false => format!("({})", self.tuple(Conditional::Yes)?),
                };
                self.expect(")")?;
                inner
            }
            Some(Token::Operator("[")) => format!("[{}]", self.items("]")?.join(", ")),
            Some(Token::Operator("{")) => self.map()?,
            Some(token) => return Err(format!("{} stands where a value should", said(&token))),
        };
        Ok(Rewritten::new(text, Bond::Primary))
    }

    fn items(&mut self, close: &str) -> Result<Vec<String>, String> {
        let mut items = Vec::new();
        while !self.skip(close) {
            if !items.is_empty() {
                self.expect(",")?;
                if self.skip(close) {
                    break;
                }
            }
            items.push(self.text()?);
        }
        Ok(items)
    }

    fn map(&mut self) -> Result<String, String> {
        let mut items = Vec::new();
        while !self.skip("}") {
            if !items.is_empty() {
                self.expect(",")?;
                if self.skip("}") {
                    break;
                }
            }
            let literal = matches!(self.tokens.peek(), Some(Token::Text(_)));
            let key = self.expression()?;
            let key = match literal && key.bond == Bond::Primary {
                true => key.text,
                false => key.filtered("__key", &[]).text,
            };
            self.expect(":")?;
            items.push(format!("{key}: {}", self.text()?));
        }
        // A blank apart: `{{` and `}}` begin and end tags.
        Ok(format!("{{ {} }}", items.join(", ")))
    }

    fn postfix(&mut self, mut value: Rewritten) -> Result<Rewritten, String> {
        loop {
            if self.skip(".") {
                self.link()?;
                value = self.attribute(value)?;
            } else if self.skip("[") {
                self.link()?;
                value = self.item(value)?;
            } else if self.is("(") {
                self.link()?;
                value = self.call(value)?;
            } else {
                return Ok(value);
            }
        }
    }

    /// What stands behind a point: an attribute, a method with its arguments, or a place.
    fn attribute(&mut self, value: Rewritten) -> Result<Rewritten, String> {
        let name = match self.tokens.next() {
            Some(Token::Name(name)) => name,
            Some(Token::Integer(place)) => {
                return Ok(Rewritten::new(
                    format!("{}[{place}]", value.primary()),
                    Bond::Primary,
                ));
            }
            _ => return Err("a name is missing behind a point".to_owned()),
        };
        // A block's name, for which there is no value.
        if value.text == "self" {
            return Ok(Rewritten::new(format!("self.{name}"), Bond::Primary));
        }
        if !self.is("(") {
            return Ok(match METHODS.contains(&name) {
                true => value.filtered("__bound", &[format!("'{name}'")]),
                false => Rewritten::new(format!("{}.{name}", value.primary()), Bond::Primary),
            });
        }
        let mut arguments = vec![format!("'{name}'")];
        arguments.extend(self.arguments()?);
        Ok(value.filtered("__method", &arguments))
    }

    fn item(&mut self, value: Rewritten) -> Result<Rewritten, String> {
        let mut bounds = [None, None, None];
        let mut place = 0;
        while !self.skip("]") {
            if self.skip(":") {
                place += 1;
            } else if bounds.get(place).is_some_and(Option::is_none) {
                bounds[place] = Some(self.text()?);
            } else {
                return Err("an item has one place".to_owned());
            }
        }
        let [Some(index), None, None] = &bounds else {
            if place == 0 || place > 2 {
                return Err("an item has one place".to_owned());
            }
            let bounds = bounds.map(|bound| bound.unwrap_or_else(|| "none".to_owned()));
            return Ok(value.filtered("__slice", &bounds));
        };
        if place > 0 {
            let bounds = [index.clone(), "none".to_owned(), "none".to_owned()];
            return Ok(value.filtered("__slice", &bounds));
        }
        Ok(value.filtered("__item", std::slice::from_ref(index)))
    }

    fn call(&mut self, value: Rewritten) -> Result<Rewritten, String> {
        let arguments = self.arguments()?.join(", ");
        let text = format!("{}({arguments})", value.primary());
        Ok(Rewritten::new(text, Bond::Primary))
    }

    pub(super) fn arguments(&mut self) -> Result<Vec<String>, String> {
        self.expect("(")?;
        let mut arguments = Vec::new();
        while !self.skip(")") {
            if !arguments.is_empty() {
                self.expect(",")?;
                if self.skip(")") {
                    break;
                }
            }
            arguments.push(self.argument()?);
        }
        Ok(arguments)
    }

    fn argument(&mut self) -> Result<String, String> {
        for splat in ["**", "*"] {
            if self.skip(splat) {
                return Ok(format!("{splat}{}", self.expression()?.operand()));
            }
        }
        let value = self.text()?;
        if self.skip("=") {
            return Ok(format!("{value}={}", self.text()?));
        }
        Ok(value)
    }

    /// Filters, tests, and calls of what they gave.
    pub(super) fn filters(&mut self, mut value: Rewritten) -> Result<Rewritten, String> {
        loop {
            if self.skip("|") {
                self.link()?;
                let filter = self.filter()?;
                value = Rewritten::new(format!("{}|{filter}", value.operand()), Bond::Filtered);
            } else if self.skip_word("is") {
                self.link()?;
                value = self.test(value)?;
            } else if self.is("(") {
                self.link()?;
                value = self.call(value)?;
            } else {
                return Ok(value);
            }
        }
    }

    /// A filter's name with its arguments.
    pub(super) fn filter(&mut self) -> Result<String, String> {
        let name = self.dotted()?;
        Ok(match self.is("(") {
            true => format!("{name}({})", self.arguments()?.join(", ")),
            false => name,
        })
    }

    fn dotted(&mut self) -> Result<String, String> {
        let mut name = self.name()?.to_owned();
        while self.skip(".") {
            name.push('.');
            name.push_str(self.name()?);
        }
        Ok(name)
    }

    fn test(&mut self, value: Rewritten) -> Result<Rewritten, String> {
        let not = if self.skip_word("not") { "not " } else { "" };
        let name = self.dotted()?;
        let arguments = match self.tokens.peek() {
            Some(Token::Operator("(")) => self.arguments()?,
            Some(Token::Name("else" | "or" | "and" | "if" | "not" | "in")) => Vec::new(),
            Some(Token::Name("is")) => return Err("tests do not follow one another".to_owned()),
            Some(Token::Name(_) | Token::Text(_) | Token::Integer(_) | Token::Float(_))
            | Some(Token::Operator("[" | "{")) => {
                let argument = self.deeper(Self::primary)?;
                vec![self.postfix(argument)?.text]
            }
            _ => Vec::new(),
        };
        let text = format!(
            "{} is {not}{name}({})",
            value.operand(),
            arguments.join(", ")
        );
        // In brackets: what follows a test would be its argument.
        Ok(Rewritten::new(format!("({text})"), Bond::Primary))
    }
}

/// A text that minijinja reads as `text`.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}
