//! Who chooses the experts of each token, always in `f32`: a choice cannot be a little wrong.

use unmask_kernels::Route;
use unmask_sdk::BackendError;
use unmask_sdk::decoder::RouterSpec;
use unmask_sdk::weights::Weights;

use crate::layers;

/// A router with its weights.
pub(crate) struct Router {
    spec: RouterSpec,
    width: usize,
    /// `[experts, width]`
    weight: Vec<f32>,
    /// `[experts]`
    bias: Option<Vec<f32>>,
}

impl Router {
    /// Reads the router of `spec`, of so many experts and columns.
    ///
    /// # Errors
    /// [`BackendError::Checkpoint`].
    pub(crate) fn load(
        weights: &Weights,
        spec: &RouterSpec,
        (experts, width): (usize, usize),
    ) -> Result<Self, BackendError> {
        let bias = spec.bias.as_ref();
        let bias = bias.map(|name| weights.shaped(name, &[experts])?.to_f32());
        Ok(Self {
            spec: spec.clone(),
            width,
            weight: weights.shaped(&spec.weight, &[experts, width])?.to_f32()?,
            bias: bias.transpose()?,
        })
    }

    pub(crate) fn experts(&self) -> usize {
        self.weight.len() / self.width
    }

    /// The products of the matrix with a token, `[width]`, before anything is made of them, `[experts]`.
    pub(crate) fn results(&self, token: &[f32], results: &mut [f32]) {
        for (result, row) in results.iter_mut().zip(self.weight.chunks_exact(self.width)) {
            *result = layers::dot(row, token);
        }
    }
}

/// Which tokens go to which experts; the memory is kept from layer to layer.
#[derive(Default)]
pub(crate) struct Routes {
    /// `[tokens, experts]`, filled by [`Router::results`].
    pub(crate) results: Vec<f32>,
    of_token: Vec<(u32, f32)>,
    /// Expert, token, weight.
    all: Vec<(u32, u32, f32)>,
    /// Experts with tokens, ascending.
    busy: Vec<u32>,
    routes: Vec<Route>,
}

impl Routes {
    /// Room for the results of `tokens` tokens.
    pub(crate) fn begin(&mut self, router: &Router, tokens: usize) {
        self.results.resize(tokens * router.experts(), 0.0);
    }

    /// Chooses by the results.
    pub(crate) fn choose(&mut self, router: &Router) {
        self.all.clear();
        let rows = self.results.chunks_exact_mut(router.experts());
        for (token, results) in rows.enumerate() {
            let bias = router.bias.as_deref();
            router.spec.choose(results, bias, &mut self.of_token);
            let chosen = self.of_token.iter();
            let chosen = chosen.map(|&(expert, weight)| (expert, token as u32, weight));
            self.all.extend(chosen);
        }
        self.all
            .sort_unstable_by_key(|&(expert, token, _)| (expert, token));
        self.busy.clear();
        for of_expert in self.all.chunk_by(|a, b| a.0 == b.0) {
            let at = self.busy.len();
            self.busy.push(of_expert[0].0);
            if self.routes.len() == at {
                self.routes.push(Route::default());
            }
            let Route { rows, weights } = &mut self.routes[at];
            rows.clear();
            rows.extend(of_expert.iter().map(|it| it.1));
            weights.clear();
            weights.extend(of_expert.iter().map(|it| it.2));
        }
    }

    /// The experts that have tokens, ascending, and the tokens of each.
    pub(crate) fn busy(&self) -> (&[u32], &[Route]) {
        (&self.busy, &self.routes[..self.busy.len()])
    }
}
