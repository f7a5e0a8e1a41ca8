//! Every token of the answer as a bar in one row, for the room that a short answer leaves.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unmask_core::fold::Mark;

use super::inspector::Inspected;
use crate::state::{ReplayLayer, TokenStory};
use crate::theme::Role;
use crate::view::put;

/// Rows that it takes: a gap, what the bars are, the bars, the sign of the token that the keys mean.
const ROWS: u16 = 4;
/// Cells of a bar at most.
const WIDEST: usize = 4;
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// A position of this entropy, in nat, fills a bar.
const FULL_OF_ENTROPY: f32 = 3.0;

impl Inspected<'_> {
    /// In the last of the rows that the text, which takes `used`, leaves of `area`; nothing where they do not suffice, nor of
    /// text that came alone: its tokens are not known.
    pub(super) fn draw_tokens(&self, area: Rect, used: u16, buffer: &mut Buffer) {
        if self.turn.loaded.text_alone {
            return;
        }
        let answer = self.moment.fold.canvas().answer();
        let end = answer.iter().position(|&it| self.turn.loaded.is_end(it));
        let tokens = end.unwrap_or(answer.len());
        let columns = usize::from(area.width);
        if tokens == 0 || tokens > columns || used + ROWS > area.height {
            return;
        }
        let theme = self.state.look.theme;
        let cells = (columns / tokens).min(WIDEST);
        let y = area.bottom() - ROWS + 1;
        let what = match self.replay.layer {
            ReplayLayer::Order => "each token: the earlier, the higher",
            ReplayLayer::Entropy => "each token: the more open, the higher",
            ReplayLayer::Confidence | ReplayLayer::Plain => "each token: the surer, the higher",
        };
        put(
            buffer,
            theme,
            (area.x, y),
            area.right(),
            (what, Role::Quiet),
        );
        for at in 0..tokens {
            let (sign, role) = self.bar(at);
            // A gap between bars of several cells.
            let wide = cells.saturating_sub(1).max(1);
            let x = area.x + u16::try_from(at * cells).unwrap_or(u16::MAX);
            let bar = sign.to_string().repeat(wide);
            put(buffer, theme, (x, y + 1), area.right(), (&bar, role));
            if at == self.replay.token {
                put(buffer, theme, (x, y + 2), area.right(), ("▴", Role::Accent));
            }
        }
    }

    /// What stands for a token, and its colour.
    fn bar(&self, at: usize) -> (char, Role) {
        let mark = self.moment.fold.answer_marks().get(at);
        let story = self.turn.story(self.moment, at);
        match (mark, story.filter(|story| story.step.is_some())) {
            (None | Some(Mark::Masked), _) => ('·', Role::Mask),
            (Some(Mark::Given), _) => (BARS[7], Role::Pinned),
            (Some(_), None) => (BARS[7], Role::Quiet),
            (Some(_), Some(story)) => self.measured(&story),
        }
    }

    fn measured(&self, story: &TokenStory<'_>) -> (char, Role) {
        let (share, role) = match self.replay.layer {
            ReplayLayer::Confidence | ReplayLayer::Plain => {
                let confidence = story.commit.confidence;
                (confidence, Role::fresh(confidence))
            }
            ReplayLayer::Order => {
                let total = self.turn.committed.max(self.moment.committed).max(1);
                let before = story.order.max(1) - 1;
                (
                    1.0 - before as f32 / total as f32,
                    Role::order(before * 6 / total),
                )
            }
            ReplayLayer::Entropy => {
                let entropy = story.commit.entropy;
                (entropy / FULL_OF_ENTROPY, Role::entropy(entropy))
            }
        };
        (BARS[((share.clamp(0.0, 1.0) * 7.99) as usize).min(7)], role)
    }
}
