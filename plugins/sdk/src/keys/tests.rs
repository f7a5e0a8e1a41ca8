use std::num::NonZeroU32;

use unmask_api::{CancelFlag, Cell, TokenId};

use super::*;

const NONE: u32 = u32::MAX;
const SPEC: SessionSpec = SessionSpec { cells: 6, slots: 2 };
const BLOCKS: Attention = Attention::BlockCausal(NonZeroU32::new(2).unwrap());

struct Feed<'a> {
    rows: &'a [Row],
    positions: &'a [u32],
    cells: &'a [u32],
    mask: Option<&'a [u32]>,
}

fn with_pass<T>(feed: &Feed<'_>, ask: impl FnOnce(&Pass<'_>) -> T) -> T {
    let positions: Vec<Position> = feed.positions.iter().copied().map(Position).collect();
    let cells: Vec<Cell> = feed.cells.iter().copied().map(Cell).collect();
    let pass = Pass {
        rows: feed.rows,
        tokens: &vec![TokenId(0); cells.len()],
        positions: &positions,
        cells: &cells,
        mask: feed.mask,
        wanted: &[],
        cancel: &CancelFlag::new(),
    };
    pass.check(1, &SPEC).expect("the test keeps the contract");
    ask(&pass)
}

fn keys(slots: &mut CellPositions, attention: Attention, feed: &Feed<'_>) -> Vec<RowKeys> {
    with_pass(feed, |pass| slots.keys(pass, attention))
}

fn row(fed: u32, context: Range<u32>, padding: u32) -> Row {
    Row {
        fed,
        slot: 0,
        context,
        padding,
    }
}

/// What `attention` lets the fed tokens of one row see, as the definition has it.
#[track_caller]
fn check_seen(slots: &mut CellPositions, attention: Attention, feed: &Feed<'_>) -> Visible {
    let row = keys(slots, attention, feed).remove(0);
    for (query, &at) in feed.positions.iter().enumerate() {
        for (key, &position) in row.positions.iter().enumerate() {
            let right = attention.sees(Position(at), position);
            assert_eq!(row.sees(query, key), right, "{attention:?} {query} {key}");
        }
    }
    row.visible
}

#[test]
fn ascending_keys_are_seen_from_the_first_on() {
    let feed = Feed {
        rows: &[row(4, 0..4, 0)],
        positions: &[0, 1, 2, 3],
        cells: &[0, 1, 2, 3],
        mask: None,
    };
    let mut slots = CellPositions::new(SPEC);
    let seen = [Attention::Bidirectional, BLOCKS, Attention::Causal]
        .map(|kind| check_seen(&mut slots, kind, &feed));
    let first = |counts: &[usize]| Visible::First(counts.to_vec());
    assert_eq!(
        seen,
        [Visible::All, first(&[2, 2, 4, 4]), first(&[1, 2, 3, 4])]
    );
    let last = Feed {
        rows: &[row(2, 0..4, 0)],
        positions: &[2, 3],
        cells: &[2, 3],
        mask: None,
    };
    assert_eq!(check_seen(&mut slots, BLOCKS, &last), Visible::All);
}

#[test]
fn shadows_are_keys_behind_the_context_and_are_not_remembered() {
    let mut slots = CellPositions::new(SPEC);
    let ordered = Feed {
        rows: &[row(4, 0..4, 0)],
        positions: &[0, 1, 2, 3],
        cells: &[0, 1, 2, 3],
        mask: None,
    };
    keys(&mut slots, BLOCKS, &ordered);
    let shadows = Feed {
        rows: &[row(4, 0..4, 0)],
        positions: &[2, 2, 3, 3],
        cells: &[2, NONE, 3, NONE],
        mask: None,
    };
    let found = keys(&mut slots, BLOCKS, &shadows).remove(0);
    assert_eq!(found.loose, [1, 3]);
    assert_eq!(found.positions, [0, 1, 2, 3, 2, 3].map(Position));
    for kind in [Attention::Bidirectional, BLOCKS, Attention::Causal] {
        check_seen(&mut slots, kind, &shadows);
    }
    let after = keys(&mut slots, BLOCKS, &ordered).remove(0);
    assert_eq!(after.positions, [0, 1, 2, 3].map(Position));
}

#[test]
fn a_cell_keeps_the_position_that_it_was_written_with() {
    let mut slots = CellPositions::new(SPEC);
    let mixed = Feed {
        rows: &[row(3, 0..3, 0)],
        positions: &[5, 0, 3],
        cells: &[0, 1, 2],
        mask: None,
    };
    for kind in [Attention::Bidirectional, BLOCKS, Attention::Causal] {
        check_seen(&mut slots, kind, &mixed);
    }
    let next = Feed {
        rows: &[row(2, 0..4, 0)],
        positions: &[4, 1],
        cells: &[3, NONE],
        mask: None,
    };
    let found = keys(&mut slots, Attention::Causal, &next).remove(0);
    assert_eq!(found.positions, [5, 0, 3, 4, 1].map(Position));
    // 4 sees 0, 3, 4 and 1; 1 sees 0 and 1.
    assert_eq!(found.visible, Visible::Bits(vec![0b11110, 0b10010]));
}

#[test]
fn without_cells_all_but_padding_are_keys_that_follow_one_another() {
    let mut slots = CellPositions::new(SessionSpec { cells: 0, slots: 2 });
    let mut second = row(2, 0..0, 0);
    second.slot = 1;
    let feed = Feed {
        rows: &[row(4, 0..0, 2), second],
        positions: &[0, 1, 2, 3, 9, 9],
        cells: &[NONE; 6],
        mask: None,
    };
    let found = keys(&mut slots, Attention::Causal, &feed);
    assert_eq!(
        (found[0].loose.as_slice(), found[0].n_keys()),
        (&[2, 3][..], 2)
    );
    assert_eq!(found[0].visible, Visible::First(vec![0, 0, 1, 2]));
    assert_eq!((found[1].fed.clone(), found[1].slot), (4..6, 1));
    assert_eq!(
        (&found[1].loose, &found[1].visible),
        (&vec![4, 5], &Visible::All)
    );
}

#[test]
fn a_mask_is_cut_by_rows_and_stands_above_the_kind() {
    let mut slots = CellPositions::new(SPEC);
    let mut second = row(1, 0..0, 0);
    second.slot = 1;
    let feed = Feed {
        rows: &[row(2, 0..0, 0), second],
        positions: &[0, 1, 0],
        cells: &[NONE; 3],
        mask: Some(&[0b10, 0b01, 1]),
    };
    let found = keys(&mut slots, Attention::Causal, &feed);
    let seen = |query, key| found[0].sees(query, key);
    assert_eq!(
        [seen(0, 0), seen(0, 1), seen(1, 0), seen(1, 1)],
        [false, true, true, false]
    );
    assert_eq!(found[1].visible, Visible::Bits(vec![1]));
}

#[test]
fn what_an_earlier_pass_left_is_not_told_again() {
    let (two, one) = (row(2, 0..2, 0), row(1, 0..1, 0));
    let feeds = [
        (Attention::Causal, [0, 1], None),
        (Attention::Causal, [1, 0], None),
        (Attention::Bidirectional, [0, 1], Some(&[1, 3][..])),
        (Attention::Bidirectional, [0, 1], None),
        (BLOCKS, [0, 3], None),
    ];
    let mut reused = vec![RowKeys::default(); 3];
    for (attention, positions, mask) in feeds {
        let feed = Feed {
            rows: std::slice::from_ref(&two),
            positions: &positions,
            cells: &[0, 1],
            mask,
        };
        let right = keys(&mut CellPositions::new(SPEC), attention, &feed);
        with_pass(&feed, |pass| {
            CellPositions::new(SPEC).keys_into(pass, attention, &mut reused)
        });
        assert_eq!(reused, right);
        let short = Feed {
            rows: std::slice::from_ref(&one),
            positions: &[0],
            cells: &[0],
            mask: None,
        };
        with_pass(&short, |pass| {
            CellPositions::new(SPEC).keys_into(pass, attention, &mut reused)
        });
        assert_eq!((reused.len(), reused[0].n_keys()), (1, 1));
    }
}

#[test]
fn bits_go_on_in_the_next_word() {
    let mut words = Vec::new();
    push_bits(&mut words, (0..40).map(|key| key % 3 == 0));
    let right = |key: usize| words[key / 32] >> (key % 32) & 1 == 1;
    assert!((0..40).all(|key| right(key) == (key % 3 == 0)) && words.len() == 2);
}

#[test]
fn slots_are_copied_and_grow_and_strange_ones_are_named() {
    let mut slots = CellPositions::new(SPEC);
    let feed = Feed {
        rows: &[row(1, 0..1, 0)],
        positions: &[5],
        cells: &[0],
        mask: None,
    };
    keys(&mut slots, Attention::Causal, &feed);
    slots.copy(0, 1).expect("both are there");
    slots.reserve(9);
    slots.reserve(3);
    assert_eq!((slots.cells(), slots.slots[1][0]), (9, Position(5)));
    slots.clear(0).expect("it is there");
    assert_eq!([slots.written(0), slots.written(1)], [0, 1]);
    for result in [slots.copy(0, 2), slots.copy(2, 0), slots.clear(2)] {
        let error = result.expect_err("there are two").to_string();
        assert_eq!(error, "slot 2 is beyond the session's 2");
    }
}
