//! What stands below the fields: what the next turn will cost, what a field does, or why a value is refused.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::is_text_alone;
use crate::cells::cell_count;
use crate::layout::{Flow, with_carets, wrap};
use crate::number;
use crate::row::{Row, cut};
use crate::state::{Below, Field, Refusal, SettingsPanel, State};
use crate::theme::Role;
use crate::view::plan::PlanLine;
use crate::view::put_row;

pub(super) fn draw(state: &State, panel: &SettingsPanel, area: Rect, buffer: &mut Buffer) {
    let theme = state.look.theme;
    let cells = usize::from(area.width);
    let seen = usize::from(area.height);
    let rows = match &panel.below {
        Below::Plan => plan(state, cells),
        Below::About => {
            let text = Flow::plain(&about(state, panel.chosen), Role::Text);
            begun(wrap(&text, cells), seen, cells)
        }
        Below::Refused(refusal) => {
            let mut rows = refused(refusal, cells);
            // The reason is worth more than the place.
            rows.drain(..rows.len().saturating_sub(seen));
            rows
        }
    };
    for (row, y) in rows.iter().zip(area.y..area.bottom()) {
        put_row(buffer, theme, (area.x, y), area.right(), row);
    }
}

/// The first rows, with a sign that there are more.
fn begun(mut rows: Vec<Row>, seen: usize, cells: usize) -> Vec<Row> {
    if rows.len() > seen {
        rows.truncate(seen);
        if let Some(last) = rows.last_mut() {
            let text = last.text();
            let mut words = text.trim_end();
            while cell_count(words) + 2 > cells
                && let Some((before, _)) = words.rsplit_once(' ')
            {
                words = before;
            }
            *last = Row::of(cut(&format!("{words} …"), cells), Role::Text);
        }
    }
    rows
}

/// What a field does; of pins also all their tokens, for which the row may be too short.
fn about(state: &State, field: Field) -> String {
    let about = field.words().about;
    match state.pins.text(&state.settings.pins) {
        Some(labels) if field == Field::Pins => format!("{about} Now {labels}"),
        Some(_) | None => about.to_owned(),
    }
}

fn plan(state: &State, cells: usize) -> Vec<Row> {
    if is_text_alone(state) {
        let what = "the server tells text alone: what an answer takes, nobody knows here";
        return vec![Row::of(cut(what, cells), Role::Text)];
    }
    let line = PlanLine::new(&state.settings, state.forward);
    let mut first = line.plan;
    let mut second: Vec<String> = line.notes;
    let role = if second.is_empty() {
        Role::Quiet
    } else {
        Role::Warn
    };
    match (line.time, state.forward) {
        (Some(time), Some(forward)) => {
            let joined = format!("{first} · {time}");
            if cell_count(&joined) <= cells {
                first = joined;
            } else {
                second.insert(0, time);
            }
            let per = number::short(forward);
            second.push(format!("({per} per forward, measured on the last turn)"));
        }
        (_, None) | (None, _) => {
            second.push("(not measured yet: the first turn tells the seconds)".to_owned());
        }
    }
    while second.len() > 1 && cell_count(&second.join(" · ")) > cells {
        second.pop();
    }
    vec![
        Row::of(cut(&first, cells), Role::Text),
        Row::of(cut(&second.join(" · "), cells), role),
    ]
}

fn refused(refusal: &Refusal, cells: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    if let Some((text, span)) = &refusal.part {
        let [text, carets] = with_carets(text, span, cells);
        rows.push(Row::of(text, Role::Text));
        rows.push(Row::of(carets, Role::Error));
    }
    let what = format!("✗ {}", refusal.what);
    rows.extend(wrap(&Flow::plain(&what, Role::Error), cells));
    rows
}
