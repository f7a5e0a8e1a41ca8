//! A program that decodes block after block, step by step.

use std::num::NonZeroU32;

use unmask_core::api::Attention;
use unmask_core::denoise::Denoise;
use unmask_core::event::StepEvent;
use unmask_core::family::{FamilyRules, Shift};
use unmask_core::generate::Generation;
use unmask_core::sampler::Noise;
use unmask_core::{Canvas, Params, TokenId};

use super::generate::step;
use crate::case::{Case, id_rows, same};
use crate::models::Models;

/// The tokens of a canvas that is padded with -1.
pub(super) fn tokens_of(padded: &[f64]) -> impl Iterator<Item = TokenId> {
    let tokens = padded.iter().filter(|&&id| id >= 0.0);
    tokens.map(|&id| TokenId(id as u32))
}

/// A program that decodes block after block.
pub(super) struct Program<'a> {
    pub(super) case: &'a Case,
    pub(super) shift: Shift,
    /// Whether the end token ends anything.
    pub(super) stops: bool,
    /// Where it does.
    pub(super) ends: Ends,
    /// Positions of the canvas.
    pub(super) length: usize,
    pub(super) params: Params,
    pub(super) noise: Option<Box<dyn Noise>>,
}

/// Where a program's end token ends it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ends {
    AsTheReference,
    /// As soon as nothing before it can change; the reference's program looks for it only in steps that write one.
    AsSoonAsFinal,
}

/// What a program came to.
pub(super) struct Ran {
    pub(super) prompt: usize,
    pub(super) tokens: Vec<TokenId>,
    pub(super) nfe: usize,
    /// Where each step began that fed a part of the open block alone, 0 for the others; without those for a block's first token.
    pub(super) fed: Vec<usize>,
}

impl Program<'_> {
    /// Makes all steps and compares the canvas before each with `x_history`, `[steps + 1, 1, length]`, whose last one is the
    /// result. Programs that append to their canvas have it padded with -1.
    pub(super) fn run(self, models: &Models) -> Result<Ran, String> {
        let model = models.get(self.case)?;
        let prompt = &id_rows(&self.case.json["input"]["prompt_ids"])[0];
        let mut special = self.case.special();
        let mask = special.mask;
        if !self.stops {
            special.eos = TokenId(u32::MAX);
        }
        let canvas = Canvas::new(prompt, self.length - prompt.len(), mask);
        let block = u32::try_from(self.params.block_length).ok();
        let block = block.and_then(NonZeroU32::new).expect("a block's length");
        let attention = Attention::BlockCausal(block);
        let rules = FamilyRules::of(attention, self.shift);
        let denoise = Denoise::new(special, rules, canvas, self.params);
        let mut denoise = denoise.map_err(|error| error.to_string())?;
        if let Some(noise) = self.noise {
            denoise = denoise.with_noise(noise);
        }
        let generation = Generation::after(&*model, attention, denoise, None);
        let mut generation = generation.map_err(|error| error.to_string())?;
        let history = self.case.need("x_history");
        let expected = |at: usize| -> Vec<TokenId> {
            let mut tokens: Vec<TokenId> = tokens_of(history.at(&[at, 0])).collect();
            tokens.resize(self.length.max(tokens.len()), mask);
            tokens
        };
        let mut fed = Vec::new();
        loop {
            let before = generation.denoise().canvas().tokens().to_vec();
            let Some(event) = step(&mut generation)? else {
                if self.ends == Ends::AsTheReference {
                    same("canvases", &[fed.len() + 1], &[history.shape[0]])?;
                }
                same("the last canvas", &before, &expected(fed.len()))?;
                break;
            };
            if is_first_of_block(&event) {
                continue;
            }
            if fed.len() >= history.shape[0] {
                return Err(format!("step {} is beyond the reference's last", fed.len()));
            }
            let name = format!("the canvas before step {}", fed.len());
            same(&name, &before, &expected(fed.len()))?;
            fed.push(event.fed.start);
        }
        let denoise = generation.denoise();
        Ok(Ran {
            prompt: prompt.len(),
            tokens: denoise.canvas().tokens().to_vec(),
            nfe: denoise.stats().nfe,
            fed,
        })
    }
}

/// True for a step that gives a block its first token by the row before it.
fn is_first_of_block(event: &StepEvent) -> bool {
    let end = event.fed.end;
    (event.commits.first()).is_some_and(|commit| commit.at.index() == end)
}
