//! Progress on stderr: a bar on a terminal, a line per tenth elsewhere, nothing if quiet or soon done.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::signals::Interrupts;
use super::{Interrupted, clean, print_note};

/// What is done sooner is not worth a line.
const PATIENCE: Duration = Duration::from_millis(500);

/// The progress of one stage after the other.
pub(super) struct ProgressMeter {
    out: Out,
    stage: String,
    /// When the stage began.
    since: Instant,
    interrupts: Interrupts,
}

/// How progress is shown.
enum Out {
    Bar {
        bar: ProgressBar,
        is_shown: bool,
    },
    Lines {
        /// The tenth told last.
        last_printed: Option<u64>,
    },
    Quiet,
}

impl ProgressMeter {
    pub(super) fn new(quiet: bool) -> Self {
        Self {
            out: Out::new(quiet),
            stage: String::new(),
            since: Instant::now(),
            interrupts: Interrupts::default(),
        }
    }

    /// The same, of work that signals may end, which looks for that by [`Meter::check`].
    pub(super) fn until(quiet: bool, interrupts: Interrupts) -> Self {
        Self {
            interrupts,
            ..Self::new(quiet)
        }
    }

    /// Nothing, unless a signal asks for the end.
    pub(super) fn check(&self) -> Result<(), Interrupted> {
        match self.stage.as_str() {
            "" => self.interrupts.check("working"),
            stage => self.interrupts.check(stage),
        }
    }

    /// Shows that `done` of `total` of `stage` is done; a total of 0 is unknown.
    pub(super) fn at(&mut self, stage: &str, done: u64, total: u64) {
        self.at_with(stage, "", done, total);
    }

    /// As [`ProgressMeter::at`], with a word that changes within the stage.
    pub(super) fn at_with(&mut self, stage: &str, word: &str, done: u64, total: u64) {
        let is_new = self.stage != stage;
        if is_new {
            stage.clone_into(&mut self.stage);
            self.since = Instant::now();
        }
        let is_long = self.since.elapsed() >= PATIENCE;
        match &mut self.out {
            Out::Bar { bar, is_shown } => {
                *is_shown |= is_long;
                if *is_shown {
                    // Stages are a backend's words.
                    bar.set_message(clean(&format!("{stage} {word}")).into_owned());
                    bar.set_length(total);
                    bar.set_position(done);
                }
            }
            Out::Lines { last_printed } => {
                if is_new {
                    *last_printed = None;
                }
                let now = (done * 10).checked_div(total).unwrap_or(0);
                if is_long && last_printed.is_none_or(|last_printed| last_printed < now) {
                    *last_printed = Some(now);
                    print_note(&line(stage, word, now, total));
                }
            }
            Out::Quiet => (),
        }
    }

    /// Writes a line on stderr, unless quiet.
    pub(super) fn note(&self, text: &str) {
        match &self.out {
            Out::Bar { bar, .. } => bar.suspend(|| print_note(text)),
            Out::Lines { .. } => print_note(text),
            Out::Quiet => (),
        }
    }

    /// True unless quiet.
    pub(super) fn shows(&self) -> bool {
        !matches!(self.out, Out::Quiet)
    }

    /// Takes the bar away.
    pub(super) fn clear(&mut self) {
        if let Out::Bar { bar, is_shown } = &mut self.out {
            bar.finish_and_clear();
            *is_shown = false;
        }
        self.stage.clear();
    }
}

impl Out {
    fn new(quiet: bool) -> Self {
        if quiet {
            return Self::Quiet;
        }
        if !io::stderr().is_terminal() {
            return Self::Lines { last_printed: None };
        }
        let style = ProgressStyle::with_template("{msg} {wide_bar} {percent:>3} % {elapsed}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        Self::Bar {
            bar: ProgressBar::new(0).with_style(style),
            is_shown: false,
        }
    }
}

fn line(stage: &str, word: &str, tenth: u64, total: u64) -> String {
    let percent = match total {
        0 => String::new(),
        _ => format!("{} %", tenth * 10),
    };
    let parts = [stage, word, &percent];
    let said = parts.into_iter().filter(|part| !part.is_empty());
    said.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_is_known() {
        assert_eq!(line("reading", "", 3, 10), "reading 30 %");
        assert_eq!(line("reading", "", 0, 0), "reading");
        assert_eq!(
            line("answering", "2 of 3 right", 5, 6),
            "answering 2 of 3 right 50 %"
        );
    }
}
