//! How large the numbers of a `config.json` may be: as large as what the weight files hold.

use super::LladaConfig;
use crate::BackendError;
use crate::weights::Weights;

/// Tensors of a layer: its seven matrices and two norms.
const TENSORS_PER_LAYER: usize = 9;

/// What is larger cannot be meant, or would make whoever believes it run out of memory.
struct Bounds {
    layers: usize,
    side: usize,
    /// Where they come from, for people.
    layers_of: String,
    side_of: String,
}

impl Bounds {
    /// Of a model that is known by its configuration alone.
    fn without_weights() -> Self {
        let (layers, side) = (1 << 12, 1 << 24);
        Self {
            layers,
            side,
            layers_of: format!("no model has more than {layers}"),
            side_of: format!("no model has more than {side}"),
        }
    }

    fn of(weights: &Weights) -> Self {
        let (tensors, side) = (weights.names().count(), weights.longest_side());
        let (layers, place) = (tensors / TENSORS_PER_LAYER, weights.place());
        let place = place.display();
        Self {
            layers,
            side,
            layers_of: format!("{place} holds {tensors} tensors, enough for {layers}"),
            side_of: format!("the longest side of a tensor in {place} is {side}"),
        }
    }
}

/// Tests what sizes anything against the weights; without files, against what is thinkable.
pub(super) fn check(config: &LladaConfig, weights: Option<&Weights>) -> Result<(), String> {
    let bounds = weights.map_or_else(Bounds::without_weights, Bounds::of);
    let vocab = match config.embedding_size {
        Some(_) => "embedding_size",
        None => "vocab_size",
    };
    let mlp = match config.mlp_hidden_size {
        Some(_) => "mlp_hidden_size",
        None => "mlp_ratio * d_model",
    };
    let (layers, side) = (bounds.layers, bounds.side);
    let sizes = [
        ("d_model", config.d_model, side, &bounds.side_of),
        ("n_layers", config.n_layers, layers, &bounds.layers_of),
        (mlp, config.mlp_width(), side, &bounds.side_of),
        (vocab, config.vocab(), side, &bounds.side_of),
    ];
    match sizes.into_iter().find(|(_, size, most, _)| size > most) {
        Some((key, size, _, why)) => Err(format!("{key} is {size}, but {why}")),
        None => Ok(()),
    }
}

/// Tests that every matrix is there in its shape, before room is made for any.
///
/// # Errors
/// [`BackendError::Checkpoint`] naming the tensor.
pub(super) fn check_tensors(config: &LladaConfig, weights: &Weights) -> Result<(), BackendError> {
    for matrix in config.matrices() {
        weights.shaped(&matrix.name, &[matrix.rows, matrix.columns])?;
        if let Some(bias) = &matrix.bias {
            weights.shaped(bias, &[matrix.rows])?;
        }
    }
    Ok(())
}
