//! The sampler alone, fed with recorded logits.

use std::num::NonZeroUsize;

use unmask_core::denoise::{Ask, Denoise, OutputRows};
use unmask_core::family::FamilyRules;
use unmask_core::params::ConfidenceType;
use unmask_core::sampler::strategies::{self, STRATEGIES};
use unmask_core::sampler::{Judge, gumbel_score, quota};
use unmask_core::scorer::guide;
use unmask_core::{Canvas, Params, Position, TokenId};

use super::fast::{transfer, version};
use super::generate::{Recorded, Seen, params};
use crate::case::{Case, Verdict, id_rows, ids, same};
use crate::models::Models;
use crate::published::{Bf16, select};

/// `generate()` with a scripted model: `logits[call, batch, position, vocab]`, twice the batch under guidance.
pub(crate) fn sampler(case: &Case, _: &Models) -> Verdict {
    let logits = case.need("logits");
    let history = case.need("x_history");
    let prompts = id_rows(&case.json["input"]["prompt_ids"]);
    for (row, prompt) in prompts.iter().enumerate() {
        let params = params(case);
        let (special, rules) = (case.special(), FamilyRules::default());
        let canvas = Canvas::new(prompt, case.count("gen_length"), special.mask);
        let strategy = strategies::begin(STRATEGIES, &canvas, &params, rules);
        let strategy = strategy.map_err(|error| error.to_string())?;
        let strategy = match logits.is_bf16 {
            true => Box::new(Bf16(strategy)),
            false => strategy,
        };
        let noise = Box::new(Recorded::new(case, row));
        let denoise = Denoise::with_strategy(special, rules, canvas, params, strategy);
        let mut denoise = denoise.with_noise(noise);
        let mut seen = Seen::new(&history, row);
        seen.compare(denoise.canvas(), 0)?;
        while let Ask::Question(asked) = denoise.ask() {
            let (question, call) = (asked.question(), asked.call());
            let rows_of = |batch_row: usize| -> Vec<f32> {
                let row_of = |at: &Position| logits.at(&[call, batch_row, at.index()]);
                let wanted = question.wanted.iter();
                wanted.flat_map(row_of).map(|&logit| logit as f32).collect()
            };
            let mut rows = rows_of(row);
            if let Some((_, scale)) = question.guidance {
                guide(&mut rows, &rows_of(prompts.len() + row), scale);
            }
            asked.tell(OutputRows::Logits(&mut rows));
            seen.compare(denoise.canvas(), call + 1)?;
        }
        seen.end(denoise.canvas())?;
        same(
            "result",
            denoise.canvas().tokens(),
            &id_rows(&case.json["expected"]["ids"])[row],
        )?;
    }
    Ok(())
}

/// One selection of Fast-dLLM's.
pub(crate) fn fast_select(case: &Case, _: &Models) -> Verdict {
    let logits = case.need("logits");
    let tokens = ids(&case.json["input"]["x"][0]);
    let masked = ids(&case.json["input"]["mask_index"][0]);
    let wanted: Vec<Position> = (0..tokens.len())
        .filter(|&at| masked[at].0 == 1)
        .map(|at| Position(at as u32))
        .collect();
    let params = Params {
        transfer: transfer(case),
        confidence_type: ConfidenceType::F64,
        ..Params::default()
    };
    let judge = Judge {
        params: &params,
        special: &case.special(),
        noise: &Recorded::new(case, 0),
    };
    let row_of = |at: &Position| logits.at(&[0, at.index()]);
    let mut rows: Vec<f32> = wanted
        .iter()
        .flat_map(row_of)
        .map(|&logit| logit as f32)
        .collect();
    let mut candidates = Vec::new();
    judge.judge(0, &wanted, &mut rows, &mut candidates);
    // With a threshold or a factor no count is given.
    let quota = case.json["settings"]["num_transfer_tokens"]
        .as_u64()
        .map_or(candidates.len(), |count| count as usize);
    let picks = select(version(case), &params, &candidates, quota);
    let mut best = tokens.clone();
    let mut chosen = vec![TokenId(0); tokens.len()];
    for candidate in &candidates {
        best[candidate.at.index()] = candidate.token;
        let expected = &case.json["expected"]["confidence"][candidate.at.index()];
        let expected = expected.as_f64().expect("a confidence");
        if (candidate.confidence - expected).abs() > 1e-9 * expected {
            return Err(format!(
                "confidence {} at {:?}, expected {expected}",
                candidate.confidence, candidate.at
            ));
        }
    }
    picks
        .iter()
        .for_each(|&pick| chosen[candidates[pick].at.index()] = TokenId(1));
    same("best tokens", &best, &ids(&case.json["expected"]["x0"][0]))?;
    same(
        "chosen",
        &chosen,
        &ids(&case.json["expected"]["transfer_index"][0]),
    )
}

pub(crate) fn gumbel(case: &Case, _: &Models) -> Verdict {
    let temperature = case.number("temperature");
    let (logits, draws) = (case.need("logits"), case.array("uniform"));
    let expected = case.need("out");
    for (index, &logit) in logits.values.iter().enumerate() {
        // At temperature 0 the reference returns the logits as they are.
        let got = match (&draws, temperature) {
            (Some(draws), t) if t > 0.0 => gumbel_score(logit, draws.values[index], t),
            _ => logit,
        };
        if (got - expected.values[index]).abs() > 1e-12 * expected.values[index].abs() {
            return Err(format!(
                "score {index} is {got}, expected {}",
                expected.values[index]
            ));
        }
    }
    let width = logits.shape[logits.shape.len() - 1];
    let best: Vec<usize> = (expected.values.chunks_exact(width))
        .map(|row| {
            (0..width)
                .rev()
                .max_by(|&a, &b| row[a].total_cmp(&row[b]))
                .unwrap_or(0)
        })
        .collect();
    let stated: Vec<usize> = (id_rows(&case.json["expected"]["argmax"]).concat().iter())
        .map(|id| id.index())
        .collect();
    same("argmax", &best, &stated)
}

pub(crate) fn num_transfer_tokens(case: &Case, _: &Models) -> Verdict {
    let asked = id_rows(&case.json["input"]["mask_count_steps"]);
    let expected = id_rows(&case.json["expected"]["counts"]);
    for (asked, expected) in asked.iter().zip(&expected) {
        let steps = NonZeroUsize::new(asked[1].index()).expect("cases have steps");
        let got: Vec<usize> = (0..steps.get())
            .map(|step| quota(asked[0].index(), steps, step))
            .collect();
        let expected: Vec<usize> = expected.iter().map(|id| id.index()).collect();
        same(&format!("{asked:?}"), &got, &expected)?;
    }
    Ok(())
}
