//! Jinja's block tags.

use super::cursor::Parser;
use super::expression::Conditional;
use super::lexer::Token;

/// Blocks in one another; branches of one `if` count as such to whoever compiles them.
const DEPTH: usize = 60;
/// Branches of one `if`.
const BRANCHES: usize = 500;

/// The blocks that are open, with what ends each and how many branches it has had.
#[derive(Default)]
pub(super) struct Nesting(Vec<(&'static str, usize)>);

impl Nesting {
    fn open(&mut self, end: &'static str) -> Result<(), String> {
        self.0.push((end, 0));
        match self.0.len() > DEPTH {
            true => Err(format!("more than {DEPTH} blocks stand in one another")),
            false => Ok(()),
        }
    }

    fn branch(&mut self) -> Result<(), String> {
        let Some((_, branches)) = self.0.last_mut() else {
            return Err("a branch stands outside of a block".to_owned());
        };
        *branches += 1;
        match *branches > BRANCHES {
            true => Err(format!("an `if` has more than {BRANCHES} branches")),
            false => Ok(()),
        }
    }

    fn close(&mut self, end: &str) -> Result<(), String> {
        match self.0.pop() {
            Some((expected, _)) if expected == end => Ok(()),
            Some((expected, _)) => Err(format!("`{end}` stands where `{expected}` should")),
            None => Err(format!("`{end}` ends nothing")),
        }
    }
}

/// What stands between `{%` and `%}`, for minijinja.
pub(super) fn statement(tokens: Vec<Token<'_>>, nesting: &mut Nesting) -> Result<String, String> {
    let mut parser = Parser::new(tokens);
    let word = parser.name()?;
    let text = match word {
        "for" => {
            nesting.open("endfor")?;
            looped(&mut parser)?
        }
        "if" => {
            nesting.open("endif")?;
            format!("if {}", parser.tuple(Conditional::No)?)
        }
        "elif" => {
            nesting.branch()?;
            format!("elif {}", parser.tuple(Conditional::No)?)
        }
        "else" => {
            nesting.branch()?;
            "else".to_owned()
        }
        "set" => set(&mut parser, nesting)?,
        "with" => {
            nesting.open("endwith")?;
            with(&mut parser)?
        }
        "macro" => {
            nesting.open("endmacro")?;
            format!("macro {}({})", parser.name()?, parameters(&mut parser)?)
        }
        "call" => {
            nesting.open("endcall")?;
            let parameters = match parser.is("(") {
                true => format!("({}) ", parameters(&mut parser)?),
                false => String::new(),
            };
            format!("call {parameters}{}", called(&mut parser)?)
        }
        "filter" => {
            nesting.open("endfilter")?;
            format!("filter {}", filters(&mut parser)?)
        }
        "block" => {
            nesting.open("endblock")?;
            block(&mut parser)?
        }
        // What Hugging Face's trainers mark an assistant's words with: a scope.
        "generation" => {
            nesting.open("endgeneration")?;
            "with".to_owned()
        }
        "endgeneration" => {
            nesting.close(word)?;
            "endwith".to_owned()
        }
        "endblock" => {
            nesting.close(word)?;
            while parser.next().is_some() {}
            word.to_owned()
        }
        "endfor" | "endif" | "endset" | "endwith" | "endmacro" | "endcall" | "endfilter" => {
            nesting.close(word)?;
            word.to_owned()
        }
        "print" => {
            let printed = parser.tuple(Conditional::Yes)?;
            format!("with %}}{{{{ {printed} }}}}{{% endwith")
        }
        "break" | "continue" => word.to_owned(),
        "include" | "import" | "from" | "extends" => {
            return Err(format!(
                "`{word}` needs other files, which a chat template has not"
            ));
        }
        _ => return Err(format!("the tag `{word}` is not known")),
    };
    parser.end()?;
    Ok(text)
}

fn looped(parser: &mut Parser<'_>) -> Result<String, String> {
    let target = target(parser)?;
    if !parser.skip_word("in") {
        return Err("`in` is missing".to_owned());
    }
    let items = parser.tuple(Conditional::No)?;
    let mut text = format!("for {target} in ({items})|__items");
    if parser.skip_word("if") {
        text.push_str(&format!(" if {}", parser.text()?));
    }
    if parser.skip_word("recursive") {
        text.push_str(" recursive");
    }
    Ok(text)
}

/// Names that are given values, as they are.
fn target(parser: &mut Parser<'_>) -> Result<String, String> {
    let mut text = String::new();
    let mut depth = 0;
    while !(parser.at_end() || parser.is("=") || parser.is("|") || parser.is_word("in")) {
        match parser.next() {
            Some(Token::Name(name)) => text.push_str(name),
            Some(Token::Operator(operator @ ("(" | ")" | "," | "."))) => {
                depth += usize::from(operator == "(");
                text.push_str(operator);
            }
            _ => return Err("a name is missing".to_owned()),
        }
        if depth > DEPTH {
            return Err(format!("more than {DEPTH} brackets stand in one another"));
        }
    }
    Ok(text)
}

fn set(parser: &mut Parser<'_>, nesting: &mut Nesting) -> Result<String, String> {
    let target = target(parser)?;
    if parser.skip("=") {
        return Ok(format!(
            "set {target} = {}",
            parser.tuple(Conditional::Yes)?
        ));
    }
    nesting.open("endset")?;
    Ok(match parser.skip("|") {
        true => format!("set {target} | {}", filters(parser)?),
        false => format!("set {target}"),
    })
}

fn filters(parser: &mut Parser<'_>) -> Result<String, String> {
    let mut filters = vec![parser.filter()?];
    while parser.skip("|") {
        filters.push(parser.filter()?);
    }
    Ok(filters.join(" | "))
}

fn with(parser: &mut Parser<'_>) -> Result<String, String> {
    let mut given = Vec::new();
    while !parser.at_end() {
        if !given.is_empty() {
            parser.expect(",")?;
        }
        let name = parser.name()?;
        parser.expect("=")?;
        given.push(format!("{name} = {}", parser.text()?));
    }
    Ok(format!("with {}", given.join(", ")))
}

fn parameters(parser: &mut Parser<'_>) -> Result<String, String> {
    parser.expect("(")?;
    let mut parameters = Vec::new();
    while !parser.skip(")") {
        if !parameters.is_empty() {
            parser.expect(",")?;
            if parser.skip(")") {
                break;
            }
        }
        let name = parser.name()?;
        parameters.push(match parser.skip("=") {
            true => format!("{name}={}", parser.text()?),
            false => name.to_owned(),
        });
    }
    Ok(parameters.join(", "))
}

/// The macro that a `call` block is for, with its arguments.
fn called(parser: &mut Parser<'_>) -> Result<String, String> {
    let name = parser.name()?;
    Ok(format!("{name}({})", parser.arguments()?.join(", ")))
}

fn block(parser: &mut Parser<'_>) -> Result<String, String> {
    let mut text = format!("block {}", parser.name()?);
    for word in ["scoped", "required"] {
        if parser.skip_word(word) {
            text.push(' ');
            text.push_str(word);
        }
    }
    Ok(text)
}
