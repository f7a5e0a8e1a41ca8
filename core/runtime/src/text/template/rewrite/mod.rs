//! From Jinja as Hugging Face's templates are written in it to what minijinja computes as Python does, and within bounds.
//!
//! Tags are parsed by Jinja's grammar and written anew: operators, methods and slices become filters of ours, `generation`
//! becomes `with`. What stands between tags is left as it is; every tag keeps its marks and its lines.

mod cursor;
mod expression;
mod lexer;
mod operand;
mod statement;

use lexer::{SourcePiece, TagKind};

/// What is wrong with a template, and in which line, counted from 1.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) line: usize,
    pub(super) what: String,
}

impl Fault {
    fn new(line: usize, what: impl Into<String>) -> Self {
        Self {
            line,
            what: what.into(),
        }
    }
}

/// Bytes of a template; the largest of real models have a quarter.
const SOURCE_BYTES: usize = 256 * 1024;

/// `source` for minijinja.
pub(super) fn rewritten(source: &str) -> Result<String, Fault> {
    if source.len() > SOURCE_BYTES {
        let what = format!("{} bytes are more than {SOURCE_BYTES}", source.len());
        return Err(Fault::new(1, what));
    }
    let source = source.replace("\r\n", "\n").replace('\r', "\n");
    // Jinja drops one line end at the end.
    let source = source.strip_suffix('\n').unwrap_or(&source);
    let mut out = String::with_capacity(2 * source.len());
    let mut nesting = statement::Nesting::default();
    for piece in lexer::pieces(source)? {
        match piece {
            SourcePiece::Verbatim(text) => out.push_str(text),
            SourcePiece::Tag(tag) => {
                let fault = |what| Fault::new(tag.line, what);
                let inner = match tag.kind {
                    TagKind::Print => expression::printed(tag.tokens),
                    TagKind::Block => statement::statement(tag.tokens, &mut nesting),
                };
                out.push_str(tag.open);
                out.push(' ');
                out.push_str(&inner.map_err(fault)?);
                out.push_str(&"\n".repeat(tag.lines));
                out.push(' ');
                out.push_str(tag.close);
            }
        }
    }
    // minijinja drops one as well.
    out.push('\n');
    Ok(out)
}
