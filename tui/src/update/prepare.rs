use crate::geometry;
use crate::layout::{Flow, Paper, canvas_rows, settled_rows, wrap};
use crate::row::Row;
use crate::state::{
    Anchor, Answer, Completion, Entry, Form, Laid, Markdown, Overlay, Part, Place, State, View,
};
use crate::theme::Role;

/// Lays out what has changed since the last frame or does not fit the width, and works out which rows are seen. Call it
/// before drawing.
pub fn prepare(state: &mut State) {
    let width = geometry::text_width(state.size);
    let paper = Paper {
        width: usize::from(width),
        mask_width: state.look.mask_width,
        emoji: state.look.emoji,
    };
    for laid in &mut state.transcript.entries {
        lay_out(laid, paper);
    }
    if let Some(turn) = state.running_mut()
        && turn.rows.0 != Some((turn.version, width))
    {
        let rows = canvas_rows(turn, paper);
        turn.rows = (Some((turn.version, width)), rows);
    }
    settle(state);
    hold_list(state);
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
        Some(Overlay::Palette(pick) | Overlay::Models(pick)) => pick.top = list.top,
        Some(Overlay::Themes(it)) => it.pick.top = list.top,
        Some(Overlay::Sessions(it)) => it.pick.top = list.top,
        Some(Overlay::Search(it)) => it.pick.top = list.top,
        Some(Overlay::Settings(panel)) => panel.top = list.top,
        Some(Overlay::Help(_) | Overlay::Menu { .. } | Overlay::Confirm(_) | Overlay::Info(_))
        | None => (),
    }
}

fn lay_out(laid: &mut Laid, paper: Paper) {
    let width = u16::try_from(paper.width).ok();
    if laid.width == width {
        return;
    }
    laid.rows = match (&laid.entry, laid.form) {
        (Entry::Answer(answer), Form::Tokens) => token_rows(answer, paper),
        (entry, Form::Text | Form::Tokens) => entry_rows(entry, paper),
    };
    laid.width = width;
    laid.markdown = Markdown::Unasked;
}

fn token_rows(answer: &Answer, paper: Paper) -> Vec<Row> {
    match &answer.trace {
        Some(turn) => settled_rows(turn, paper),
        None => plain_rows(answer, paper),
    }
}

fn plain_rows(answer: &Answer, paper: Paper) -> Vec<Row> {
    wrap(
        &Flow::said(&answer.text, Role::Text, paper.emoji),
        paper.width,
    )
}

fn entry_rows(entry: &Entry, paper: Paper) -> Vec<Row> {
    let rows = |text: &str, role| wrap(&Flow::said(text, role, paper.emoji), paper.width);
    match entry {
        Entry::You { text, .. } => rows(text, Role::Text),
        Entry::Answer(answer) => plain_rows(answer, paper),
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
    match anchor.place {
        Place::Before => above,
        Place::Head => above + block.above.saturating_sub(1),
        Place::Body(from) => {
            let row = block.rows.iter().rposition(|row| row.from <= from);
            above + block.above + row.unwrap_or(0)
        }
    }
}
