//! Fast-dLLM: thresholds, factors, prefix and dual cache, both published versions.

use unmask_core::denoise::Denoise;
use unmask_core::family::FamilyRules;
use unmask_core::generate::Generation;
use unmask_core::params::{CacheMode, ConfidenceType, Transfer};
use unmask_core::{Canvas, Params};

use super::generate::{Recorded, follow, remasking};
use crate::case::{Case, Verdict, id_rows, same};
use crate::models::Models;
use crate::published::{FastDllm, Version};

pub(crate) fn fast_dllm(case: &Case, models: &Models) -> Verdict {
    let model = models.get(case)?;
    let prompts = id_rows(&case.json["input"]["prompt_ids"]);
    // The published programs count forwards over the batch, and stop it together.
    let [prompt] = &prompts[..] else {
        return Err(format!("{} prompts, one was expected", prompts.len()));
    };
    let canvas = Canvas::new(prompt, case.count("gen_length"), case.special().mask);
    let noise = Box::new(Recorded::new(case, 0));
    let params = params(case);
    let strategy = FastDllm::new(version(case), &canvas, &params);
    let strategy = Box::new(strategy.map_err(|error| error.to_string())?);
    let (special, rules) = (case.special(), FamilyRules::default());
    let denoise = Denoise::with_strategy(special, rules, canvas, params, strategy);
    let mut generation =
        Generation::new(&*model, denoise.with_noise(noise)).map_err(|error| error.to_string())?;
    follow(&mut generation, &case.need("x_history"), 0)?;
    let (denoise, expected) = (generation.denoise(), &case.json["expected"]);
    same(
        "result",
        denoise.canvas().tokens(),
        &id_rows(&expected["ids"])[0],
    )?;
    same(
        "forwards",
        &[denoise.stats().nfe as u64],
        &[expected["nfe"].as_u64().expect("a count")],
    )
}

fn params(case: &Case) -> Params {
    Params {
        steps: case.count("steps"),
        block_length: case.count("block_length"),
        temperature: case.number("temperature"),
        remasking: remasking(case),
        transfer: transfer(case),
        cache: match case.json["settings"]["method"].as_str() {
            Some("generate") => CacheMode::Off,
            Some("prefix") => CacheMode::Prefix,
            Some("dual") => CacheMode::Dual,
            other => panic!("no method {other:?}"),
        },
        early_stop: false,
        confidence_type: ConfidenceType::F64,
        ..Params::default()
    }
}

pub(crate) fn version(case: &Case) -> Version {
    match case.json["settings"]["version"].as_str() {
        Some("v0") => Version::V0,
        Some("v1") => Version::V1,
        other => panic!("no version {other:?}"),
    }
}

/// A factor overrides a threshold, as in the reference.
pub(crate) fn transfer(case: &Case) -> Transfer {
    let number = |name: &str| case.json["settings"][name].as_f64();
    match (number("factor"), number("threshold")) {
        (Some(factor), _) => Transfer::Factor(factor),
        (None, Some(threshold)) => Transfer::Threshold(threshold),
        (None, None) => Transfer::Quota,
    }
}
