use crossterm::event::{KeyCode, KeyModifiers};

use super::{Binding, Chord, Context};
use crate::commands::{Command, LineEdit, Scroll};

pub(super) const fn key(code: KeyCode) -> Chord {
    with(KeyModifiers::NONE, code)
}

pub(super) const fn ctrl(character: char) -> Chord {
    with(KeyModifiers::CONTROL, KeyCode::Char(character))
}

pub(super) const fn alt(character: char) -> Chord {
    with(KeyModifiers::ALT, KeyCode::Char(character))
}

pub(super) const fn with(modifiers: KeyModifiers, code: KeyCode) -> Chord {
    Chord { code, modifiers }
}

/// The keys as they come. Of several chords for one command the first is the one that hints show.
///
/// Left free: ^H ^I ^M ^[ (the bytes of Backspace, Tab, Enter and Esc), ^S ^Q (flow control), ^\ (the quit signal).
pub const BINDINGS: &[Binding] = {
    use Command as Do;
    use Context::{
        Anywhere, Canvas, Completion, Composer, Confirm, Empty, FirstRun, Help, List, Menu, Models,
        Overlay, Paused, Search, Sessions, Settings,
    };
    use KeyCode::{Backspace, Char, Delete, Down, End, Enter, Esc, F, Home, Left, PageDown};
    use KeyCode::{PageUp, Right, Tab, Up};
    const CONTROL: KeyModifiers = KeyModifiers::CONTROL;
    const ALT: KeyModifiers = KeyModifiers::ALT;
    const SHIFT: KeyModifiers = KeyModifiers::SHIFT;
    &[
        (Composer, key(Enter), Do::Send),
        (Composer, ctrl('j'), Do::Newline),
        (Composer, with(SHIFT, Enter), Do::Newline),
        (Composer, with(ALT, Enter), Do::Newline),
        (Composer, key(Up), Do::Up),
        (Composer, key(Down), Do::Down),
        (Composer, key(Tab), Do::Focus),
        (Composer, ctrl('r'), Do::SearchPrompts),
        (Composer, ctrl('p'), Do::Palette),
        (Composer, ctrl('a'), Do::Edit(LineEdit::LineStart)),
        (Composer, key(Home), Do::Edit(LineEdit::LineStart)),
        (Composer, ctrl('e'), Do::Edit(LineEdit::LineEnd)),
        (Composer, key(End), Do::Edit(LineEdit::LineEnd)),
        (Composer, ctrl('b'), Do::Edit(LineEdit::Left)),
        (Composer, key(Left), Do::Edit(LineEdit::Left)),
        (Composer, ctrl('f'), Do::Edit(LineEdit::Right)),
        (Composer, key(Right), Do::Edit(LineEdit::Right)),
        (Composer, alt('b'), Do::Edit(LineEdit::WordLeft)),
        (Composer, with(CONTROL, Left), Do::Edit(LineEdit::WordLeft)),
        (Composer, alt('f'), Do::Edit(LineEdit::WordRight)),
        (
            Composer,
            with(CONTROL, Right),
            Do::Edit(LineEdit::WordRight),
        ),
        (Composer, key(Backspace), Do::Edit(LineEdit::Backspace)),
        (Composer, ctrl('d'), Do::Edit(LineEdit::Delete)),
        (Composer, key(Delete), Do::Edit(LineEdit::Delete)),
        (Composer, ctrl('w'), Do::Edit(LineEdit::DeleteWordLeft)),
        (
            Composer,
            with(ALT, Backspace),
            Do::Edit(LineEdit::DeleteWordLeft),
        ),
        (Composer, alt('d'), Do::Edit(LineEdit::DeleteWordRight)),
        (Composer, ctrl('u'), Do::Edit(LineEdit::KillToStart)),
        (Composer, ctrl('k'), Do::Edit(LineEdit::KillToEnd)),
        (Composer, ctrl('y'), Do::Edit(LineEdit::Yank)),
        (Composer, ctrl('_'), Do::Edit(LineEdit::Undo)),
        // What terminals send for ^_ without the Kitty protocol.
        (Composer, ctrl('7'), Do::Edit(LineEdit::Undo)),
        (Composer, ctrl('/'), Do::Edit(LineEdit::Undo)),
        (Composer, alt('_'), Do::Edit(LineEdit::Redo)),
        (Empty, key(Char('?')), Do::Help),
        (Empty, ctrl('d'), Do::Quit),
        (Completion, key(Tab), Do::Choose),
        (Completion, key(Up), Do::Up),
        (Completion, key(Down), Do::Down),
        (Paused, key(Char(' ')), Do::Resume),
        (Paused, key(Enter), Do::Resume),
        (Anywhere, key(Esc), Do::Back),
        (Anywhere, ctrl('c'), Do::Interrupt),
        (Anywhere, key(PageUp), Do::Scroll(Scroll::PageUp)),
        (Anywhere, key(PageDown), Do::Scroll(Scroll::PageDown)),
        (Anywhere, with(CONTROL, Home), Do::Scroll(Scroll::First)),
        (Anywhere, with(CONTROL, End), Do::Scroll(Scroll::Follow)),
        (Anywhere, key(F(1)), Do::Help),
        (Anywhere, ctrl('x'), Do::Menu),
        (Anywhere, ctrl('l'), Do::Repaint),
        (Anywhere, ctrl('z'), Do::Suspend),
        // In the order of the menu's grid.
        (Menu, key(Char('m')), Do::Models),
        (Menu, key(Char('s')), Do::Settings),
        (Menu, key(Char('l')), Do::Sessions),
        (Menu, key(Char('n')), Do::New),
        (Menu, key(Char('r')), Do::Retry),
        (Menu, key(Char('e')), Do::Editor),
        (Menu, ctrl('e'), Do::Editor),
        (Menu, key(Char('y')), Do::Copy),
        (Menu, key(Char('p')), Do::Palette),
        (Menu, key(Char('u')), Do::UndoTurn),
        (Menu, key(Char('t')), Do::Themes),
        (Menu, key(Char('x')), Do::ToggleMouse),
        (Menu, key(Char('d')), Do::Doctor),
        (Menu, key(Char('h')), Do::Help),
        (Menu, key(Char('q')), Do::Quit),
        (Menu, key(Char('g')), Do::Continue),
        (Menu, key(Char('#')), Do::Stats),
        (Overlay, key(Esc), Do::Back),
        (Overlay, ctrl('c'), Do::Interrupt),
        (Overlay, ctrl('l'), Do::Repaint),
        (Overlay, ctrl('z'), Do::Suspend),
        (Settings, key(Left), Do::Less),
        (Settings, key(Right), Do::More),
        (Settings, key(Char('?')), Do::Explain),
        (Settings, key(Char('d')), Do::ResetField),
        (Settings, key(Char('s')), Do::SaveDefaults),
        (List, key(Up), Do::Up),
        (List, key(Down), Do::Down),
        (List, key(PageUp), Do::Scroll(Scroll::PageUp)),
        (List, key(PageDown), Do::Scroll(Scroll::PageDown)),
        (List, key(Home), Do::Scroll(Scroll::First)),
        (List, key(End), Do::Scroll(Scroll::Follow)),
        (List, key(Enter), Do::Choose),
        (List, key(Tab), Do::Other),
        (List, key(Backspace), Do::Edit(LineEdit::Backspace)),
        (List, ctrl('u'), Do::Edit(LineEdit::KillToStart)),
        (Sessions, key(Delete), Do::Delete),
        (Search, ctrl('r'), Do::Down),
        (Models, ctrl('r'), Do::Rescan),
        (Confirm, key(Enter), Do::Choose),
        (FirstRun, key(Enter), Do::Choose),
        (FirstRun, key(Char('1')), Do::Option(1)),
        (FirstRun, key(Char('2')), Do::Option(2)),
        (FirstRun, key(Char('3')), Do::Option(3)),
        (Canvas, key(Tab), Do::Focus),
        (Canvas, key(Char('m')), Do::Measure),
        (Canvas, key(Esc), Do::Back),
        (Canvas, key(Char('[')), Do::PreviousMessage),
        (Canvas, key(Char(']')), Do::NextMessage),
        (Canvas, key(Char(' ')), Do::PauseOrResume),
        (Canvas, key(Enter), Do::Unfold),
        (Canvas, key(Char('t')), Do::ToggleRaw),
        (Canvas, key(Char('y')), Do::CopyMessage),
        (Canvas, key(Up), Do::Scroll(Scroll::RowUp)),
        (Canvas, key(Char('k')), Do::Scroll(Scroll::RowUp)),
        (Canvas, key(Down), Do::Scroll(Scroll::RowDown)),
        (Canvas, key(Char('j')), Do::Scroll(Scroll::RowDown)),
        (Canvas, key(Home), Do::Scroll(Scroll::First)),
        (Canvas, key(End), Do::Scroll(Scroll::Follow)),
        (Canvas, key(Char('?')), Do::Help),
        (Help, key(Char('/')), Do::Filter),
        (Help, key(Char('?')), Do::Back),
        (Help, key(Char('q')), Do::Back),
        (Help, key(F(1)), Do::Back),
        (Help, key(Up), Do::Up),
        (Help, key(Down), Do::Down),
        (Help, key(PageUp), Do::Scroll(Scroll::PageUp)),
        (Help, key(PageDown), Do::Scroll(Scroll::PageDown)),
        (Help, key(Home), Do::Scroll(Scroll::First)),
        (Help, key(End), Do::Scroll(Scroll::Follow)),
    ]
};
