//! `unmask doctor --report`: what `doctor` finds, to be shown to others.

use std::env;

use unmask_core::config::{Config, ConfigReader};

use super::{code, doctor, print};

/// Variables that change what happens; of those that may hold secrets, whether they are set.
const PREFIXES: [&str; 4] = ["UNMASK_", "ORT_", "HF_", "VK_"];
/// What terminals say of themselves.
const TERMINAL: [&str; 5] = ["TERM", "TERM_PROGRAM", "COLORTERM", "LANG", "NO_COLOR"];

pub(super) fn run(config: Config, reader: &ConfigReader) -> anyhow::Result<u8> {
    let redaction = Redaction::of_this_user();
    let mut text = String::from("```text\n");
    text.push_str(&variables(env::vars_os().filter_map(|(name, value)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    })));
    let found = doctor::run(config, reader, &mut |line| {
        text.push_str(line);
        Ok(())
    });
    // What keeps the model from running is what the report is for.
    let code = match found {
        Ok(code) => code,
        Err(error) => {
            text.push_str(&format!("unmask: {error:#}\n"));
            code::GENERATION
        }
    };
    text.push_str("```\n");
    print(&redaction.apply(&text))?;
    Ok(code)
}

/// A line for each variable that matters.
fn variables(all: impl Iterator<Item = (String, String)>) -> String {
    let mut lines: Vec<String> = all
        .filter(|(name, _)| {
            TERMINAL.contains(&name.as_str()) || PREFIXES.iter().any(|it| name.starts_with(it))
        })
        .map(|(name, value)| {
            match ["TOKEN", "KEY", "ENDPOINT"]
                .iter()
                .any(|it| name.contains(it))
            {
                true => format!("{name} is set\n"),
                false => format!("{name}={value}\n"),
            }
        })
        .collect();
    lines.sort();
    lines.concat()
}

/// What stands for what others need not see.
struct Redaction {
    /// With what takes its place, the longest first.
    words: Vec<(String, &'static str)>,
}

impl Redaction {
    fn of_this_user() -> Self {
        let set = |name: &str| env::var(name).ok();
        let home = set("HOME").or_else(|| set("USERPROFILE"));
        let user = set("USER")
            .or_else(|| set("USERNAME"))
            .or_else(|| set("LOGNAME"));
        let host = set("HOSTNAME").or_else(|| set("COMPUTERNAME"));
        Self::of([(home, "~"), (user, "USER"), (host, "HOST")])
    }

    fn of(words: [(Option<String>, &'static str); 3]) -> Self {
        // A word of a letter or two is in every line; `root` names nobody.
        let is_telling = |word: &String| word.len() > 2 && word != "root";
        let words = words
            .into_iter()
            .filter_map(|(word, stand_in)| Some((word.filter(is_telling)?, stand_in)));
        let mut words: Vec<_> = words.collect();
        words.sort_by_key(|(word, _)| std::cmp::Reverse(word.len()));
        Self { words }
    }

    fn apply(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (word, stand_in) in &self.words {
            text = text.replace(word, stand_in);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_paths_and_tokens_are_not_told() {
        let said = |text: &str| Some(text.to_owned());
        let redaction = Redaction::of([
            (said("/home/clara"), "~"),
            (said("clara"), "USER"),
            (said("pc"), "HOST"),
        ]);
        assert_eq!(
            redaction.apply("/home/clara/models, /data/clara/x, a pc"),
            "~/models, /data/USER/x, a pc"
        );
        let words = [
            (None, "~"),
            (said("clara"), "USER"),
            (said("clara-pc"), "HOST"),
        ];
        assert_eq!(
            Redaction::of(words).apply("clara at clara-pc"),
            "USER at HOST"
        );
        let all = [
            ("HF_TOKEN", "hf_secret"),
            ("HF_ENDPOINT", "https://clara:word@hub.example"),
            ("UNMASK_KERNELS", "avx2"),
            ("TERM", "kitty"),
            ("AWS_SECRET", "secret"),
        ];
        let all = all.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(
            variables(all.into_iter()),
            "HF_ENDPOINT is set\nHF_TOKEN is set\nTERM=kitty\nUNMASK_KERNELS=avx2\n"
        );
    }
}
