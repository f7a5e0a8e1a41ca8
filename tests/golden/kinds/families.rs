//! The families' own programs, with their tiny models.

use unmask_core::api::Attention;
use unmask_core::denoise::Denoise;
use unmask_core::family::{FamilyRules, Shift};
use unmask_core::generate::Generation;
use unmask_core::params::{
    CacheMode, ConfidenceOf, Daedal, Editing, FirstFilter, Growth, Remasking, Transfer,
};
use unmask_core::sampler::Noise;
use unmask_core::{Canvas, Params, TokenId};

use super::draws::{Even, Exponential};
use super::generate::{Recorded, follow, padding, step};
use super::program::{Ends, Program, tokens_of};
use crate::case::{Case, Verdict, id_rows, same};
use crate::models::Models;

/// Dream's `diffusion_generate`.
pub(crate) fn dream_generate(case: &Case, models: &Models) -> Verdict {
    let model = models.get(case)?;
    let settings = &case.json["settings"];
    let length = case.count("max_new_tokens");
    let params = Params {
        steps: case.count("steps"),
        block_length: length,
        transfer: Transfer::Timesteps(case.number("eps")),
        remasking: match settings["alg"].as_str() {
            Some("origin") => Remasking::Random,
            Some("maskgit_plus") => Remasking::LowConfidence,
            Some("topk_margin") => Remasking::Margin,
            Some("entropy") => Remasking::Entropy,
            other => panic!("no algorithm {other:?}"),
        },
        top_p: settings["top_p"].as_f64(),
        top_k: settings["top_k"].as_u64().map(|k| k as usize),
        early_stop: false,
        ..Params::default()
    };
    let history = case.need("x_history");
    let expected = id_rows(&case.json["expected"]["ids"]);
    let rules = FamilyRules::of(Attention::Bidirectional, Shift::One);
    let prompts = id_rows(&case.json["input"]["prompt_ids"]);
    for (row, prompt) in prompts.iter().enumerate() {
        let canvas = Canvas::new(prompt, length, case.special().mask);
        let canvas = canvas.with_padding(padding(case, row)?);
        let denoise = Denoise::new(case.special(), rules, canvas, params.clone());
        let denoise = denoise.map_err(|error| error.to_string())?;
        let noise = Box::new(Recorded::scores(case.array("rand"), row));
        let generation = Generation::new(&*model, denoise.with_noise(noise));
        let mut generation = generation.map_err(|error| error.to_string())?;
        follow(&mut generation, &history, row)?;
        let tokens = generation.denoise().canvas().tokens();
        same("result", tokens, &expected[row])?;
    }
    Ok(())
}

/// DAEDAL's `generate`; the canvases before each of its forwards, padded with -1, and the result.
pub(crate) fn daedal_generate(case: &Case, models: &Models) -> Verdict {
    let model = models.get(case)?;
    let prompt = &id_rows(&case.json["input"]["prompt_ids"])[0];
    let special = case.special();
    let params = Params {
        block_length: case.count("block_length"),
        growth: Growth::Daedal(Daedal {
            ceiling: case.count("max_gen_length"),
            high: case.number("high_conf_threshold"),
            low: case.number("low_conf_threshold"),
            expansion: case.count("expansion_factor"),
            enough: case.number("eos_confidence_threshold"),
            expands_below: case.number("expand_eos_confidence_threshold"),
            checked: case.count("eos_check_tokens"),
            ..Daedal::new(special.eos, 0)
        }),
        early_stop: false,
        ..Params::default()
    };
    let canvas = Canvas::new(prompt, case.count("initial_gen_length"), special.mask);
    let denoise = Denoise::new(special, FamilyRules::default(), canvas, params);
    let denoise = denoise.map_err(|error| error.to_string())?;
    let generation = Generation::new(&*model, denoise);
    let mut generation = generation.map_err(|error| error.to_string())?;
    let history = case.need("x_history");
    for at in 0..history.shape[0] {
        let expected: Vec<TokenId> = tokens_of(history.at(&[at])).collect();
        let name = format!("canvas {at}");
        same(&name, generation.denoise().canvas().tokens(), &expected)?;
        let made = step(&mut generation)?.is_some();
        same("whether it goes on", &[made], &[at + 1 < history.shape[0]])?;
    }
    let tokens = generation.denoise().canvas().tokens();
    same("result", tokens, &id_rows(&case.json["expected"]["ids"])[0])
}

/// LLaDA2.0's `generate`.
pub(crate) fn llada2_generate(case: &Case, models: &Models) -> Verdict {
    let steps = case.count("steps");
    let steps = steps.min(case.count("gen_length") / case.count("minimal_topk"));
    let params = Params {
        early_stop: case.flag("eos_early_stop"),
        ..Params::default()
    };
    llada(case, models, params, steps, true)
}

/// LLaDA2.1's `generate`, which changes what it has written.
pub(crate) fn llada21_generate(case: &Case, models: &Models) -> Verdict {
    let params = Params {
        editing: Some(Editing {
            threshold: case.number("editing_threshold"),
            most_steps: case.count("max_post_steps"),
        }),
        early_stop: false,
        ..Params::default()
    };
    let steps = case.count("block_length") / case.count("num_to_transfer");
    llada(case, models, params, steps, case.flag("eos_early_stop"))
}

fn llada(
    case: &Case,
    models: &Models,
    params: Params,
    steps_per_block: usize,
    stops: bool,
) -> Verdict {
    let block_length = case.count("block_length");
    let prompt = id_rows(&case.json["input"]["prompt_ids"])[0].len();
    let length = (prompt + case.count("gen_length")).next_multiple_of(block_length);
    let is_early = params.early_stop;
    let settings = &case.json["settings"];
    let temperature = case.number("temperature");
    let draws = || Box::new(Exponential::of_steps(case, block_length)) as Box<dyn Noise>;
    let ran = Program {
        case,
        shift: Shift::None,
        stops,
        ends: match params.early_stop {
            true => Ends::AsSoonAsFinal,
            false => Ends::AsTheReference,
        },
        length,
        params: Params {
            steps: steps_per_block * ((length - prompt) / block_length).max(1),
            block_length,
            transfer: Transfer::Dynamic(case.number("threshold")),
            temperature,
            confidence_of: ConfidenceOf::Drawn,
            top_k: settings["top_k"].as_u64().map(|k| k as usize),
            top_p: settings["top_p"].as_f64(),
            first_filter: FirstFilter::TopK,
            ..params
        },
        noise: (temperature > 0.0).then(draws),
    }
    .run(models)?;
    let expected = &case.json["expected"];
    let calls = expected["forward_calls"].as_u64().expect("a count");
    let nfe = ran.nfe as u64;
    if nfe != calls && !(is_early && nfe < calls) {
        return Err(format!("{nfe} forwards, expected {calls}"));
    }
    let mut answer = &ran.tokens[prompt..prompt + case.count("gen_length")];
    if let Some(end) = answer.iter().position(|&it| it == case.special().eos) {
        answer = &answer[..=end];
    }
    same("result", answer, &id_rows(&expected["returned_ids"])[0])
}

/// SDAR's `block_diffusion_generate`.
pub(crate) fn sdar_generate(case: &Case, models: &Models) -> Verdict {
    let settings = &case.json["settings"];
    let block_length = case.count("block_length");
    let prompt = id_rows(&case.json["input"]["prompt_ids"])[0].len();
    let length = (prompt + case.count("gen_length")).next_multiple_of(block_length);
    let (transfer, remasking) = match settings["remasking_strategy"].as_str() {
        Some("low_confidence_dynamic") => (
            Transfer::Dynamic(case.number("confidence_threshold")),
            Remasking::LowConfidence,
        ),
        Some("low_confidence_static") => (Transfer::Quota, Remasking::LowConfidence),
        Some("sequential") => (Transfer::Quota, Remasking::Sequential),
        other => panic!("no remasking {other:?}"),
    };
    let temperature = case.number("temperature");
    let is_greedy = case.flag("greedy");
    let draws: Box<dyn Noise> = match is_greedy {
        true => Box::new(Even),
        false => Box::new(Exponential::of_steps(case, block_length)),
    };
    let ran = Program {
        case,
        shift: Shift::None,
        stops: case.flag("stop"),
        ends: Ends::AsTheReference,
        length,
        params: Params {
            steps: case.count("denoising_steps") * ((length - prompt) / block_length).max(1),
            block_length,
            transfer,
            remasking,
            // Its default of 1 changes no probability.
            temperature: match is_greedy && temperature == 1.0 {
                true => 0.0,
                false => temperature,
            },
            confidence_of: ConfidenceOf::Drawn,
            top_k: Some(case.count("top_k")).filter(|&k| k > 0),
            top_p: Some(case.number("top_p")).filter(|&p| p < 1.0),
            early_stop: false,
            ..Params::default()
        },
        noise: Some(draws),
    }
    .run(models)?;
    let expected = &case.json["expected"];
    same("result", &ran.tokens, &id_rows(&expected["ids"])[0])?;
    // What it stores is computed with the next block here.
    let calls = expected["calls"].as_array().expect("calls");
    let denoising = calls.iter().filter(|call| call[2] == 0).count();
    same("forwards", &[ran.nfe], &[denoising])
}

/// Fast-dLLM v2's `generate`.
pub(crate) fn fdv2_generate(case: &Case, models: &Models) -> Verdict {
    let block_length = case.count("block_size");
    let expected = &id_rows(&case.json["expected"]["ids"])[0];
    let prompt = id_rows(&case.json["input"]["prompt_ids"])[0].len();
    // A block for each that is asked for, the one that the prompt ends in among them, and a token behind the last.
    let blocks = case.count("max_new_tokens") / block_length;
    let length = (prompt / block_length + blocks) * block_length + 1;
    let is_cached = case.flag("use_block_cache");
    let temperature = case.number("temperature");
    let ran = Program {
        case,
        shift: Shift::OneInBlock,
        stops: true,
        ends: Ends::AsTheReference,
        length,
        params: Params {
            block_length,
            sub_block_length: case.count("small_block_size"),
            transfer: Transfer::Threshold(case.number("threshold")),
            cache: match is_cached {
                true => CacheMode::Dual,
                false => CacheMode::Off,
            },
            temperature,
            confidence_of: ConfidenceOf::Drawn,
            top_p: (temperature > 0.0).then(|| case.number("top_p")),
            early_stop: true,
            ..Params::default()
        },
        noise: (temperature > 0.0).then(|| Exponential::of_parts(case) as Box<dyn Noise>),
    }
    .run(models)?;
    same("result", &ran.tokens[..expected.len()], expected)?;
    let calls = case.json["expected"]["calls"].as_array().expect("calls");
    let starts: Vec<usize> = (calls.iter().filter(|call| call[0] != "store"))
        .map(|call| match call[0] == "sub" {
            true => call[1].as_u64().expect("a position") as usize,
            false => 0,
        })
        .collect();
    same("what is fed", &ran.fed, &starts)?;
    same(
        "the prompt",
        &ran.tokens[..ran.prompt],
        &expected[..ran.prompt],
    )
}
