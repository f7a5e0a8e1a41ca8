//! The screen for terminals that show only ASCII, or shades two cells wide: the last step of a frame.

use ratatui::buffer::Buffer;

/// Our signs and what stands for them; each takes one cell.
const SIGNS: &[(&str, &str)] = &[
    ("░", "-"),
    ("▒", "#"),
    ("▓", "@"),
    ("▌", "|"),
    ("┃", "|"),
    ("━", "="),
    ("◂", "<"),
    ("■", "#"),
    ("≤", "<"),
    ("●", "*"),
    ("○", "o"),
    ("◐", "*"),
    ("‖", "="),
    ("·", "-"),
    ("›", ">"),
    ("─", "-"),
    ("│", "|"),
    ("┼", "+"),
    ("▎", "|"),
    ("•", "*"),
    ("╭", "+"),
    ("╮", "+"),
    ("╰", "+"),
    ("╯", "+"),
    ("⋯", "~"),
    ("…", "~"),
    ("↵", "$"),
    ("␃", "^"),
    ("×", "x"),
    ("▯", "?"),
    ("\u{FFFD}", "?"),
    ("✗", "x"),
    ("≈", "~"),
    ("▸", ">"),
    ("–", "-"),
    ("↑", "^"),
    ("↓", "v"),
    ("←", "<"),
    ("→", ">"),
    ("⟨", "<"),
    ("⟩", ">"),
    ("▁", "."),
    ("▂", ":"),
    ("▃", ":"),
    ("▄", "-"),
    ("▅", "-"),
    ("▆", "="),
    ("▇", "="),
    ("█", "#"),
];

/// Replaces our signs.
pub(super) fn replace(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        if cell.symbol().is_ascii() {
            continue;
        }
        let found = SIGNS.iter().find(|(sign, _)| *sign == cell.symbol());
        if let Some((_, plain)) = found {
            cell.set_symbol(plain);
        }
    }
}
