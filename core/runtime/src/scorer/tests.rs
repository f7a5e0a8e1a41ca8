//! What cells hold for good is not computed again, and nothing that is read notices.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use proptest::prelude::*;
use unmask_api::{LogitsMut, Pass, Position};

use super::*;

const VOCAB: usize = 64;
const LENGTH: usize = 24;

/// Two layers of attention in integers: a position's first number is mixed from the tokens that it sees, its logits from the
/// first numbers of the positions that it sees. A cell keeps a token and its first number.
#[derive(Clone)]
struct Mixing {
    attention: Attention,
    /// Tokens that were fed, in all.
    fed: Arc<AtomicUsize>,
    /// The next pass is broken off and leaves its cells damaged.
    breaks: Arc<AtomicBool>,
}

struct MixingSession {
    model: Mixing,
    /// By slot.
    cells: Vec<Vec<[u64; 2]>>,
    output: Vec<u64>,
}

fn mix(a: u64, b: u64) -> u64 {
    let mixed = (a ^ b.rotate_left(31)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 29)
}

impl Model for Mixing {
    fn facts(&self) -> ModelFacts {
        ModelFacts {
            vocab: VOCAB,
            max_positions: 256,
            memory_bytes: 0,
            cell_bytes: 8,
            precision: "f32".to_owned(),
            capabilities: Capabilities::BATCH | Capabilities::KV_CACHE,
            notes: Vec::new(),
        }
    }

    fn session(&self, spec: SessionSpec) -> Result<Box<dyn Session>, BackendError> {
        Ok(Box::new(MixingSession {
            model: self.clone(),
            cells: vec![vec![[0; 2]; spec.cells as usize]; spec.slots as usize],
            output: Vec::new(),
        }))
    }
}

impl Session for MixingSession {
    fn forward(&mut self, pass: &Pass<'_>) -> Result<(), BackendError> {
        (self.model.fed).fetch_add(pass.tokens.len(), Ordering::Relaxed);
        let mut logits = Vec::new();
        let mut first = 0;
        for row in pass.rows {
            let fed = first..first + row.fed as usize;
            first = fed.end;
            let positions = &pass.positions[fed.clone()];
            // Nothing is kept of a row without a context: it is fed whole.
            let keys = match row.context.is_empty() {
                true => 0..row.fed,
                false => 0..row.context.end,
            };
            let mut scratch = vec![[0; 2]; keys.len()];
            let cells = match row.context.is_empty() {
                true => &mut scratch,
                false => &mut self.cells[row.slot as usize],
            };
            let sees = |at: Position, key: u32| self.model.attention.sees(at, Position(key));
            let mixed = |cells: &[[u64; 2]], at: Position, layer: usize| {
                let seen = keys.clone().filter(|&key| sees(at, key));
                seen.fold(1, |sum, key| mix(sum, cells[key as usize][layer]))
            };
            for (at, token) in positions.iter().zip(&pass.tokens[fed]) {
                cells[at.index()][0] = token.0.into();
            }
            let numbers: Vec<u64> = positions.iter().map(|&at| mixed(cells, at, 0)).collect();
            for (at, number) in positions.iter().zip(numbers) {
                cells[at.index()][1] = number;
            }
            logits.extend(positions.iter().map(|&at| mixed(cells, at, 1)));
            if self.model.breaks.swap(false, Ordering::Relaxed) {
                positions
                    .iter()
                    .for_each(|at| cells[at.index()] = [u64::MAX; 2]);
                return Err(BackendError::Cancelled);
            }
        }
        let wanted = pass.wanted.iter();
        self.output = wanted.map(|&index| logits[index as usize]).collect();
        Ok(())
    }

    fn read_logits(&mut self, rows: &[u32], out: LogitsMut<'_>) -> Result<(), BackendError> {
        for (row, &index) in out.scores.chunks_exact_mut(VOCAB).zip(rows) {
            let number = self.output[index as usize];
            for (bit, logit) in row.iter_mut().enumerate() {
                *logit = f32::from(number >> bit & 1 == 1);
            }
        }
        Ok(())
    }

    fn reserve(&mut self, cells: u32) -> Result<(), BackendError> {
        for slot in &mut self.cells {
            slot.resize(cells as usize, [0; 2]);
        }
        Ok(())
    }
}

fn model(attention: Attention) -> Mixing {
    Mixing {
        attention,
        fed: Arc::default(),
        breaks: Arc::default(),
    }
}

fn by_blocks(length: u32) -> Attention {
    Attention::BlockCausal(NonZeroU32::new(length).expect("a block has positions"))
}

/// A session that takes its model to attend like `attention`: what is bidirectional leaves nothing out.
fn scorer(model: &Mixing, attention: Attention, guided: bool) -> Scorer {
    let room = Room {
        length: LENGTH,
        questions: 1,
        guided,
        kv_cache: KvCache::On,
        attention,
    };
    Scorer::new(model, room).expect("there is room")
}

fn ask(
    scorer: &mut Scorer,
    tokens: &[TokenId],
    guidance: Option<&[TokenId]>,
    fed: Range<usize>,
) -> Result<Vec<f32>, BackendError> {
    let wanted: Vec<Position> = (fed.start + fed.len() / 2..fed.end)
        .map(|at| Position(at as u32))
        .collect();
    let question = Question {
        tokens,
        guidance: guidance.map(|tokens| (tokens, 1.0)),
        padding: 0,
        fed,
        wanted: &wanted,
        shadow: None,
    };
    scorer.ask(&[question], &CancelFlag::new())?;
    Ok(scorer.whole_rows(0)?.to_vec())
}

fn tokens(ids: impl IntoIterator<Item = u32>) -> Vec<TokenId> {
    ids.into_iter().map(TokenId).collect()
}

#[test]
fn the_next_turn_feeds_what_is_new_in_whole_blocks() {
    for (attention, held) in [
        (Attention::Causal, 11),
        (by_blocks(4), 8),
        (Attention::Bidirectional, 0),
    ] {
        let model = model(attention);
        let mut scorer = scorer(&model, attention, false);
        let first = tokens((0..12).map(|at| at % 7));
        ask(&mut scorer, &first, None, 0..12).expect("the model answers");
        // The last token differs; the rest is new.
        let mut second = first.clone();
        second[11] = TokenId(50);
        second.extend(tokens(20..30));
        scorer.reserve(second.len()).expect("there is room");
        let before = model.fed.load(Ordering::Relaxed);
        let wanted = ask(&mut scorer, &second, None, 0..22).expect("the model answers");
        let fed = model.fed.load(Ordering::Relaxed) - before;
        assert_eq!(fed, 22 - held, "{attention:?}");
        let mut fresh = self::scorer(&model, Attention::Bidirectional, false);
        let whole = ask(&mut fresh, &second, None, 0..22).expect("the model answers");
        assert_eq!(wanted, whole, "{attention:?}");
    }
}

#[test]
fn what_a_broken_off_pass_was_to_write_is_fed_again() {
    let model = model(Attention::Causal);
    let mut scorer = scorer(&model, Attention::Causal, false);
    let sequence = tokens((0..16).map(|at| at * 3 % 11));
    ask(&mut scorer, &sequence, None, 0..16).expect("the model answers");
    model.breaks.store(true, Ordering::Relaxed);
    let mut other = sequence.clone();
    other[6] = TokenId(60);
    let error = ask(&mut scorer, &other, None, 4..16).expect_err("it is broken off");
    assert!(matches!(error, BackendError::Cancelled));
    let mut fresh = self::scorer(&model, Attention::Bidirectional, false);
    let whole = ask(&mut fresh, &sequence, None, 0..16).expect("the model answers");
    let again = ask(&mut scorer, &sequence, None, 0..16).expect("the model answers");
    assert_eq!(again, whole);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever is asked in whatever order, with parts fed as approximate caches do and with guidance, what is left out
    /// changes no row.
    #[test]
    fn leaving_out_what_is_held_changes_nothing(
        block in 0_u32..6,
        guided in any::<bool>(),
        questions in prop::collection::vec(
            (prop::collection::vec((0..LENGTH, 0_u32..4), 0..4), 1..=LENGTH, 0..LENGTH, 1..=LENGTH),
            1..12,
        ),
    ) {
        let attention = match block {
            0 => Attention::Causal,
            block => by_blocks(block),
        };
        let model = model(attention);
        let mut sparing = scorer(&model, attention, guided);
        let mut whole = scorer(&model, Attention::Bidirectional, guided);
        let mut sequence = tokens([1; LENGTH]);
        // Cells are read only when they are written.
        for scorer in [&mut sparing, &mut whole] {
            ask(scorer, &sequence, guided.then_some(&*sequence), 0..LENGTH).expect("the model answers");
        }
        for (edits, length, start, fed) in questions {
            for (at, token) in edits {
                sequence[at] = TokenId(token);
            }
            let start = start.min(length - 1);
            let fed = start..(start + fed).min(length);
            let mut other = sequence[..length].to_vec();
            other[..length / 2].fill(TokenId(0));
            let answer = |scorer: &mut Scorer| {
                let rows = ask(scorer, &sequence[..length], guided.then_some(&*other), fed.clone());
                rows.expect("the model answers")
            };
            prop_assert_eq!(answer(&mut sparing), answer(&mut whole));
        }
    }

    /// Several sequences in one forward, each in a seat of its own that others have left, say what each says alone.
    #[test]
    fn what_shares_a_pass_is_as_it_is_alone(
        block in 0_u32..6,
        passes in prop::collection::vec(
            prop::collection::vec(
                (any::<bool>(), any::<bool>(), 0_u32..4, 1..=LENGTH, 0..LENGTH),
                1..4,
            ),
            1..8,
        ),
    ) {
        let attention = match block {
            0 => Attention::Causal,
            1 => Attention::Bidirectional,
            block => by_blocks(block),
        };
        let model = model(attention);
        let room = Room {
            length: LENGTH,
            questions: 6,
            guided: false,
            kv_cache: KvCache::Off,
            attention,
        };
        let mut together = Scorer::new(&model, room).expect("there is room");
        together.reserve_cells(LENGTH).expect("there is room");
        for rows in passes {
            let sequences: Vec<_> = rows.iter().map(|&(_, _, token, length, edited)| {
                let mut sequence = tokens((0..length as u32).map(|at| at % 7));
                sequence[edited % length] = TokenId(token);
                let mut other = sequence.clone();
                other[..length / 2].fill(TokenId(0));
                (sequence, other, [Position(length as u32 / 2)])
            }).collect();
            let question = |index: usize| {
                let (sequence, other, wanted) = &sequences[index];
                Question {
                    tokens: sequence,
                    guidance: rows[index].0.then_some((&**other, 1.0)),
                    padding: 0,
                    fed: 0..sequence.len(),
                    wanted,
                    shadow: None,
                }
            };
            let questions: Vec<_> = (0..rows.len()).map(question).collect();
            // From the last slot to the first.
            let seats: Vec<_> = (0..).zip(&rows).map(|(index, row)| Seat {
                slot: 5 - 2 * index,
                unconditional: row.0.then_some(4 - 2 * index),
                kv_cache: if row.1 { KvCache::On } else { KvCache::Off },
            }).collect();
            let cancel = CancelFlag::new();
            let computed = questions.iter().zip(&seats);
            let computed: usize = computed.map(|(it, &seat)| together.computed(it, seat)).sum();
            let before = model.fed.load(Ordering::Relaxed);
            together.ask_in(&questions, &seats, &cancel).expect("the model answers");
            prop_assert_eq!(model.fed.load(Ordering::Relaxed) - before, computed);
            for (index, question) in questions.into_iter().enumerate() {
                let mut alone = scorer(&model, Attention::Bidirectional, rows[index].0);
                alone.ask(&[question], &cancel).expect("the model answers");
                let expected = alone.whole_rows(0).expect("there is an answer").to_vec();
                let answer = together.whole_rows(index).expect("there is an answer");
                prop_assert_eq!(&*answer, &*expected);
            }
        }
    }
}
