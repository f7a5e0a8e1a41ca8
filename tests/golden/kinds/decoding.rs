//! Decoding of whole blocks with recorded logits, no model.

use unmask_core::denoise::{Ask, Denoise, OutputRows};
use unmask_core::family::FamilyRules;
use unmask_core::params::{ConfidenceType, Credit, Editing, Klass, Transfer, Wino};
use unmask_core::{Canvas, Params, Position, TokenId};

use crate::case::{Array, Case, Verdict, id_rows, ids, same};
use crate::models::Models;

/// Makes the steps of `history`, canvases before each step and the last one, with the rows that `row_of` gives for a step and
/// an index: positions, and behind them those of a second copy of the block.
fn follow(
    mut denoise: Denoise,
    history: &[Vec<TokenId>],
    row_of: impl Fn(usize, usize) -> Vec<f32>,
) -> Result<Denoise, String> {
    let (first, rest) = history.split_first().ok_or("the history is empty")?;
    same("the first canvas", denoise.canvas().tokens(), first)?;
    for (call, expected) in rest.iter().enumerate() {
        if let Ask::Question(asked) = denoise.ask() {
            let question = asked.question();
            let wanted = question.wanted.iter().map(|at| at.index());
            let mut rows: Vec<f32> = wanted.flat_map(|at| row_of(call, at)).collect();
            if let Some(shadow) = &question.shadow {
                let first = question.tokens.len() - shadow.block.start;
                let wanted = shadow.wanted.iter().map(|at| first + at.index());
                rows.extend(wanted.flat_map(|index| row_of(call, index)));
            }
            asked.tell(OutputRows::Logits(&mut rows));
        }
        let name = format!("the canvas after step {call}");
        same(&name, denoise.canvas().tokens(), expected)?;
    }
    Ok(denoise)
}

fn begin(case: &Case, canvas: Canvas, params: Params) -> Result<Denoise, String> {
    let params = Params {
        early_stop: false,
        ..params
    };
    Denoise::new(case.special(), FamilyRules::default(), canvas, params)
        .map_err(|error| error.to_string())
}

fn f32s(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&value| value as f32).collect()
}

/// The canvases of `[steps + 1, 1, length]`.
fn canvases(history: &Array) -> Vec<Vec<TokenId>> {
    let canvas = |step| {
        let tokens = history.at(&[step, 0]).iter();
        tokens.map(|&id| TokenId(id as u32)).collect()
    };
    (0..history.shape[0]).map(canvas).collect()
}

/// A sampler that has a program of its own: prompt, answer, and the logits of each forward, which are counted.
fn sampled(case: &Case, params: Params, steps: &str) -> Verdict {
    let prompt = &id_rows(&case.json["input"]["prompt_ids"])[0];
    let canvas = Canvas::new(prompt, case.count("gen_length"), case.special().mask);
    let (logits, history) = (case.need("logits"), canvases(&case.need("x_history")));
    let denoise = begin(case, canvas, params)?;
    let row_of = |call, at| f32s(logits.at(&[call, 0, at]));
    let mut denoise = follow(denoise, &history, row_of)?;
    let expected = &case.json["expected"];
    same(
        "result",
        denoise.canvas().tokens(),
        &id_rows(&expected["ids"])[0],
    )?;
    let count = expected[steps].as_u64().expect("a count");
    same("forwards", &[denoise.stats().nfe as u64], &[count])?;
    match denoise.ask() {
        Ask::Ended(_) => Ok(()),
        Ask::Question(_) => Err("it goes on where the reference has ended".to_owned()),
    }
}

pub(crate) fn klass_sampler(case: &Case, _: &Models) -> Verdict {
    let params = Params {
        steps: case.count("steps"),
        block_length: case.count("block_length"),
        confidence_type: ConfidenceType::F64,
        transfer: Transfer::Klass(Klass {
            threshold: case.number("conf_threshold"),
            divergence: case.number("kl_threshold"),
            history: case.count("kl_history_length"),
        }),
        ..Params::default()
    };
    sampled(case, params, "used_steps")
}

pub(crate) fn wino_sampler(case: &Case, _: &Models) -> Verdict {
    let params = Params {
        steps: case.count("gen_length"),
        block_length: case.count("block_length"),
        confidence_type: ConfidenceType::F64,
        transfer: Transfer::Wino(Wino {
            draft: case.number("threshold"),
            verify: case.number("threshold_back"),
        }),
        ..Params::default()
    };
    sampled(case, params, "steps")
}

/// One block as it stands, of which the first `given` tokens are the prompt's, and the steps that follow.
fn stepped(case: &Case, given: usize, params: Params) -> Verdict {
    let (tokens, mask) = (ids(&case.json["input"]["x"]), case.special().mask);
    let mut canvas = Canvas::new(&[], tokens.len(), mask);
    for (at, &token) in (0_u32..).map(Position).zip(&tokens) {
        match at.index() < given {
            true => canvas.pin(at, token),
            false => canvas.commit(at, token),
        }
    }
    let params = Params {
        block_length: tokens.len(),
        ..params
    };
    let (logits, history) = (case.need("logits"), &case.json["expected"]["x_history"]);
    let row_of = |call, at| f32s(logits.at(&[call, at]));
    follow(begin(case, canvas, params)?, &id_rows(history), row_of).map(drop)
}

pub(crate) fn credit_decode(case: &Case, _: &Models) -> Verdict {
    let length = ids(&case.json["input"]["x"]).len();
    let params = Params {
        steps: length,
        confidence_type: ConfidenceType::F64,
        transfer: Transfer::Credit(Credit {
            threshold: case.number("threshold"),
            alpha: case.number("credit_alpha"),
            gamma: case.number("boost_gamma"),
            beta: case.number("decay_beta"),
        }),
        ..Params::default()
    };
    stepped(case, length, params)
}

pub(crate) fn block_refinement_step(case: &Case, _: &Models) -> Verdict {
    // 0 means that there is no editing.
    let editing = case.json["settings"]["editing_threshold"].as_f64();
    let params = Params {
        steps: case.count("num_inference_steps"),
        transfer: Transfer::Dynamic(case.number("threshold")),
        editing: editing.filter(|&it| it > 0.0).map(Editing::new),
        ..Params::default()
    };
    stepped(case, case.count("prompt_positions"), params)
}
