//! Output is kept until the next pass, and read by calls of its own.
//!
//! A plugin in C is never asked for what is not there: the host refuses in its place, and is what is tested of it.

use unmask_api::{
    BackendError, CancelFlag, Capabilities, ErrorCode, Logits, Session, TopRequest, TopRows,
};

use super::top;
use crate::Outcome;
use crate::compare::same_bits;
use crate::owned_pass::{OwnedPass, read};
use crate::rig::{Rig, ensure};

/// A pass whose output has four rows.
fn four(rig: &Rig) -> OwnedPass {
    OwnedPass::whole(&rig.tokens(16, 140)).wanting(&[1, 6, 7, 15])
}

const ALL: [u32; 4] = [0, 1, 2, 3];

pub(super) fn again(rig: &Rig) -> Outcome {
    let mut session = rig.session()?;
    rig.forward(&mut *session, &four(rig))?;
    let first = rig.read(&mut *session, &ALL)?;
    same_bits("read again", &rig.read(&mut *session, &ALL)?, &first)?;
    for rows in [&[2][..], &[0, 3], &[1, 2, 3], &[]] {
        let some = rig.read(&mut *session, rows)?;
        let pairs = rows.iter().enumerate().map(|(at, &of)| (at, of as usize));
        let what = format!("rows {rows:?} alone");
        rig.tolerance.all(&what, (&some, &first), pairs)?;
    }
    same_bits("read at last", &rig.read(&mut *session, &ALL)?, &first)
}

pub(super) fn both_forms(rig: &Rig) -> Outcome {
    let expected = rig.alone(&four(rig))?;
    let mut session = rig.session()?;
    rig.forward(&mut *session, &four(rig))?;
    let first = best(&mut *session, &ALL)?;
    let whole = rig.read(&mut *session, &ALL)?;
    rig.same("whole after short", &whole, &expected)?;
    let second = best(&mut *session, &ALL)?;
    let last = best(&mut *session, &[3])?;
    ensure(first == second, || {
        format!("the short form is another when it is read again: {first:?}, then {second:?}")
    })?;
    ensure(last.ids(0) == first.ids(3), || {
        "a row alone has other best ids".to_owned()
    })?;
    rig.same("whole at last", &rig.read(&mut *session, &ALL)?, &expected)
}

/// The two best of each of `rows`.
fn best(session: &mut dyn Session, rows: &[u32]) -> Result<TopRows, String> {
    let request = TopRequest {
        rows,
        ..TopRequest::default()
    };
    top::read(session, &request, 2)
}

/// Before the first pass, and beyond the last one's rows.
pub(super) fn nothing(rig: &Rig) -> Outcome {
    let mut session = rig.session()?;
    absent(rig, &mut *session, "before the first pass", 0)?;
    rig.forward(&mut *session, &four(rig))?;
    absent(rig, &mut *session, "beyond the last row", 4)?;
    let after = rig.read(&mut *session, &ALL)?;
    rig.same(
        "after a row that is not there",
        &after,
        &rig.alone(&four(rig))?,
    )
}

pub(super) fn cancelled(rig: &Rig) -> Outcome {
    let mut session = rig.session()?;
    rig.forward(&mut *session, &four(rig))?;
    let flag = CancelFlag::new();
    flag.raise();
    match session.forward(&four(rig).pass(&flag)) {
        // That it does not listen is another case's.
        Ok(()) => Ok(()),
        Err(_) => absent(rig, &mut *session, "after a cancelled pass", 0),
    }
}

/// `Err` unless row `row` is refused in both forms.
fn absent(rig: &Rig, session: &mut dyn Session, when: &str, row: u32) -> Outcome {
    invalid(when, read(session, rig.facts.vocab, &[row]))?;
    if !rig.can(Capabilities::TOPK_OUTPUT) {
        return Ok(());
    }
    let mut top = TopRows::default();
    let request = TopRequest {
        rows: &[row],
        ..TopRequest::default()
    };
    top.reset(&request, 1);
    let result = session.read_top(&request, top.view());
    invalid(when, result.map(|()| Logits::default()))
}

fn invalid(when: &str, result: Result<Logits, BackendError>) -> Outcome {
    let code = result.as_ref().err().map(BackendError::code);
    ensure(code == Some(ErrorCode::Invalid), || {
        format!("{when}, reading gives {code:?}, not Invalid")
    })
}
