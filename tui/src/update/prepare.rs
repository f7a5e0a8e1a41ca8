use crate::geometry;
use crate::geometry::ReplayArea;
use crate::layout::{Flow, LayoutOptions, canvas_rows, replay_rows, settled_rows, wrap};
use crate::row::{Row, TokenPlace};
use crate::state::{
    Anchor, Answer, Completion, Entry, EntryRow, Form, Markdown, Overlay, Part, ReplayRows, State,
    TranscriptItem, View, least_sure_words,
};
use crate::theme::Role;

/// Lays out what has changed since the last frame or does not fit the width, and works out which rows are seen. Call it
/// before drawing.
pub fn prepare(state: &mut State) {
    let width = geometry::text_width(state.size);
    let options = LayoutOptions {
        width: usize::from(width),
        mask_width: state.look.mask_width,
        emoji: state.look.emoji,
        ghosts: state.ghosts,
    };
    for item in &mut state.transcript.entries {
        lay_out(item, options);
    }
    if let Some(turn) = state.running_mut()
        && turn.rows.0 != Some((turn.version, width))
    {
        let rows = canvas_rows(turn, options);
        turn.rows = (Some((turn.version, width)), rows);
    }
    settle(state);
    lay_out_replay(state);
    hold_list(state);
}

/// The canvas of a replay; the row of the token that the keys mean is seen.
fn lay_out_replay(state: &mut State) {
    let area = ReplayArea::of(state.size);
    let options = LayoutOptions {
        width: usize::from(area.text_width()),
        mask_width: state.look.mask_width,
        emoji: state.look.emoji,
        ghosts: state.ghosts,
    };
    let Some((replay, turn)) = state.replayed() else {
        return;
    };
    let (rows, places) = replay_rows(replay, turn, &replay.moment(turn), options);
    let Some(replay) = &mut state.replay else {
        return;
    };
    let holds = |row: &Vec<TokenPlace>| row.iter().any(|place| place.from == replay.token);
    let row = places.iter().position(holds).unwrap_or(0);
    let top = geometry::list_top(replay.rows.top, row, usize::from(area.canvas.height));
    let last = rows.len().saturating_sub(usize::from(area.canvas.height));
    replay.rows = ReplayRows {
        rows,
        places,
        top: top.min(last),
    };
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

fn lay_out(item: &mut TranscriptItem, options: LayoutOptions) {
    let width = u16::try_from(options.width).ok();
    if item.width == width {
        return;
    }
    item.rows = match (&item.entry, item.form) {
        (Entry::Answer(answer), Form::Tokens) => token_rows(answer, options),
        (entry, Form::Text | Form::Tokens) => entry_rows(entry, options),
    };
    item.width = width;
    item.markdown = Markdown::Unasked;
    item.least_sure = least_sure(&item.entry);
}

/// A word that the model was surer of is not worth a mention.
const DOUBTFUL: f32 = 0.9;

/// The word of an answer that the model was least sure of.
fn least_sure(entry: &Entry) -> Option<(String, f32)> {
    let Entry::Answer(Answer {
        trace: Some(turn), ..
    }) = entry
    else {
        return None;
    };
    let moment = turn.log().moment(turn.log().entries.len());
    let words = least_sure_words(turn, &moment).into_iter();
    let doubtful = words.filter(|word| word.confidence < DOUBTFUL);
    doubtful.map(|word| (word.text, word.confidence)).next()
}

fn token_rows(answer: &Answer, options: LayoutOptions) -> Vec<Row> {
    match &answer.trace {
        Some(turn) => settled_rows(turn, options),
        None => plain_rows(answer, options),
    }
}

fn plain_rows(answer: &Answer, options: LayoutOptions) -> Vec<Row> {
    wrap(
        &Flow::said(&answer.text, Role::Text, options.emoji),
        options.width,
    )
}

fn entry_rows(entry: &Entry, options: LayoutOptions) -> Vec<Row> {
    let rows = |text: &str, role| wrap(&Flow::said(text, role, options.emoji), options.width);
    match entry {
        Entry::You { text, .. } => rows(text, Role::Text),
        Entry::Answer(answer) => plain_rows(answer, options),
        Entry::Note(text) => rows(text, Role::Quiet),
        Entry::Failure(failure) => {
            let text = format!("✗ {}", failure.text);
            let mut all = rows(&text, Role::Error);
            if !failure.hint.is_empty() {
                for line in failure.hint.lines() {
                    let hint = format!("  {line}");
                    all.extend(rows(&hint, Role::Quiet));
                }
            }
            all
        }
    }
}

/// Works out the first row seen.
fn settle(state: &mut State) {
    let blocks = state.parts();
    let height: usize = blocks.iter().map(Part::height).sum();
    let last = height.saturating_sub(geometry::transcript_height(state));
    let top = match state.transcript.view {
        View::Follow => last,
        View::Held(anchor) => row_of(&blocks, anchor).min(last),
    };
    state.transcript.height = height;
    state.transcript.top = top;
}

fn row_of(blocks: &[Part<'_>], anchor: Anchor) -> usize {
    let above: usize = blocks.iter().take(anchor.block).map(Part::height).sum();
    let Some(block) = blocks.get(anchor.block) else {
        return above;
    };
    match anchor.row {
        EntryRow::Before => above,
        EntryRow::Head => above + block.above.saturating_sub(1),
        EntryRow::Foot => (above + block.height()).saturating_sub(1),
        EntryRow::Body(from) => {
            let row = block.rows.iter().rposition(|row| row.from <= from);
            above + block.above + row.unwrap_or(0)
        }
    }
}
