//! Markdown is laid out by others, where it is seen.

use std::ops::Range;

use super::ScreenLayout;
use super::entry::{Kind, LaidEntry, Markdown};
use crate::action::Rendered;
use crate::effect::RenderJob;
use crate::geometry::{text_width, transcript_height};
use crate::state::State;

impl ScreenLayout {
    /// The answers whose Markdown is to be laid out, those that are seen first; jobs of another width are no longer wanted.
    /// Only what is near the view is asked for: when the width changes or a long conversation is opened,
    /// the rest waits until it is scrolled to.
    #[must_use]
    pub fn wanted(&mut self, state: &State) -> Vec<RenderJob> {
        let height = transcript_height(state);
        let seen = self.top..self.top + height;
        let near = seen.start.saturating_sub(height)..seen.end + height;
        let places = self.places(state);
        let width = text_width(state.size);
        let mut jobs = Vec::new();
        for range in [seen, near] {
            for (laid, place) in self.entries.iter_mut().zip(&places) {
                if place.start < range.end && place.end > range.start {
                    jobs.extend(ask(laid, width));
                }
            }
        }
        jobs
    }

    /// The rows of each part.
    fn places(&self, state: &State) -> Vec<Range<usize>> {
        let mut first = 0;
        let parts = self.parts(state).into_iter();
        let place = parts.map(|part| {
            let start = first;
            first += part.height();
            start..first
        });
        place.collect()
    }

    /// Takes rows that were asked for; they belong to every answer of that text that still has that width. The parts whose
    /// rows are others now.
    pub(super) fn take(&mut self, rendered: &Rendered) -> Vec<usize> {
        let mut changed = Vec::new();
        for (at, laid) in self.entries.iter_mut().enumerate() {
            let is_awaited = (laid.kind, laid.markdown) == (Kind::Answer, Markdown::Asked)
                && laid.options.width == usize::from(rendered.width)
                && laid.texts[0] == rendered.text;
            if is_awaited {
                laid.markdown = Markdown::There;
                if laid.rows != rendered.rows {
                    laid.rows.clone_from(&rendered.rows);
                    changed.push(at);
                }
            }
        }
        changed
    }
}

fn ask(laid: &mut LaidEntry, width: u16) -> Option<RenderJob> {
    match (laid.kind, laid.markdown) {
        (Kind::Answer, Markdown::Unasked) => {
            laid.markdown = Markdown::Asked;
            Some(RenderJob {
                text: laid.texts[0].clone(),
                width,
                emoji: laid.options.emoji,
            })
        }
        (_, Markdown::Unasked | Markdown::Asked | Markdown::There) => None,
    }
}
