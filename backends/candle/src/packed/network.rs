//! A decoder of transformer layers as in `models/network.rs`, on packed weights.

use std::sync::Arc;

use unmask_kernels::{Aligned, Pool, rotate};
use unmask_sdk::decoder::Decoder;
use unmask_sdk::weights::{Weights, all_finite};
use unmask_sdk::{BackendError, Pass};

use super::attention::SeenKeys;
use super::cells::{CellForm, Cells};
use super::failed;
use super::linear::{Numbers, Projection};
use super::weights::PackedLoader;
use super::work::Work;
use crate::layers::rms_norm_in_place;
use crate::loader::Held;
use crate::models::{Layer as LayerWeights, Mlp, NetworkPlan, Norm, Stack};

/// Tokens whose gated layer is computed at once.
const STRETCH: usize = 512;

/// The network with its weights.
pub(super) struct PackedNetwork {
    decoder: Decoder,
    /// Holds the embedding, which is read row by row from the file.
    weights: Arc<Weights>,
    stack: Stack<Projection>,
}

/// What computes a pass, and where.
pub(super) struct Place<'a> {
    pub(super) pool: &'a Pool,
    pub(super) form: CellForm,
    /// By slot.
    pub(super) slots: &'a mut [Cells],
}

impl PackedNetwork {
    /// Loads the network of `plan`.
    ///
    /// # Errors
    /// As `Backend::load`.
    pub(super) fn load(
        plan: NetworkPlan,
        loader: &PackedLoader<'_>,
    ) -> Result<(Self, Held), BackendError> {
        let (linears, held) = loader.load(&plan.matrices)?;
        let network = Self {
            stack: Stack::new(&plan.decoder, loader.weights, linears)?,
            decoder: plan.decoder,
            weights: Arc::clone(loader.weights),
        };
        Ok((network, held))
    }

    /// Computes a pass whose rows `work` knows; writes the wanted logits to `output`, `[wanted, vocab]`.
    ///
    /// # Errors
    /// As `Session::forward`.
    pub(super) fn forward(
        &self,
        pass: &Pass<'_>,
        work: &mut Work,
        place: &mut Place<'_>,
        output: &mut Aligned<f32>,
    ) -> Result<(), BackendError> {
        self.check_whole()?;
        work.begin(pass, &self.decoder.frequencies);
        self.embed(pass, &mut work.x)?;
        for (index, block) in self.stack.layers.iter().enumerate() {
            if pass.cancel.is_raised() {
                return Err(BackendError::Cancelled);
            }
            let layer = Layer {
                network: self,
                block,
                index,
            };
            layer.forward(work, place)?;
            // The next product would make ordinary numbers of some of them.
            if !all_finite(&work.x) {
                return Err(BackendError::Device(format!(
                    "layer {index} gave NaN or infinity; try precision f32, or another checkpoint if that is what it \
                     computes in"
                )));
            }
        }
        if pass.cancel.is_raised() {
            return Err(BackendError::Cancelled);
        }
        self.logits(work, place.pool, output)?;
        self.check_whole()
    }

    /// Tests that the mapped files are whole: what was cut off them was read as zeros.
    fn check_whole(&self) -> Result<(), BackendError> {
        let mut checked: Option<&Arc<Weights>> = None;
        for linear in self.stack.matrices() {
            if let Numbers::Packed { weights, .. } = &linear.numbers
                && !checked.is_some_and(|it| Arc::ptr_eq(it, weights))
            {
                weights.check_whole()?;
                checked = Some(weights);
            }
        }
        Ok(())
    }

    fn embed(&self, pass: &Pass<'_>, x: &mut Aligned<f32>) -> Result<(), BackendError> {
        let width = self.decoder.width;
        let embedding = self.weights.get(&self.decoder.embedding)?;
        x.resize(pass.tokens.len() * width);
        embedding.gather_rows(pass.tokens.iter().map(|token| token.index()), x)?;
        if self.decoder.embedding_scale != 1.0 {
            scale(x, self.decoder.embedding_scale);
        }
        Ok(())
    }

    fn logits(
        &self,
        work: &mut Work,
        pool: &Pool,
        output: &mut Aligned<f32>,
    ) -> Result<(), BackendError> {
        let wanted = work.wanted.len();
        output.resize(wanted * self.decoder.vocab);
        if wanted == 0 {
            return Ok(());
        }
        work.normalise(pool, &self.stack.norm, self.decoder.eps, 0..wanted)?;
        self.stack.head.store(pool, &work.activations, output)?;
        if self.decoder.logit_scale != 1.0 {
            scale(output, self.decoder.logit_scale);
        }
        Ok(())
    }
}

/// One layer's work on one pass.
struct Layer<'a> {
    network: &'a PackedNetwork,
    block: &'a LayerWeights<Projection>,
    index: usize,
}

impl Layer<'_> {
    /// Takes the residual stream of the fed tokens, and the wanted ones' alone from the last layer on.
    fn forward(&self, work: &mut Work, place: &mut Place<'_>) -> Result<(), BackendError> {
        let Self {
            network,
            block,
            index,
        } = self;
        let (pool, heads) = (place.pool, place.form.heads);
        let (width, eps) = (network.decoder.width, network.decoder.eps);
        let (query_norm, key_norm) = block.head_norms.as_ref().map(|(q, k)| (q, k)).unzip();
        let fed = work.everyone.len();
        work.normalise(pool, &block.attn_norm, eps, 0..fed)?;
        work.kv.resize(fed * block.kv.width());
        block.kv.store(pool, &work.activations, &mut work.kv)?;
        let keys = heads.keys * heads.dim;
        self.turn(pool, work, key_norm, Turned::Keys { keys })?;
        // Whoever is not wanted has done its part once its last keys and values are written.
        let is_last = index + 1 == network.stack.layers.len();
        if is_last && work.wanted.len() < fed {
            work.gather_wanted(width);
            if !work.wanted.is_empty() {
                work.normalise(pool, &block.attn_norm, eps, 0..work.wanted.len())?;
            }
        }
        let tokens = if is_last { work.wanted.len() } else { fed };
        work.queries.resize(tokens * block.q.width());
        if tokens > 0 {
            block.q.store(pool, &work.activations, &mut work.queries)?;
            let scale = 1.0 / (heads.dim as f32).sqrt();
            self.turn(pool, work, query_norm, Turned::Queries { is_last, scale })?;
        }
        self.attend(work, place, is_last)?;
        if tokens == 0 {
            return Ok(());
        }
        let attended = work
            .activations
            .quantise(pool, &work.queries, tokens, block.q.width());
        attended.map_err(failed)?;
        block.out.add(pool, &work.activations, &mut work.x)?;
        for first in (0..tokens).step_by(STRETCH) {
            let rows = first..(first + STRETCH).min(tokens);
            match &block.mlp {
                Mlp::Dense(gated) => {
                    work.normalise(pool, &block.mlp_norm, eps, rows)?;
                    gated.add(pool, work, first)?;
                }
                Mlp::Experts(experts) => {
                    work.normalise_and_keep(pool, &block.mlp_norm, eps, rows)?;
                    experts.add(pool, work, first)?;
                }
            }
        }
        Ok(())
    }

    /// Writes keys and values to their cells, and makes of the queries what they attend to.
    fn attend(
        &self,
        work: &mut Work,
        place: &mut Place<'_>,
        is_last: bool,
    ) -> Result<(), BackendError> {
        let (pool, form) = (place.pool, place.form);
        let width = form.heads.queries * form.heads.dim;
        let tokens = if is_last {
            &work.wanted
        } else {
            &work.everyone
        };
        for (row, span) in work.rows.iter().zip(&work.spans) {
            let cells = place.slots[row.slot].layer(self.index);
            form.write(pool, cells, &work.places[span.kept.clone()], &work.kv)?;
            let asking = if is_last {
                span.wanted.clone()
            } else {
                row.fed.clone()
            };
            if asking.is_empty() {
                continue;
            }
            let loose = form.numbers(row.loose.len());
            if work.loose.len() < loose {
                work.loose.resize(loose, 0);
            }
            form.write(
                pool,
                &mut work.loose,
                &work.places[span.loose.clone()],
                &work.kv,
            )?;
            let keys = SeenKeys {
                row,
                tokens: &tokens[asking.clone()],
                cells,
                loose: &work.loose,
            };
            let queries = &mut work.queries[asking.start * width..asking.end * width];
            keys.attend(pool, form, queries)?;
        }
        Ok(())
    }

    /// Norms heads, turns them by their tokens' positions and scales them.
    fn turn(
        &self,
        pool: &Pool,
        work: &mut Work,
        norm: Option<&Norm>,
        what: Turned,
    ) -> Result<(), BackendError> {
        let decoder = &self.network.decoder;
        let (dim, rotary) = (decoder.heads.dim, 2 * decoder.frequencies.len());
        let rope = &work.rope;
        let turn = |token: usize, row: &mut [f32], factor: f32| {
            let (cosines, sines) = rope.angles(token);
            if let Some(norm) = norm {
                let heads = row.chunks_exact_mut(dim);
                heads.for_each(|head| rms_norm_in_place(head, &norm.weight, decoder.eps));
            }
            if rotary == dim {
                rotate(pool.set(), row, cosines, sines, factor);
                return;
            }
            for head in row.chunks_exact_mut(dim) {
                let (turned, rest) = head.split_at_mut(rotary);
                rotate(pool.set(), turned, cosines, sines, factor);
                scale(rest, factor);
            }
        };
        let turned = match what {
            Turned::Keys { keys } => {
                let width = 2 * keys;
                pool.for_each_chunk(&mut work.kv, width, |row, kv| {
                    turn(row, &mut kv[..keys], 1.0)
                })
            }
            Turned::Queries { is_last, scale } => {
                let tokens = if is_last {
                    &work.wanted
                } else {
                    &work.everyone
                };
                let width = work.queries.len() / tokens.len();
                pool.for_each_chunk(&mut work.queries, width, |row, q| {
                    turn(tokens[row], q, scale)
                })
            }
        };
        turned.map_err(failed)
    }
}

/// What is turned by its token's position.
enum Turned {
    /// The first `keys` numbers of each row of keys and values.
    Keys { keys: usize },
    /// The queries, those of the wanted tokens in the last layer.
    Queries { is_last: bool, scale: f32 },
}

fn scale(numbers: &mut [f32], factor: f32) {
    for number in numbers {
        *number *= factor;
    }
}
