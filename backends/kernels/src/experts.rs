//! A layer of experts: for each its tokens gathered, gate and up, SwiGLU, down, and the results added where they belong.

use crate::aligned::{Aligned, Shared};
use crate::epilogue::{Epilogue, Finish};
use crate::error::{Error, length, same};
use crate::product::PanelProducts;
use crate::scratch::with_scratch;
use crate::{Activations, Matrix, Pool};

/// The matrices of an expert.
#[derive(Debug, Clone, Copy)]
pub struct Expert<'a> {
    /// `[2 * hidden, d]`, made by [`Layout::gate_up`](crate::Layout::gate_up).
    pub gate_up: Matrix<'a>,
    /// `[d, hidden]`.
    pub down: Matrix<'a>,
}

/// The tokens of an expert; an expert without tokens costs nothing.
#[derive(Debug, Clone, Default)]
pub struct Route {
    /// Rows of the activations, and of the output.
    pub rows: Vec<u32>,
    /// For each of them the factor of the expert's result.
    pub weights: Vec<f32>,
}

/// Buffers that are kept from call to call.
#[derive(Debug, Default)]
pub struct ExpertBuffers {
    /// Experts with tokens, and the row at which theirs begin among all.
    busy: Vec<(usize, usize)>,
    /// All tokens, expert after expert.
    rows: Vec<u32>,
    inputs: Activations,
    hidden: Aligned<f32>,
    quantised: Activations,
}

/// Adds to each row of `out`, `[m, d]`, the results of its experts, times their weights, in the order of the experts: the
/// same bits for any number of threads. `routes` has an entry for each expert.
///
/// # Errors
/// If a size does not fit another, or a route names a row that is not there; nothing is written then.
pub fn experts(
    pool: &Pool,
    x: &Activations,
    experts: &[Expert<'_>],
    routes: &[Route],
    buffers: &mut ExpertBuffers,
    out: &mut [f32],
) -> Result<(), Error> {
    length("the routes", routes.len(), experts.len())?;
    length("the output", out.len(), x.m() * x.k())?;
    let ExpertBuffers {
        busy,
        rows,
        inputs,
        hidden,
        quantised,
    } = buffers;
    busy.clear();
    rows.clear();
    for (e, (expert, route)) in experts.iter().zip(routes).enumerate() {
        if !route.rows.is_empty() {
            check(
                x,
                expert,
                route,
                &experts[busy.first().map_or(e, |first| first.0)],
                out.len(),
            )?;
            busy.push((e, rows.len()));
            rows.extend_from_slice(&route.rows);
        }
    }
    let Some((first, _)) = busy.first() else {
        return Ok(());
    };
    let (gate_up, down) = (
        experts[*first].gate_up.layout(),
        experts[*first].down.layout(),
    );
    inputs.gather(pool, x, rows)?;
    hidden.resize(rows.len() * gate_up.width());
    let busy = &*busy;
    let range = |i: usize| busy[i].1..busy.get(i + 1).map_or(rows.len(), |next| next.1);
    {
        let hidden = Shared::new(hidden);
        // Gate and up of an expert in one go: tokens stay in the caches, and nothing is shared.
        let (chunks, step) = chunks(pool, gate_up.panels(), busy.len());
        pool.run_streams(busy.len() * chunks, |job| {
            let (i, chunk) = (job / chunks, job % chunks);
            let panels = chunk * step..gate_up.panels().min((chunk + 1) * step);
            let w = &experts[busy[i].0].gate_up;
            let after = match (panels.end < gate_up.panels(), busy.get(i + 1)) {
                (true, _) => w.panel(panels.end),
                (false, Some((next, _))) => experts[*next].gate_up.panel(0),
                (false, None) => &[],
            };
            let epilogue = Epilogue {
                bias: None,
                finish: Finish::SwiGlu,
            };
            let part = PanelProducts {
                x: inputs,
                rows: range(i),
                w,
                panels,
                epilogue: &epilogue,
                to: range(i).start,
                after,
            };
            // SAFETY: each panel of an expert is given to one job, and touches its own columns of the expert's own rows.
            with_scratch(|scratch| unsafe { part.multiply(pool.set(), &hidden, scratch) });
        });
    }
    quantised.quantise(pool, hidden, rows.len(), gate_up.width())?;
    let out = Shared::new(out);
    let (chunks, step) = chunks(pool, down.panels(), 1);
    pool.run(chunks, |chunk| {
        let panels = chunk * step..down.panels().min((chunk + 1) * step);
        for (i, (e, _)) in busy.iter().enumerate() {
            let after = busy
                .get(i + 1)
                .map_or(&[][..], |(next, _)| experts[*next].down.panel(panels.start));
            let finish = Finish::ScatterAdd {
                rows: &routes[*e].rows,
                weights: &routes[*e].weights,
            };
            let epilogue = Epilogue { bias: None, finish };
            let part = PanelProducts {
                x: quantised,
                rows: range(i),
                w: &experts[*e].down,
                panels: panels.clone(),
                epilogue: &epilogue,
                to: 0,
                after,
            };
            // SAFETY: each panel is given to one job, and a panel's columns are touched by no other.
            with_scratch(|scratch| unsafe { part.multiply(pool.set(), &out, scratch) });
        }
    });
    Ok(())
}

/// How many jobs panels are cut into, and panels of a job, so that with `others` times as many jobs all threads are busy.
fn chunks(pool: &Pool, panels: usize, others: usize) -> (usize, usize) {
    let wanted = (pool.threads() * 4).div_ceil(others).clamp(1, panels);
    let step = if pool.threads() == 1 {
        panels.min(8)
    } else {
        panels.div_ceil(wanted).min(8)
    };
    (panels.div_ceil(step), step)
}

fn check(
    x: &Activations,
    expert: &Expert<'_>,
    route: &Route,
    first: &Expert<'_>,
    out: usize,
) -> Result<(), Error> {
    let (gate_up, down) = (expert.gate_up.layout(), expert.down.layout());
    same("columns", x.k(), gate_up.k())?;
    same("hidden sizes", gate_up.width(), down.k())?;
    same(
        "hidden sizes of experts",
        gate_up.width(),
        first.gate_up.layout().width(),
    )?;
    same("rows", down.n(), x.k())?;
    let finish = Finish::ScatterAdd {
        rows: &route.rows,
        weights: &route.weights,
    };
    Epilogue { bias: None, finish }.check(down, route.rows.len(), out)?;
    Epilogue {
        bias: None,
        finish: Finish::SwiGlu,
    }
    .check(gate_up, 1, gate_up.width())
}
