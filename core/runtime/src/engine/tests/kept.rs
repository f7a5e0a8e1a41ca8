//! The session of a turn, kept for the next one.

use std::num::NonZeroU32;

use super::*;
use crate::params::CacheMode;

/// Tokens fed for the second of two turns, of which the first begins with the same 8 tokens.
#[track_caller]
fn fed_for_second(attention: Attention, cache: CacheMode) -> usize {
    let fake = Fake {
        attention: Some(attention),
        ..Fake::default()
    };
    let fed = Arc::clone(&fake.fed);
    let mut bench = Bench::loaded(fake);
    let mut counts = [0; 2];
    for (turn, count) in counts.iter_mut().enumerate() {
        let before = fed.load(Ordering::Relaxed);
        let mut prompt = vec![TokenId(3); 8];
        prompt.resize(8 + 2 * turn, TokenId(4));
        let params = Params {
            steps: 1,
            block_length: 4,
            cache,
            ..Params::default()
        };
        bench.begin_with(TurnInput::Tokens { prompt, length: 4 }, params);
        bench.outcome();
        *count = fed.load(Ordering::Relaxed) - before;
    }
    assert_eq!(counts[0], 12);
    counts[1]
}

#[test]
fn a_causal_prefix_is_fed_once_and_nobody_has_to_ask_for_it() {
    assert_eq!(fed_for_second(Attention::Causal, CacheMode::Prefix), 14 - 8);
    assert_eq!(fed_for_second(Attention::Causal, CacheMode::Off), 14 - 8);
}

#[test]
fn finished_blocks_are_fed_once_and_the_answer_stops_in_the_block_of_its_end() {
    let block = NonZeroU32::new(4).expect("it is not 0");
    // The second turn's canvas is 16 long: it feeds the block that its prompt ends in, which ends the answer.
    let fed = fed_for_second(Attention::BlockCausal(block), CacheMode::Off);
    assert_eq!(fed, 4);
}

#[test]
fn nothing_is_kept_where_everything_depends_on_everything() {
    let fed = |attention, cache| fed_for_second(attention, cache);
    assert_eq!(fed(Attention::Bidirectional, CacheMode::Prefix), 14);
    assert_eq!(fed(Attention::Bidirectional, CacheMode::Off), 14);
}
