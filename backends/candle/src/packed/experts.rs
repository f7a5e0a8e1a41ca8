//! Layers of experts: those that are packed in products of all at once, what is kept otherwise one by one.

use unmask_kernels::{Activations, Expert, Pool, Route, experts};
use unmask_sdk::BackendError;

use super::failed;
use super::linear::Projection;
use super::work::Work;
use crate::layers;
use crate::models::{Experts, Gated};

impl Experts<Projection> {
    /// Adds to rows of the residual stream, `[tokens, width]` from number `first` on, what the experts make of the activations and
    /// of the normed rows that these were made of.
    pub(super) fn add(
        &self,
        pool: &Pool,
        work: &mut Work,
        first: usize,
    ) -> Result<(), BackendError> {
        let (tokens, width) = (work.activations.m(), work.activations.k());
        work.routes.begin(&self.router, tokens);
        let (results, normed) = (&mut work.routes.results, &work.normed);
        let score = |token: usize, results: &mut [f32]| {
            self.router
                .results(&normed[token * width..][..width], results);
        };
        pool.for_each_chunk(results, self.router.experts(), score)
            .map_err(failed)?;
        work.routes.choose(&self.router);
        let x = &mut work.x[first * width..][..tokens * width];
        let (busy, routes) = work.routes.busy();
        let mut together = |packed: &[Expert<'_>], routes: &[Route], x: &mut [f32]| {
            experts(
                pool,
                &work.activations,
                packed,
                routes,
                &mut work.experts,
                x,
            )
            .map_err(failed)
        };
        let mut packed = Vec::with_capacity(busy.len());
        for (at, expert) in busy.iter().enumerate() {
            let gated = &self.experts[*expert as usize];
            match gated.packed()? {
                Some(expert) => packed.push(expert),
                None => {
                    together(&packed, &routes[at - packed.len()..at], x)?;
                    packed.clear();
                    gated.add_route(pool, &work.activations, &routes[at], x)?;
                }
            }
        }
        together(&packed, &routes[busy.len() - packed.len()..], x)?;
        match &self.shared {
            Some(shared) => shared.add(pool, work, first),
            None => Ok(()),
        }
    }
}

impl Gated<Projection> {
    fn packed(&self) -> Result<Option<Expert<'_>>, BackendError> {
        let both = (self.gate_up.packed()?, self.down.packed()?);
        Ok(match both {
            (Some(gate_up), Some(down)) => Some(Expert { gate_up, down }),
            _ => None,
        })
    }

    /// Adds to rows of the residual stream from number `first` on what it makes of the activations, which are then others.
    pub(super) fn add(
        &self,
        pool: &Pool,
        work: &mut Work,
        first: usize,
    ) -> Result<(), BackendError> {
        let (tokens, width, hidden) = (
            work.activations.m(),
            work.activations.k(),
            self.gate_up.width(),
        );
        work.hidden.resize(tokens * hidden);
        self.gate_up
            .store(pool, &work.activations, &mut work.hidden)?;
        let gated = work
            .activations
            .quantise(pool, &work.hidden, tokens, hidden);
        gated.map_err(failed)?;
        let x = &mut work.x[first * width..][..tokens * width];
        self.down.add(pool, &work.activations, x)
    }

    /// Adds what it makes of the rows of a route, where the kernels have no matrix for it.
    fn add_route(
        &self,
        pool: &Pool,
        all: &Activations,
        route: &Route,
        x: &mut [f32],
    ) -> Result<(), BackendError> {
        let (width, hidden, rows) = (all.k(), self.gate_up.width(), route.rows.len());
        let mut inputs = Activations::new();
        inputs.gather(pool, all, &route.rows).map_err(failed)?;
        let mut gated = vec![0.0; rows * hidden];
        self.gate_up.store(pool, &inputs, &mut gated)?;
        inputs
            .quantise(pool, &gated, rows, hidden)
            .map_err(failed)?;
        let mut results = vec![0.0; rows * width];
        self.down.store(pool, &inputs, &mut results)?;
        let each = route.rows.iter().zip(&route.weights);
        for ((row, weight), result) in each.zip(results.chunks_exact(width)) {
            layers::add_scaled(&mut x[*row as usize * width..][..width], result, *weight);
        }
        Ok(())
    }
}
