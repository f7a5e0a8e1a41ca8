//! A network's layers with their weights, whatever a matrix is: the one place that knows in which order matrices are loaded.

use unmask_sdk::BackendError;
use unmask_sdk::decoder::{Decoder, DecoderLayer, GatedSpec, MlpSpec, NormSpec};
use unmask_sdk::weights::Weights;

use super::norm::Norm;
use super::router::Router;
use crate::matrix::MatrixSource;

/// All layers and the head.
pub(crate) struct Stack<M> {
    pub(crate) layers: Vec<Layer<M>>,
    pub(crate) norm: Norm,
    pub(crate) head: M,
}

/// A layer, see [`DecoderLayer`].
pub(crate) struct Layer<M> {
    pub(crate) attn_norm: Norm,
    /// Keys, then values.
    pub(crate) kv: M,
    pub(crate) q: M,
    /// Of each query head and of each key head.
    pub(crate) head_norms: Option<(Norm, Norm)>,
    pub(crate) out: M,
    pub(crate) mlp_norm: Norm,
    pub(crate) mlp: Mlp<M>,
}

/// What follows attention.
pub(crate) enum Mlp<M> {
    Dense(Gated<M>),
    Experts(Experts<M>),
}

/// A gated layer.
pub(crate) struct Gated<M> {
    /// Gate, then up.
    pub(crate) gate_up: M,
    pub(crate) down: M,
}

/// Many of them, and who chooses.
pub(crate) struct Experts<M> {
    pub(crate) router: Router,
    pub(crate) experts: Vec<Gated<M>>,
    pub(crate) shared: Option<Gated<M>>,
}

/// The matrices of `decoder`, with those joined that are multiplied by the same numbers, in the order that [`Stack::new`]
/// takes them in.
pub(crate) fn sources(decoder: &Decoder) -> Vec<MatrixSource> {
    let layers = decoder.layers.iter().enumerate();
    let mut sources: Vec<MatrixSource> = layers.flat_map(of_layer).collect();
    let head = &decoder.head;
    sources.push(MatrixSource::stacked(
        "head".to_owned(),
        head.label,
        &[head],
    ));
    sources
}

fn of_layer((index, layer): (usize, &DecoderLayer)) -> Vec<MatrixSource> {
    let name = |name: &str| format!("blocks.{index}.{name}");
    let mut sources = vec![
        MatrixSource::stacked(name("kv"), "k_proj+v_proj", &[&layer.k, &layer.v]),
        MatrixSource::stacked(name("q"), "q_proj", &[&layer.q]),
        MatrixSource::stacked(name("attn_out"), layer.out.label, &[&layer.out]),
    ];
    match &layer.mlp {
        MlpSpec::Dense(gated) => sources.extend(of_gated(&name(""), gated)),
        MlpSpec::Experts(experts) => {
            for (expert, gated) in experts.experts.iter().enumerate() {
                sources.extend(of_gated(&name(&format!("experts.{expert}.")), gated));
            }
            let shared = experts.shared.iter();
            sources.extend(shared.flat_map(|gated| of_gated(&name("shared."), gated)));
        }
    }
    sources
}

fn of_gated(prefix: &str, gated: &GatedSpec) -> [MatrixSource; 2] {
    let GatedSpec { gate, up, down } = gated;
    let label = match gate.label {
        "ff_proj" => "ff_proj+up_proj",
        _ => "gate_proj+up_proj",
    };
    [
        MatrixSource::gate_up(format!("{prefix}gate_up"), label, [gate, up]),
        MatrixSource::stacked(format!("{prefix}down"), down.label, &[down]),
    ]
}

impl<M> Stack<M> {
    /// Reads the norms and routers of `decoder`; its `matrices` are those of [`sources`].
    ///
    /// # Errors
    /// [`BackendError::Checkpoint`].
    pub(crate) fn new(
        decoder: &Decoder,
        weights: &Weights,
        matrices: Vec<M>,
    ) -> Result<Self, BackendError> {
        let mut matrices = matrices.into_iter();
        let mut next = || {
            matrices
                .next()
                .expect("the loader returns as many as asked for")
        };
        let mut layers = Vec::with_capacity(decoder.layers.len());
        for layer in &decoder.layers {
            layers.push(Layer::new(layer, decoder.width, weights, &mut next)?);
        }
        Ok(Self {
            layers,
            norm: Norm::load(weights, &decoder.norm)?,
            head: next(),
        })
    }

    /// All matrices.
    pub(crate) fn matrices(&self) -> impl Iterator<Item = &M> {
        self.layers
            .iter()
            .flat_map(Layer::matrices)
            .chain([&self.head])
    }
}

impl<M> Layer<M> {
    fn new(
        spec: &DecoderLayer,
        width: usize,
        weights: &Weights,
        next: &mut impl FnMut() -> M,
    ) -> Result<Self, BackendError> {
        let norm = |spec: &NormSpec| Norm::load(weights, spec);
        let head_norms = spec.head_norms.as_ref();
        Ok(Self {
            attn_norm: norm(&spec.attn_norm)?,
            kv: next(),
            q: next(),
            head_norms: head_norms
                .map(|(q, k)| Ok::<_, BackendError>((norm(q)?, norm(k)?)))
                .transpose()?,
            out: next(),
            mlp_norm: norm(&spec.mlp_norm)?,
            mlp: match &spec.mlp {
                MlpSpec::Dense(_) => Mlp::Dense(Gated::new(next)),
                MlpSpec::Experts(experts) => {
                    let count = experts.experts.len();
                    Mlp::Experts(Experts {
                        router: Router::load(weights, &experts.router, (count, width))?,
                        experts: (0..count).map(|_| Gated::new(next)).collect(),
                        shared: experts.shared.as_ref().map(|_| Gated::new(next)),
                    })
                }
            },
        })
    }

    fn matrices(&self) -> impl Iterator<Item = &M> {
        let gated = self.mlp.gated();
        let gated = gated.flat_map(|it| [&it.gate_up, &it.down]);
        [&self.kv, &self.q, &self.out].into_iter().chain(gated)
    }
}

impl<M> Mlp<M> {
    fn gated(&self) -> impl Iterator<Item = &Gated<M>> {
        let (dense, experts) = match self {
            Self::Dense(gated) => (Some(gated), None),
            Self::Experts(experts) => (None, Some(experts)),
        };
        let shared = experts.and_then(|it| it.shared.as_ref());
        let experts = experts.map_or(&[][..], |it| &it.experts);
        dense.into_iter().chain(experts).chain(shared)
    }
}

impl<M> Gated<M> {
    fn new(next: &mut impl FnMut() -> M) -> Self {
        Self {
            gate_up: next(),
            down: next(),
        }
    }
}
