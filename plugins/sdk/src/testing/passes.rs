//! What a pass promises.

use std::num::NonZeroU32;
use std::thread;

use super::{
    Batch, Subject, TINY, TestCheckpoint, TestRow, WIDE, check_close, forward, session, tokens,
};
use crate::{BackendError, CancelFlag, Capabilities, Model, Session};

pub fn a_ragged_batch_gives_what_its_rows_give_alone(subject: &Subject) {
    let model = subject.tiny();
    let mut session = session(&*model);
    let (long, short) = (tokens(1, 17), tokens(2, 9));
    let alone = [
        forward(&mut *session, &[TestRow::whole(0, &long)]),
        forward(&mut *session, &[TestRow::whole(1, &short)]),
    ]
    .concat();
    let together = [TestRow::kept(1, &long), TestRow::kept(0, &short)];
    check_close(&forward(&mut *session, &together), &alone, subject.rounding);
    let parts = [
        TestRow::part(0, &short, 2..5),
        TestRow::part(1, &long, 4..11),
    ];
    let parts = forward(&mut *session, &parts);
    check_close(&parts[..3], &alone[17 + 2..17 + 5], subject.rounding);
    check_close(&parts[3..], &alone[4..11], subject.rounding);
}

pub fn left_padding_changes_nothing_for_the_tokens_behind_it(subject: &Subject) {
    let model = subject.tiny();
    let mut session = session(&*model);
    let ids = tokens(1, 10);
    let plain = forward(&mut *session, &[TestRow::whole(0, &ids)]);
    let padded: Vec<u32> = [tokens(5, 4), ids].concat();
    let mut line = TestRow::whole(1, &padded);
    line.padding = 4;
    let other = tokens(2, 14);
    let beside = forward(&mut *session, &[TestRow::whole(0, &other)]);
    let padded = forward(&mut *session, &[line, TestRow::whole(0, &other)]);
    check_close(&padded[4..14], &plain, subject.rounding_elsewhere());
    check_close(&padded[14..], &beside, subject.rounding);
    assert!(padded.iter().flatten().all(|logit| logit.is_finite()));
}

pub fn what_is_not_attended_to_has_no_effect(subject: &Subject) {
    let model = subject.tiny();
    let mut session = session(&*model);
    let ids = tokens(1, 12);
    let short = forward(&mut *session, &[TestRow::whole(0, &ids)]);
    let longer = [ids.clone(), tokens(3, 6)].concat();
    forward(&mut *session, &[TestRow::kept(1, &longer)]);
    let again = forward(&mut *session, &[TestRow::kept(1, &ids)]);
    check_close(&again, &short, subject.rounding);
}

pub fn a_raised_flag_stops_the_pass(subject: &Subject) {
    let model = subject.tiny();
    let mut session = session(&*model);
    let cancel = CancelFlag::new();
    cancel.raise();
    let batch = Batch::new(&[TestRow::whole(0, &[1])]);
    let stopped = session.forward(&batch.pass(&cancel));
    assert!(
        matches!(stopped, Err(BackendError::Cancelled)),
        "{stopped:?}"
    );
}

pub fn sessions_compute_at_the_same_time_and_outlive_the_model(subject: &Subject) {
    let model = subject.tiny();
    let alone = forward(&mut *session(&*model), &[TestRow::whole(0, &tokens(1, 16))]);
    let sessions: Vec<Box<dyn Session>> = (0..4).map(|_| session(&*model)).collect();
    drop(model);
    thread::scope(|scope| {
        let workers: Vec<_> = sessions
            .into_iter()
            .map(|mut session| {
                scope.spawn(move || forward(&mut *session, &[TestRow::whole(0, &tokens(1, 16))]))
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
    let checkpoint = TestCheckpoint::new(TINY).save();
    let mut spec = subject.spec(&checkpoint);
    let lines = || [TestRow::whole(0, &tokens(1, 16))];
    let all = forward(&mut *session(&*subject.load(&spec)), &lines());
    spec.threads = NonZeroU32::new(1);
    let one = forward(&mut *session(&*subject.load(&spec)), &lines());
    check_close(&one, &all, subject.rounding);
}

pub fn the_same_pass_gives_the_same_bits_where_that_is_promised(subject: &Subject) {
    let checkpoint = TestCheckpoint::new(WIDE).save();
    for precision in subject.precisions() {
        let model = subject.load(&checkpoint.spec(subject.device, &precision));
        if model.facts().capabilities.has(Capabilities::DETERMINISTIC) {
            check_repeats(&*model);
        }
    }
}

/// A fresh session, and one that has computed other things while others computed too.
fn check_repeats(model: &dyn Model) {
    let ids = tokens(1, 18);
    let lines = [TestRow::kept(0, &ids), TestRow::kept(1, &ids[..7])];
    let part = [TestRow::part(1, &ids[..7], 2..6).with_shadows(&ids[..3], 0..3)];
    let passes = |session: &mut dyn Session| [forward(session, &lines), forward(session, &part)];
    let right = passes(&mut *session(model));
    let repeat = || {
        let mut used = session(model);
        for _ in 0..6 {
            forward(&mut *used, &[TestRow::kept(0, &tokens(3, 11))]);
            assert_eq!(passes(&mut *used), right);
        }
    };
    if !model.facts().capabilities.has(Capabilities::CONCURRENT) {
        return repeat();
    }
    thread::scope(|scope| {
        scope.spawn(repeat);
        scope.spawn(repeat);
    });
}
