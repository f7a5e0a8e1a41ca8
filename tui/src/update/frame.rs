//! What drawing tells of itself.

use super::text_selection;
use crate::action::FrameView;
use crate::geometry;
use crate::state::{Completion, Overlay, State};

/// A frame is about to be drawn, laid out like this.
pub(super) fn begin(state: &mut State, laid: FrameView) {
    state.transcript.show(laid.view);
    text_selection::pulled(state, laid.pulled);
    if let Some(compare) = &mut state.compare {
        compare.show(laid.compared_top);
    }
    hold_list(state);
    state.is_dirty = false;
}

/// Lists stay where they were drawn until the chosen row leaves them.
fn hold_list(state: &mut State) {
    if let Some(found) = state.completions() {
        let page = usize::from(geometry::completions(state, found.len()).height);
        let Completion { chosen, top, .. } = state.completion;
        let chosen = chosen.map_or(0, |it| it.min(found.len() - 1));
        state.completion.top = geometry::list_top(top, chosen, page);
    }
    let Some(list) = geometry::list(state) else {
        return;
    };
    match state.overlays.last_mut() {
        Some(Overlay::Settings(panel)) => panel.top = list.top,
        Some(overlay) => {
            if let Some(pick) = overlay.pick_mut() {
                pick.top = list.top;
            }
        }
        None => (),
    }
}
