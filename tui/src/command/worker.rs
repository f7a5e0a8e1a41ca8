//! `unmask worker --jsonl`: carries out what another program asks over a pipe, and answers as it comes.
//!
//! Any number of requests may wait; an answer names its request and, in a request of several items, the item. The end of stdin
//! lets what was asked be finished. plugins/lm-eval/README.md describes the lines.

mod answer;
mod job;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use unmask_core::TokenId;
use unmask_core::config::{Config, ConfigError, ConfigReader, PresetHalf};
use unmask_core::engine::{
    EngineEvent, Failure, Loaded, MeasureEvent, MeasureId, Message, Role, SpecialTokens, TurnEvent,
    TurnId, TurnInput, TurnRequest,
};
use unmask_core::likelihood::Pair;
use unmask_core::sampler::FittedParams;
use unmask_core::settings::Setting;
use unmask_core::wire::{
    GenerateTask, MeasureSettings, MeasuredItem, TextOrTokens, WorkerRequest, WorkerTask,
};

use super::meter::ProgressMeter;
use super::turn_runner::{LinePermits, TurnRunner, WorkerEvent};
use super::{code, print, prompt};
use crate::cli::WorkerArguments;
use job::{GenerateJob, JobItem, JobWork, MeasureJob, RequestJob, cancelled};

/// Requests that are taken in before one of them has ended; the others wait in the pipe.
const MOST_IN_FLIGHT: usize = 4096;

pub(super) fn run(
    config: Config,
    reader: &ConfigReader,
    arguments: &WorkerArguments,
) -> anyhow::Result<u8> {
    let mut meter = ProgressMeter::new(false);
    let settings = MeasureSettings::default();
    let settings = match &config.preset {
        Some(preset) => settings.with_preset(&preset.likelihood),
        None => settings,
    };
    let runner = TurnRunner::open(config.clone(), reader, &mut meter)?;
    let permits = runner.read_lines(MOST_IN_FLIGHT)?;
    let mut worker = RequestWorker {
        hello: answer::hello(&runner.loaded, &config, &settings),
        config,
        settings,
        rows: arguments.rows,
        runner,
        permits,
        jobs: BTreeMap::new(),
        last: 0,
    };
    tell(&worker.hello)?;
    worker.serve()
}

/// Writes a line at once.
fn tell(line: &Value) -> anyhow::Result<()> {
    print(&format!("{line}\n"))
}

struct RequestWorker {
    hello: Value,
    config: Config,
    /// What requests do not say.
    settings: MeasureSettings,
    rows: Option<std::num::NonZeroUsize>,
    runner: TurnRunner,
    permits: LinePermits,
    /// By the number under which the engine knows them.
    jobs: BTreeMap<u64, RequestJob>,
    last: u64,
}

/// The pairs whose sum an item asks for, and its bytes where it is a text; or why it cannot be measured.
type MeasureItem = Result<(Vec<Pair>, Option<usize>), Failure>;

impl RequestWorker {
    fn serve(&mut self) -> anyhow::Result<u8> {
        let (mut is_open, mut code) = (true, code::DONE);
        while is_open || !self.jobs.is_empty() {
            match self.runner.next_event()? {
                WorkerEvent::Line(Ok(line)) if line.is_empty() => is_open = false,
                WorkerEvent::Line(Ok(line)) if line.trim().is_empty() => self.permits.give_back(),
                WorkerEvent::Line(Ok(line)) => self.line(&line)?,
                // What is no text has no lines that could be trusted behind it: what is in flight is answered, and no more.
                WorkerEvent::Line(Err(error)) => {
                    let failure = answer::usage(format!("standard input cannot be read: {error}"));
                    tell(&answer::refused(&Value::Null, None, &failure))?;
                    (is_open, code) = (false, code::USAGE);
                }
                WorkerEvent::Engine(EngineEvent::Measure(MeasureId(number), event)) => {
                    self.measure_event(number, event)?;
                }
                WorkerEvent::Engine(EngineEvent::Turn(TurnId(number), event)) => {
                    self.turn_event(number, event)?;
                }
                WorkerEvent::Engine(EngineEvent::Lost { failure, .. }) => {
                    return Err(failure.into());
                }
                WorkerEvent::Engine(_) => (),
                WorkerEvent::Interrupt(code) => return Ok(code),
            }
        }
        Ok(code)
    }

    fn line(&mut self, line: &str) -> anyhow::Result<()> {
        let request = match WorkerRequest::parse(prompt::without_mark(line), &self.settings) {
            Ok(request) => request,
            Err(error) => {
                self.permits.give_back();
                let failure = answer::usage(error.message);
                return tell(&answer::refused(&error.id, None, &failure));
            }
        };
        let WorkerRequest { id, task } = request;
        if self.jobs.values().any(|job| job.id == id) {
            self.permits.give_back();
            let failure = answer::usage("a request with this id has not ended".to_owned());
            return tell(&answer::refused(&id, None, &failure));
        }
        match self.begin(&id, task) {
            // Its permit is given back at its end.
            Ok(None) => Ok(()),
            Ok(Some(answer)) => {
                self.permits.give_back();
                tell(&answer)
            }
            Err(error) => {
                self.permits.give_back();
                tell(&answer::refused(&id, None, &error.downcast::<Failure>()?))
            }
        }
    }

    /// Answers at once, or begins what takes a while.
    fn begin(&mut self, id: &Value, task: WorkerTask) -> anyhow::Result<Option<Value>> {
        let loaded = self.runner.loaded.clone();
        Ok(Some(match task {
            WorkerTask::Loglikelihood(items, settings) => {
                let lay_out = |item: &MeasuredItem| {
                    let pairs = vec![pair(item, &settings, &loaded)?];
                    Ok((pairs, None))
                };
                let items = items.iter().map(lay_out).collect();
                return self.measure(id, settings.clone(), items);
            }
            WorkerTask::Rolling(texts, settings) => {
                let lay_out =
                    |text: &String| Ok((settings.windows(text, &loaded)?, Some(text.len())));
                let items = texts.iter().map(lay_out).collect();
                return self.measure(id, settings.clone(), items);
            }
            WorkerTask::Generate(task) => return self.generate(id, task, &loaded),
            WorkerTask::Render {
                messages,
                add_generation_prompt,
            } => json!({"id": id, "text": render(&messages, add_generation_prompt, &loaded)?}),
            WorkerTask::Tokenize(text) => {
                let tokens = loaded.text.encode_long(&text)?;
                let tokens: Vec<u32> = tokens.iter().map(|it| it.0).collect();
                json!({"id": id, "tokens": tokens})
            }
            WorkerTask::Detokenize {
                tokens,
                skip_special,
            } => {
                let special = match skip_special {
                    true => SpecialTokens::LeftOut,
                    false => SpecialTokens::Named,
                };
                json!({"id": id, "text": loaded.text.decode(&ids(&tokens), special)?})
            }
            WorkerTask::Info => {
                let mut info = self.hello.clone();
                info["id"] = id.clone();
                info
            }
            WorkerTask::Cancel(of) => {
                let found = self.jobs.values().find(|job| job.id == of);
                found.into_iter().for_each(RequestJob::cancel);
                json!({"id": id, "found": found.is_some()})
            }
        }))
    }

    /// Refuses what the preset of this run says nothing of.
    fn must_have(&self, half: PresetHalf) -> Result<(), Failure> {
        let refused = |error: ConfigError| answer::usage(error.to_string());
        let preset = self.config.preset.as_ref();
        preset.map_or(Ok(()), |preset| preset.must_have(half).map_err(refused))
    }

    /// Begins to measure the items that can be; the others are answered at once.
    fn measure(
        &mut self,
        id: &Value,
        settings: MeasureSettings,
        items: Vec<MeasureItem>,
    ) -> anyhow::Result<Option<Value>> {
        self.must_have(PresetHalf::Likelihood)?;
        let mut sound = Vec::new();
        for (index, item) in items.into_iter().enumerate() {
            match item {
                Ok((pairs, bytes)) => sound.push(JobItem {
                    index,
                    pairs,
                    bytes,
                }),
                Err(failure) => tell(&answer::refused(id, Some(index), &failure))?,
            }
        }
        if sound.is_empty() {
            self.permits.give_back();
            return Ok(None);
        }
        let pairs = sound.iter().flat_map(|it| it.pairs.iter().cloned());
        let number = self.number();
        let request = settings.request(MeasureId(number), pairs.collect(), self.rows);
        let handle = self.runner.begin_measure(request);
        let job = MeasureJob::new(settings, sound);
        self.keep(number, id, JobWork::Measure(job, handle));
        Ok(None)
    }

    fn generate(
        &mut self,
        id: &Value,
        task: GenerateTask,
        loaded: &Loaded,
    ) -> anyhow::Result<Option<Value>> {
        self.must_have(PresetHalf::Generation)?;
        let fit = self.fit(&task, loaded)?;
        let prompt = tokens(&task.prompt, loaded)?;
        let prompt_tokens = prompt.len();
        let number = self.number();
        let request = TurnRequest {
            turn: TurnId(number),
            input: TurnInput::Tokens {
                prompt,
                length: fit.length,
            },
            params: fit.params,
        };
        let handle = self.runner.begin_turn(request.laid_out(loaded)?.into());
        let job = GenerateJob {
            until: task.until,
            prompt_tokens,
        };
        self.keep(number, id, JobWork::Generate(job, handle));
        Ok(None)
    }

    /// The settings of an answer: the request's, else those of this run, else as many whole blocks as are asked for, or a
    /// shorter one, and a step a position.
    fn fit(&self, task: &GenerateTask, loaded: &Loaded) -> Result<FittedParams, Failure> {
        let (mut params, mut length) = (loaded.defaults.clone(), loaded.default_length);
        let said = &self.config.active_model().generation;
        let is_said =
            |setting| task.settings.get(setting).is_some() || said.is_said_for_run(setting);
        task.settings.apply(&mut params, &mut length);
        if let Some(most) = task.max_tokens.filter(|_| !is_said(Setting::Length)) {
            let block = params.block_length.clamp(1, most);
            length = most - most % block;
        }
        if !is_said(Setting::BlockLength) {
            params.block_length = params.block_length.min(length);
        }
        if !is_said(Setting::Steps) {
            params.steps = length;
        }
        for (what, count) in [
            ("steps", params.steps),
            ("block_length", params.block_length),
        ] {
            if count > length {
                let text =
                    format!("{what} is {count}; it must be 1 to the answer's length, {length}");
                return Err(answer::usage(text));
            }
        }
        Ok(FittedParams::new(length, &params))
    }

    fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    fn keep(&mut self, number: u64, id: &Value, work: JobWork) {
        let id = id.clone();
        self.jobs.insert(number, RequestJob { id, work });
    }

    fn measure_event(&mut self, number: u64, event: MeasureEvent) -> anyhow::Result<()> {
        let Some(job) = self.jobs.get_mut(&number) else {
            return Ok(());
        };
        match (event, &mut job.work) {
            (MeasureEvent::Measured(measured), JobWork::Measure(items, _)) => {
                let answer = items.next(&job.id, &measured);
                return answer.iter().try_for_each(tell);
            }
            (MeasureEvent::Measured(_) | MeasureEvent::Progress { .. }, _) => return Ok(()),
            (MeasureEvent::Finished, _) => (),
            (MeasureEvent::Stopped, _) => tell(&cancelled(&job.id))?,
            (MeasureEvent::Failed(failure), _) => tell(&answer::refused(&job.id, None, &failure))?,
        }
        self.end(number);
        Ok(())
    }

    fn turn_event(&mut self, number: u64, event: TurnEvent) -> anyhow::Result<()> {
        let Some(job) = self.jobs.get(&number) else {
            return Ok(());
        };
        match (event, &job.work) {
            (TurnEvent::Finished(outcome), JobWork::Generate(of, _)) => {
                let answer = of.answer(&job.id, &outcome, &self.runner.loaded);
                tell(&answer.unwrap_or_else(|it| answer::refused(&job.id, None, &it)))?;
            }
            (TurnEvent::Failed(failure), _) => tell(&answer::refused(&job.id, None, &failure))?,
            _ => return Ok(()),
        }
        self.end(number);
        Ok(())
    }

    fn end(&mut self, number: u64) {
        self.jobs.remove(&number);
        self.permits.give_back();
    }
}

fn ids(tokens: &[u32]) -> Vec<TokenId> {
    tokens.iter().copied().map(TokenId).collect()
}

fn tokens(said: &TextOrTokens, loaded: &Loaded) -> Result<Vec<TokenId>, Failure> {
    match said {
        TextOrTokens::Text(text) => loaded.text.encode(text),
        TextOrTokens::Tokens(tokens) => Ok(ids(tokens)),
    }
}

/// A pair of two texts, or of two lists of tokens.
fn pair(item: &MeasuredItem, settings: &MeasureSettings, loaded: &Loaded) -> Result<Pair, Failure> {
    match (&item.context, &item.continuation) {
        (TextOrTokens::Text(context), TextOrTokens::Text(continuation)) => {
            settings.pair(context, continuation, loaded)
        }
        (TextOrTokens::Tokens(context), TextOrTokens::Tokens(continuation)) => {
            let pair = Pair {
                context: ids(context),
                continuation: ids(continuation),
            };
            settings.checked(pair, loaded)
        }
        _ => Err(answer::usage(
            "`context` and `continuation` are both text or both tokens".to_owned(),
        )),
    }
}

/// The prompt of a conversation. The templates of these models always end as the answer begins, so that an answer that goes
/// on is written behind the prompt for it.
fn render(
    messages: &[Message],
    add_generation_prompt: bool,
    loaded: &Loaded,
) -> Result<String, Failure> {
    match messages.split_last() {
        Some((last, before)) if !add_generation_prompt && last.role == Role::Assistant => {
            Ok(loaded.text.render(before)? + &last.content)
        }
        _ => loaded.text.render(messages),
    }
}
