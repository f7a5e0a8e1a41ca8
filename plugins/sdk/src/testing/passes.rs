//! What a pass promises.

use std::num::NonZeroU32;
use std::thread;

use super::{
    Checkpoint, Line, SESSION, Shape, Subject, TINY, check_close, forward, forward_wanted, session,
    tokens,
};
use crate::{
    Attention, BackendError, CancelFlag, Logits, Pass, Position, Row, Session, SessionSpec, TokenId,
};

pub fn feeding_a_part_gives_what_feeding_everything_gave(subject: &Subject) {
    let model = subject.tiny();
    let mut session = session(&*model);
    let ids = tokens(1, 18);
    let whole = forward(&mut *session, &[Line::whole(0, &ids)]);
    let block = forward(&mut *session, &[Line::part(0, &ids, 6..12)]);
    check_close(&block, &whole[6..12], subject.rounding);
    let suffix = forward(&mut *session, &[Line::part(0, &ids, 9..18)]);
    check_close(&suffix, &whole[9..], subject.rounding);
}

pub fn scattered_positions_are_written_where_they_stand(subject: &Subject) {
    // The first layer's keys depend on their own tokens alone, so a network of one layer has an exact answer.
    let shape = Shape { layers: 1, ..TINY };
    let model = subject.load(&Checkpoint::new(shape).save().spec(subject.device, "f32"));
    let (before, after) = (tokens(1, 18), tokens(2, 18));
    let positions = [2_u32, 3, 7, 11, 12, 17];
    let mut mixed = before.clone();
    for position in positions {
        mixed[position as usize] = after[position as usize];
    }
    let whole = forward(&mut *session(&*model), &[Line::whole(0, &mixed)]);
    let right = positions.map(|position| whole[position as usize].clone());

    let mut session = session(&*model);
    forward(&mut *session, &[Line::whole(0, &before)]);
    let scattered = Line {
        slot: 0,
        tokens: positions.map(|position| after[position as usize]).into(),
        positions: positions.into(),
        attend: 0..18,
    };
    check_close(
        &forward(&mut *session, &[scattered]),
        &right,
        subject.rounding,
    );
}

pub fn a_ragged_batch_gives_what_its_rows_give_alone(subject: &Subject) {
    let model = subject.tiny();
    let mut session = session(&*model);
    let (long, short) = (tokens(1, 17), tokens(2, 9));
    let alone = [
        forward(&mut *session, &[Line::whole(0, &long)]),
        forward(&mut *session, &[Line::whole(1, &short)]),
    ]
    .concat();
    let together = [Line::whole(1, &long), Line::whole(0, &short)];
    check_close(&forward(&mut *session, &together), &alone, subject.rounding);
    let parts = [Line::part(0, &short, 2..5), Line::part(1, &long, 4..11)];
    let parts = forward(&mut *session, &parts);
    check_close(&parts[..3], &alone[17 + 2..17 + 5], subject.rounding);
    check_close(&parts[3..], &alone[4..11], subject.rounding);
}

pub fn only_wanted_rows_come_back_and_the_cache_is_written_all_the_same(subject: &Subject) {
    let model = subject.tiny();
    let mut session = session(&*model);
    let (ids, other) = (tokens(1, 14), tokens(2, 8));
    let lines = || [Line::whole(0, &ids), Line::whole(1, &other)];
    let all = forward(&mut *session, &lines());
    let some = forward_wanted(&mut *session, &lines(), &[0, 3, 13, 20]);
    let right = [0, 3, 13, 20].map(|row: usize| all[row].clone());
    check_close(&some, &right, subject.rounding);

    let mut fresh = model.session(SESSION).expect("there is room");
    assert!(forward_wanted(&mut *fresh, &lines(), &[]).is_empty());
    let block = forward(&mut *fresh, &[Line::part(0, &ids, 5..9)]);
    check_close(&block, &all[5..9], subject.rounding);
}

pub fn left_padding_changes_nothing_for_the_tokens_behind_it(subject: &Subject) {
    let model = subject.tiny();
    let mut session = session(&*model);
    let ids = tokens(1, 10);
    let plain = forward(&mut *session, &[Line::whole(0, &ids)]);
    let padded: Vec<u32> = [tokens(5, 4), ids].concat();
    let mut line = Line::whole(1, &padded);
    line.attend = 4..14;
    let other = tokens(2, 14);
    let beside = forward(&mut *session, &[Line::whole(0, &other)]);
    let padded = forward(&mut *session, &[line, Line::whole(0, &other)]);
    check_close(&padded[4..14], &plain, 1e-4);
    check_close(&padded[14..], &beside, subject.rounding);
    assert!(padded.iter().flatten().all(|logit| logit.is_finite()));
}

pub fn what_is_not_attended_to_has_no_effect(subject: &Subject) {
    let model = subject.tiny();
    let mut session = session(&*model);
    let ids = tokens(1, 12);
    let short = forward(&mut *session, &[Line::whole(0, &ids)]);
    let mut longer = Line::whole(1, &[ids, tokens(3, 6)].concat());
    longer.attend = 0..12;
    check_close(
        &forward(&mut *session, &[longer])[..12],
        &short,
        subject.rounding,
    );
}

pub fn block_causal_attention_looks_back_and_not_ahead(subject: &Subject) {
    let checkpoint = Checkpoint::new(TINY).save();
    let mut spec = checkpoint.spec(subject.device, "f32");
    spec.attention = Attention::BlockCausal(NonZeroU32::new(4).expect("4 is not 0"));
    let model = subject.load(&spec);
    let mut session = session(&*model);
    let (ids, mut changed) = (tokens(1, 14), tokens(1, 14));
    changed[9] = (changed[9] + 1) % 40;
    let before = forward(&mut *session, &[Line::whole(0, &ids)]);
    let after = forward(&mut *session, &[Line::whole(1, &changed)]);
    check_close(&after[..8], &before[..8], 0.0);
    for row in 8..14 {
        assert_ne!(after[row], before[row], "row {row} sees position 9");
    }
    // Earlier blocks being final, their cached keys are exact.
    let tail = forward(&mut *session, &[Line::part(0, &changed, 8..14)]);
    check_close(&tail, &after[8..], subject.rounding);
}

pub fn a_raised_flag_stops_the_pass(subject: &Subject) {
    let model = subject.tiny();
    let mut session = session(&*model);
    let cancel = CancelFlag::new();
    cancel.raise();
    let rows = [Row {
        fed: 1,
        slot: 0,
        attend: 0..1,
    }];
    let pass = Pass {
        rows: &rows,
        tokens: &[TokenId(1)],
        positions: &[Position(0)],
        wanted: &[0],
        cancel: &cancel,
    };
    let mut logits = Logits::default();
    logits.reset(1, TINY.vocab);
    let stopped = session.forward(&pass, logits.view());
    assert!(
        matches!(stopped, Err(BackendError::Cancelled)),
        "{stopped:?}"
    );
}

pub fn sessions_compute_at_the_same_time_and_outlive_the_model(subject: &Subject) {
    let model = subject.tiny();
    let alone = forward(&mut *session(&*model), &[Line::whole(0, &tokens(1, 16))]);
    let sessions: Vec<Box<dyn Session>> = (0..4).map(|_| session(&*model)).collect();
    drop(model);
    thread::scope(|scope| {
        let workers: Vec<_> = sessions
            .into_iter()
            .map(|mut session| {
                scope.spawn(move || forward(&mut *session, &[Line::whole(0, &tokens(1, 16))]))
            })
            .collect();
        for worker in workers {
            check_close(
                &worker.join().expect("no thread panics"),
                &alone,
                subject.rounding,
            );
        }
    });
}

pub fn the_number_of_threads_does_not_change_the_result(subject: &Subject) {
    let checkpoint = Checkpoint::new(TINY).save();
    let mut spec = checkpoint.spec(subject.device, "f32");
    let lines = || [Line::whole(0, &tokens(1, 16))];
    let all = forward(&mut *session(&*subject.load(&spec)), &lines());
    spec.threads = NonZeroU32::new(1);
    let one = forward(&mut *session(&*subject.load(&spec)), &lines());
    check_close(&one, &all, subject.rounding);
}

pub fn a_cache_beyond_all_memory_is_refused(subject: &Subject) {
    let spec = SessionSpec {
        capacity: u32::MAX,
        slots: 64,
    };
    // Where the device does not tell its memory there is nothing to compare with.
    if subject.knows_memory() {
        let error = subject
            .tiny()
            .session(spec)
            .err()
            .expect("70 TB do not fit");
        assert!(error.to_string().contains("shorten the canvas"), "{error}");
    }
}
