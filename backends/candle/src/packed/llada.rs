//! LLaDA (arXiv:2502.09992) as in `models/llada.rs`, on packed weights.

use std::sync::Arc;

use unmask_kernels::{Pool, rotate};
use unmask_sdk::llada::{LladaConfig, tensor_name};
use unmask_sdk::weights::{Weights, all_finite};
use unmask_sdk::{BackendError, Pass};

use super::attention::SeenKeys;
use super::cells::{CellForm, Cells};
use super::failed;
use super::linear::{Numbers, Projection};
use super::weights::PackedLoader;
use super::work::Work;
use crate::loader::Held;
use crate::matrix::MatrixSource;
use crate::models::Norm;

/// Tokens whose gated layer is computed at once.
const STRETCH: usize = 512;

/// The network with its weights.
pub(super) struct PackedLlada {
    config: LladaConfig,
    frequencies: Vec<f32>,
    /// Holds the embedding, which is read row by row from the file.
    weights: Arc<Weights>,
    embedding: String,
    blocks: Vec<Block>,
    norm: Norm,
    head: Projection,
}

struct Block {
    attn_norm: Norm,
    /// Keys, then values.
    kv: Projection,
    q: Projection,
    attn_out: Projection,
    ff_norm: Norm,
    gate_up: Projection,
    down: Projection,
}

/// What computes a pass, and where.
pub(super) struct Place<'a> {
    pub(super) pool: &'a Pool,
    pub(super) form: CellForm,
    /// By slot.
    pub(super) slots: &'a mut [Cells],
}

impl PackedLlada {
    /// Loads the network of `matrices`, those of its plan.
    ///
    /// # Errors
    /// As `Backend::load`.
    pub(super) fn load(
        config: LladaConfig,
        matrices: &[MatrixSource],
        loader: &PackedLoader<'_>,
    ) -> Result<(Self, Held), BackendError> {
        let weights = loader.weights;
        let embedding = tensor_name("wte.weight");
        weights.shaped(&embedding, &[config.vocab(), config.d_model])?;
        let norm = |name: &str| Norm::load(weights, &config, name);
        let norms = (0..config.n_layers).map(|layer| {
            let attn_norm = norm(&format!("blocks.{layer}.attn_norm"))?;
            Ok((attn_norm, norm(&format!("blocks.{layer}.ff_norm"))?))
        });
        let norms: Vec<(Norm, Norm)> = norms.collect::<Result<_, BackendError>>()?;
        let norm = norm("ln_f")?;
        let (linears, held) = loader.load(matrices)?;
        let mut linears = linears.into_iter();
        let mut next = || {
            linears
                .next()
                .expect("the loader returns as many as asked for")
        };
        let blocks = norms.into_iter().map(|(attn_norm, ff_norm)| Block {
            attn_norm,
            kv: next(),
            q: next(),
            attn_out: next(),
            ff_norm,
            gate_up: next(),
            down: next(),
        });
        let network = Self {
            frequencies: config.frequencies(),
            blocks: blocks.collect(),
            norm,
            head: next(),
            embedding,
            config,
            weights: Arc::clone(weights),
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
        output: &mut Vec<f32>,
    ) -> Result<(), BackendError> {
        self.check_whole()?;
        work.begin(pass, &self.frequencies);
        self.embed(pass, &mut work.x)?;
        for (index, block) in self.blocks.iter().enumerate() {
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
        let blocks = self.blocks.iter();
        let linears = blocks.flat_map(|it| [&it.kv, &it.q, &it.attn_out, &it.gate_up, &it.down]);
        for linear in linears.chain([&self.head]) {
            if let Numbers::Packed { weights, .. } = &linear.numbers
                && !checked.is_some_and(|it| Arc::ptr_eq(it, weights))
            {
                weights.check_whole()?;
                checked = Some(weights);
            }
        }
        Ok(())
    }

    fn embed(&self, pass: &Pass<'_>, x: &mut Vec<f32>) -> Result<(), BackendError> {
        let width = self.config.d_model;
        let embedding = self.weights.get(&self.embedding)?;
        x.resize(pass.tokens.len() * width, 0.0);
        for (token, x) in pass.tokens.iter().zip(x.chunks_exact_mut(width)) {
            embedding.read_rows(token.index()..token.index() + 1, x)?;
        }
        if self.config.input_emb_norm {
            scale(x, (width as f32).sqrt());
        }
        Ok(())
    }

    fn logits(
        &self,
        work: &mut Work,
        pool: &Pool,
        output: &mut Vec<f32>,
    ) -> Result<(), BackendError> {
        let wanted = work.wanted.len();
        output.resize(wanted * self.config.vocab(), 0.0);
        if wanted == 0 {
            return Ok(());
        }
        work.normalise(pool, &self.norm, self.config.rms_norm_eps, 0..wanted)?;
        self.head.store(pool, &work.activations, output)?;
        if self.config.scale_logits {
            scale(output, 1.0 / (self.config.d_model as f32).sqrt());
        }
        Ok(())
    }
}

/// One block's work on one pass.
struct Layer<'a> {
    network: &'a PackedLlada,
    block: &'a Block,
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
        let (width, eps) = (network.config.d_model, network.config.rms_norm_eps);
        let fed = work.everyone.len();
        work.normalise(pool, &block.attn_norm, eps, 0..fed)?;
        work.kv.resize(fed * block.kv.width(), 0.0);
        block.kv.store(pool, &work.activations, &mut work.kv)?;
        let keys = heads.keys * heads.dim;
        turn(pool, work, Turned::Keys { keys })?;
        // Whoever is not wanted has done its part once its last keys and values are written.
        let is_last = index + 1 == network.blocks.len();
        if is_last && work.wanted.len() < fed {
            work.gather_wanted(width);
            if !work.wanted.is_empty() {
                work.normalise(pool, &block.attn_norm, eps, 0..work.wanted.len())?;
            }
        }
        let tokens = if is_last { work.wanted.len() } else { fed };
        work.queries.resize(tokens * block.q.width(), 0.0);
        if tokens > 0 {
            block.q.store(pool, &work.activations, &mut work.queries)?;
            let scale = 1.0 / (heads.dim as f32).sqrt();
            turn(pool, work, Turned::Queries { is_last, scale })?;
        }
        self.attend(work, place, is_last)?;
        if tokens == 0 {
            return Ok(());
        }
        let attended = work
            .activations
            .quantise(pool, &work.queries, tokens, block.q.width());
        attended.map_err(failed)?;
        block.attn_out.add(pool, &work.activations, &mut work.x)?;
        for first in (0..tokens).step_by(STRETCH) {
            let rows = first..(first + STRETCH).min(tokens);
            work.normalise(pool, &block.ff_norm, eps, rows.clone())?;
            let hidden = block.gate_up.width();
            work.hidden.resize(rows.len() * hidden, 0.0);
            block
                .gate_up
                .store(pool, &work.activations, &mut work.hidden)?;
            let gated = work
                .activations
                .quantise(pool, &work.hidden, rows.len(), hidden);
            gated.map_err(failed)?;
            let x = &mut work.x[rows.start * width..rows.end * width];
            block.down.add(pool, &work.activations, x)?;
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
}

/// What is turned by its token's position.
enum Turned {
    /// The first `keys` numbers of each row of keys and values.
    Keys { keys: usize },
    /// The queries, those of the wanted tokens in the last layer.
    Queries { is_last: bool, scale: f32 },
}

fn turn(pool: &Pool, work: &mut Work, what: Turned) -> Result<(), BackendError> {
    let rope = &work.rope;
    let turn = |token: usize, row: &mut [f32], scale: f32| {
        let (cosines, sines) = rope.angles(token);
        rotate(pool.set(), row, cosines, sines, scale);
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

fn scale(numbers: &mut [f32], factor: f32) {
    for number in numbers {
        *number *= factor;
    }
}
