//! What is kept between passes, and what is not.

use super::{
    SESSION, Shape, Subject, TINY, TestCheckpoint, TestRow, check_close, forward, forward_wanted,
    session, tokens,
};
use crate::{BackendError, Cell, Session, SessionSpec};

pub fn feeding_a_part_gives_what_feeding_everything_gave(subject: &Subject) {
    let model = subject.tiny();
    let mut session = session(&*model);
    let ids = tokens(1, 18);
    let whole = forward(&mut *session, &[TestRow::kept(0, &ids)]);
    let block = forward(&mut *session, &[TestRow::part(0, &ids, 6..12)]);
    check_close(&block, &whole[6..12], subject.rounding);
    let suffix = forward(&mut *session, &[TestRow::part(0, &ids, 9..18)]);
    check_close(&suffix, &whole[9..], subject.rounding);
}

pub fn without_cells_the_same_is_computed(subject: &Subject) {
    let model = subject.tiny();
    let (ids, other) = (tokens(1, 18), tokens(2, 7));
    let kept = [TestRow::kept(0, &ids), TestRow::kept(1, &other)];
    let right = forward(&mut *session(&*model), &kept);
    let free = [TestRow::whole(0, &ids), TestRow::whole(1, &other)];
    let spec = SessionSpec { cells: 0, slots: 2 };
    let mut session = model.session(spec).expect("it takes no room");
    check_close(&forward(&mut *session, &free), &right, subject.rounding);
    session.copy_slot(0, 1).expect("there is nothing to copy");
    session.clear_slot(0).expect("there is nothing to clear");
}

pub fn a_cell_may_hold_any_position(subject: &Subject) {
    let model = subject.tiny();
    let ids = tokens(1, 12);
    let far = |mut line: TestRow| {
        line.positions.iter_mut().for_each(|at| *at += 400);
        line
    };
    let spec = SessionSpec { cells: 0, slots: 1 };
    let mut free = model.session(spec).expect("it takes no room");
    let right = forward(&mut *free, &[far(TestRow::whole(0, &ids))]);
    let mut session = session(&*model);
    let kept = forward(&mut *session, &[far(TestRow::kept(0, &ids))]);
    check_close(&kept, &right, subject.rounding);
    let part = forward(&mut *session, &[far(TestRow::part(0, &ids, 3..9))]);
    check_close(&part, &right[3..9], subject.rounding);
}

/// Of one layer: its keys depend on their own tokens alone, so that a part fed anew has an exact answer.
fn shallow(subject: &Subject) -> Box<dyn Session> {
    let shape = Shape { layers: 1, ..TINY };
    let checkpoint = TestCheckpoint::new(shape).save();
    session(&*subject.load(&subject.spec(&checkpoint)))
}

pub fn scattered_tokens_are_written_where_they_are_kept(subject: &Subject) {
    let (before, after) = (tokens(1, 18), tokens(2, 18));
    let places = [2_u32, 3, 7, 11, 12, 17];
    let mut mixed = before.clone();
    for place in places {
        mixed[place as usize] = after[place as usize];
    }
    let whole = forward(&mut *shallow(subject), &[TestRow::whole(0, &mixed)]);
    let right = places.map(|place| whole[place as usize].clone());

    let mut session = shallow(subject);
    forward(&mut *session, &[TestRow::kept(0, &before)]);
    let scattered = TestRow {
        tokens: places.map(|place| after[place as usize]).into(),
        positions: places.into(),
        cells: places.map(Cell).into(),
        ..TestRow::kept(0, &before)
    };
    check_close(
        &forward(&mut *session, &[scattered]),
        &right,
        subject.rounding,
    );
}

pub fn shadows_are_seen_in_their_pass_and_leave_no_trace(subject: &Subject) {
    let (ids, others) = (tokens(1, 18), tokens(2, 4));
    let mut session = shallow(subject);
    let whole = forward(&mut *session, &[TestRow::kept(0, &ids)]);
    let shadowed = TestRow::whole(1, &ids).with_shadows(&others, 8..12);
    let right = forward(&mut *session, &[shadowed]);
    let shadowed = TestRow::part(0, &ids, 6..12).with_shadows(&others, 8..12);
    let got = forward(&mut *session, &[shadowed]);
    check_close(&got[..6], &right[6..12], subject.rounding);
    check_close(&got[6..], &right[18..], subject.rounding);
    assert_ne!(got[0], whole[6], "shadows are seen by all");
    let after = forward(&mut *session, &[TestRow::part(0, &ids, 6..12)]);
    check_close(&after, &whole[6..12], subject.rounding);
}

pub fn a_token_kept_outside_of_the_context_is_seen_once(subject: &Subject) {
    let ids = tokens(1, 10);
    let mut session = shallow(subject);
    let whole = forward(&mut *session, &[TestRow::kept(0, &ids)]);
    let mut outside = TestRow::part(0, &ids, 7..10);
    outside.context = 0..7;
    let got = forward(&mut *session, &[outside]);
    check_close(&got, &whole[7..], subject.rounding);
}

pub fn only_wanted_rows_come_back_and_the_cells_are_written_all_the_same(subject: &Subject) {
    let model = subject.tiny();
    let mut session = session(&*model);
    let (ids, other) = (tokens(1, 14), tokens(2, 8));
    let lines = || [TestRow::kept(0, &ids), TestRow::kept(1, &other)];
    let all = forward(&mut *session, &lines());
    let some = forward_wanted(&mut *session, &lines(), &[0, 3, 13, 20]);
    let right = [0, 3, 13, 20].map(|row: usize| all[row].clone());
    check_close(&some, &right, subject.rounding);

    let mut fresh = model.session(SESSION).expect("there is room");
    assert!(forward_wanted(&mut *fresh, &lines(), &[]).is_empty());
    let block = forward(&mut *fresh, &[TestRow::part(0, &ids, 5..9)]);
    check_close(&block, &all[5..9], subject.rounding);
}

pub fn a_copied_slot_is_the_other_until_one_of_them_is_written(subject: &Subject) {
    let model = subject.tiny();
    let mut session = session(&*model);
    let (ids, other) = (tokens(1, 16), tokens(2, 16));
    let whole = forward(&mut *session, &[TestRow::kept(0, &ids)]);
    forward(&mut *session, &[TestRow::kept(1, &other)]);
    session.copy_slot(0, 1).expect("both are there");
    let block = |slot| [TestRow::part(slot, &ids, 5..9)];
    let copied = forward(&mut *session, &block(1));
    check_close(&copied, &whole[5..9], subject.rounding);
    forward(&mut *session, &[TestRow::kept(0, &other)]);
    let copied = forward(&mut *session, &block(1));
    check_close(&copied, &whole[5..9], subject.rounding);
    for result in [session.copy_slot(0, 2), session.copy_slot(2, 0)] {
        assert!(
            matches!(result, Err(BackendError::Invalid(_))),
            "{result:?}"
        );
    }
}

pub fn a_cleared_slot_can_be_written_again(subject: &Subject) {
    let model = subject.tiny();
    let mut session = session(&*model);
    let (ids, other) = (tokens(1, 16), tokens(2, 9));
    let whole = forward(&mut *session, &[TestRow::kept(0, &ids)]);
    let beside = forward(&mut *session, &[TestRow::kept(1, &other)]);
    session.clear_slot(0).expect("it is there");
    let kept = forward(&mut *session, &[TestRow::part(1, &other, 2..5)]);
    check_close(&kept, &beside[2..5], subject.rounding);
    let again = forward(&mut *session, &[TestRow::kept(0, &ids)]);
    check_close(&again, &whole, subject.rounding);
    let result = session.clear_slot(2);
    assert!(
        matches!(result, Err(BackendError::Invalid(_))),
        "{result:?}"
    );
}

pub fn room_can_be_made_and_what_is_kept_stays(subject: &Subject) {
    let model = subject.tiny();
    let (ids, other) = (tokens(1, 18), tokens(2, 10));
    let fill = |session: &mut dyn Session| {
        let lines = [TestRow::kept(0, &ids[..10]), TestRow::kept(1, &other)];
        forward(session, &lines)
    };
    let grow = |session: &mut dyn Session| forward(session, &[TestRow::part(0, &ids, 10..18)]);
    let mut roomy = session(&*model);
    let filled = fill(&mut *roomy);
    let right = grow(&mut *roomy);

    let spec = SessionSpec {
        cells: 10,
        slots: 2,
    };
    let mut session = model.session(spec).expect("there is room");
    fill(&mut *session);
    session.reserve(18).expect("there is room");
    session.reserve(4).expect("there is more already");
    check_close(&grow(&mut *session), &right, subject.rounding);
    let beside = forward(&mut *session, &[TestRow::part(1, &other, 2..5)]);
    check_close(&beside, &filled[12..15], subject.rounding);

    let spec = SessionSpec { cells: 0, slots: 2 };
    let mut session = model.session(spec).expect("it takes no room");
    session.reserve(18).expect("there is room");
    fill(&mut *session);
    check_close(&grow(&mut *session), &right, subject.rounding);
}

pub fn cells_beyond_all_memory_are_refused(subject: &Subject) {
    // Where the device does not tell its memory there is nothing to compare with.
    if !subject.knows_memory() {
        return;
    }
    let model = subject.tiny();
    let most = u32::MAX - 1;
    let spec = SessionSpec {
        cells: most,
        slots: 64,
    };
    let error = model.session(spec).err().expect("70 TB do not fit");
    assert!(error.to_string().contains("shorten the canvas"), "{error}");
    let spec = SessionSpec {
        cells: 12,
        slots: 64,
    };
    let mut session = model.session(spec).expect("there is room");
    let ids = tokens(1, 12);
    let whole = forward(&mut *session, &[TestRow::kept(0, &ids)]);
    let error = session.reserve(most).expect_err("70 TB do not fit");
    assert!(matches!(error, BackendError::OutOfMemory(_)), "{error}");
    let block = forward(&mut *session, &[TestRow::part(0, &ids, 5..9)]);
    check_close(&block, &whole[5..9], subject.rounding);
}
