use proptest::prelude::*;

use super::*;

const MASK: TokenId = TokenId(0);

/// Commits of all six kinds that fit a canvas of `prompt` and `length` positions, and what it then holds, worked out on a
/// plain list.
pub(crate) fn commits(
    prompt: usize,
    length: usize,
) -> impl Strategy<Value = (Vec<Commit>, Vec<TokenId>)> {
    let edit = (
        0_u8..6,
        any::<prop::sample::Index>(),
        0_u32..9,
        0.0_f32..=1.0,
    );
    prop::collection::vec(edit, 0..40).prop_map(move |edits| {
        let mut tokens = vec![TokenId(9); prompt];
        tokens.resize(prompt + length, MASK);
        let mut commits = Vec::new();
        for (kind, place, token, confidence) in edits {
            commits.extend(carry_out(
                &mut tokens,
                prompt,
                (kind, place),
                TokenId(token),
                confidence,
            ));
        }
        (commits, tokens)
    })
}

fn carry_out(
    tokens: &mut Vec<TokenId>,
    prompt: usize,
    (kind, place): (u8, prop::sample::Index),
    token: TokenId,
    confidence: f32,
) -> Option<Commit> {
    let answer = tokens.len() - prompt;
    let index = match (kind, answer) {
        (4, _) => prompt + place.index(answer + 1),
        (_, 0) => return None,
        (_, _) => prompt + place.index(answer),
    };
    let stood = tokens.get(index).copied().filter(|&token| token != MASK);
    let (kind, token) = match kind {
        0 => (CommitKind::New, token),
        1 => (CommitKind::Changed, token),
        2 => (CommitKind::Remasked, MASK),
        3 => (CommitKind::Pinned, token),
        4 => (CommitKind::Inserted, token),
        _ => (CommitKind::Deleted, tokens[index]),
    };
    match kind {
        CommitKind::Inserted => tokens.insert(index, token),
        CommitKind::Deleted => drop(tokens.remove(index)),
        _ => tokens[index] = token,
    }
    Some(Commit {
        at: Position(index as u32),
        token,
        was: stood.filter(|_| kind != CommitKind::Inserted),
        confidence,
        entropy: 0.5,
        kind,
        top: vec![(token, confidence)],
    })
}

proptest! {
    #[test]
    fn commits_of_all_kinds_lead_to_the_canvas_that_they_describe(
        (commits, tokens) in commits(3, 8),
        cut in any::<prop::sample::Index>(),
    ) {
        let canvas = Canvas::new(&[TokenId(9); 3], 8, MASK);
        let mut fold = Fold::new(canvas);
        let (first, rest) = commits.split_at(cut.index(commits.len() + 1));
        fold.apply(1, first).expect("they fit");
        fold.apply(2, rest).expect("they fit");
        prop_assert_eq!(fold.canvas().tokens(), &*tokens);
        prop_assert_eq!(fold.marks().len(), tokens.len());
        prop_assert_eq!(fold.canvas().answer_start(), 3);
        for (mark, token) in fold.marks().iter().zip(&tokens) {
            prop_assert_eq!(*mark == Mark::Masked, *token == MASK);
        }
    }
}

fn commit(kind: CommitKind, at: u32, token: u32) -> Commit {
    Commit {
        at: Position(at),
        token: TokenId(token),
        was: None,
        confidence: 0.5,
        entropy: 0.0,
        kind,
        top: Vec::new(),
    }
}

#[test]
fn marks_tell_how_each_token_came_about() {
    let mut canvas = Canvas::new(&[TokenId(9)], 5, MASK);
    canvas.pin(Position(2), TokenId(4));
    canvas.commit(Position(3), TokenId(5));
    let mut fold = Fold::new(canvas);
    let step = [
        commit(CommitKind::New, 1, 6),
        commit(CommitKind::Inserted, 1, 7),
        commit(CommitKind::Changed, 4, 8),
        commit(CommitKind::Deleted, 5, 0),
        commit(CommitKind::Pinned, 5, 3),
    ];
    fold.apply(2, &step).expect("they fit");
    let of = |step, confidence| Mark::Committed { step, confidence };
    let expected = [
        of(2, 0.5),
        of(2, 0.5),
        Mark::Given,
        Mark::Changed { step: 2 },
        Mark::Given,
    ];
    assert_eq!(fold.answer_marks(), expected);
    assert_eq!(fold.canvas().tokens(), [9, 7, 6, 4, 8, 3].map(TokenId));
    assert!(fold.canvas().is_given(Position(5)));
}

#[test]
fn what_does_not_fit_is_refused() {
    for (kind, at) in [
        (CommitKind::New, 6),
        (CommitKind::Inserted, 7),
        (CommitKind::Deleted, 6),
    ] {
        let mut fold = Fold::new(Canvas::new(&[TokenId(9)], 5, MASK));
        let refused = fold.apply(1, &[commit(kind, at, 3)]);
        assert!(refused.is_err(), "{kind:?} at {at}");
    }
}
