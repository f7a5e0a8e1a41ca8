//! Logits: whole forwards, padded batches, and Fast-dLLM's partial forwards.

use std::ops::Range;

use serde_json::Value;
use unmask_core::api::{
    CancelFlag, Cell, Logits, Model, Pass, Position, Row, Session, SessionSpec, TokenId,
};

use crate::case::{Array, Case, Verdict, attended, id_rows, ids, same};
use crate::models::Models;

/// One row of a batch: its tokens, and which of its positions are fed.
struct Ask<'a> {
    tokens: &'a [TokenId],
    fed: Range<usize>,
    seen: Seen,
}

/// What the tokens of a row attend to.
enum Seen {
    /// What is fed at these positions; nothing is kept.
    Fed(Range<usize>),
    /// The cells of all its positions, those that are fed among them.
    Cells,
    /// The cells of the positions before those that are fed, and these; nothing is kept.
    Before,
}

pub(crate) fn forward(case: &Case, models: &Models) -> Verdict {
    let model = models.get(case)?;
    let rows = id_rows(&case.json["input"]["input_ids"]);
    let logits = whole(case, &*model, &rows)?;
    let positions = case.json["input"]["logits_positions"].as_array().cloned();
    let expected = case.need("logits");
    let width = rows[0].len();
    // Dream's padding attends to nothing at all, which is 0 in the reference and any finite numbers here.
    let skipped = match case.json["tolerance"]["padding"].is_string() {
        true => id_rows_if_there(&case.json["input"]["attention_mask"]),
        false => Vec::new(),
    };
    let is_skipped = |row: usize, at: usize| skipped.get(row).is_some_and(|row| row[at].0 == 0);
    for row in 0..rows.len() {
        let wanted: Vec<usize> = match &positions {
            Some(list) => list
                .iter()
                .map(|at| at.as_u64().expect("a position") as usize)
                .collect(),
            None => (0..width).collect(),
        };
        for (index, at) in wanted.into_iter().enumerate() {
            if is_skipped(row, at) {
                continue;
            }
            let got = logits.row(row * width + at);
            close(
                case,
                got,
                expected.at(&[row, index]),
                &format!("row {row}, position {at}"),
            )?;
        }
    }
    Ok(())
}

/// The reference's own bfloat16 run: a float32 backend must be as far from it as the reference's float32 run was.
pub(crate) fn forward_bf16(case: &Case, models: &Models) -> Verdict {
    let model = models.get(case)?;
    let rows = id_rows(&case.json["input"]["input_ids"]);
    let logits = whole(case, &*model, &rows)?;
    let expected = case.need("logits");
    if logits.scores().len() != expected.values.len() {
        return Err(format!(
            "the logits have another shape than {:?}",
            expected.shape
        ));
    }
    let errors: Vec<f64> = (logits.scores().iter().zip(&expected.values))
        .map(|(&got, expected)| (f64::from(got) - expected).abs())
        .collect();
    let max = errors.iter().copied().fold(0.0, f64::max);
    let mean = errors.iter().sum::<f64>() / errors.len() as f64;
    let stated = |name: &str| case.json["expected"][name].as_f64().expect("a figure");
    let far = (max - stated("max_abs_error_vs_f32")).abs() > 1e-3;
    if far || (mean - stated("mean_abs_error_vs_f32")).abs() > 1e-4 {
        return Err(format!(
            "{max} at most and {mean} in the mean from the bfloat16 run"
        ));
    }
    Ok(())
}

pub(crate) fn forward_cached(case: &Case, models: &Models) -> Verdict {
    let model = models.get(case)?;
    let first = ids(&case.json["input"]["input_ids"][0]);
    let changed = ids(&case.json["input"]["changed_ids"][0]);
    let block = case.json["input"]["block"].as_array().expect("a range");
    let block =
        block[0].as_u64().expect("a start") as usize..block[1].as_u64().expect("an end") as usize;
    let whole = 0..first.len();
    let mut session = open(&*model, first.len(), 1)?;
    let compare =
        |session: &mut dyn Session, tokens: &[TokenId], fed: &Range<usize>, name: &str| {
            let ask = Ask {
                tokens,
                fed: fed.clone(),
                seen: Seen::Cells,
            };
            let logits = run(session, &*model, &[ask])?;
            compare_all(case, &logits, &case.need(name), name)
        };
    compare(&mut *session, &first, &whole, "logits_full")?;
    compare(
        &mut *session,
        &changed,
        &(block.start..first.len()),
        "logits_suffix",
    )?;
    // The suffix forward has overwritten the suffix's K/V: fill the cache again, as the reference starts from the full one.
    compare(&mut *session, &first, &whole, "logits_full")?;
    compare(&mut *session, &changed, &block, "logits_block")
}

/// Blocks fed one by one: what is stored is seen by all later calls, what is not stored by its own alone. Fast-dLLM v2's cache of
/// a block keeps all of it at once, and then parts of it anew.
pub(crate) fn forward_incremental(case: &Case, models: &Models) -> Verdict {
    let model = models.get(case)?;
    let calls = case.json["input"]["calls"].as_array().expect("calls");
    let count = |value: &Value| value.as_u64().expect("a count") as usize;
    let fed: Vec<Range<usize>> = (calls.iter())
        .map(|call| {
            let start = count(&call["start"]);
            start..start + ids(&call["input_ids"]).len()
        })
        .collect();
    let cells = fed.iter().map(|fed| fed.end).max().unwrap_or(0);
    let mut session = open(&*model, cells, 1)?;
    let mut tokens = vec![TokenId(0); cells];
    for (index, (call, fed)) in calls.iter().zip(&fed).enumerate() {
        tokens[fed.clone()].copy_from_slice(&ids(&call["input_ids"]));
        let cache = call["block_cache"].as_str();
        let is_kept = cache.is_some() || call["store"] == true;
        // The end of the block that a part belongs to.
        let end = match cache {
            Some("replace") => cells,
            _ => fed.end,
        };
        let ask = Ask {
            tokens: &tokens[..end],
            fed: fed.clone(),
            seen: match is_kept {
                true => Seen::Cells,
                false => Seen::Before,
            },
        };
        let name = format!("logits_{index}");
        let logits = run(&mut *session, &*model, &[ask])?;
        compare_all(case, &logits, &case.need(&name), &name)?;
    }
    Ok(())
}

fn id_rows_if_there(value: &Value) -> Vec<Vec<TokenId>> {
    match value.is_null() {
        true => Vec::new(),
        false => id_rows(value),
    }
}

fn compare_all(case: &Case, logits: &Logits, expected: &Array, name: &str) -> Verdict {
    same(
        &format!("shape of {name}"),
        &[1, logits.rows(), logits.vocab()],
        &expected.shape,
    )?;
    (0..logits.rows()).try_for_each(|row| {
        close(
            case,
            logits.row(row),
            expected.at(&[0, row]),
            &format!("{name}, row {row}"),
        )
    })
}

/// All logits of `rows`, of equal lengths, in one batch under the case's attention mask.
fn whole(case: &Case, model: &dyn Model, rows: &[Vec<TokenId>]) -> Result<Logits, String> {
    let mask = &case.json["input"]["attention_mask"];
    let attends: Vec<Range<usize>> = match mask.is_null() {
        true => rows.iter().map(|row| 0..row.len()).collect(),
        false => id_rows(mask)
            .iter()
            .map(|row| attended(row))
            .collect::<Result<_, _>>()?,
    };
    let asks: Vec<Ask<'_>> = (rows.iter().zip(attends))
        .map(|(row, attend)| Ask {
            tokens: row,
            fed: 0..row.len(),
            seen: Seen::Fed(attend),
        })
        .collect();
    let mut session = open(model, 0, rows.len())?;
    run(&mut *session, model, &asks)
}

fn open(model: &dyn Model, cells: usize, slots: usize) -> Result<Box<dyn Session>, String> {
    let spec = SessionSpec {
        cells: cells as u32,
        slots: slots as u32,
    };
    model.session(spec).map_err(|error| error.to_string())
}

impl Ask<'_> {
    /// Positions to feed that nobody attends to, and the others.
    fn positions(&self) -> (Vec<usize>, Vec<usize>) {
        self.fed.clone().partition(|at| match &self.seen {
            Seen::Fed(seen) => !seen.contains(at),
            Seen::Cells | Seen::Before => false,
        })
    }

    fn cell(&self, at: usize) -> Cell {
        match self.seen {
            Seen::Fed(_) | Seen::Before => Cell::NONE,
            Seen::Cells => Cell(at as u32),
        }
    }

    fn context(&self) -> Range<u32> {
        match self.seen {
            Seen::Fed(_) => 0..0,
            Seen::Cells => 0..self.tokens.len() as u32,
            Seen::Before => 0..self.fed.start as u32,
        }
    }
}

/// Feeds the asked positions of all rows in one pass; the logits of all of them, in the order of their positions.
fn run(session: &mut dyn Session, model: &dyn Model, asks: &[Ask<'_>]) -> Result<Logits, String> {
    let mut rows = Vec::new();
    let mut tokens = Vec::new();
    let mut positions = Vec::new();
    let mut cells = Vec::new();
    let mut order = Vec::new();
    for (slot, ask) in asks.iter().enumerate() {
        // Padding comes first, on whichever side of the others it stands.
        let (padding, others) = ask.positions();
        rows.push(Row {
            fed: ask.fed.len() as u32,
            slot: slot as u32,
            context: ask.context(),
            padding: padding.len() as u32,
        });
        let first = tokens.len();
        for at in padding.into_iter().chain(others) {
            order.push(first + at - ask.fed.start);
            tokens.push(ask.tokens[at]);
            positions.push(Position(at as u32));
            cells.push(ask.cell(at));
        }
    }
    let wanted: Vec<u32> = (0..tokens.len() as u32).collect();
    let pass = Pass {
        rows: &rows,
        tokens: &tokens,
        positions: &positions,
        cells: &cells,
        mask: None,
        wanted: &wanted,
        cancel: &CancelFlag::new(),
    };
    let mut fed = Logits::default();
    fed.reset(wanted.len(), model.facts().vocab);
    let done = session.forward(&pass);
    let read = done.and_then(|()| session.read_logits(&wanted, fed.view()));
    read.map_err(|error| error.to_string())?;
    Ok(sorted(&fed, &order))
}

/// Row `order[i]` is row `i` of `fed`.
fn sorted(fed: &Logits, order: &[usize]) -> Logits {
    let mut logits = Logits::default();
    logits.reset(fed.rows(), fed.vocab());
    let out = logits.view();
    for (row, &at) in order.iter().enumerate() {
        out.scores[at * out.vocab..][..out.vocab].copy_from_slice(fed.row(row));
    }
    logits
}

fn close(case: &Case, got: &[f32], expected: &[f64], place: &str) -> Verdict {
    let tolerance = |name: &str| case.json["tolerance"][name].as_f64().expect("a tolerance");
    let (absolute, relative) = (tolerance("logits_abs"), tolerance("logits_rel"));
    if got.len() != expected.len() {
        return Err(format!(
            "{place}: {} logits, expected {}",
            got.len(),
            expected.len()
        ));
    }
    for (index, (&got, &expected)) in got.iter().zip(expected).enumerate() {
        // A NaN is never close.
        let near = (f64::from(got) - expected).abs() <= absolute + relative * expected.abs();
        if !near {
            return Err(format!(
                "{place}: logit {index} is {got}, expected {expected}"
            ));
        }
    }
    Ok(())
}
