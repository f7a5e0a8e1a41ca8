//! How the output of a pass is read.

use super::{
    Batch, Subject, TINY, TestRow, check_close, forward, forward_wanted, read, session, tokens,
};
use crate::{
    BackendError, CancelFlag, Capabilities, Logits, RowSummary, Session, TokenId, TopRequest,
    TopRows,
};

fn short(session: &mut dyn Session, request: &TopRequest<'_>, k: usize) -> TopRows {
    let mut top = TopRows::default();
    top.reset(request, k);
    session
        .read_top(request, top.view())
        .expect("the pass has these rows");
    top
}

pub fn output_can_be_read_in_parts_and_again(subject: &Subject) {
    let model = subject.tiny();
    let mut session = session(&*model);
    let whole = forward_wanted(
        &mut *session,
        &[TestRow::whole(0, &tokens(1, 15))],
        &[1, 4, 9, 14],
    );
    assert_eq!(
        read(&mut *session, &[1, 3]),
        [whole[1].clone(), whole[3].clone()]
    );
    assert_eq!(read(&mut *session, &[0, 1, 2, 3]), whole);
    assert!(read(&mut *session, &[]).is_empty());
}

pub fn the_short_form_says_of_a_row_what_the_whole_row_says(subject: &Subject) {
    let model = subject.tiny();
    if !model.facts().capabilities.has(Capabilities::TOPK_OUTPUT) {
        return;
    }
    let mut session = session(&*model);
    let whole = forward(&mut *session, &[TestRow::whole(0, &tokens(1, 15))]);
    let (none, banned) = ([], [0, 7, 39].map(TokenId));
    let asked: Vec<TokenId> = (0..6).map(|index| TokenId(index * 7)).collect();
    for banned in [&none[..], &banned] {
        let request = TopRequest {
            rows: &[0, 6, 14],
            banned,
            asked: &asked,
            divergence: false,
        };
        let top = short(&mut *session, &request, 5);
        assert_eq!(short(&mut *session, &request, 5), top, "read again");
        for (index, row) in [0, 6, 14].into_iter().enumerate() {
            let right = RowSummary::of(&whole[row], banned, 5);
            let ids: Vec<TokenId> = right.best.iter().map(|(id, _)| *id).collect();
            let logits: Vec<f32> = right.best.iter().map(|(_, logit)| *logit).collect();
            assert_eq!((top.ids(index), top.logits(index)), (&ids[..], &logits[..]));
            let close = |got: f64, right: f64| (got - right).abs() <= 1e-5 * right;
            assert!(close(top.tail(index), right.tail), "{top:?} {right:?}");
            assert!(
                close(top.entropy(index), right.entropy),
                "{top:?} {right:?}"
            );
            let asked = request.asked[index * 2..][..2].iter();
            let logits: Vec<f32> = asked.map(|id| whole[row][id.index()]).collect();
            assert_eq!(top.asked(index), logits);
        }
    }
    assert_eq!(read(&mut *session, &[6]), [whole[6].clone()], "whole again");
}

#[track_caller]
fn check_refused(session: &mut dyn Session, rows: &[u32]) {
    let mut logits = Logits::default();
    logits.reset(rows.len(), TINY.vocab);
    let result = session.read_logits(rows, logits.view());
    assert!(
        matches!(result, Err(BackendError::Invalid(_))),
        "{result:?}"
    );
    let request = TopRequest {
        rows,
        ..TopRequest::default()
    };
    let mut top = TopRows::default();
    top.reset(&request, 1);
    let result = session.read_top(&request, top.view());
    let refused = matches!(
        result,
        Err(BackendError::Invalid(_) | BackendError::Unsupported(_))
    );
    assert!(refused, "{result:?}");
}

pub fn a_stopped_pass_leaves_no_output_and_the_next_one_does(subject: &Subject) {
    let model = subject.tiny();
    let mut session = session(&*model);
    check_refused(&mut *session, &[0]);
    let lines = [TestRow::kept(0, &tokens(1, 12))];
    let whole = forward(&mut *session, &lines);
    check_refused(&mut *session, &[11, 12]);
    if model.facts().capabilities.has(Capabilities::CANCEL) {
        let cancel = CancelFlag::new();
        cancel.raise();
        let stopped = session.forward(&Batch::new(&lines).pass(&cancel));
        assert!(
            matches!(stopped, Err(BackendError::Cancelled)),
            "{stopped:?}"
        );
        check_refused(&mut *session, &[0]);
    }
    let again = forward(&mut *session, &lines);
    check_close(&again, &whole, subject.rounding);
}
