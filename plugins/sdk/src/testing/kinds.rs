//! Who sees whom: attention kinds and explicit masks.

use std::num::NonZeroU32;

use super::{Batch, Subject, TINY, TestCheckpoint, TestRow, check_close, forward, session, tokens};
use crate::{Attention, Capabilities, Model, Position};

/// Blocks of four.
const BLOCKS: Attention = Attention::BlockCausal(NonZeroU32::new(4).expect("4 is not 0"));

const KINDS: [Attention; 3] = [Attention::Bidirectional, BLOCKS, Attention::Causal];

fn load(subject: &Subject, attention: Attention) -> Box<dyn Model> {
    let checkpoint = TestCheckpoint::new(TINY).save();
    let mut spec = subject.spec(&checkpoint);
    spec.attention = attention;
    subject.load(&spec)
}

/// A change of token 9 is felt from position `first` on, and by nobody before.
#[track_caller]
fn check_looks_back(subject: &Subject, attention: Attention, first: usize) {
    let model = load(subject, attention);
    let mut session = session(&*model);
    let (ids, mut changed) = (tokens(1, 14), tokens(1, 14));
    changed[9] = (changed[9] + 1) % 40;
    let before = forward(&mut *session, &[TestRow::whole(0, &ids)]);
    let after = forward(&mut *session, &[TestRow::kept(1, &changed)]);
    check_close(&after[..first], &before[..first], subject.rounding);
    for row in first..14 {
        assert_ne!(after[row], before[row], "row {row} sees position 9");
    }
    // What stands before being final, its cached keys are exact.
    let tail = forward(&mut *session, &[TestRow::part(1, &changed, first..14)]);
    check_close(&tail, &after[first..], subject.rounding);
}

pub fn block_causal_attention_looks_back_and_not_ahead(subject: &Subject) {
    check_looks_back(subject, BLOCKS, 8);
}

pub fn causal_attention_looks_back_and_not_ahead(subject: &Subject) {
    check_looks_back(subject, Attention::Causal, 9);
}

pub fn cells_in_another_order_change_nothing(subject: &Subject) {
    let ids = tokens(1, 14);
    let order = [5_u32, 0, 9, 13, 1, 8, 2, 12, 4, 3, 11, 6, 10, 7];
    let mut mixed = TestRow::kept(1, &ids);
    mixed.positions = order.into();
    mixed.tokens = order.map(|position| ids[position as usize]).into();
    for kind in KINDS {
        let model = load(subject, kind);
        let mut session = session(&*model);
        let ordered = forward(&mut *session, &[TestRow::kept(0, &ids)]);
        let right = order.map(|position| ordered[position as usize].clone());
        let got = forward(&mut *session, std::slice::from_ref(&mixed));
        check_close(&got, &right, subject.rounding);
        let mut part = TestRow::part(1, &ids, 4..9);
        part.positions = order[4..9].into();
        part.tokens = mixed.tokens[4..9].into();
        check_close(
            &forward(&mut *session, &[part]),
            &right[4..9],
            subject.rounding,
        );
    }
}

pub fn left_padding_counts_for_nothing_in_any_kind(subject: &Subject) {
    let ids = tokens(1, 10);
    let mut padded = TestRow::whole(1, &[tokens(5, 4), ids.clone()].concat());
    padded.padding = 4;
    for kind in KINDS {
        let model = load(subject, kind);
        let mut session = session(&*model);
        let plain = forward(&mut *session, &[TestRow::whole(0, &ids)]);
        let padded = forward(&mut *session, std::slice::from_ref(&padded));
        // Turning by other positions rounds otherwise.
        check_close(&padded[4..], &plain, subject.rounding_elsewhere());
        // In the last two kinds padding sees no key at all.
        assert!(padded.iter().flatten().all(|logit| logit.is_finite()));
    }
}

/// Bits of `kind` for a row with keys at `keys`.
fn mask(kind: Attention, queries: &[u32], keys: &[u32]) -> Vec<u32> {
    let row = |query: &u32| {
        let seen = |key: &u32| kind.sees(Position(*query), Position(*key));
        let bits = keys.iter().enumerate();
        bits.fold(0, |bits, (at, key)| bits | u32::from(seen(key)) << at)
    };
    queries.iter().map(row).collect()
}

pub fn a_mask_of_a_kind_is_that_kind(subject: &Subject) {
    let plain = load(subject, Attention::Bidirectional);
    if !plain.facts().capabilities.has(Capabilities::ATTENTION_MASK) {
        return;
    }
    let (ids, other) = (tokens(1, 14), tokens(2, 6));
    let mut shuffled = TestRow::whole(1, &other);
    shuffled.positions = vec![9, 2, 7, 2, 0, 4];
    for kind in KINDS {
        let lines = [TestRow::kept(0, &ids), shuffled.clone()];
        let right = forward(&mut *session(&*load(subject, kind)), &lines);
        let mut batch = Batch::new(&lines);
        let masks = lines.map(|line| mask(kind, &line.positions, &line.positions));
        batch.mask = Some(masks.concat());
        let got = batch.logits(&mut *session(&*plain));
        check_close(&got, &right, subject.rounding);
    }
}

pub fn shadows_that_a_mask_hides_do_not_matter(subject: &Subject) {
    let model = load(subject, Attention::Bidirectional);
    if !model.facts().capabilities.has(Capabilities::ATTENTION_MASK) {
        return;
    }
    let mut session = session(&*model);
    let ids = tokens(1, 14);
    let plain = forward(&mut *session, &[TestRow::kept(0, &ids)]);
    let shadowed = TestRow::part(0, &ids, 4..8).with_shadows(&ids[4..8], 4..8);
    let mut batch = Batch::new(&[shadowed]);
    // Keys 0..14 are the context, 14..18 the shadows, which see each other in place of those that they are copies of.
    let (originals, shadows) = ((1 << 14) - 1, ((1 << 18) - 1) & !(0b1111 << 4));
    batch.mask = Some([[originals; 4], [shadows; 4]].concat());
    let got = batch.logits(&mut *session);
    check_close(&got[..4], &plain[4..8], subject.rounding);
    check_close(&got[4..], &plain[4..8], subject.rounding);
}
