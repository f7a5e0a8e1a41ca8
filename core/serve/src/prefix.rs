//! The text of an answer as far as it can no longer change.
//!
//! A canvas fills in any order; a plain client appends what it gets. So it gets the text from the answer's start to its first
//! mask or end token, decoded whole each time. Held back are halves of characters and what may begin a stop. Where a sampler
//! may change or mask again what it wrote, it does so in the block at work alone, whose text is held back as a whole.

use std::ops::Range;
use std::sync::Arc;

use unmask_core::engine::{Failure, FailureKind, Loaded, Outcome};
use unmask_core::event::{Commit, CommitKind, FinishReason, StepEvent};
use unmask_core::fold::Fold;
use unmask_core::params::{Growth, Transfer};
use unmask_core::sampler::Plan;
use unmask_core::text::answer::pinned_kept;
use unmask_core::{Canvas, Params, TokenId};

use super::stops::Stops;

/// Which part of an answer is its text, and where that ends.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct TextRule {
    /// Offsets in the answer; `None` for all of it.
    pub(crate) shown: Option<Range<usize>>,
    /// Tokens, at most.
    pub(crate) ceiling: Option<usize>,
    pub(crate) stops: Stops,
}

/// What ended a text before the answer did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextCut {
    /// A stop.
    Stop,
    /// The most tokens that were asked for.
    Ceiling,
}

/// A token of the text with how sure the model was when it was fixed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SureToken {
    pub(crate) token: TokenId,
    /// 1 for what was given.
    pub(crate) confidence: f32,
    pub(crate) top: Vec<(TokenId, f32)>,
}

impl SureToken {
    /// Of a probability of 0 the logarithm of the least that a number can say.
    fn ln(&self) -> f64 {
        f64::from(self.confidence.max(f32::MIN_POSITIVE)).ln()
    }
}

/// What a step, or the end, adds to the text.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct TextDelta {
    pub(crate) text: String,
    /// Those that are final since the last time.
    pub(crate) tokens: Vec<SureToken>,
}

/// A text that grows while a turn runs.
#[derive(Debug)]
pub(crate) struct AnswerText {
    loaded: Arc<Loaded>,
    rule: TextRule,
    fold: Fold,
    /// Of every position of the canvas: how it was fixed.
    sure: Vec<Option<SureToken>>,
    settling: Settling,
    /// Offsets of the answer that were looked at already.
    settled: usize,
    sent: String,
    /// Tokens that were told of.
    told: usize,
    cut: Option<TextCut>,
    /// Tokens of the whole text, once it is there.
    n_tokens: usize,
}

impl AnswerText {
    /// Before the first step of a turn.
    pub(crate) fn new(
        loaded: &Arc<Loaded>,
        canvas: &Canvas,
        params: &Params,
        rule: TextRule,
    ) -> Self {
        Self {
            loaded: Arc::clone(loaded),
            rule,
            fold: Fold::new(canvas.clone()),
            sure: vec![None; canvas.len()],
            settling: Settling::of(loaded, canvas, params),
            settled: 0,
            sent: String::new(),
            told: 0,
            cut: None,
            n_tokens: 0,
        }
    }

    /// What a step adds.
    pub(crate) fn step(&mut self, step: &StepEvent) -> Result<TextDelta, Failure> {
        self.apply(step)?;
        let until = self.until(step);
        if until <= self.settled || self.cut.is_some() {
            return Ok(TextDelta::default());
        }
        self.settled = until;
        let canvas = self.fold.canvas();
        let (tokens, is_more) = self.visible(canvas, until);
        let text = self.decode(canvas, &tokens)?;
        let whole = text.trim_end_matches(char::REPLACEMENT_CHARACTER);
        let cut = self.rule.stops.first(whole).map(|at| at.start);
        let end = cut.unwrap_or_else(|| self.rule.stops.certain(whole));
        if cut.is_some() {
            self.cut = Some(TextCut::Stop);
        } else if is_more {
            self.cut = Some(TextCut::Ceiling);
        }
        let told = match end == text.len() {
            true => tokens.len(),
            false => self.within(canvas, &tokens, end)?,
        };
        // The rest of a text that the ceiling cuts comes with the end.
        self.grow(&whole[..end], &tokens[..told])
    }

    /// What the end adds.
    pub(crate) fn finish(&mut self, outcome: &Outcome) -> Result<TextDelta, Failure> {
        let canvas = &outcome.canvas;
        let until = match outcome.reason {
            FinishReason::Stopped => self.first_mask(canvas),
            // What the model itself left masked is left out.
            FinishReason::Complete | FinishReason::MasksLeft | FinishReason::EndToken => usize::MAX,
        };
        let (tokens, is_more) = self.visible(canvas, until);
        let mut text = self.decode(canvas, &tokens)?;
        if is_more || outcome.reason == FinishReason::Stopped {
            text.truncate(text.trim_end_matches(char::REPLACEMENT_CHARACTER).len());
        }
        match self.rule.stops.first(&text) {
            Some(at) => {
                text.truncate(at.start);
                self.cut = Some(TextCut::Stop);
            }
            None => self.cut = is_more.then_some(TextCut::Ceiling),
        }
        self.n_tokens = match self.cut {
            Some(TextCut::Stop) => {
                let fewest = self.fewest(canvas, &tokens, &text)?;
                fewest.max(self.told).min(tokens.len())
            }
            Some(TextCut::Ceiling) | None => tokens.len(),
        };
        self.grow(&text, &tokens[..self.n_tokens])
    }

    /// What has ended the text before the answer did.
    pub(crate) fn cut(&self) -> Option<TextCut> {
        self.cut
    }

    /// Tokens of the text of an answer that has ended.
    pub(crate) fn n_tokens(&self) -> usize {
        self.n_tokens
    }

    /// The mean logarithm of how sure the model was of what it wrote; `None` if it wrote nothing.
    pub(crate) fn mean_log_confidence(&self) -> Option<f64> {
        let sure: Vec<f64> = self.sure.iter().flatten().map(|it| it.ln()).collect();
        (!sure.is_empty()).then(|| sure.iter().sum::<f64>() / sure.len() as f64)
    }

    /// The fewest of the first tokens whose text begins with `text`.
    fn fewest(&self, canvas: &Canvas, offsets: &[usize], text: &str) -> Result<usize, Failure> {
        self.first(canvas, offsets, |it| it.starts_with(text))
    }

    /// The most of the first tokens whose text has no more than so many bytes.
    fn within(&self, canvas: &Canvas, offsets: &[usize], bytes: usize) -> Result<usize, Failure> {
        // Half a character counts as more: what becomes of it is not known yet.
        let is_more = |it: &str| it.len() > bytes;
        let first = self.first(canvas, offsets, is_more)?;
        let has_more = is_more(&self.decode(canvas, &offsets[..first])?);
        Ok(first - usize::from(has_more))
    }

    /// The fewest of the first tokens whose text is as wanted, if that of more is too; else all of them.
    fn first(
        &self,
        canvas: &Canvas,
        offsets: &[usize],
        is_wanted: impl Fn(&str) -> bool,
    ) -> Result<usize, Failure> {
        let (mut low, mut high) = (0, offsets.len());
        while low < high {
            let middle = low.midpoint(high);
            match is_wanted(&self.decode(canvas, &offsets[..middle])?) {
                true => high = middle,
                false => low = middle + 1,
            }
        }
        Ok(low)
    }

    fn apply(&mut self, step: &StepEvent) -> Result<(), Failure> {
        self.fold
            .apply(step.step, &step.commits)
            .map_err(|error| Failure {
                kind: FailureKind::Generation,
                text: format!("a step of the turn does not fit its canvas: {error}"),
                hint: "please report it with the log".to_owned(),
            })?;
        step.commits.iter().for_each(|commit| self.remember(commit));
        Ok(())
    }

    fn remember(&mut self, commit: &Commit) {
        let at = commit.at.index();
        let token = SureToken {
            token: commit.token,
            confidence: commit.confidence,
            top: commit.top.clone(),
        };
        match commit.kind {
            CommitKind::New | CommitKind::Changed => self.sure[at] = Some(token),
            CommitKind::Remasked | CommitKind::Pinned => self.sure[at] = None,
            CommitKind::Inserted => self.sure.insert(at, Some(token)),
            CommitKind::Deleted => drop(self.sure.remove(at)),
        }
    }

    /// The offset before which nothing changes any more.
    fn until(&self, step: &StepEvent) -> usize {
        let canvas = self.fold.canvas();
        let mask = self.first_mask(canvas);
        match &self.settling {
            Settling::AtOnce => mask,
            Settling::ByBlock(plan) => {
                let open = plan.block(step.block).start;
                mask.min(open.saturating_sub(canvas.answer_start()))
            }
            Settling::AtEnd => 0,
        }
    }

    /// The first masked offset of what is shown, or its end.
    fn first_mask(&self, canvas: &Canvas) -> usize {
        let length = canvas.answer().len();
        let shown = self.shown(length);
        let start = canvas.answer_start();
        let mask = canvas.masked_in(start + shown.start..start + shown.end);
        mask.map(|at| at.index() - start)
            .next()
            .unwrap_or(shown.end)
    }

    fn shown(&self, length: usize) -> Range<usize> {
        self.rule.shown.clone().unwrap_or(0..length)
    }

    /// Offsets of the visible tokens before `until`, as many as may be; true if there are more.
    fn visible(&self, canvas: &Canvas, until: usize) -> (Vec<usize>, bool) {
        let special = &self.loaded.special;
        let shown = self.shown(canvas.answer().len());
        let mut offsets: Vec<usize> = pinned_kept(canvas, special)
            .skip_while(|(offset, _)| *offset < shown.start)
            .take_while(|(offset, _)| *offset < shown.end.min(until))
            .take_while(|&(_, token)| !special.is_end(token))
            .filter(|&(_, token)| token != special.mask)
            .map(|(offset, _)| offset)
            .collect();
        let ceiling = self.rule.ceiling.unwrap_or(usize::MAX);
        let is_more = offsets.len() > ceiling;
        offsets.truncate(ceiling);
        (offsets, is_more)
    }

    fn decode(&self, canvas: &Canvas, offsets: &[usize]) -> Result<String, Failure> {
        let answer = canvas.answer();
        let tokens: Vec<TokenId> = offsets.iter().map(|&offset| answer[offset]).collect();
        self.loaded.text.finished(&tokens)
    }

    /// The text is `text` from now on.
    fn grow(&mut self, text: &str, offsets: &[usize]) -> Result<TextDelta, Failure> {
        let more = text.strip_prefix(self.sent.as_str()).ok_or_else(|| {
            // A decoder that writes a text's beginning anew when more follows.
            Failure {
                kind: FailureKind::Generation,
                text: "text that was sent has changed behind it".to_owned(),
                hint: "ask without `stream`, and please report it".to_owned(),
            }
        })?;
        let more = more.to_owned();
        self.sent.push_str(&more);
        let canvas = self.fold.canvas();
        let new = offsets.get(self.told..).unwrap_or_default();
        self.told = self.told.max(offsets.len());
        let sure = |&offset: &usize| {
            let at = canvas.answer_start() + offset;
            let given = || {
                canvas.answer().get(offset).map(|&token| SureToken {
                    token,
                    confidence: 1.0,
                    top: Vec::new(),
                })
            };
            self.sure.get(at).cloned().flatten().or_else(given)
        };
        Ok(TextDelta {
            tokens: new.iter().filter_map(sure).collect(),
            text: more,
        })
    }
}

/// When what a sampler wrote is final.
#[derive(Debug)]
enum Settling {
    AtOnce,
    /// Once its block is left.
    ByBlock(Plan),
    AtEnd,
}

impl Settling {
    fn of(loaded: &Loaded, canvas: &Canvas, params: &Params) -> Self {
        match params.growth {
            Growth::Auto | Growth::Daedal(_) => return Self::AtEnd,
            Growth::Fixed | Growth::Blocks { .. } => (),
        }
        if params.editing.is_none() && !matches!(params.transfer, Transfer::Wino(_)) {
            return Self::AtOnce;
        }
        let plan = Plan::rounded(canvas, params, loaded.rules.block_origin);
        plan.map_or(Self::AtEnd, Self::ByBlock)
    }
}

#[cfg(test)]
mod tests;
