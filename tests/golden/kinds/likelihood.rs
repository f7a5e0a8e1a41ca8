//! Log-likelihoods with the reference's draws, and greedy suffixes.

use unmask_core::TokenId;
use unmask_core::api::CancelFlag;
use unmask_core::family::FamilyRules;
use unmask_core::likelihood::{self, Likelihood, Pair, Perturbed};

use super::generate::step;
use crate::case::{Case, Verdict, id_rows, ids, same};
use crate::models::Models;

pub(crate) fn mask_counts(case: &Case, _: &Models) -> Verdict {
    let input = |name: &str| case.json["input"][name].as_u64().expect("a count") as usize;
    let got = likelihood::mask_counts(input("batch"), input("target_len"), input("k"));
    let expected: Vec<usize> = ids(&case.json["expected"]["mask_counts"])
        .iter()
        .map(|id| id.index())
        .collect();
    same("mask counts", &got, &expected)
}

pub(crate) fn log_likelihood(case: &Case, models: &Models) -> Verdict {
    let model = models.get(case)?;
    let pair = Pair {
        context: ids(&case.json["input"]["prompt_ids"]),
        continuation: ids(&case.json["input"]["answer_ids"]),
    };
    let cfg_scale = case.number("cfg_scale") as f32;
    let mut likelihood = Likelihood::new(&*model, case.special().mask, cfg_scale);
    let (draws, ratios) = (case.need("perturbed"), case.need("p_mask"));
    let losses = case.json["expected"]["iteration_losses"]
        .as_array()
        .expect("a list of losses");
    let tolerance = case.json["tolerance"]["iteration_losses_rel"]
        .as_f64()
        .expect("a tolerance");
    let mut total = 0.0;
    for (iteration, expected) in losses.iter().enumerate() {
        let rows: Vec<Perturbed> = (0..draws.shape[1])
            .map(|row| Perturbed {
                tokens: draws
                    .at(&[iteration, row])
                    .iter()
                    .map(|&id| TokenId(id as u32))
                    .collect(),
                mask_ratio: ratios.at(&[iteration, row])[0],
            })
            .collect();
        let got = likelihood
            .loss(&pair, &rows, &CancelFlag::new())
            .map_err(|error| error.to_string())?;
        let expected = expected.as_f64().expect("a loss");
        if (got - expected).abs() > tolerance * expected.abs() {
            return Err(format!(
                "loss of iteration {iteration} is {got}, expected {expected}"
            ));
        }
        total -= got;
    }
    let (got, expected) = (
        total / losses.len() as f64,
        case.json["expected"]["log_likelihood"]
            .as_f64()
            .expect("a figure"),
    );
    let tolerance = case.json["tolerance"]["log_likelihood_rel"]
        .as_f64()
        .expect("a tolerance");
    match (got - expected).abs() <= tolerance * expected.abs() {
        true => Ok(()),
        false => Err(format!("log-likelihood is {got}, expected {expected}")),
    }
}

pub(crate) fn suffix_greedy(case: &Case, models: &Models) -> Verdict {
    let model = models.get(case)?;
    let (prefix, target) = (
        ids(&case.json["input"]["prefix_ids"]),
        ids(&case.json["input"]["target_ids"]),
    );
    let cfg_scale = case.number("cfg_scale") as f32;
    let (special, rules) = (case.special(), FamilyRules::default());
    let mut generation =
        likelihood::greedy_suffix(&*model, &special, rules, &prefix, target.len(), cfg_scale)
            .map_err(|error| error.to_string())?;
    let states = id_rows(&case.json["expected"]["states"]);
    same(
        "state 0",
        generation.denoise().canvas().answer(),
        &states[0],
    )?;
    let mut made = 0;
    while step(&mut generation)?.is_some() {
        made += 1;
        same(
            &format!("state {made}"),
            generation.denoise().canvas().answer(),
            &states[made],
        )?;
    }
    let greedy = generation.denoise().canvas().answer();
    same("greedy", greedy, &ids(&case.json["expected"]["greedy_ids"]))?;
    let is_greedy = case.json["expected"]["is_greedy"]
        .as_bool()
        .expect("a verdict");
    same("verdict", &[greedy == target], &[is_greedy])
}
