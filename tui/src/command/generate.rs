//! `unmask generate`: one prompt, one answer.

use std::fs::File;
use std::io::{self, IsTerminal, Read as _, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};
use unmask_core::config::{Config, ConfigReader};
use unmask_core::conversations::SessionId;
use unmask_core::engine::{Loaded, Message, Overflow, Pin, Role, TurnEvent, TurnInput};
use unmask_core::event::StepEvent;
use unmask_core::fold::Fold;
use unmask_core::text::Piece;
use unmask_core::text::answer::pinned_kept;
use unmask_core::text::pins::{parse_pins, with_caret};
use unmask_core::wire::{Event, RunLabel};
use unmask_core::{Canvas, Params};

use super::host::{Ended, Host};
use super::meter::Meter;
use super::{Usage, code, print};
use crate::cli::{Format, Generate};

pub(super) fn run(
    config: Config,
    reader: &ConfigReader,
    arguments: &Generate,
) -> anyhow::Result<u8> {
    let mut meter = Meter::new(arguments.quiet);
    let messages = messages(arguments, &meter)?;
    let pins = pins(arguments.pin.as_deref())?;
    let mut trace = Trace::open(arguments.trace.as_deref())?;
    let mut host = Host::open(config, reader, &mut meter)?;
    let fit = host.settings()?;
    fit.notes.iter().for_each(|note| meter.note(note));
    let loaded = host.loaded.clone();
    let label = RunLabel {
        id: SessionId::generate().to_string(),
        at: jiff::Timestamp::now().to_string(),
        program: format!("unmask {}", env!("CARGO_PKG_VERSION")),
        messages: messages.clone(),
    };
    let mut out = Out::new(arguments.format, &loaded);
    let input = TurnInput::Chat {
        messages,
        pins,
        length: fit.length,
        overflow: Overflow::Refuse,
    };
    let mut is_begun = false;
    let ended = host.turn(input, &fit.params, |event| {
        if let TurnEvent::Step(step) = event {
            meter.at("unmasking", step.step as u64, step.steps as u64);
        }
        // A turn that is refused before it begins is no run.
        is_begun |= matches!(event, TurnEvent::Started { .. });
        if !is_begun {
            return Ok(());
        }
        let line = Event::of(event, &loaded, &label).line();
        out.hear(event, &line)?;
        trace.write(&line)
    });
    meter.clear();
    let ended = ended?;
    out.end(&ended, &fit.params)?;
    if !ended.interrupted {
        return Ok(code::DONE);
    }
    let steps = ended.outcome.stats.steps;
    meter.note(&format!(
        "stopped after {steps} of {} steps",
        fit.params.steps
    ));
    Ok(code::INTERRUPTED)
}

/// The prompt is the argument, stdin, or both with a blank line between.
fn messages(arguments: &Generate, meter: &Meter) -> anyhow::Result<Vec<Message>> {
    let forced = arguments.prompt.as_deref() == Some("-");
    let given = arguments.prompt.as_deref().filter(|_| !forced);
    let piped = if forced || !io::stdin().is_terminal() {
        read_stdin(|| {
            if given.is_some() {
                meter.note("waiting for the end of stdin, which belongs to the prompt; </dev/null leaves it out");
            }
        })?
    } else {
        String::new()
    };
    let parts: Vec<&str> = (given.into_iter().chain([piped.trim_end_matches('\n')]))
        .filter(|part| !part.trim().is_empty())
        .collect();
    if parts.is_empty() {
        return Err(Usage("no prompt; write it after `generate`, or pipe it in".to_owned()).into());
    }
    let system = arguments
        .system
        .iter()
        .map(|text| (Role::System, text.clone()));
    let messages = system.chain([(Role::User, parts.join("\n\n"))]);
    Ok(messages
        .map(|(role, content)| Message { role, content })
        .collect())
}

/// Reads stdin to its end; `is_late` is told once if that takes its time, as with a pipe that nobody closes.
fn read_stdin(is_late: impl FnOnce()) -> anyhow::Result<String> {
    const PATIENCE: Duration = Duration::from_secs(2);
    let (tell, read) = channel();
    thread::spawn(move || {
        let mut text = String::new();
        let result = io::stdin().read_to_string(&mut text);
        // The receiver waits below.
        tell.send(result.map(|_| text)).ok();
    });
    let text = match read.recv_timeout(PATIENCE) {
        Err(RecvTimeoutError::Timeout) => {
            is_late();
            read.recv()?
        }
        other => other?,
    };
    Ok(text.map_err(|error| Usage(format!("cannot read the prompt from stdin: {error}")))?)
}

fn pins(text: Option<&str>) -> anyhow::Result<Vec<Pin>> {
    let Some(text) = text else {
        return Ok(Vec::new());
    };
    let pins = parse_pins(text)
        .map_err(|error| Usage(format!("--pin: {error}\n{}", with_caret(text, &error.span))))?;
    Ok(pins.into_iter().map(|pin| pin.pin).collect())
}

/// What stdout gets.
struct Out<'a> {
    format: Format,
    loaded: &'a Loaded,
    /// What has happened so far; `None` until the canvas is laid out.
    fold: Option<Fold>,
    /// Text that is already written.
    written: String,
}

impl<'a> Out<'a> {
    fn new(format: Format, loaded: &'a Loaded) -> Self {
        Self {
            format,
            loaded,
            fold: None,
            written: String::new(),
        }
    }

    fn hear(&mut self, event: &TurnEvent, line: &str) -> anyhow::Result<()> {
        match (self.format, event) {
            (Format::Jsonl, _) => print(&format!("{line}\n")),
            (Format::Text, TurnEvent::Started { canvas, .. }) => {
                self.fold = Some(Fold::new(canvas.clone()));
                Ok(())
            }
            (Format::Text, TurnEvent::Step(step)) => self.step(step),
            (Format::Text | Format::Json, _) => Ok(()),
        }
    }

    /// Streams the text of finished blocks, so that a reader gets each part once and in order.
    fn step(&mut self, step: &StepEvent) -> anyhow::Result<()> {
        let Some(fold) = &mut self.fold else {
            return Ok(());
        };
        fold.apply(step.step, &step.commits)?;
        let canvas = fold.canvas();
        let block = canvas.answer().len() / step.blocks.max(1) * (step.block + 1);
        let before = 0..canvas.answer_start() + block;
        if canvas.masked_in(before).next().is_some() {
            return Ok(());
        }
        let text = settled_text(canvas, block, self.loaded);
        self.write(&text)
    }

    /// Writes what `text` adds to what is already written.
    fn write(&mut self, text: &str) -> anyhow::Result<()> {
        if let Some(more) = text
            .strip_prefix(&self.written)
            .filter(|more| !more.is_empty())
        {
            print(more)?;
            text.clone_into(&mut self.written);
        }
        Ok(())
    }

    fn end(&mut self, ended: &Ended, params: &Params) -> anyhow::Result<()> {
        match self.format {
            Format::Text => {
                self.write(&ended.outcome.text)?;
                let is_nothing = self.written.is_empty() && ended.interrupted;
                match self.written.ends_with('\n') || is_nothing {
                    true => Ok(()),
                    false => print("\n"),
                }
            }
            Format::Json => print(&format!("{}\n", summary(ended, self.loaded, params))),
            Format::Jsonl => Ok(()),
        }
    }
}

/// The text of the first `settled` tokens up to the first end token behind the pins, without a character that is still cut
/// off.
fn settled_text(canvas: &Canvas, settled: usize, loaded: &Loaded) -> String {
    let mut bytes = Vec::new();
    let text = pinned_kept(canvas, loaded.special)
        .take_while(|&(offset, token)| offset < settled && !loaded.is_end(token));
    for (_, token) in text {
        if let Piece::Bytes(piece) = loaded.vocabulary.piece(token) {
            bytes.extend_from_slice(piece);
        }
    }
    let whole = bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    whole.to_owned()
}

/// The file of `--trace`, if there is one.
struct Trace(Option<(PathBuf, File)>);

impl Trace {
    fn open(path: Option<&Path>) -> Result<Self, Usage> {
        let Some(path) = path else {
            return Ok(Self(None));
        };
        let file = File::create(path)
            .map_err(|error| Usage(format!("cannot write {}: {error}", path.display())))?;
        Ok(Self(Some((path.to_owned(), file))))
    }

    /// Each line goes to the file at once: what a run that is cut off came to is there.
    fn write(&mut self, line: &str) -> anyhow::Result<()> {
        let Some((path, file)) = &mut self.0 else {
            return Ok(());
        };
        let written = file.write_all(format!("{line}\n").as_bytes());
        written.with_context(|| format!("cannot write {}", path.display()))
    }
}

/// The object of `--format json`: the end of the run, and who made it.
fn summary(ended: &Ended, loaded: &Loaded, params: &Params) -> Value {
    let outcome = &ended.outcome;
    let stats = outcome.stats;
    json!({
        "event": "done",
        "text": outcome.text,
        "reason": outcome.reason,
        "model": loaded.name,
        "backend": loaded.backend,
        "precision": loaded.facts.precision,
        "seed": params.seed,
        "prompt_tokens": outcome.canvas.answer_start(),
        "text_tokens": stats.text_tokens,
        "steps": stats.steps,
        "nfe": stats.nfe,
        "nfe_saved": stats.nfe_saved,
        "seconds": stats.elapsed.as_secs_f64(),
    })
}
