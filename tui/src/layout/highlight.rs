//! Which part of a program is what: the scopes of grammars, made roles.

use std::cell::OnceCell;

use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxReference, SyntaxSet};

use crate::theme::Role;

/// A program with more lines stays plain.
const MOST_LINES: usize = 2000;
/// So does one with a longer line, in bytes.
const LONGEST_LINE: usize = 2000;

/// Names that people write for grammars which go by another.
const ALIASES: &[(&str, &str)] = &[
    ("bash", "sh"),
    ("c#", "cs"),
    ("c++", "cpp"),
    ("console", "sh"),
    ("csharp", "cs"),
    ("golang", "go"),
    ("javascript", "js"),
    ("jsonc", "json"),
    ("jsx", "js"),
    ("kotlin", "java"),
    ("mjs", "js"),
    ("py3", "py"),
    ("python3", "py"),
    ("shell", "sh"),
    ("shell-session", "sh"),
    ("ts", "js"),
    ("tsx", "js"),
    ("typescript", "js"),
    ("zsh", "sh"),
];

/// The first parts of scopes and the roles they mean; of a stack of scopes the innermost that is listed counts.
const SCOPES: &[(&str, Role)] = &[
    ("comment", Role::CodeComment),
    ("meta.interpolation", Role::Text),
    ("string", Role::CodeString),
    ("constant.character.escape", Role::CodeNumber),
    ("constant", Role::CodeNumber),
    ("keyword.operator", Role::Text),
    ("keyword", Role::CodeKeyword),
    ("storage", Role::CodeKeyword),
    ("variable.language", Role::CodeKeyword),
    ("entity.name.tag", Role::CodeKeyword),
    ("entity.name", Role::CodeName),
    ("entity.other.inherited-class", Role::CodeName),
    ("support", Role::CodeName),
    ("variable.function", Role::CodeName),
];

/// The word operators of languages such as Python are words of the language.
const WORD_OPERATORS: &str = "keyword.operator.logical";

/// Bytes of a line in one role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HighlightSpan {
    /// The byte after the last.
    pub(super) end: usize,
    /// What it is.
    pub(super) role: Role,
}

/// Knows the grammars. They are unpacked when the first program with a language comes, which takes a while.
#[derive(Default)]
pub struct Highlighter {
    grammars: OnceCell<Grammars>,
}

struct Grammars {
    syntaxes: SyntaxSet,
    roles: Vec<(Scope, Role)>,
}

impl Highlighter {
    /// The pieces of each line of `code`; none if the language is not known or there is too much of it.
    pub(super) fn lines(&self, language: &str, code: &str) -> Option<Vec<Vec<HighlightSpan>>> {
        let language = language.trim();
        let is_too_much =
            code.lines().count() > MOST_LINES || code.lines().any(|line| line.len() > LONGEST_LINE);
        if language.is_empty() || is_too_much {
            return None;
        }
        self.grammars
            .get_or_init(Grammars::unpack)
            .lines(language, code)
    }
}

impl Grammars {
    fn unpack() -> Self {
        let role = |&(name, role): &(&str, Role)| Some((Scope::new(name).ok()?, role));
        let operators = [(WORD_OPERATORS, Role::CodeKeyword)];
        Self {
            syntaxes: SyntaxSet::load_defaults_newlines(),
            roles: operators.iter().chain(SCOPES).filter_map(role).collect(),
        }
    }

    fn lines(&self, language: &str, code: &str) -> Option<Vec<Vec<HighlightSpan>>> {
        let mut state = ParseState::new(self.syntax(language)?);
        let mut stack = ScopeStack::new();
        code.split_inclusive('\n')
            .map(|line| self.line(&mut state, &mut stack, line))
            .collect()
    }

    fn syntax(&self, language: &str) -> Option<&SyntaxReference> {
        let name = language.to_ascii_lowercase();
        let alias = ALIASES.iter().find(|(alias, _)| *alias == name);
        let name = alias.map_or(name.as_str(), |(_, name)| name);
        self.syntaxes.find_syntax_by_token(name)
    }

    /// `None` if the grammar fails on the line.
    fn line(
        &self,
        state: &mut ParseState,
        stack: &mut ScopeStack,
        line: &str,
    ) -> Option<Vec<HighlightSpan>> {
        let mut pieces: Vec<HighlightSpan> = Vec::new();
        let mut push = |end: usize, role: Role| match pieces.last_mut() {
            Some(last) if last.role == role => last.end = end,
            Some(last) if last.end >= end => (),
            _ => pieces.push(HighlightSpan { end, role }),
        };
        for (at, change) in state.parse_line(line, &self.syntaxes).ok()? {
            if at > 0 {
                push(at, self.role(stack));
            }
            stack.apply(&change).ok()?;
        }
        push(line.len(), self.role(stack));
        Some(pieces)
    }

    fn role(&self, stack: &ScopeStack) -> Role {
        let scopes = stack.as_slice().iter().rev();
        let mut known = scopes.filter_map(|&scope| {
            let found = self
                .roles
                .iter()
                .find(|(prefix, _)| prefix.is_prefix_of(scope));
            found.map(|&(_, role)| role)
        });
        known.next().unwrap_or(Role::Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words of `code` that are not plain text, with their roles.
    fn words(language: &str, code: &str) -> Vec<(String, Role)> {
        let lines = Highlighter::default()
            .lines(language, code)
            .expect("a known language");
        let mut words = Vec::new();
        for (line, pieces) in code.split_inclusive('\n').zip(lines) {
            let mut start = 0;
            for piece in pieces {
                let word = line[start..piece.end].trim();
                if piece.role != Role::Text && !word.is_empty() {
                    words.push((word.to_owned(), piece.role));
                }
                start = piece.end;
            }
            assert_eq!(start, line.len());
        }
        words
    }

    #[track_caller]
    fn check(language: &str, code: &str, expected: &[(&str, Role)]) {
        let words = words(language, code);
        let words: Vec<_> = words
            .iter()
            .map(|(word, role)| (word.as_str(), *role))
            .collect();
        assert_eq!(words, expected);
    }

    #[test]
    fn python_has_its_parts() {
        check(
            "python",
            "def f(n):\n    return \"é\" if n > 1 and True else 2  # why\n",
            &[
                ("def", Role::CodeKeyword),
                ("f", Role::CodeName),
                ("return", Role::CodeKeyword),
                ("\"é\"", Role::CodeString),
                ("if", Role::CodeKeyword),
                ("1", Role::CodeNumber),
                ("and", Role::CodeKeyword),
                ("True", Role::CodeNumber),
                ("else", Role::CodeKeyword),
                ("2", Role::CodeNumber),
                ("# why", Role::CodeComment),
            ],
        );
    }

    #[test]
    fn rust_has_its_parts() {
        check(
            "Rust",
            "struct A; // x\nlet a: u8 = 1;",
            &[
                ("struct", Role::CodeKeyword),
                ("A", Role::CodeName),
                ("// x", Role::CodeComment),
                ("let", Role::CodeKeyword),
                ("u8", Role::CodeKeyword),
                ("1", Role::CodeNumber),
            ],
        );
    }

    #[test]
    fn languages_go_by_many_names() {
        for name in [
            "py",
            "Python3",
            "bash",
            "shell",
            "zsh",
            "console",
            "c",
            "c++",
            "cpp",
            "rs",
            "go",
            "golang",
            "java",
            "js",
            "ts",
            "tsx",
            "typescript",
            "json",
            "html",
            "css",
            "sql",
            "ruby",
            "lua",
            "yaml",
            "xml",
            "php",
            "r",
            "haskell",
            "csharp",
            "diff",
            "markdown",
            "latex",
            "makefile",
            "scala",
            "perl",
        ] {
            let lines = Highlighter::default().lines(name, "1\n");
            assert!(lines.is_some(), "{name}");
        }
    }

    #[test]
    fn unknown_languages_and_very_much_code_stay_plain() {
        let highlighter = Highlighter::default();
        assert_eq!(highlighter.lines("", "1"), None);
        assert_eq!(highlighter.lines("no-such-language", "1"), None);
        assert_eq!(
            highlighter.lines("python", &"x\n".repeat(MOST_LINES + 1)),
            None
        );
        assert_eq!(
            highlighter.lines("python", &"x".repeat(LONGEST_LINE + 1)),
            None
        );
    }
}
