//! What a step takes from the heap beside the backend: no buffer of the size of the output, and few small ones.

#![expect(unsafe_code, reason = "an allocator is unsafe by its trait")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use unmask_api::{
    BackendError, CancelFlag, Capabilities, LogitsMut, Model, ModelFacts, Pass, Session,
    SessionSpec, TokenId, TopMut, TopRequest,
};
use unmask_core::denoise::Denoise;
use unmask_core::family::{FamilyRules, SpecialIds};
use unmask_core::generate::Generation;
use unmask_core::params::{CacheMode, Transfer};
use unmask_core::{Canvas, Params};

/// Counts what is asked of the system's allocator.
struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);
static BYTES: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        BYTES.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: promised by the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: promised by the caller.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const VOCAB: usize = 126_464;
const BLOCK: usize = 32;
const MASK: TokenId = TokenId(126_336);

/// Gives every row the same logits, and takes nothing from the heap for it.
struct Toy;

impl Model for Toy {
    fn facts(&self) -> ModelFacts {
        ModelFacts {
            vocab: VOCAB,
            max_positions: 1024,
            memory_bytes: 0,
            cell_bytes: 0,
            precision: "f32".to_owned(),
            capabilities: Capabilities::BATCH | Capabilities::KV_CACHE | Capabilities::TOPK_OUTPUT,
            notes: Vec::new(),
        }
    }

    fn session(&self, _: SessionSpec) -> Result<Box<dyn Session>, BackendError> {
        Ok(Box::new(Self))
    }
}

impl Session for Toy {
    fn forward(&mut self, _: &Pass<'_>) -> Result<(), BackendError> {
        Ok(())
    }

    fn read_logits(&mut self, _: &[u32], out: LogitsMut<'_>) -> Result<(), BackendError> {
        for row in out.scores.chunks_exact_mut(VOCAB) {
            row.fill(0.0);
            row[7] = 12.0;
        }
        Ok(())
    }

    fn read_top(&mut self, request: &TopRequest<'_>, out: TopMut<'_>) -> Result<(), BackendError> {
        for row in 0..request.rows.len() {
            for rank in 0..out.k {
                out.ids[row * out.k + rank] = TokenId(7 + rank as u32);
                out.logits[row * out.k + rank] = 12.0 - rank as f32;
            }
            out.tail[row] = 0.5;
            out.entropy[row] = 0.5;
        }
        out.asked.fill(0.0);
        Ok(())
    }
}

/// The most allocations and bytes of a step, from the fourth to the last of a block of 32.
fn most_of_a_step(params: Params) -> (usize, usize) {
    let special = SpecialIds {
        mask: MASK,
        eos: TokenId(126_081),
        eot: Some(TokenId(126_348)),
        other_ends: Vec::new(),
        bos: None,
    };
    let canvas = Canvas::new(&[TokenId(5); 64], BLOCK, MASK);
    let denoise = Denoise::new(special, FamilyRules::default(), canvas, params);
    let denoise = denoise.expect("the settings fit the canvas");
    let mut generation = Generation::new(&Toy, denoise).expect("it opens");
    let cancel = CancelFlag::new();
    let mut most = (0, 0);
    for step in 0..BLOCK {
        let before = (
            ALLOCATIONS.load(Ordering::Relaxed),
            BYTES.load(Ordering::Relaxed),
        );
        let event = generation.step(&cancel).expect("it computes");
        let count = ALLOCATIONS.load(Ordering::Relaxed) - before.0;
        let bytes = BYTES.load(Ordering::Relaxed) - before.1;
        assert_eq!(event.map(|it| it.commits.len()), Some(1));
        if step >= 3 {
            most = (most.0.max(count), most.1.max(bytes));
        }
    }
    most
}

#[test]
fn a_step_takes_a_few_small_pieces_of_the_heap_and_none_of_the_size_of_its_output() {
    let params = |cache, transfer, temperature| Params {
        steps: BLOCK,
        block_length: BLOCK,
        cache,
        transfer,
        temperature,
        ..Params::default()
    };
    // Lists of a strategy's positions, ranks and edits, and the event with its commit and that one's five best.
    const SHORT: usize = 9;
    // As many, and what the sums of each of the rows need: the best, and what is left out.
    const WHOLE: usize = SHORT + 4 * BLOCK;
    let cases = [
        (params(CacheMode::Off, Transfer::Quota, 0.0), SHORT),
        (params(CacheMode::Dual, Transfer::Quota, 0.0), SHORT),
        (
            params(CacheMode::Dual, Transfer::Threshold(1.0), 0.0),
            SHORT,
        ),
        (params(CacheMode::Off, Transfer::Quota, 0.7), WHOLE),
    ];
    let made = cases
        .each_ref()
        .map(|(params, _)| most_of_a_step(params.clone()));
    for ((params, most), (count, bytes)) in cases.iter().zip(made) {
        let is_in = count <= *most && bytes < 64 << 10;
        assert!(
            is_in,
            "{count} of {bytes} bytes with {params:?}; all: {made:?}"
        );
    }
}
