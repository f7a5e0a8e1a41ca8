//! Has a draft edited in the user's own editor.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, ExitStatus};

use crate::state::Toast;

/// The editor, and the variable that names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Editor {
    /// Program and arguments, in the words of the shell.
    command: String,
    /// `$VISUAL`, `$EDITOR`, or what there is without them.
    named_by: &'static str,
}

impl Editor {
    /// The one that the variables name; `vi` without them.
    pub(super) fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        for (name, named_by) in [("VISUAL", "$VISUAL"), ("EDITOR", "$EDITOR")] {
            if let Some(command) = set(name) {
                return Self { command, named_by };
            }
        }
        Self {
            command: if cfg!(windows) { "notepad" } else { "vi" }.to_owned(),
            named_by: "$VISUAL and $EDITOR are not set, and",
        }
    }

    /// Runs it on a file that only the user can read, and waits for its end.
    ///
    /// # Errors
    /// What to tell the user; the draft is as it was.
    pub(super) fn edit(&self, draft: &str) -> Result<String, Toast> {
        let text = self.run_on_file(draft).map_err(|why| self.toast(&why))?;
        Ok(text
            .strip_suffix("\r\n")
            .or_else(|| text.strip_suffix('\n'))
            .unwrap_or(&text)
            .to_owned())
    }

    fn run_on_file(&self, draft: &str) -> Result<String, String> {
        let file = || -> io::Result<tempfile::NamedTempFile> {
            let mut file = tempfile::Builder::new()
                .prefix("unmask-")
                .suffix(".md")
                .tempfile()?;
            file.write_all(draft.as_bytes())?;
            file.flush()?;
            Ok(file)
        };
        let file = file().map_err(|error| format!("no file for the draft: {error}"))?;
        let status = self
            .command(file.path())
            .status()
            .map_err(|error| error.to_string())?;
        self.check(status)?;
        // Editors that write anew and rename leave another file in its place.
        let bytes = fs::read(file.path()).map_err(|error| error.to_string())?;
        String::from_utf8(bytes).map_err(|_| "what it wrote is not UTF-8".to_owned())
    }

    fn check(&self, status: ExitStatus) -> Result<(), String> {
        match status.code() {
            Some(0) => Ok(()),
            Some(127) if cfg!(unix) => Err("there is no such program".to_owned()),
            Some(code) => Err(format!("it ended with code {code}")),
            None => Err("it was killed".to_owned()),
        }
    }

    /// Through the shell, which knows how its words are quoted.
    #[cfg(unix)]
    fn command(&self, file: &Path) -> Command {
        let mut command = Command::new("/bin/sh");
        command.arg("-c");
        command.arg(format!("{} \"$@\"", self.command));
        command.arg("unmask");
        command.arg(file);
        command
    }

    /// Through Windows' own shell, for the same reason.
    #[cfg(windows)]
    fn command(&self, file: &Path) -> Command {
        use std::os::windows::process::CommandExt as _;
        let mut command = Command::new("cmd");
        // With /S it takes away the outer quotes and leaves all others.
        command.raw_arg(format!("/S /C \"{} \"{}\"\"", self.command, file.display()));
        command
    }

    fn toast(&self, why: &str) -> Toast {
        let Self { command, named_by } = self;
        Toast {
            title: "The editor failed; the draft is as it was".to_owned(),
            lines: vec![
                format!("{named_by} `{command}`: {why}"),
                "Set VISUAL or EDITOR to a program that edits a file".to_owned(),
            ],
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn editor(visual: &str, editor: &str) -> Editor {
        Editor::of(|name| {
            let value = match name {
                "VISUAL" => visual,
                "EDITOR" => editor,
                _ => "",
            };
            Some(value.to_owned())
        })
    }

    #[test]
    fn visual_goes_before_editor_and_vi_is_what_there_always_is() {
        assert_eq!(editor("a", "b").command, "a");
        assert_eq!(editor(" ", "b").named_by, "$EDITOR");
        assert_eq!(editor("", "").command, "vi");
    }

    #[test]
    fn what_the_editor_wrote_is_the_draft_without_its_last_line_end() {
        let editor = editor("", "sed -i 's/two words/2 words/'");
        assert_eq!(
            editor.edit("one\ntwo words\n").as_deref(),
            Ok("one\n2 words")
        );
    }

    #[test]
    fn nobody_else_can_read_the_draft() {
        let editor = editor("sh -c 'stat -c %a \"$0\" > \"$0\"'", "");
        assert_eq!(editor.edit("secret").as_deref(), Ok("600"));
    }

    #[track_caller]
    fn fails(command: &str, why: &str) {
        let toast = editor("", command).edit("draft").expect_err(command);
        assert_eq!(toast.lines[0], format!("$EDITOR `{command}`: {why}"));
    }

    #[test]
    fn an_editor_that_fails_is_named_with_its_variable() {
        fails("false", "it ended with code 1");
        fails("/no/such/editor", "there is no such program");
        fails("printf '\\377' >", "what it wrote is not UTF-8");
    }
}
