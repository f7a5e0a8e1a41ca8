//! LLaDA's web demo: word constraints and its own block rules.

use std::collections::HashMap;

use serde_json::Value;
use unmask_core::denoise::Denoise;
use unmask_core::event::StepEvent;
use unmask_core::family::FamilyRules;
use unmask_core::generate::Generation;
use unmask_core::params::ConfidenceType;
use unmask_core::text::constraints::{parse_constraints, place_constraints};
use unmask_core::{Canvas, Params, Position, TokenId};

use super::generate::{Recorded, remasking, step};
use crate::case::{Case, Verdict, ids, same};
use crate::models::Models;
use crate::published::WebDemo;

pub(crate) fn app(case: &Case, models: &Models) -> Verdict {
    let model = models.get(case)?;
    let text = models.text(case)?;
    let prompt = ids(&case.json["input"]["prompt_ids"]);
    let length = case.count("gen_length");
    let words = case.json["input"]["constraints_text"]
        .as_str()
        .unwrap_or("");
    let pins = place_constraints(&parse_constraints(words), &text.tokenizer, length)
        .map_err(|error| error.to_string())?;
    let stated: HashMap<Position, TokenId> =
        constraint_tokens(&case.json["expected"]["constraint_tokens"], length);
    if pins
        .iter()
        .map(|(&at, &token)| (at, token))
        .collect::<HashMap<_, _>>()
        != stated
    {
        return Err(format!("constraints {pins:?}, expected {stated:?}"));
    }
    let mut canvas = Canvas::new(&prompt, length, case.special().mask);
    for (at, token) in &pins {
        canvas.pin(Position(at.0 + prompt.len() as u32), *token);
    }
    let params = Params {
        steps: case.count("steps"),
        block_length: case.count("block_length"),
        temperature: case.number("temperature"),
        cfg_scale: case.number("cfg_scale") as f32,
        remasking: remasking(case),
        early_stop: false,
        confidence_type: ConfidenceType::F64,
        ..Params::default()
    };
    let noise = Box::new(Recorded::new(case, 0));
    let strategy = WebDemo::new(&canvas, &params).map_err(|error| error.to_string())?;
    let (special, rules) = (case.special(), FamilyRules::default());
    let denoise = Denoise::with_strategy(special, rules, canvas, params, Box::new(strategy));
    let mut generation =
        Generation::new(&*model, denoise.with_noise(noise)).map_err(|error| error.to_string())?;
    let states = case.json["expected"]["states"]
        .as_array()
        .expect("a list of states");
    let mut last = 0;
    while let Some(made) = step(&mut generation)? {
        // The first state is all masks; then comes one a forward.
        let shown = generation.denoise().calls();
        // Steps that had nothing to do show the canvas as it was, with nothing new.
        for skipped in last + 1..shown {
            let same = |(before, now): (&Value, &Value)| before[0] == now[0];
            let cells = |index: usize| states[index].as_array().into_iter().flatten();
            if !cells(last).zip(cells(skipped)).all(same) {
                return Err(format!(
                    "state {skipped} was skipped, but the reference changed it"
                ));
            }
        }
        last = shown;
        let expected = states
            .get(shown)
            .ok_or("more steps than the reference made")?;
        compare_state(
            generation.denoise(),
            &made,
            expected,
            &text.tokenizer,
            shown,
        )?;
    }
    let denoise = generation.denoise();
    same("states", &[denoise.calls() + 1], &[states.len()])?;
    same(
        "answer",
        denoise.canvas().answer(),
        &ids(&case.json["expected"]["response_ids"]),
    )?;
    let plain = text
        .tokenizer
        .decode_plain(denoise.canvas().answer())
        .map_err(|error| error.to_string())?;
    same(
        "text",
        &[plain.as_str()],
        &[case.json["expected"]["final_text"].as_str().unwrap_or("")],
    )
}

/// Compares what the web demo shows: each position's word and its colour, by how sure it was when it was fixed.
fn compare_state(
    denoise: &Denoise,
    made: &StepEvent,
    expected: &Value,
    tokenizer: &unmask_core::text::Tokenizer,
    index: usize,
) -> Verdict {
    let canvas = denoise.canvas();
    for (offset, cell) in expected.as_array().expect("a state").iter().enumerate() {
        let at = Position((canvas.answer_start() + offset) as u32);
        let commit = made.commits.iter().find(|commit| commit.at == at);
        let colour = match commit.map(|commit| commit.confidence) {
            _ if canvas.is_masked(at) => "#444444",
            Some(confidence) if confidence < 0.3 => "#FF6666",
            Some(confidence) if confidence < 0.7 => "#FFAA33",
            Some(_) => "#66CC66",
            None => "#6699CC",
        };
        let word = match canvas.is_masked(at) {
            true => "[MASK]".to_owned(),
            false => tokenizer
                .decode_plain(&[canvas.tokens()[at.index()]])
                .map_err(|error| error.to_string())?,
        };
        let stated = (
            cell[0].as_str().unwrap_or(""),
            cell[1].as_str().unwrap_or(""),
        );
        if (word.as_str(), colour) != stated {
            return Err(format!(
                "state {index}, position {offset}: {word:?} {colour}, expected {stated:?}"
            ));
        }
    }
    Ok(())
}

fn constraint_tokens(value: &Value, length: usize) -> HashMap<Position, TokenId> {
    let tokens = value.as_object().expect("tokens by position");
    let tokens = tokens.iter().map(|(at, id)| {
        let at = at.parse().expect("a position");
        (Position(at), TokenId(id.as_u64().expect("an id") as u32))
    });
    tokens.filter(|(at, _)| at.index() < length).collect()
}
