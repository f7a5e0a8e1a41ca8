//! `unmask doctor`: what this machine has, and whether the active model loads and answers.

use unmask::amount::{bytes, counted};
use unmask::number;
use unmask::precision::with_reason;
use unmask_core::api::Capabilities;
use unmask_core::config::{Config, ConfigReader};
use unmask_core::engine::{Loaded, Message, Overflow, Role, TurnEvent, TurnInput};
use unmask_core::loader::discover;

use super::backends;
use super::meter::ProgressMeter;
use super::signals::Interrupts;
use super::turn_runner::TurnRunner;
use super::{Interrupted, code};

/// What is found goes to `tell` as it is found.
pub(super) fn run(
    config: Config,
    reader: &ConfigReader,
    tell: &mut dyn FnMut(&str) -> anyhow::Result<()>,
) -> anyhow::Result<u8> {
    tell(&format!(
        "unmask {} on {} {}\nconfiguration: {}\nactive model: {}\n\n",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH,
        config.source,
        config.active.value
    ))?;
    let interrupts = Interrupts::watch()?;
    let registry = discover(&config, &reader.environment);
    interrupts.check("looking for backends")?;
    tell(&format!("{}\n", backends::text(registry.rows())))?;
    let mut meter = ProgressMeter::new(false);
    let mut turn_runner = TurnRunner::open(config, reader, &mut meter)?;
    let loaded = turn_runner.loaded.clone();
    tell(&describe(&loaded))?;
    let fit = turn_runner.settings()?;
    let input = TurnInput::Chat {
        messages: vec![Message {
            role: Role::User,
            content: "Hello!".to_owned(),
        }],
        pins: Vec::new(),
        length: fit.length,
        overflow: Overflow::Refuse,
    };
    let ended = turn_runner.turn(input, &fit.params, |event| {
        if let TurnEvent::Step(step) = event {
            meter.at("unmasking", step.step as u64, step.steps as u64);
        }
        Ok(())
    })?;
    meter.clear();
    if let Some(code) = ended.interrupted {
        let text = "stopped during the test answer".to_owned();
        return Err(Interrupted { text, code }.into());
    }
    let stats = ended.outcome.stats;
    let per_step = stats.elapsed.as_secs_f64() * 1000.0 / stats.steps.max(1) as f64;
    let took = match stats.told(stats.nfe) {
        Some(nfe) => format!("{}, {per_step:.1} ms a step", counted(nfe, "forward")),
        None => number::wait(stats.elapsed),
    };
    tell(&format!("test answer: {:?}\n{took}\n", ended.outcome.text))?;
    Ok(code::DONE)
}

fn describe(loaded: &Loaded) -> String {
    let facts = &loaded.facts;
    let named = Capabilities::NAMES
        .iter()
        .filter(|(bit, _)| facts.capabilities.has(*bit));
    let abilities: Vec<&str> = named.map(|(_, name)| *name).collect();
    let mut text = format!(
        "{} on {} {}, {} ({})\nprecision {}, {} in memory, vocabulary {}, up to {} positions\ncan: {}\n",
        loaded.name,
        loaded.backend,
        loaded.backend_version,
        loaded.device,
        loaded.device_name,
        with_reason(&facts.precision, loaded.precision_reason),
        bytes(facts.memory_bytes),
        facts.vocab,
        facts.max_positions,
        abilities.join(", ")
    );
    for note in &facts.notes {
        text.push_str(&format!("note: {note}\n"));
    }
    text
}
