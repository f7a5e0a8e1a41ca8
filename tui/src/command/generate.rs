//! `unmask generate`: one prompt, one answer.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Read as _, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};
use unmask_core::config::{Config, ConfigReader};
use unmask_core::engine::{Loaded, Message, Overflow, Pin, Role, TurnEvent, TurnInput};
use unmask_core::event::{FinishReason, StepEvent};
use unmask_core::sampler::Fit;
use unmask_core::text::Piece;
use unmask_core::text::answer::pinned_kept;
use unmask_core::text::pins::{parse_pins, with_caret};
use unmask_core::{Canvas, Params, TokenId};

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
    let start = start(&loaded, &fit);
    let mut out = Out::new(arguments.format, &loaded);
    let input = TurnInput::Chat {
        messages,
        pins,
        length: fit.length,
        overflow: Overflow::Refuse,
    };
    out.object(&start)?;
    trace.write(&start)?;
    let ended = host.turn(input, &fit.params, |event| {
        match event {
            TurnEvent::Started { canvas, .. } => out.canvas = Some(canvas.clone()),
            TurnEvent::Step(step) => {
                meter.at("unmasking", step.step as u64, step.steps as u64);
                let object = step_object(step, &loaded);
                out.step(step, &object)?;
                trace.write(&object)?;
            }
            TurnEvent::Paused(_)
            | TurnEvent::Resumed
            | TurnEvent::Finished(_)
            | TurnEvent::Failed(_) => (),
        }
        Ok(())
    })?;
    meter.clear();
    let done = done(&ended, &loaded, &fit.params);
    out.end(&ended, &done)?;
    trace.write(&done)?;
    trace.flush()?;
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
    canvas: Option<Canvas>,
    /// Text that is already written.
    written: String,
}

impl<'a> Out<'a> {
    fn new(format: Format, loaded: &'a Loaded) -> Self {
        Self {
            format,
            loaded,
            canvas: None,
            written: String::new(),
        }
    }

    fn object(&self, object: &Value) -> anyhow::Result<()> {
        match self.format {
            Format::Jsonl => print(&format!("{object}\n")),
            Format::Text | Format::Json => Ok(()),
        }
    }

    /// Streams the text of finished blocks, so that a reader gets each part once and in order.
    fn step(&mut self, step: &StepEvent, object: &Value) -> anyhow::Result<()> {
        self.object(object)?;
        let Some(canvas) = &mut self.canvas else {
            return Ok(());
        };
        step.commits
            .iter()
            .for_each(|commit| canvas.commit(commit.at, commit.token));
        let block = canvas.answer().len() / step.blocks.max(1) * (step.block + 1);
        let finished = canvas
            .masked_in(0..canvas.answer_start() + block)
            .next()
            .is_none();
        if self.format != Format::Text || !finished {
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

    fn end(&mut self, ended: &Ended, done: &Value) -> anyhow::Result<()> {
        match self.format {
            Format::Text => {
                self.write(&ended.outcome.text)?;
                let is_nothing = self.written.is_empty() && ended.interrupted;
                match self.written.ends_with('\n') || is_nothing {
                    true => Ok(()),
                    false => print("\n"),
                }
            }
            Format::Json | Format::Jsonl => print(&format!("{done}\n")),
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
struct Trace(Option<(PathBuf, BufWriter<File>)>);

impl Trace {
    fn open(path: Option<&Path>) -> Result<Self, Usage> {
        let Some(path) = path else {
            return Ok(Self(None));
        };
        let file = File::create(path)
            .map_err(|error| Usage(format!("cannot write {}: {error}", path.display())))?;
        Ok(Self(Some((path.to_owned(), BufWriter::new(file)))))
    }

    fn write(&mut self, object: &Value) -> anyhow::Result<()> {
        self.with(|file| writeln!(file, "{object}"))
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        self.with(BufWriter::flush)
    }

    fn with(
        &mut self,
        write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
    ) -> anyhow::Result<()> {
        match &mut self.0 {
            Some((path, file)) => {
                write(file).with_context(|| format!("cannot write {}", path.display()))
            }
            None => Ok(()),
        }
    }
}

fn start(loaded: &Loaded, fit: &Fit) -> Value {
    let params = &fit.params;
    json!({
        "event": "start",
        "model": loaded.name,
        "backend": loaded.backend,
        "device": loaded.device,
        "precision": loaded.facts.precision,
        "length": fit.length,
        "steps": params.steps,
        "block_length": params.block_length,
        "temperature": params.temperature,
        "cfg_scale": params.cfg_scale,
        "seed": params.seed,
    })
}

fn step_object(step: &StepEvent, loaded: &Loaded) -> Value {
    let commits: Vec<Value> = (step.commits.iter())
        .map(|commit| {
            let top: Vec<Value> = commit.top.iter().map(|(id, p)| json!([id.0, p])).collect();
            json!({
                "position": commit.at.0,
                "token": commit.token.0,
                "text": piece_text(loaded, commit.token),
                "confidence": commit.confidence,
                "entropy": commit.entropy,
                "top": top,
            })
        })
        .collect();
    json!({
        "event": "step",
        "step": step.step,
        "steps": step.steps,
        "block": step.block,
        "blocks": step.blocks,
        "masked": step.masked,
        "ms": step.elapsed.as_secs_f64() * 1000.0,
        "nfe": step.nfe,
        "nfe_saved": step.nfe_saved,
        "commits": commits,
    })
}

fn piece_text(loaded: &Loaded, token: TokenId) -> String {
    match loaded.vocabulary.piece(token) {
        Piece::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Piece::Special(name) => name.to_owned(),
        Piece::Unknown => String::new(),
    }
}

fn done(ended: &Ended, loaded: &Loaded, params: &Params) -> Value {
    let outcome = &ended.outcome;
    let stats = outcome.stats;
    json!({
        "event": "done",
        "text": outcome.text,
        "reason": match outcome.reason {
            FinishReason::Complete => "complete",
            FinishReason::EndToken => "end_token",
            FinishReason::Stopped => "stopped",
        },
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
