//! What operators stand between: names, texts, lists and calls, and what is behind them.

use super::cursor::{Parser, said};
use super::expression::{Bond, Conditional, Rewritten};
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

impl<'a> Parser<'a> {
    pub(super) fn primary(&mut self) -> Result<Rewritten, String> {
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

    pub(super) fn postfix(&mut self, mut value: Rewritten) -> Result<Rewritten, String> {
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

    pub(super) fn test(&mut self, value: Rewritten) -> Result<Rewritten, String> {
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
