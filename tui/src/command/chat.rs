//! `unmask chat --plain`: line by line, as the reference's `chat.py`.

use std::io::{self, IsTerminal, Write as _};

use unmask::amount::counted;
use unmask_core::TokenId;
use unmask_core::config::{Config, ConfigReader};
use unmask_core::engine::{Failure, FailureKind, Message, Overflow, Role, TurnEvent, TurnInput};
use unmask_core::sampler::FittedParams;

use super::meter::ProgressMeter;
use super::turn_runner::{Ended, LineInput, TurnRunner};
use super::{code, print, print_note};

pub(super) fn run(config: Config, reader: &ConfigReader) -> anyhow::Result<u8> {
    let mut meter = ProgressMeter::new(false);
    let turn_runner = TurnRunner::open(config, reader, &mut meter)?;
    let fit = turn_runner.settings()?;
    fit.notes.iter().for_each(|note| meter.note(note));
    let is_person = io::stdin().is_terminal();
    if is_person {
        meter.note(&format!(
            "{} on {}; /new begins again, /quit or ^D ends",
            turn_runner.loaded.name, turn_runner.loaded.backend
        ));
    }
    let mut chat = PlainChat {
        turn_runner,
        fit,
        is_person,
        meter: ProgressMeter::new(!is_person),
        previous: Vec::new(),
        said: Vec::new(),
    };
    let code = chat.until_the_end()?;
    if is_person {
        // What comes next begins a row of its own.
        print_note("");
    }
    Ok(code)
}

struct PlainChat {
    turn_runner: TurnRunner,
    fit: FittedParams,
    /// Whether somebody types; else lines come from a pipe or a file.
    is_person: bool,
    meter: ProgressMeter,
    /// Prompt and answer of the turns so far, as tokens.
    previous: Vec<TokenId>,
    /// The same as texts, without what the model no longer sees.
    said: Vec<Message>,
}

impl PlainChat {
    /// Returns the exit code.
    fn until_the_end(&mut self) -> anyhow::Result<u8> {
        loop {
            if self.is_person {
                // With stderr gone the person still has the answers.
                write!(io::stderr(), "You: ").ok();
            }
            let line = match self.turn_runner.line()? {
                LineInput::Said(line) => line,
                LineInput::End => return Ok(code::DONE),
                LineInput::Interrupt(code) => return Ok(code),
            };
            match read(&line) {
                LineRequest::Nothing => (),
                LineRequest::Quit => return Ok(code::DONE),
                LineRequest::New => {
                    self.previous.clear();
                    self.said.clear();
                }
                LineRequest::Unknown(command) => print_note(&format!(
                    "no {command}; there are /new and /quit, and /{command} sends it"
                )),
                LineRequest::Message(message) => match self.answer(message) {
                    Ok(Some(code)) if !self.is_person || code != code::INTERRUPTED => {
                        return Ok(code);
                    }
                    Ok(_) => (),
                    // The conversation is as it was; with nobody to read that, the program ends.
                    Err(error) if self.is_person => print_note(&format!("{error:#}")),
                    Err(error) => return Err(error),
                },
            }
        }
    }

    /// Answers a message; the exit code, if a signal ended the answer.
    fn answer(&mut self, message: &str) -> anyhow::Result<Option<u8>> {
        let question = Message {
            role: Role::User,
            content: message.to_owned(),
        };
        let input = TurnInput::FollowUp {
            previous: self.previous.clone(),
            message: message.to_owned(),
            length: self.fit.length,
        };
        let ended = match self.turn(input) {
            Err(error) if !self.said.is_empty() && is_too_long(&error) => {
                self.turn(self.shortened(&question))?
            }
            other => other?,
        };
        print(&format!("{}\n", ended.outcome.text))?;
        self.previous = ended.outcome.canvas.tokens().to_vec();
        if !ended.outcome.text.is_empty() {
            let answer = Message {
                role: Role::Assistant,
                content: ended.outcome.text,
            };
            self.said.extend([question, answer]);
        }
        Ok(ended.interrupted)
    }

    /// The conversation without its oldest turns, from its texts.
    fn shortened(&self, question: &Message) -> TurnInput {
        let mut messages = self.said.clone();
        messages.push(question.clone());
        TurnInput::Chat {
            messages,
            pins: Vec::new(),
            length: self.fit.length,
            overflow: Overflow::DropOldest,
        }
    }

    fn turn(&mut self, input: TurnInput) -> anyhow::Result<Ended> {
        let meter = &mut self.meter;
        let mut gone = 0;
        let turn = self.turn_runner.turn(input, &self.fit.params, |event| {
            match event {
                TurnEvent::Started { left_out, .. } => gone = *left_out,
                TurnEvent::Step(step) => {
                    meter.at("unmasking", step.step as u64, step.steps as u64);
                }
                TurnEvent::Paused(_)
                | TurnEvent::Resumed
                | TurnEvent::Finished(_)
                | TurnEvent::Failed(_) => (),
            }
            Ok(())
        });
        self.meter.clear();
        if gone > 0 {
            self.said.drain(..gone.min(self.said.len()));
            print_note(&format!(
                "the model no longer sees the oldest {}: its context is full; /new begins again",
                counted(gone, "message")
            ));
        }
        turn
    }
}

fn is_too_long(error: &anyhow::Error) -> bool {
    let failure = error.downcast_ref::<Failure>();
    failure.is_some_and(|it| matches!(it.kind, FailureKind::Context { .. }))
}

/// What a line asks for.
#[derive(Debug, PartialEq, Eq)]
enum LineRequest<'a> {
    Nothing,
    Message(&'a str),
    New,
    Quit,
    Unknown(&'a str),
}

/// Reads a line. `//x` is the message `/x`.
fn read(line: &str) -> LineRequest<'_> {
    match line.trim() {
        "" => LineRequest::Nothing,
        "/new" => LineRequest::New,
        "/quit" => LineRequest::Quit,
        text => match text.strip_prefix('/') {
            Some(escaped) if escaped.starts_with('/') => LineRequest::Message(escaped),
            Some(_) => LineRequest::Unknown(text.split_whitespace().next().unwrap_or(text)),
            None => LineRequest::Message(line.trim_end_matches(['\n', '\r'])),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slash_makes_a_command_and_two_make_a_message() {
        assert_eq!(read(" /new\n"), LineRequest::New);
        assert_eq!(read("/quit\r\n"), LineRequest::Quit);
        assert_eq!(read("/help me\n"), LineRequest::Unknown("/help"));
        assert_eq!(read("//etc/fstab\n"), LineRequest::Message("/etc/fstab"));
        assert_eq!(read(" \n"), LineRequest::Nothing);
    }

    #[test]
    fn an_indent_is_kept_and_the_line_end_is_not() {
        assert_eq!(read("  a \r\n"), LineRequest::Message("  a "));
    }
}
