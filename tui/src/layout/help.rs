use crate::cells::cell_count;
use crate::keymap::{self, Context, Keymap};
use crate::row::{Row, Span, cut};
use crate::slash;
use crate::state::{Focus, Help, State};
use crate::theme::Role;

/// Cells of the first column and of the keys in it.
const COLUMN: usize = 38;
const KEYS: usize = 13;
/// Cells of a letter with its word.
const LETTER: usize = 15;
/// Cells of a slash command with its argument.
const SLASH: usize = 28;

/// The rows of the help, for panels that are `width` cells wide inside: what can be pressed where the keys go now, then
/// the rest.
#[must_use]
pub fn help_rows(state: &State, help: &Help, width: usize) -> Vec<Row> {
    match &help.filter {
        Some(pick) => filtered(&state.keymap, pick, width),
        None => all(state, width),
    }
}

fn all(state: &State, width: usize) -> Vec<Row> {
    let keymap = &state.keymap;
    let mut rows = vec![Row::default()];
    let canvas = section(keymap, "Canvas", &[Context::Canvas], width);
    let composer = beside(composer(keymap), letters(keymap), width);
    match state.focus {
        Focus::Composer => rows.extend(composer.into_iter().chain(canvas)),
        Focus::Canvas => rows.extend(canvas.into_iter().chain(composer)),
    }
    let minor = [Context::Anywhere, Context::Empty, Context::Paused];
    let minor = keymap::entries(keymap, &minor, KEYS)
        .into_iter()
        .filter(|(command, _)| !is_major(command))
        .map(|(_, entry)| entry);
    rows.extend(flow("Also anywhere", minor.collect(), width));
    let editing = keymap::entries(keymap, &[Context::Composer], KEYS)
        .into_iter()
        .filter(|(command, _)| matches!(command, crate::commands::Command::Edit(_)))
        .map(|(_, entry)| entry);
    rows.extend(flow("Editing the message", editing.collect(), width));
    for context in keymap::all_contexts() {
        if let Some(title) = title(context) {
            rows.extend(section(keymap, title, &[context], width));
        }
    }
    rows.push(Row::of(
        "Every action is also a / command: type / to see them all.",
        Role::Quiet,
    ));
    rows.extend(
        slash::COMMANDS
            .iter()
            .map(|slash| pair(&slash.usage(), slash.about(), SLASH)),
    );
    rows
}

/// Places that have a section of their own further down.
fn title(context: Context) -> Option<&'static str> {
    match context {
        Context::List => Some("Lists"),
        Context::Sessions => Some("Conversations"),
        Context::Search => Some("Earlier prompts"),
        Context::Find => Some("Words found"),
        Context::Completion => Some("While a / command is typed"),
        Context::Help => Some("This help"),
        Context::Models => Some("The list of models"),
        Context::Settings => Some("Settings"),
        Context::FirstRun => Some("Without a model"),
        Context::Welcome => Some("Before the first message"),
        Context::Replay => Some("An answer step by step"),
        Context::Compare => Some("Two answers side by side"),
        Context::Overlay
        | Context::Confirm
        | Context::Canvas
        | Context::Menu
        | Context::Paused
        | Context::Empty
        | Context::Composer
        | Context::Anywhere => None,
    }
}

/// What has a row of its own in the first column.
fn is_major(command: &crate::commands::Command) -> bool {
    use crate::commands::Command;
    !matches!(
        command,
        Command::Scroll(_)
            | Command::Edit(_)
            | Command::Repaint
            | Command::Help
            | Command::Menu
            | Command::Palette
            | Command::Quit
            | Command::Resume
    )
}

fn composer(keymap: &Keymap) -> Vec<Row> {
    let places = [Context::Composer, Context::Anywhere];
    let entries = keymap::entries(keymap, &places, KEYS - 1);
    let major = entries.into_iter().filter(|(command, _)| is_major(command));
    let mut rows = vec![Row::of("Composer", Role::Accent)];
    rows.extend(major.map(|(_, (keys, about))| pair(&keys, about, KEYS)));
    let at = rows.len().min(4);
    rows.insert(at, pair("/", "commands", KEYS));
    rows
}

fn letters(keymap: &Keymap) -> Vec<Row> {
    let menu = keymap.chords(&[Context::Anywhere], &crate::commands::Command::Menu);
    let Some(menu) = menu.first() else {
        return Vec::new();
    };
    let mut rows = vec![Row::of(format!("{} then", menu.label()), Role::Accent)];
    for two in keymap::letters(keymap).chunks(2) {
        let mut row = Row::default();
        for (_, letter, word) in two {
            let text = format!("{letter}  ");
            let gap = LETTER.saturating_sub(cell_count(&text) + cell_count(word));
            row.spans.push(span(&text, Role::Text));
            row.spans
                .push(span(&format!("{word}{}", " ".repeat(gap)), Role::Quiet));
        }
        rows.push(row);
    }
    rows
}

/// Two columns side by side where there is room, else one below the other.
fn beside(left: Vec<Row>, right: Vec<Row>, width: usize) -> Vec<Row> {
    if width < 2 * COLUMN - 8 {
        let gap = [Row::default()];
        return left
            .into_iter()
            .chain(gap)
            .chain(right)
            .chain([Row::default()])
            .collect();
    }
    let height = left.len().max(right.len());
    let (mut left, mut right) = (left.into_iter(), right.into_iter());
    let mut rows = Vec::new();
    for _ in 0..height {
        let mut row = left.next().unwrap_or_default();
        let gap = COLUMN.saturating_sub(cell_count(&row.text()));
        row.spans.push(span(&" ".repeat(gap), Role::Quiet));
        row.spans.extend(right.next().unwrap_or_default().spans);
        rows.push(row);
    }
    rows.push(Row::default());
    rows
}

fn section(keymap: &Keymap, title: &str, contexts: &[Context], width: usize) -> Vec<Row> {
    let entries = keymap::entries(keymap, contexts, KEYS);
    flow(
        title,
        entries.into_iter().map(|(_, entry)| entry).collect(),
        width,
    )
}

/// A title, and entries one behind the other in as few rows as they fit.
fn flow(title: &str, entries: Vec<keymap::HelpEntry>, width: usize) -> Vec<Row> {
    const GAP: usize = 3;
    if entries.is_empty() {
        return Vec::new();
    }
    let mut rows = vec![Row::of(title, Role::Accent)];
    let mut row = Row::default();
    let mut used = 0;
    for (keys, about) in entries {
        let keys = keys.replace("  ", " ");
        let cells = cell_count(&keys) + 1 + cell_count(about);
        if used > 0 && used + GAP + cells > width {
            rows.push(std::mem::take(&mut row));
            used = 0;
        }
        if used > 0 {
            row.spans.push(span(&" ".repeat(GAP), Role::Quiet));
            used += GAP;
        }
        row.spans.push(span(&keys, Role::Text));
        row.spans.push(span(&format!(" {about}"), Role::Quiet));
        used += cells;
    }
    rows.push(row);
    rows.push(Row::default());
    rows
}

fn pair(keys: &str, about: &str, column: usize) -> Row {
    let gap = column.saturating_sub(cell_count(keys)).max(1);
    Row {
        spans: vec![
            span(keys, Role::Text),
            span(&(" ".repeat(gap) + about), Role::Quiet),
        ],
        from: 0,
        ..Row::default()
    }
}

fn span(text: &str, role: Role) -> Span {
    Span {
        text: text.to_owned(),
        role,
    }
}

/// Keys and commands that match what was typed, the best first, each with its place.
fn filtered(keymap: &Keymap, pick: &crate::state::Pick, width: usize) -> Vec<Row> {
    let mut lines: Vec<(String, &str, String)> = Vec::new();
    for context in keymap::all_contexts() {
        let place = keymap::context_name(context);
        for (command, (keys, _)) in keymap::entries(keymap, &[context], SLASH) {
            lines.push((keys, keymap::describe(&command), place.clone()));
        }
    }
    for slash in slash::COMMANDS {
        lines.push((slash.usage(), slash.about(), String::new()));
    }
    let text = |(keys, about, place): &(String, &str, String)| format!("{keys} {about} {place}");
    let texts: Vec<String> = lines.iter().map(text).collect();
    let matches = pick.matches(&texts);
    let mut rows = vec![Row::default()];
    if matches.is_empty() {
        rows.push(Row::of("no key or command is like this", Role::Quiet));
    }
    rows.extend(matches.into_iter().map(|index| {
        let (keys, about, place) = &lines[index];
        let mut row = pair(keys, about, SLASH);
        let used = cell_count(&row.text());
        let place = cut(place, width.saturating_sub(used + 2));
        let gap = width.saturating_sub(used + cell_count(&place));
        row.spans
            .push(span(&(" ".repeat(gap) + &place), Role::Quiet));
        row
    }));
    rows
}
