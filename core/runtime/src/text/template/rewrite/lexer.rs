//! A template as Jinja's lexer cuts it: text that stays as it is, and tags with their tokens.

use super::Fault;

/// What stands between the tags, or a tag.
#[derive(Debug)]
pub(super) enum SourcePiece<'a> {
    /// Text, comments and raw blocks.
    Verbatim(&'a str),
    Tag(Tag<'a>),
}

/// `{{ … }}` or `{% … %}`.
#[derive(Debug)]
pub(super) struct Tag<'a> {
    pub(super) kind: TagKind,
    /// With its mark: `{%-`.
    pub(super) open: &'a str,
    pub(super) tokens: Vec<Token<'a>>,
    /// With its mark: `-%}`.
    pub(super) close: &'a str,
    /// Line ends between the two.
    pub(super) lines: usize,
    /// Where it begins, counted from 1.
    pub(super) line: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TagKind {
    Print,
    Block,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token<'a> {
    Name(&'a str),
    /// What the quotes mean.
    Text(String),
    Integer(u128),
    Float(f64),
    Operator(&'static str),
}

const OPERATORS: [&str; 28] = [
    "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}",
    ">", "<", "=", ".", ":", "|", ",", ";", "!", "&",
];

/// The pieces of `source`, whose line ends are `\n` alone.
pub(super) fn pieces(source: &str) -> Result<Vec<SourcePiece<'_>>, Fault> {
    let mut pieces = Vec::new();
    let mut at = 0;
    let mut line = 1;
    while at < source.len() {
        let rest = &source[at..];
        let piece = match tag_start(rest) {
            None => SourcePiece::Verbatim(rest),
            Some(start) if start > 0 => SourcePiece::Verbatim(&rest[..start]),
            Some(_) if rest.starts_with("{#") => {
                let end = rest
                    .find("#}")
                    .ok_or(Fault::new(line, "a comment has no end"))?;
                SourcePiece::Verbatim(&rest[..end + 2])
            }
            Some(_) => match raw_block(rest) {
                Some(Some(length)) => SourcePiece::Verbatim(&rest[..length]),
                Some(None) => return Err(Fault::new(line, "a raw block has no end")),
                None => {
                    let (tag, length) = tag(rest, line)?;
                    line += tag.lines;
                    at += length;
                    pieces.push(SourcePiece::Tag(tag));
                    continue;
                }
            },
        };
        if let SourcePiece::Verbatim(text) = &piece {
            line += lines(text);
            at += text.len();
        }
        pieces.push(piece);
    }
    Ok(pieces)
}

fn lines(text: &str) -> usize {
    text.bytes().filter(|&byte| byte == b'\n').count()
}

fn tag_start(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    (0..bytes.len().saturating_sub(1))
        .find(|&at| bytes[at] == b'{' && matches!(bytes[at + 1], b'{' | b'%' | b'#'))
}

/// The length of the raw block that `rest` begins with, if it does; of the inner option, if it has an end.
fn raw_block(rest: &str) -> Option<Option<usize>> {
    let begun = bare_tag(rest, "raw")?;
    let mut at = begun;
    while let Some(found) = rest[at..].find("{%") {
        at += found;
        if let Some(length) = bare_tag(&rest[at..], "endraw") {
            return Some(Some(at + length));
        }
        at += 2;
    }
    Some(None)
}

/// The length of the tag `name` without arguments that `rest` begins with.
fn bare_tag(rest: &str, name: &str) -> Option<usize> {
    let inner = rest.strip_prefix("{%")?;
    let inner = inner.strip_prefix(['-', '+']).unwrap_or(inner);
    let inner = inner.trim_start().strip_prefix(name)?.trim_start();
    let inner = inner.strip_prefix(['-', '+']).unwrap_or(inner);
    let behind = inner.strip_prefix("%}")?;
    Some(rest.len() - behind.len())
}

/// The tag that `rest` begins with, and its length.
fn tag(rest: &str, line: usize) -> Result<(Tag<'_>, usize), Fault> {
    let kind = match rest.starts_with("{{") {
        true => TagKind::Print,
        false => TagKind::Block,
    };
    let marked = rest[2..].starts_with(['-', '+']);
    let open = &rest[..2 + usize::from(marked)];
    let mut at = open.len();
    let mut tokens = Vec::new();
    let mut brackets = Vec::new();
    let mut passed = 0;
    loop {
        let here = &rest[at..];
        let blank = here.len() - here.trim_start().len();
        passed += lines(&here[..blank]);
        at += blank;
        let here = &rest[at..];
        let line = line + passed;
        if here.is_empty() {
            return Err(Fault::new(line, "a tag has no end"));
        }
        if brackets.is_empty()
            && let Some(close) = close(here, kind)
        {
            let tag = Tag {
                kind,
                open,
                tokens,
                close,
                lines: passed,
                line: line - passed,
            };
            return Ok((tag, at + close.len()));
        }
        let (token, length) = token(here, tokens.last()).map_err(|what| Fault::new(line, what))?;
        balance(&token, &mut brackets).map_err(|what| Fault::new(line, what))?;
        tokens.push(token);
        passed += lines(&here[..length]);
        at += length;
    }
}

fn close(here: &str, kind: TagKind) -> Option<&str> {
    let ends: &[&str] = match kind {
        TagKind::Print => &["-}}", "}}"],
        TagKind::Block => &["-%}", "+%}", "%}"],
    };
    let end = ends.iter().find(|end| here.starts_with(**end))?;
    Some(&here[..end.len()])
}

fn balance(token: &Token<'_>, brackets: &mut Vec<&'static str>) -> Result<(), String> {
    let Token::Operator(operator) = *token else {
        return Ok(());
    };
    match operator {
        "(" => brackets.push(")"),
        "[" => brackets.push("]"),
        "{" => brackets.push("}"),
        ")" | "]" | "}" if brackets.pop() != Some(operator) => {
            return Err(format!("`{operator}` closes nothing"));
        }
        _ => (),
    }
    Ok(())
}

fn token<'a>(here: &'a str, before: Option<&Token<'_>>) -> Result<(Token<'a>, usize), String> {
    let first = here.chars().next().unwrap_or_default();
    if first == '\'' || first == '"' {
        let (text, length) = quoted(here, first)?;
        return Ok((Token::Text(text), length));
    }
    if first.is_ascii_digit() {
        return number(here, before == Some(&Token::Operator(".")));
    }
    if first == '_' || first.is_alphabetic() {
        let ends = |c: char| !(c == '_' || c.is_alphanumeric());
        let length = here.find(ends).unwrap_or(here.len());
        return Ok((Token::Name(&here[..length]), length));
    }
    let operator = OPERATORS
        .iter()
        .find(|operator| here.starts_with(**operator));
    let operator = operator.ok_or_else(|| format!("`{first}` means nothing here"))?;
    Ok((Token::Operator(operator), operator.len()))
}

/// A number; one that follows a point is a place and has no fraction.
fn number(here: &str, place: bool) -> Result<(Token<'_>, usize), String> {
    let too_large = || "a number is too large".to_owned();
    let lower = here.get(..2).unwrap_or_default().to_ascii_lowercase();
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if lower == prefix {
            let length = digits(&here[2..], radix);
            let value = u128::from_str_radix(&here[2..2 + length].replace('_', ""), radix);
            return Ok((Token::Integer(value.map_err(|_| too_large())?), 2 + length));
        }
    }
    let whole = digits(here, 10);
    let mut length = whole;
    if !place {
        let fraction = here[length..]
            .strip_prefix('.')
            .map_or(0, |rest| digits(rest, 10));
        length += if fraction > 0 { 1 + fraction } else { 0 };
        if let Some(rest) = here[length..].strip_prefix(['e', 'E']) {
            let sign = usize::from(rest.starts_with(['+', '-']));
            let exponent = digits(&rest[sign..], 10);
            length += if exponent > 0 { 1 + sign + exponent } else { 0 };
        }
    }
    let text = here[..length].replace('_', "");
    if length > whole {
        let value = text.parse().map_err(|_| format!("`{text}` is no number"))?;
        return Ok((Token::Float(value), length));
    }
    Ok((
        Token::Integer(text.parse().map_err(|_| too_large())?),
        length,
    ))
}

fn digits(text: &str, radix: u32) -> usize {
    let ends = |c: char| !(c.is_digit(radix) || c == '_');
    text.find(ends).unwrap_or(text.len())
}

/// What a literal means to Python, and its length with its quotes.
fn quoted(here: &str, quote: char) -> Result<(String, usize), String> {
    let mut text = String::new();
    let mut chars = here.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c == quote {
            return Ok((text, at + 1));
        }
        if c != '\\' {
            text.push(c);
            continue;
        }
        let Some((_, escaped)) = chars.next() else {
            break;
        };
        let digits = match escaped {
            'x' => Some((16, 2)),
            'u' => Some((16, 4)),
            'U' => Some((16, 8)),
            '0'..='7' => Some((8, 3)),
            _ => None,
        };
        if let Some((radix, most)) = digits {
            let mut code = escaped.to_digit(8).filter(|_| radix == 8).unwrap_or(0);
            let mut read = usize::from(radix == 8);
            while read < most
                && let Some(digit) = chars.peek().and_then(|(_, c)| c.to_digit(radix))
            {
                code = code.saturating_mul(radix).saturating_add(digit);
                read += 1;
                chars.next();
            }
            if radix == 16 && read < most {
                return Err(format!("`\\{escaped}` lacks digits"));
            }
            // Half of a pair is no character of ours.
            text.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            continue;
        }
        match escaped {
            '\n' => (),
            '\\' | '\'' | '"' => text.push(escaped),
            'a' => text.push('\u{7}'),
            'b' => text.push('\u{8}'),
            'f' => text.push('\u{c}'),
            'n' => text.push('\n'),
            'r' => text.push('\r'),
            't' => text.push('\t'),
            'v' => text.push('\u{b}'),
            other => {
                text.push('\\');
                text.push(other);
            }
        }
    }
    Err("a text has no end".to_owned())
}
