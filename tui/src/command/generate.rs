//! `unmask generate`: one prompt, one answer.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, IsTerminal, Read as _};
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use unmask::amount::counted;
use unmask_core::config::{Config, ConfigReader, Environment};
use unmask_core::conversations::SessionId;
use unmask_core::engine::{Loaded, Message, Overflow, Pin, Role, TurnEvent, TurnInput};
use unmask_core::event::{FinishReason, StepEvent};
use unmask_core::fold::Fold;
use unmask_core::text::Piece;
use unmask_core::text::answer::pinned_kept;
use unmask_core::text::pins::{parse_pins, with_caret};
use unmask_core::wire::{Event, RunLabel};
use unmask_core::{Canvas, Params};

use super::meter::ProgressMeter;
use super::output::{Force, Output, There, append};
use super::turn_runner::{Ended, TurnRunner};
use super::{Usage, code, print, prompt, text_tokens};
use crate::cli::{Format, GenerateArguments};

pub(super) fn run(
    config: Config,
    reader: &ConfigReader,
    arguments: &GenerateArguments,
) -> anyhow::Result<u8> {
    let mut meter = ProgressMeter::new(arguments.quiet);
    let force = Force::from(arguments.force);
    let (format, file) = where_to(arguments)?;
    let mut trace = Trace::look(file, force, &reader.environment)?;
    let messages = messages(arguments, &meter)?;
    let pins = pins(arguments.pin.as_deref())?;
    let mut turn_runner = TurnRunner::open(config, reader, &mut meter)?;
    turn_runner.tells_guesses = arguments.trace_guesses;
    let fit = turn_runner.settings()?;
    fit.notes.iter().for_each(|note| meter.note(note));
    let loaded = turn_runner.loaded.clone();
    let label = RunLabel {
        id: SessionId::generate().to_string(),
        at: jiff::Timestamp::now().to_string(),
        program: format!("unmask {}", env!("CARGO_PKG_VERSION")),
        messages: messages.clone(),
    };
    let mut out = Out::new(format, &loaded);
    let input = TurnInput::Chat {
        messages,
        pins,
        length: fit.length,
        overflow: Overflow::Refuse,
    };
    let mut is_begun = false;
    let ended = turn_runner.turn(input, &fit.params, |event| {
        if let TurnEvent::Step(step) = event {
            meter.at("unmasking", step.step as u64, step.steps as u64);
        }
        // A turn that is refused before it begins is no run.
        is_begun |= matches!(event, TurnEvent::Started { .. });
        if !is_begun {
            return Ok(());
        }
        let line = Event::of(event, &loaded, &label).line();
        out.write_event(event, &line)?;
        trace.write(&line, &meter)
    });
    meter.clear();
    let ended = ended?;
    out.end(&ended, &fit.params)?;
    if ended.outcome.reason == FinishReason::MasksLeft {
        meter.note(
            "masks are left: the model predicted the mask itself; try another seed or more steps",
        );
    }
    let Some(code) = ended.interrupted else {
        return Ok(code::DONE);
    };
    let steps = ended.outcome.stats.steps;
    meter.note(&format!(
        "stopped after {steps} of {}",
        counted(fit.params.steps, "step")
    ));
    Ok(code)
}

/// What stdout holds, and the file of the trace: one that is called `-` is stdout, which then holds nothing else.
fn where_to(arguments: &GenerateArguments) -> Result<(Format, Option<&Path>), Usage> {
    let file = arguments.trace.as_deref();
    match (file == Some(Path::new("-")), arguments.format) {
        (false, format) => Ok((format, file)),
        (true, Format::Text | Format::Jsonl) => Ok((Format::Jsonl, None)),
        (true, Format::Json) => {
            let text = "--trace - and --format json both want stdout; name a file for the trace";
            Err(Usage(text.to_owned()))
        }
    }
}

/// The prompt is the argument, stdin, or both with a blank line between.
fn messages(arguments: &GenerateArguments, meter: &ProgressMeter) -> anyhow::Result<Vec<Message>> {
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
    let (sender, read) = channel();
    thread::spawn(move || {
        // The receiver waits below.
        sender.send(prompt::all(io::stdin())).ok();
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

    fn write_event(&mut self, event: &TurnEvent, line: &str) -> anyhow::Result<()> {
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
                let is_nothing = self.written.is_empty() && ended.interrupted.is_some();
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
    let text = pinned_kept(canvas, &loaded.special)
        .take_while(|&(offset, token)| offset < settled && !loaded.is_end(token));
    for (_, token) in text {
        if let Piece::Bytes(piece) = loaded.vocabulary.piece(token) {
            bytes.extend_from_slice(piece);
        }
    }
    let whole = bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    whole.to_owned()
}

/// The file of `--trace`, if there is one: nothing is touched before the run begins.
enum Trace {
    Unwanted,
    Wanted(Output),
    Begun { file: File, shown: String },
}

impl Trace {
    /// A file that holds no trace is replaced only if that is forced.
    fn look(path: Option<&Path>, force: Force, environment: &Environment) -> anyhow::Result<Self> {
        let Some(path) = path else {
            return Ok(Self::Unwanted);
        };
        let output = Output::look(path, environment)?;
        if output.there == There::File && !is_trace(&output.path) {
            output.may_replace(force, "it holds no trace of an earlier run")?;
        }
        Ok(Self::Wanted(output))
    }

    /// Each line goes to the file at once: what a run that is cut off came to is there.
    fn write(&mut self, line: &str, meter: &ProgressMeter) -> anyhow::Result<()> {
        match self {
            Self::Unwanted => Ok(()),
            Self::Begun { file, shown } => append(file, line, shown),
            Self::Wanted(output) => {
                let file = output.begin(format!("{line}\n"))?;
                let shown = output.shown.clone();
                if output.there == There::File {
                    meter.note(&format!("{shown} was there; it is replaced"));
                }
                *self = Self::Begun { file, shown };
                Ok(())
            }
        }
    }
}

/// Whether the file begins as a trace does.
fn is_trace(path: &Path) -> bool {
    let Ok(file) = File::open(path) else {
        return false;
    };
    let mut first = Vec::new();
    let read = BufReader::new(file.take(prompt::LONGEST)).read_until(b'\n', &mut first);
    let first = String::from_utf8_lossy(&first);
    read.is_ok() && matches!(Event::parse(&first), Ok(Event::Start(_)))
}

/// The object of `--format json`: the end of the run, and who made it.
fn summary(ended: &Ended, loaded: &Loaded, params: &Params) -> Value {
    let outcome = &ended.outcome;
    let stats = &outcome.stats;
    json!({
        "event": "done",
        "text": outcome.text,
        "reason": outcome.reason,
        "model": loaded.name,
        "backend": loaded.backend,
        "precision": loaded.facts.precision,
        "seed": params.seed,
        "prompt_tokens": stats.told(outcome.canvas.answer_start()),
        "text_tokens": text_tokens(stats),
        "steps": stats.told(stats.steps),
        "nfe": stats.told(stats.nfe),
        "nfe_saved": stats.told(stats.nfe_saved),
        "seconds": stats.elapsed.as_secs_f64(),
    })
}
