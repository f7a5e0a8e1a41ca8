//! Asks the terminal what it can do, all at once, and waits a little for its answers.

use std::time::Duration;

use super::Late;
use super::stdio::Tty;
use crate::state::Keyboard;
use crate::theme::Ground;

/// What the terminal answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Replies {
    /// Its ground.
    pub(crate) ground: Option<Ground>,
    /// Whether it speaks the Kitty protocol.
    pub(crate) keyboard: Keyboard,
    /// Cells that a shade takes.
    pub(crate) shade_width: Option<u16>,
    /// What was typed meanwhile.
    pub(crate) typed: String,
    /// What may still come.
    pub(crate) late: Late,
}

/// How long the answers may take; the first frame waits for them, and is to stand within 100 ms.
const PATIENCE: Duration = Duration::from_millis(70);

/// Background colour, keyboard flags, the cursor's column after a shade, and last the device attributes, which every
/// terminal answers: when they come, nothing else will.
const QUESTIONS: &[u8] = "\x1b]11;?\x1b\\\x1b[?u\x1b[H▒\x1b[6n\x1b[H\x1b[K\x1b[c".as_bytes();

#[cfg(unix)]
pub(super) fn ask(tty: &Tty) -> Replies {
    // A terminal that cannot be asked has answered nothing; if it is gone, the first frame says so.
    read(&answers(tty).unwrap_or_default())
}

#[cfg(not(unix))]
pub(super) fn ask(_tty: &Tty) -> Replies {
    let _ = (PATIENCE, QUESTIONS);
    read(&[])
}

#[cfg(unix)]
fn answers(mut tty: &Tty) -> std::io::Result<Vec<u8>> {
    use std::io::Write;
    use std::time::Instant;

    tty.write_all(QUESTIONS)?;
    // Unbuffered, since what is typed after the answers is for the reader of keys.
    let input = std::io::stdin();
    let waits = Waits::of(&input)?;
    let deadline = Instant::now() + PATIENCE;
    let mut bytes = Vec::new();
    while !is_complete(&bytes) {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() || !waits.for_input(left)? {
            break;
        }
        let mut chunk = [0; 256];
        match rustix::io::read(&input, &mut chunk)? {
            0 if waits.in_reads() => (),
            0 => break,
            count => bytes.extend_from_slice(&chunk[..count]),
        }
    }
    Ok(bytes)
}

/// How input is waited for.
#[cfg(unix)]
enum Waits<'a> {
    /// By `poll`.
    Polling(&'a std::io::Stdin),
    /// By reads that end after a tenth of a second, where `poll` takes no terminals; they do not any more once this is dropped.
    Reading(&'a std::io::Stdin, rustix::termios::Termios),
}

#[cfg(unix)]
impl<'a> Waits<'a> {
    fn of(input: &'a std::io::Stdin) -> std::io::Result<Self> {
        use rustix::termios::{OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr};
        if !cfg!(target_vendor = "apple") {
            return Ok(Self::Polling(input));
        }
        let before = tcgetattr(input)?;
        let mut short = before.clone();
        short.special_codes[SpecialCodeIndex::VMIN] = 0;
        short.special_codes[SpecialCodeIndex::VTIME] = 1;
        tcsetattr(input, OptionalActions::Now, &short)?;
        Ok(Self::Reading(input, before))
    }

    fn in_reads(&self) -> bool {
        matches!(self, Self::Reading(..))
    }

    /// False if nothing comes.
    fn for_input(&self, left: std::time::Duration) -> std::io::Result<bool> {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let Self::Polling(input) = self else {
            return Ok(true);
        };
        let timeout = Timespec::try_from(left).map_err(std::io::Error::other)?;
        let mut ready = [PollFd::new(*input, PollFlags::IN)];
        Ok(poll(&mut ready, Some(&timeout))? > 0)
    }
}

#[cfg(unix)]
impl Drop for Waits<'_> {
    fn drop(&mut self) {
        use rustix::termios::{OptionalActions, tcsetattr};
        if let Self::Reading(input, before) = self {
            // A terminal that is gone needs no settings.
            tcsetattr(*input, OptionalActions::Now, before).ok();
        }
    }
}

/// A piece of what came in.
enum Piece<'a> {
    /// `ESC [`, with the byte that ends it and what is between.
    Csi(&'a [u8], u8),
    /// `ESC ]` up to BEL or ST.
    Osc(&'a [u8]),
    /// Anything else.
    Typed(u8),
}

fn pieces(mut bytes: &[u8]) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    while let Some((piece, rest)) = next_piece(bytes) {
        pieces.push(piece);
        bytes = rest;
    }
    pieces
}

fn next_piece(bytes: &[u8]) -> Option<(Piece<'_>, &[u8])> {
    if let Some(body) = bytes.strip_prefix(b"\x1b[") {
        let end = body.iter().position(|byte| (0x40..=0x7e).contains(byte))?;
        return Some((Piece::Csi(&body[..end], body[end]), &body[end + 1..]));
    }
    if let Some(body) = bytes.strip_prefix(b"\x1b]") {
        let end = body.iter().position(|byte| matches!(byte, 7 | 0x1b))?;
        let rest = &body[end..];
        let rest = rest.strip_prefix(b"\x1b\\").unwrap_or(&rest[1..]);
        return Some((Piece::Osc(&body[..end]), rest));
    }
    let (&first, rest) = bytes.split_first()?;
    Some((Piece::Typed(first), rest))
}

fn is_complete(bytes: &[u8]) -> bool {
    pieces(bytes)
        .iter()
        .any(|piece| matches!(piece, Piece::Csi([b'?', ..], b'c')))
}

fn read(bytes: &[u8]) -> Replies {
    let mut replies = Replies {
        ground: None,
        keyboard: Keyboard::Legacy,
        shade_width: None,
        typed: String::new(),
        late: if is_complete(bytes) {
            Late::Nothing
        } else {
            Late::Awaited
        },
    };
    let mut typed = Vec::new();
    for piece in pieces(bytes) {
        match piece {
            Piece::Csi([b'?', ..], b'u') => replies.keyboard = Keyboard::Kitty,
            Piece::Csi(place, b'R') => {
                replies.shade_width = column(place).and_then(|at| at.checked_sub(1));
            }
            Piece::Osc(body) => replies.ground = replies.ground.or_else(|| ground(body)),
            Piece::Csi(..) => (),
            Piece::Typed(byte) => typed.push(byte),
        }
    }
    replies.typed = String::from_utf8_lossy(&typed)
        .chars()
        .filter(|character| !character.is_control())
        .collect();
    replies
}

/// The column of `row;column`.
fn column(place: &[u8]) -> Option<u16> {
    let (_, column) = std::str::from_utf8(place).ok()?.split_once(';')?;
    column.parse().ok()
}

/// The ground of `11;rgb:RRRR/GGGG/BBBB`; channels have one to four digits.
fn ground(body: &[u8]) -> Option<Ground> {
    let colour = std::str::from_utf8(body).ok()?.strip_prefix("11;rgb:")?;
    let mut channels = colour.split('/').map(|digits| {
        let value = u32::from_str_radix(digits, 16).ok()?;
        let most = 16_u32.checked_pow(u32::try_from(digits.len()).ok()?)? - 1;
        Some(f64::from(value) / f64::from(most))
    });
    let (red, green, blue) = (channels.next()??, channels.next()??, channels.next()??);
    // Rec. 709 luma.
    let luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    Some(if luma < 0.5 {
        Ground::Dark
    } else {
        Ground::Light
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_from_typing() {
        let bytes = b"\x1b]11;rgb:fdfd/f6f6/e3e3\x1b\\h\x1b[?1u\x1b[1;2Ri\x1b[?64;1;2c";
        assert!(is_complete(bytes));
        assert_eq!(
            read(bytes),
            Replies {
                ground: Some(Ground::Light),
                keyboard: Keyboard::Kitty,
                shade_width: Some(1),
                typed: "hi".to_owned(),
                late: Late::Nothing,
            }
        );
    }

    #[test]
    fn a_silent_terminal_is_the_poorest() {
        assert!(!is_complete(b""));
        assert_eq!(
            read(b"\x1b]11;rgb:00"),
            Replies {
                ground: None,
                keyboard: Keyboard::Legacy,
                shade_width: None,
                typed: String::new(),
                late: Late::Awaited,
            }
        );
    }

    #[test]
    fn grounds_are_read_with_any_number_of_digits() {
        assert_eq!(ground(b"11;rgb:0/0/0"), Some(Ground::Dark));
        assert_eq!(ground(b"11;rgb:ff/ff/ff"), Some(Ground::Light));
        assert_eq!(ground(b"11;rgb:1e1e/1e1e/2e2e"), Some(Ground::Dark));
        assert_eq!(ground(b"11;rgb:zz/0/0"), None);
        assert_eq!(ground(b"11;rgb:/0/0"), None);
        assert_eq!(ground(b"10;rgb:0/0/0"), None);
    }

    #[test]
    fn a_shade_of_two_cells_is_noticed() {
        assert_eq!(read(b"\x1b[1;3R").shade_width, Some(2));
    }
}
