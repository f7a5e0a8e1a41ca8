//! What the terminal tells, as actions.

use std::io;
use std::time::Duration;

use crossterm::event::{Event, EventStream, KeyEventKind, MouseButton, MouseEventKind};
use futures_util::StreamExt;
use ratatui::layout::Position;
use tokio::time::timeout;

use super::{BURST, burst};
use crate::action::{Action, Size};
use crate::state::TerminalFocus;

/// Reads the keys that are on their way behind the first, and those of a paste behind an Enter.
///
/// The keys of one reading come from their thread one by one, so there is no asking whether another waits: a short while
/// is given to each.
pub(super) async fn read_waiting(
    keys: &mut EventStream,
    typed: &mut Vec<Action>,
) -> io::Result<()> {
    /// Longer than the thread takes to hand over a key, shorter than a person takes to press one.
    const HANDED: Duration = Duration::from_millis(1);
    /// Longer than the pieces of a paste are apart, shorter than anybody notices.
    const PIECE: Duration = Duration::from_millis(5);
    while !typed.is_empty() && typed.len() < BURST {
        let grace = match burst::ends_with_enter(typed) {
            true => PIECE,
            false => HANDED,
        };
        match timeout(grace, keys.next()).await {
            Ok(key) => typed.extend(read(key)?),
            Err(_) => return Ok(()),
        }
    }
    Ok(())
}

/// What an event of the terminal means; `None` for those that mean nothing.
pub(super) fn read(event: Option<io::Result<Event>>) -> io::Result<Option<Action>> {
    const WHEEL: isize = 3;
    let event = event.unwrap_or_else(|| Err(io::ErrorKind::UnexpectedEof.into()))?;
    Ok(match event {
        // Windows tells of releases too.
        Event::Key(key) if key.kind == KeyEventKind::Release => None,
        Event::Key(key) => Some(Action::Key(key)),
        Event::Paste(text) => Some(Action::Paste(text)),
        Event::Resize(columns, rows) => Some(Action::Resize(Size { columns, rows })),
        Event::Mouse(mouse) => match mouse.kind {
            MouseEventKind::ScrollUp => Some(Action::Wheel(-WHEEL)),
            MouseEventKind::ScrollDown => Some(Action::Wheel(WHEEL)),
            MouseEventKind::Down(MouseButton::Left) => {
                Some(Action::Click(Position::new(mouse.column, mouse.row).into()))
            }
            MouseEventKind::Drag(MouseButton::Left) => {
                Some(Action::Drag(Position::new(mouse.column, mouse.row).into()))
            }
            MouseEventKind::Up(MouseButton::Left) => Some(Action::Release),
            MouseEventKind::Down(_)
            | MouseEventKind::Up(_)
            | MouseEventKind::Drag(_)
            | MouseEventKind::Moved
            | MouseEventKind::ScrollLeft
            | MouseEventKind::ScrollRight => None,
        },
        Event::FocusGained => Some(Action::TerminalFocus(TerminalFocus::Focused)),
        Event::FocusLost => Some(Action::TerminalFocus(TerminalFocus::Unfocused)),
    })
}
