use serde_json::Value;
use unmask_core::engine::{Failure, Loaded, MeasureHandle, Measured, Outcome, TurnHandle};
use unmask_core::event::FinishReason;
use unmask_core::likelihood::Pair;
use unmask_core::wire::MeasureSettings;

use super::answer;
use crate::command::score::{PairScore, TextScore};
use crate::command::text_tokens;

/// A request that is being carried out.
pub(super) struct RequestJob {
    pub(super) id: Value,
    pub(super) work: JobWork,
}

pub(super) enum JobWork {
    Measure(MeasureJob, MeasureHandle),
    Generate(GenerateJob, TurnHandle),
}

/// Items to be measured, of which each is one pair or the windows of a text.
pub(super) struct MeasureJob {
    pub(super) settings: MeasureSettings,
    pub(super) items: Vec<JobItem>,
    /// Items that are answered.
    answered: usize,
    /// Of the item that comes next.
    measured: Vec<PairScore>,
}

pub(super) struct JobItem {
    /// Its place in the request.
    pub(super) index: usize,
    pub(super) pairs: Vec<Pair>,
    /// The bytes of a whole text; `None` for a pair.
    pub(super) bytes: Option<usize>,
}

pub(super) struct GenerateJob {
    pub(super) until: Vec<String>,
    pub(super) prompt_tokens: usize,
}

impl MeasureJob {
    pub(super) fn new(settings: MeasureSettings, items: Vec<JobItem>) -> Self {
        Self {
            settings,
            items,
            answered: 0,
            measured: Vec::new(),
        }
    }

    /// The next pair is measured; the item's answer, if it was the item's last.
    pub(super) fn next(&mut self, id: &Value, measured: &Measured) -> Option<Value> {
        let item = self.items.get(self.answered)?;
        let pair = item.pairs.get(self.measured.len())?;
        let score = PairScore::of(measured, pair, &self.settings);
        self.measured.push(score);
        if self.measured.len() < item.pairs.len() {
            return None;
        }
        self.answered += 1;
        let measured = std::mem::take(&mut self.measured);
        Some(match item.bytes {
            Some(bytes) => answer::text(id, item.index, &TextScore::of(&measured, bytes)),
            None => answer::pair(id, item.index, pair.context.len(), &score),
        })
    }
}

impl GenerateJob {
    /// The answer of an ended turn.
    pub(super) fn answer(
        &self,
        id: &Value,
        outcome: &Outcome,
        loaded: &Loaded,
    ) -> Result<Value, Failure> {
        if outcome.reason == FinishReason::Stopped {
            return Ok(cancelled(id));
        }
        let stats = &outcome.stats;
        let text = loaded.text.until(outcome.canvas.answer(), &self.until)?;
        Ok(serde_json::json!({
            "id": id,
            "text": text,
            "reason": outcome.reason,
            "prompt_tokens": stats.told(self.prompt_tokens),
            "tokens": text_tokens(stats),
            "nfe": stats.told(stats.nfe),
            "seconds": stats.elapsed.as_secs_f64(),
        }))
    }
}

impl RequestJob {
    /// Ends it; what tells that it did comes as an event.
    pub(super) fn cancel(&self) {
        match &self.work {
            JobWork::Measure(_, handle) => handle.stop(),
            JobWork::Generate(_, handle) => handle.abandon(),
        }
    }
}

pub(super) fn cancelled(id: &Value) -> Value {
    serde_json::json!({"id": id, "cancelled": true})
}
