mod below;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use unmask_core::params::CacheMode;
use unmask_core::settings::{Counted, Domain, Setting};

use super::{panel, put};
use crate::action::Command;
use crate::amount::several;
use crate::cells::cell_count;
use crate::clean::clean_line;
use crate::contexts;
use crate::geometry;
use crate::row::cut;
use crate::state::{Below, Composer, Field, FieldRow, Settings, SettingsPanel, State};
use crate::theme::{Role, Theme};

/// Cells of the cursor and the name.
const NAME: u16 = 18;
/// Cells of the value.
const VALUE: u16 = 10;
/// Cells of the slider with the gap behind it.
const RANGE: u16 = 11;
/// Cells of the slider.
const SLIDER: usize = 9;

/// The fields, what the next turn will cost, and the keys; returns where the caret is while a value is typed.
pub(super) fn draw(state: &State, panel: &SettingsPanel, buffer: &mut Buffer) -> Option<Position> {
    let theme = state.look.theme;
    let parts = geometry::settings(state.size);
    let area = parts.area;
    let keys = match panel.input {
        Some(_) => String::new(),
        None => hints(
            state,
            panel,
            &[
                (Command::SaveDefaults, "save as default"),
                (Command::ResetField, "reset field"),
                (Command::Back, "close"),
            ],
            " · ",
        ),
    };
    panel::frame(
        area,
        theme,
        "Generation settings",
        &keys,
        Role::Quiet,
        buffer,
    );
    let top = top(panel, parts.fields);
    let caret = draw_fields(state, panel, (top, parts.fields), buffer);
    let room = usize::from(area.width).saturating_sub(cell_count(&keys) + 5);
    draw_more(
        area,
        theme,
        top + usize::from(parts.fields.height),
        room,
        buffer,
    );
    below::draw(state, panel, parts.below, buffer);
    draw_keys(state, panel, parts.keys, buffer);
    caret
}

fn draw_fields(
    state: &State,
    panel: &SettingsPanel,
    (top, area): (usize, Rect),
    buffer: &mut Buffer,
) -> Option<Position> {
    let mut caret = None;
    let rows = FieldRow::all().into_iter().skip(top);
    for (row, y) in rows.zip(area.y..area.bottom()) {
        let line = Rect::new(area.x, y, area.width, 1);
        match row {
            FieldRow::Heading(group) => {
                let at = (line.x, line.y);
                let name = (group.name(), Role::Strong);
                put(buffer, state.look.theme, at, line.right(), name);
            }
            FieldRow::Field(field) => {
                let place = draw_field(state, panel, field, line, buffer);
                caret = caret.or(place);
            }
        }
    }
    caret
}

/// The first field seen: the chosen one is among them.
fn top(panel: &SettingsPanel, fields: Rect) -> usize {
    let chosen = FieldRow::Field(panel.chosen);
    let at = FieldRow::all().iter().position(|row| *row == chosen);
    geometry::list_top(panel.top, at.unwrap_or(0), usize::from(fields.height))
}

fn draw_field(
    state: &State,
    panel: &SettingsPanel,
    field: Field,
    row: Rect,
    buffer: &mut Buffer,
) -> Option<Position> {
    let theme = state.look.theme;
    let (x, y, right) = (row.x + NAME, row.y, row.right());
    let is_chosen = field == panel.chosen;
    let is_refused = is_chosen && matches!(panel.below, Below::Refused(_));
    let is_idle = is_text_alone(state) && !field.acts_on_text();
    let role = match (is_refused, field.is_approximate(&state.settings), is_chosen) {
        (true, _, _) => Role::Error,
        (false, _, _) if is_idle => Role::Muted,
        (false, true, _) => Role::Warn,
        (false, false, true) => Role::Accent,
        (false, false, false) => Role::Text,
    };
    if is_chosen {
        panel::choose(theme, row, y, buffer);
        put(buffer, theme, (row.x, y), right, ("▸", Role::Accent));
    }
    let name = match (is_chosen, is_idle) {
        (true, _) => Role::Strong,
        (false, true) => Role::Muted,
        (false, false) => Role::Text,
    };
    put(
        buffer,
        theme,
        (row.x + 2, y),
        right,
        (field.words().label, name),
    );
    let value = clean_line(&value(state, field));
    let (end, caret) = match panel.input.as_ref().filter(|_| is_chosen) {
        Some(input) => {
            let role = if is_refused { Role::Error } else { Role::Text };
            draw_input(input, &value, theme, (x, y, right), role, buffer)
        }
        None => {
            let room = usize::from(right.saturating_sub(x));
            let end = put(buffer, theme, (x, y), right, (&cut(&value, room), role));
            (end, None)
        }
    };
    let is_free = end < x + VALUE;
    let slider_at = (x + VALUE, y);
    let slider = field.share(&state.settings, &state.limits());
    match slider.filter(|_| is_free) {
        Some(share) => draw_slider(share, is_chosen, theme, slider_at, right, buffer),
        None if is_free => {
            let range = range(state, field);
            put(buffer, theme, slider_at, right, (&range, Role::Quiet));
        }
        None => (),
    }
    let is_beside = is_free || end < x + VALUE + RANGE;
    if is_beside {
        let at = (x + VALUE + RANGE, y);
        let room = usize::from(right.saturating_sub(at.0));
        let remark = match is_exact_cache(state, field) {
            _ if is_idle => "the server is not told".to_owned(),
            true => "finished blocks are computed once".to_owned(),
            false => remark(&state.settings, field),
        };
        let remark = cut(&remark, room);
        put(buffer, theme, at, right, (&remark, Role::Quiet));
    }
    caret
}

/// True for the cache of a model that keeps blocks once they are final, where nothing approximate is asked of it.
fn is_exact_cache(state: &State, field: Field) -> bool {
    field == Field::Denoising(Setting::Cache)
        && state.settings.params.cache == CacheMode::Off
        && (state.model.as_ref()).is_some_and(|it| it.keeps_final_blocks())
}

/// True if the model's server tells text alone, and so is told little of how it should denoise.
fn is_text_alone(state: &State) -> bool {
    (state.model.as_ref()).is_some_and(|it| it.text_alone)
}

/// A field's value; pins as the tokens that they are, once the model's tokenizer has read them.
fn value(state: &State, field: Field) -> String {
    if is_exact_cache(state, field) {
        return "exact".to_owned();
    }
    let labels = state.pins.text(&state.settings.pins);
    let labels = labels.filter(|_| field == Field::Pins);
    labels.unwrap_or_else(|| field.value(&state.settings))
}

/// What is typed; the value that it will replace stands there until something is. Returns the cell behind it, and where the
/// caret is.
fn draw_input(
    input: &Composer,
    value: &str,
    theme: Theme,
    (x, y, right): (u16, u16, u16),
    role: Role,
    buffer: &mut Buffer,
) -> (u16, Option<Position>) {
    let width = usize::from(right.saturating_sub(x)).max(1);
    let (rows, caret) = input.rows(width);
    let row = rows.get(caret.row);
    let text = row.map_or("", |row| &input.lines()[row.line][row.start..row.end]);
    let end = match input.is_empty() {
        true => put(buffer, theme, (x + 1, y), right, (value, Role::Quiet)),
        false => put(buffer, theme, (x, y), right, (text, role)),
    };
    let caret = x + u16::try_from(caret.cell).unwrap_or(0);
    (end.max(caret), Some(Position::new(caret, y)))
}

/// `━━━━●────`: where a value is between its least and its most.
fn draw_slider(
    share: f64,
    is_chosen: bool,
    theme: Theme,
    (x, y): (u16, u16),
    right: u16,
    buffer: &mut Buffer,
) {
    let before = (share * (SLIDER - 1) as f64).round() as usize;
    let role = if is_chosen { Role::Accent } else { Role::Quiet };
    let x = put(buffer, theme, (x, y), right, (&"━".repeat(before), role));
    let x = put(buffer, theme, (x, y), right, ("●", role));
    let rest = "─".repeat(SLIDER - 1 - before);
    put(buffer, theme, (x, y), right, (&rest, Role::Quiet));
}

/// What stands in the column of ranges where there is no slider; the full sentence is for refusals.
fn range(state: &State, field: Field) -> String {
    match field {
        Field::Denoising(setting) => match setting.definition().domain {
            Domain::Count(Counted::Answer) => field.range(&state.settings, &state.limits()),
            Domain::Count(Counted::Block | Counted::Steps) => "1–length".to_owned(),
            Domain::Number(it) | Domain::Optional(it) => format!("{}–{}", it.least, it.screen_most),
            Domain::Switch | Domain::Choice(_) | Domain::Seed => String::new(),
        },
        Field::Delay => "0–1000".to_owned(),
        Field::Speed | Field::Pins | Field::Context => String::new(),
    }
}

/// A few words on a field.
fn remark(settings: &Settings, field: Field) -> String {
    let fit = settings.fit();
    let blocks = fit.length / fit.params.block_length;
    if field.is_approximate(settings) && field != Field::Speed {
        return "≈ approximate: tokens may differ".to_owned();
    }
    match field {
        Field::Denoising(Setting::BlockLength) if blocks > 1 => {
            format!("{blocks} blocks, left to right")
        }
        Field::Denoising(Setting::Steps) if fit.params.transfer.is_scheduled() => {
            let steps = fit.params.steps;
            let pace = fit.length as f64 / steps as f64;
            let pace = format!("{:.1}", pace);
            let pace = pace.trim_end_matches(".0");
            let tokens = several(if pace == "1" { 1 } else { 2 }, "token");
            format!("{} per block, {pace} {tokens} per step", steps / blocks)
        }
        field => field.words().remark.to_owned(),
    }
}

/// How many fields are hidden below, on the frame beside the keys.
fn draw_more(area: Rect, theme: Theme, seen_to: usize, room: usize, buffer: &mut Buffer) {
    let hidden = FieldRow::all().len().saturating_sub(seen_to);
    let more = format!(" ↓ {hidden} more ");
    if hidden > 0 && cell_count(&more) <= room {
        let at = (area.x + 2, area.bottom().saturating_sub(1));
        put(buffer, theme, at, area.right(), (&more, Role::Accent));
    }
}

fn draw_keys(state: &State, panel: &SettingsPanel, area: Rect, buffer: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let theme = state.look.theme;
    let keys = match panel.input {
        Some(_) => hints(
            state,
            panel,
            &[
                (Command::Choose, "take it"),
                (Command::Back, "keep the old value"),
            ],
            "  ",
        ),
        None => {
            let arrows = |a, b| {
                let places = contexts::of_settings(panel);
                let label = |command| state.keymap.label(places, &command).unwrap_or_default();
                format!("{}{}", label(a), label(b))
            };
            let others = [
                (Command::Choose, "type a value"),
                (Command::Explain, "explain"),
            ];
            format!(
                "{} field  {} change  {}",
                arrows(Command::Up, Command::Down),
                arrows(Command::Less, Command::More),
                hints(state, panel, &others, "  ")
            )
        }
    };
    let when = match state.running() {
        Some(_) => "from the next answer on",
        None => "changes apply at once",
    };
    let whole = format!("{keys}   {when}");
    let line = match cell_count(&whole) <= usize::from(area.width) {
        true => whole,
        false => keys,
    };
    let at = (area.x, area.y);
    put(buffer, theme, at, area.right(), (&line, Role::Quiet));
}

/// `s save as default · d reset field`, with the keys as they are bound.
fn hints(
    state: &State,
    panel: &SettingsPanel,
    wanted: &[(Command, &str)],
    between: &str,
) -> String {
    let places = contexts::of_settings(panel);
    let hints = wanted.iter().filter_map(|(command, word)| {
        Some(format!("{} {word}", state.keymap.label(places, command)?))
    });
    hints.collect::<Vec<_>>().join(between)
}
