//! The short form of logits that lie on a device, made there: what comes back are a few numbers a row instead of the vocabulary.
//!
//! Rows are cut into pieces, the best of each piece are ranked, and only the pieces with the best of those are looked through:
//! a device sorts whole rows slowly.

use std::sync::{Mutex, PoisonError};

use ort::session::Session as Runner;
use ort::value::{DynTensor, PrimitiveTensorElementType, Tensor, TensorRefMut};
use unmask_sdk::{RowSummary, TokenId, TopMut, TopRequest};

use crate::graph::{Attribute, Dim, ElementType, Graph, Value};

/// Best entries of a row that the device gives; one more than can be asked for, which tells whether others are as good.
const RANKS: usize = 8;
/// Numbers of a piece at most.
const LONGEST_PIECE: usize = 512;
/// Added to what is banned. Not infinite, of which nothing were NaN.
const BANNED: f32 = -1e30;

const LOGITS: &str = "logits";
const ROWS: &str = "rows";
const FIRST_PIECES: &str = "first_pieces";
const BIAS: &str = "bias";
const ASKED: &str = "asked";

const BEST: &str = "best";
const PLACES: &str = "places";
const PIECES: &str = "pieces";
const PIECES_BEST: &str = "pieces_best";
const TAIL: &str = "tail";
const WEIGHTED: &str = "weighted";
const BELOW: &str = "below";
const ASKED_LOGITS: &str = "asked_logits";

/// How a row is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pieces {
    count: usize,
    length: usize,
}

impl Pieces {
    /// Of `vocab` numbers: as many as are ranked at least, all of one length.
    fn of(vocab: usize) -> Self {
        let longest = LONGEST_PIECE.min(vocab / RANKS).max(1);
        let divides = |length: &usize| vocab.is_multiple_of(*length);
        let length = (1..=longest).rev().find(divides).unwrap_or(1);
        Self {
            count: vocab / length,
            length,
        }
    }

    /// How many are ranked.
    fn ranks(self) -> usize {
        RANKS.min(self.count)
    }
}

/// Computes it; the graph outlives the session, which borrows from it.
pub(crate) struct DeviceShortForm {
    runner: Mutex<Option<Runner>>,
    _graph: Graph,
    vocab: usize,
    pieces: Pieces,
}

/// The network that makes it of `[wanted, vocab]`.
pub(crate) fn graph(vocab: usize) -> Graph {
    let pieces = Pieces::of(vocab);
    let ranks = pieces.ranks();
    let mut graph = Graph::default();
    let [wanted, rows] = [Dim::Free("wanted"), Dim::Free("rows")];
    let [all, one, ranked] = [vocab, 1, ranks].map(Dim::Fixed);
    let (float, integer) = (ElementType::F32, ElementType::I64);
    let logits = graph.input(LOGITS, float, &[wanted, all]);
    let of_rows = graph.input(ROWS, integer, &[rows]);
    let first = graph.input(FIRST_PIECES, integer, &[rows, one]);
    let bias = graph.input(BIAS, float, &[all]);
    let asked = graph.input(ASKED, integer, &[rows, Dim::Free("asked")]);
    for (name, kind) in [
        (BEST, float),
        (PIECES_BEST, float),
        (PLACES, integer),
        (PIECES, integer),
    ] {
        graph.output(name, kind, &[rows, ranked]);
    }
    for name in [TAIL, WEIGHTED, BELOW] {
        graph.output(name, float, &[rows, one]);
    }
    graph.output(ASKED_LOGITS, float, &[rows, Dim::Free("asked")]);

    let axis = |at: i64| vec![("axis", Attribute::Int(at))];
    let whole = graph.node("Gather", &[&logits, &of_rows]);
    let elements = graph.with("GatherElements", &[&whole, &asked], axis(1));
    graph.named(ASKED_LOGITS, "Identity", &[&elements]);
    let x = graph.node("Add", &[&whole, &bias]);

    let cut = graph.integers("cut", &[-1, pieces.count as i64, pieces.length as i64]);
    let cut = graph.node("Reshape", &[&x, &cut]);
    let last = graph.integers("last", &[-1]);
    let flat = |keep: i64| vec![("keepdims", Attribute::Int(keep))];
    let best_of_pieces = graph.with("ReduceMax", &[&cut, &last], flat(0));
    let count = graph.integers("ranks", &[ranks as i64]);
    let (values, chosen) = graph.pair("TopK", &[&best_of_pieces, &count], axis(-1));
    graph.named(PIECES_BEST, "Identity", &[&values]);
    graph.named(PIECES, "Identity", &[&chosen]);
    let lines = graph.integers("lines", &[-1, pieces.length as i64]);
    let lines = graph.node("Reshape", &[&x, &lines]);
    let chosen = graph.node("Add", &[&chosen, &first]);
    let candidates = graph.node("Gather", &[&lines, &chosen]);
    let joined = graph.integers("joined", &[-1, (ranks * pieces.length) as i64]);
    let candidates = graph.node("Reshape", &[&candidates, &joined]);
    let (values, places) = graph.pair("TopK", &[&candidates, &count], axis(-1));
    graph.named(BEST, "Identity", &[&values]);
    graph.named(PLACES, "Identity", &[&places]);

    // What is as good as the best is counted apart, so that a sum of small numbers is not lost beside it.
    let best = graph.with("ReduceMax", &[&best_of_pieces, &last], flat(1));
    let distance = graph.node("Sub", &[&x, &best]);
    let zero = graph.number("zero", 0.0);
    let is_below = graph.node("Less", &[&distance, &zero]);
    let below = crate::layers::cast(&mut graph, &is_below, ElementType::F32);
    let share = graph.node("Exp", &[&distance]);
    let share = graph.node("Mul", &[&share, &below]);
    let weighted = graph.node("Mul", &[&share, &distance]);
    let mut sum = |name: &'static str, of: &Value| {
        let sum = graph.with("ReduceSum", &[of, &last], flat(1));
        graph.named(name, "Identity", &[&sum]);
    };
    sum(TAIL, &share);
    sum(WEIGHTED, &weighted);
    sum(BELOW, &below);
    graph
}

/// What came back, `[rows, ranks]` or `[rows]` each.
struct Answer {
    best: Vec<f32>,
    places: Vec<i64>,
    pieces: Vec<i64>,
    pieces_best: Vec<f32>,
    tail: Vec<f32>,
    weighted: Vec<f32>,
    below: Vec<f32>,
    asked: Vec<f32>,
}

impl DeviceShortForm {
    /// `runner` is that of `graph`, which [`graph`] has made for `vocab`.
    pub(crate) fn new(runner: Runner, graph: Graph, vocab: usize) -> Self {
        Self {
            runner: Mutex::new(Some(runner)),
            _graph: graph,
            vocab,
            pieces: Pieces::of(vocab),
        }
    }

    /// Ends its session.
    pub(crate) fn close(&mut self) {
        *self
            .runner
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Writes the answer to `request` of `logits`, `[wanted, vocab]`, to `out`, and tells for which rows: not where it cannot be
    /// told of the few numbers that come back, since others are as good as the last that is asked for, or there is no end to a
    /// number. `None` if it is so for all. What is done with a row does not depend on the others, nor on what was read before.
    ///
    /// # Errors
    /// The runtime's.
    pub(crate) fn read(
        &self,
        logits: &DynTensor,
        request: &TopRequest<'_>,
        out: &mut TopMut<'_>,
    ) -> ort::Result<Option<Vec<bool>>> {
        let k = out.k;
        if k >= self.pieces.ranks() || request.rows.is_empty() {
            return Ok(None);
        }
        let answer = self.compute(logits, request)?;
        let told = (0..request.rows.len()).map(|row| {
            let Some(summary) = self.summary(&answer, row, k) else {
                return false;
            };
            for (rank, (id, logit)) in summary.best.iter().enumerate() {
                (out.ids[row * k + rank], out.logits[row * k + rank]) = (*id, *logit);
            }
            (out.tail[row], out.entropy[row]) = (summary.tail, summary.entropy);
            true
        });
        let told = told.collect();
        let asked = answer.asked.len().min(out.asked.len());
        out.asked[..asked].copy_from_slice(&answer.asked[..asked]);
        Ok(Some(told))
    }

    fn compute(&self, logits: &DynTensor, request: &TopRequest<'_>) -> ort::Result<Answer> {
        let (rows, ranks) = (request.rows.len(), self.pieces.ranks());
        // Something is always asked for.
        let each = request.asked_per_row().max(1);
        let mut asked = vec![0_i64; rows * each];
        for (place, id) in asked.iter_mut().zip(request.asked) {
            *place = i64::from(id.0);
        }
        let mut bias = vec![0.0_f32; self.vocab];
        for id in request.banned {
            bias[id.index()] = BANNED;
        }
        let of_rows: Vec<i64> = request.rows.iter().map(|row| i64::from(*row)).collect();
        let first: Vec<i64> = (0..rows)
            .map(|row| (row * self.pieces.count) as i64)
            .collect();
        let mut answer = Answer {
            best: vec![0.0; rows * ranks],
            places: vec![0; rows * ranks],
            pieces: vec![0; rows * ranks],
            pieces_best: vec![0.0; rows * ranks],
            tail: vec![0.0; rows],
            weighted: vec![0.0; rows],
            below: vec![0.0; rows],
            asked: vec![0.0; rows * each],
        };
        let mut runner = self.runner.lock().unwrap_or_else(PoisonError::into_inner);
        let runner = runner.as_mut().expect("it goes with the model");
        let mut binding = runner.create_binding()?;
        binding.bind_input(LOGITS, logits)?;
        binding.bind_input(ROWS, &Tensor::from_array(([rows], of_rows))?)?;
        binding.bind_input(FIRST_PIECES, &Tensor::from_array(([rows, 1], first))?)?;
        binding.bind_input(BIAS, &Tensor::from_array(([self.vocab], bias))?)?;
        binding.bind_input(ASKED, &Tensor::from_array(([rows, each], asked))?)?;
        let mut bind = Outputs(&mut binding);
        bind.to(BEST, [rows, ranks], &mut answer.best)?;
        bind.to(PLACES, [rows, ranks], &mut answer.places)?;
        bind.to(PIECES, [rows, ranks], &mut answer.pieces)?;
        bind.to(PIECES_BEST, [rows, ranks], &mut answer.pieces_best)?;
        bind.to(TAIL, [rows, 1], &mut answer.tail)?;
        bind.to(WEIGHTED, [rows, 1], &mut answer.weighted)?;
        bind.to(BELOW, [rows, 1], &mut answer.below)?;
        bind.to(ASKED_LOGITS, [rows, each], &mut answer.asked)?;
        runner.run_binding(&binding).map(drop)?;
        binding.clear();
        drop(binding);
        Ok(answer)
    }

    /// Row `row` of the answer; `None` if it cannot be told.
    fn summary(&self, answer: &Answer, row: usize, k: usize) -> Option<RowSummary> {
        let ranks = self.pieces.ranks();
        let at = row * ranks..(row + 1) * ranks;
        let (best, places) = (&answer.best[at.clone()], &answer.places[at.clone()]);
        let (pieces, pieces_best) = (&answer.pieces[at.clone()], &answer.pieces_best[at]);
        let mut ranked: Vec<(TokenId, f32)> = Vec::with_capacity(ranks);
        for (place, logit) in places.iter().zip(best) {
            let place = usize::try_from(*place).ok()?;
            let piece = usize::try_from(*pieces.get(place / self.pieces.length)?).ok()?;
            let id = piece * self.pieces.length + place % self.pieces.length;
            ranked.push((TokenId(u32::try_from(id).ok()?), *logit));
        }
        ranked.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
        // Another of the same logit, in these pieces or in one that was not looked through, may have the lower id.
        let (last, next) = (ranked.get(k.checked_sub(1)?)?.1, ranked.get(k)?.1);
        let others = match self.pieces.count > ranks {
            true => pieces_best.iter().copied().fold(f32::INFINITY, f32::min),
            false => f32::NEG_INFINITY,
        };
        let equals = self.vocab as f64 - f64::from(answer.below[row]) - 1.0;
        let tail = f64::from(answer.tail[row]) + equals;
        let entropy = tail.ln_1p() - f64::from(answer.weighted[row]) / (1.0 + tail);
        let is_told = last > next && last > others && last > BANNED / 2.0;
        (is_told && equals >= 0.0 && entropy.is_finite()).then(|| {
            ranked.truncate(k);
            RowSummary {
                best: ranked,
                tail,
                entropy: entropy.max(0.0),
            }
        })
    }
}

struct Outputs<'a>(&'a mut ort::session::IoBinding);

impl Outputs<'_> {
    fn to<T: PrimitiveTensorElementType + Clone + std::fmt::Debug + 'static>(
        &mut self,
        name: &str,
        shape: [usize; 2],
        numbers: &mut [T],
    ) -> ort::Result<()> {
        let tensor = TensorRefMut::from_array_view_mut((shape, numbers))?;
        self.0.bind_output(name, tensor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_cut_into_pieces_of_one_length() {
        for vocab in [1, 7, 8, 258, 512, 515, 3072, 126_464, 151_936] {
            let pieces = Pieces::of(vocab);
            assert_eq!(pieces.count * pieces.length, vocab);
            assert!(pieces.count >= RANKS.min(vocab), "{vocab}: {pieces:?}");
            assert!(pieces.length <= LONGEST_PIECE);
        }
        assert_eq!(Pieces::of(126_464).length, 512);
    }
}
