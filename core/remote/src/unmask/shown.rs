//! What is shown of a canvas, by what the server's tokens stand for: nobody is asked, so it needs no server that answers.

use std::ops::Range;
use std::time::Duration;

use unmask_core::engine::Loaded;
use unmask_core::event::{CommitKind, FinishReason, Stats, StepEvent};
use unmask_core::text::Piece;
use unmask_core::text::answer::pinned_kept;
use unmask_core::{Canvas, TokenId};

/// The visible text of a part of the answer: before its first end token, and of a turn that was stopped before its first
/// mask.
pub(super) fn text(
    loaded: &Loaded,
    canvas: &Canvas,
    part: &Range<usize>,
    reason: FinishReason,
) -> String {
    let special = &loaded.special;
    let tokens: Vec<TokenId> = pinned_kept(canvas, special)
        .filter(|(offset, _)| part.contains(offset))
        .map(|(_, token)| token)
        .take_while(|&token| !special.is_end(token))
        .collect();
    let mask = tokens.iter().position(|&token| token == special.mask);
    let (tokens, is_cut) = match (reason, mask) {
        (FinishReason::Stopped, Some(mask)) => (&tokens[..mask], true),
        (FinishReason::Stopped, None)
        | (FinishReason::Complete | FinishReason::MasksLeft | FinishReason::EndToken, _) => {
            (&tokens[..], false)
        }
    };
    let bytes = tokens
        .iter()
        .flat_map(|&token| match loaded.vocabulary.piece(token) {
            Piece::Bytes(bytes) => bytes,
            Piece::Special(_) | Piece::Unknown => &[],
        });
    let bytes: Vec<u8> = bytes.copied().collect();
    let mut text = String::from_utf8_lossy(&bytes).into_owned();
    if is_cut {
        text.truncate(text.trim_end_matches(char::REPLACEMENT_CHARACTER).len());
    }
    text
}

/// What the steps so far have come to, as the engine counts it.
#[derive(Debug, Default)]
pub(super) struct StepTotals {
    nfe: usize,
    nfe_saved: f32,
    committed: usize,
    elapsed: Duration,
}

impl StepTotals {
    pub(super) fn add(&mut self, step: &StepEvent, mask: TokenId) {
        let is_written = |kind| match kind {
            CommitKind::New | CommitKind::Changed | CommitKind::Inserted => true,
            CommitKind::Remasked | CommitKind::Deleted | CommitKind::Pinned => false,
        };
        let written = { step.commits.iter() }.filter(|it| it.token != mask && is_written(it.kind));
        self.committed += written.count();
        self.nfe = step.nfe;
        self.nfe_saved = step.nfe_saved;
        self.elapsed += step.elapsed;
    }

    /// Of a turn that is left with this canvas.
    pub(super) fn stats(&self, loaded: &Loaded, canvas: &Canvas) -> Stats {
        let pinned = canvas.pinned_until() - canvas.answer_start();
        let ends = |(offset, token): (usize, &TokenId)| {
            *token == loaded.special.mask || (offset >= pinned && loaded.is_end(*token))
        };
        let end = canvas.answer().iter().enumerate().position(ends);
        Stats {
            steps: self.nfe,
            nfe: self.nfe,
            nfe_saved: self.nfe_saved,
            committed: self.committed,
            text_tokens: end.unwrap_or(canvas.answer().len()),
            elapsed: self.elapsed,
            text_alone: false,
        }
    }
}
