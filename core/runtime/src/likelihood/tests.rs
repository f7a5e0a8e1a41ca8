//! The estimator against a model that counts what it is asked.

use std::sync::{Arc, Mutex};

use unmask_api::{
    Logits, LogitsMut, ModelFacts, Pass, RowSummary, Session, SessionSpec, TopMut, TopRequest,
};

use super::draws::Draws;
use super::*;

mod rules;

const VOCAB: usize = 8;
const MASK: TokenId = TokenId(0);

/// Sees the tokens that its row feeds: what it wants depends on how many of them are masks.
#[derive(Clone)]
struct Counting {
    capabilities: Capabilities,
    asked: Arc<Mutex<Asked>>,
    /// `[wanted]`: position, and masks of the row, of the last pass.
    output: Vec<(usize, usize)>,
}

#[derive(Default)]
struct Asked {
    sessions: Vec<SessionSpec>,
    /// Rows of each pass.
    rows: Vec<usize>,
}

impl Counting {
    fn new(capabilities: Capabilities) -> Self {
        Self {
            capabilities,
            asked: Arc::default(),
            output: Vec::new(),
        }
    }

    fn asked(&self) -> std::sync::MutexGuard<'_, Asked> {
        self.asked.lock().expect("nobody panics while asking")
    }
}

impl Model for Counting {
    fn facts(&self) -> ModelFacts {
        ModelFacts {
            vocab: VOCAB,
            max_positions: 4096,
            memory_bytes: 0,
            cell_bytes: 0,
            precision: "f32".to_owned(),
            capabilities: self.capabilities,
            notes: Vec::new(),
        }
    }

    fn session(&self, spec: SessionSpec) -> Result<Box<dyn Session>, BackendError> {
        self.asked().sessions.push(spec);
        Ok(Box::new(self.clone()))
    }
}

impl Session for Counting {
    fn forward(&mut self, pass: &Pass<'_>) -> Result<(), BackendError> {
        self.asked().rows.push(pass.rows.len());
        let masks_in = |of: &std::ops::Range<usize>| {
            let fed = pass.tokens[of.clone()].iter();
            fed.filter(|&&token| token == MASK).count()
        };
        let spans: Vec<_> = pass.spans().map(|(_, fed)| fed).collect();
        let told = |&wanted: &u32| {
            let wanted = wanted as usize;
            let row = spans.iter().find(|fed| fed.contains(&wanted));
            let masks = masks_in(row.expect("it is fed"));
            (pass.positions[wanted].index(), masks)
        };
        self.output = pass.wanted.iter().map(told).collect();
        Ok(())
    }

    fn read_logits(&mut self, rows: &[u32], out: LogitsMut<'_>) -> Result<(), BackendError> {
        for (scores, &row) in out.scores.chunks_exact_mut(VOCAB).zip(rows) {
            let (at, masks) = self.output[row as usize];
            for (token, score) in scores.iter_mut().enumerate() {
                *score = ((token * 7 + at * 3 + masks) % 11) as f32 / 3.0;
            }
        }
        Ok(())
    }

    fn read_top(
        &mut self,
        request: &TopRequest<'_>,
        mut out: TopMut<'_>,
    ) -> Result<(), BackendError> {
        assert!(self.capabilities.has(Capabilities::TOPK_OUTPUT));
        let mut logits = Logits::default();
        logits.reset(request.rows.len(), VOCAB);
        self.read_logits(request.rows, logits.view())?;
        for row in 0..request.rows.len() {
            let summary = RowSummary::of(logits.row(row), request.banned, out.k);
            out.put(row, &summary, logits.row(row), request);
        }
        Ok(())
    }
}

fn pair(context: &[u32], continuation: &[u32]) -> Pair {
    let ids = |ids: &[u32]| ids.iter().copied().map(TokenId).collect();
    Pair {
        context: ids(context),
        continuation: ids(continuation),
    }
}

fn draws(draws: usize, stratum: usize) -> Samples {
    Samples::Draws { draws, stratum }
}

fn estimate(likelihood: &mut Likelihood<'_>, pair: &Pair, samples: Samples) -> LikelihoodEstimate {
    likelihood
        .estimate(
            pair,
            samples,
            Masking::default(),
            &CancelFlag::new(),
            &mut |_| (),
        )
        .expect("it computes")
}

fn one(pair: &Pair, samples: Samples) -> LikelihoodEstimate {
    let model = Counting::new(Capabilities::BATCH);
    estimate(&mut Likelihood::new(&model, MASK, 0.0), pair, samples)
}

#[test]
fn the_short_form_gives_the_same_estimate_to_the_bit() {
    let pair = pair(&[1, 2], &[3, 4, 5, 6]);
    for samples in [draws(32, 8), Samples::Exact] {
        let model = Counting::new(Capabilities::BATCH | Capabilities::TOPK_OUTPUT);
        let short = estimate(&mut Likelihood::new(&model, MASK, 0.0), &pair, samples);
        assert_eq!(short, one(&pair, samples));
    }
}

#[test]
fn counts_are_spread_over_the_answer_and_wrap() {
    assert_eq!(mask_counts(4, 7, 3), [3, 5, 6, 1]);
    assert_eq!(mask_counts(1, 7, 7), [7]);
    assert_eq!(mask_counts(0, 7, 7), Vec::<usize>::new());
}

#[test]
fn the_mean_of_many_draws_is_that_of_all_masks_within_its_error() {
    let pair = pair(&[3], &[1, 2, 3, 4, 5]);
    let exact = one(&pair, Samples::Exact);
    assert_eq!(
        (exact.standard_error, exact.strata.len(), exact.nfe),
        (Some(0.0), 0, 31)
    );
    // Strata of as many draws as tokens hold each count once.
    let drawn = one(&pair, draws(2000, 5));
    assert_eq!((drawn.strata.len(), drawn.nfe), (400, 2000));
    let error = drawn.standard_error.expect("there are many strata");
    let distance = (drawn.mean - exact.mean).abs();
    assert!(distance < 4.0 * error, "{drawn:?} {exact:?}");
    assert!(error > 0.0 && error < 0.1 * exact.mean.abs(), "{drawn:?}");
    let fewer = one(&pair, draws(500, 5)).standard_error.expect("likewise");
    assert!((1.5..2.7).contains(&(fewer / error)), "{fewer} {error}");
}

#[test]
fn one_stratum_has_no_error_and_one_token_needs_one_forward() {
    assert_eq!(one(&pair(&[3], &[1, 2]), draws(8, 8)).standard_error, None);
    let token = one(&pair(&[3], &[1]), draws(128, 16));
    assert_eq!(
        (token.standard_error, token.strata.len(), token.nfe),
        (Some(0.0), 0, 1)
    );
    assert_eq!(token.mean, one(&pair(&[3], &[1]), Samples::Exact).mean);
    let nothing = one(&pair(&[3], &[]), draws(128, 16));
    assert_eq!((nothing.mean, nothing.nfe), (0.0, 0));
}

#[test]
fn draws_that_do_not_split_into_strata_are_refused() {
    let refused = |samples: Samples, length| {
        let error = samples.draws(length).expect_err("it must be refused");
        error.to_string()
    };
    assert_eq!(
        refused(draws(128, 24), 2),
        "128 draws do not split into strata of 24; use a multiple of 24"
    );
    assert_eq!(refused(draws(0, 1), 2), "draws is 0; it must be 1 or more");
    assert_eq!(
        refused(draws(1, 0), 2),
        "a stratum is 0; it must be 1 or more"
    );
    assert!(refused(Samples::Exact, 13).starts_with("all masks of 13 tokens"));
    assert_eq!(Samples::Exact.draws(12).ok(), Some(4095));
}

#[test]
fn an_answer_outside_the_vocabulary_is_refused() {
    let model = Counting::new(Capabilities::BATCH);
    let mut likelihood = Likelihood::new(&model, MASK, 0.0);
    let error = likelihood
        .estimate(
            &pair(&[], &[8]),
            Samples::Exact,
            Masking::default(),
            &CancelFlag::new(),
            &mut |_| (),
        )
        .expect_err("it must be refused");
    assert_eq!(
        error.to_string(),
        "token id 8 is outside the vocabulary of 8"
    );
}

#[test]
fn rows_of_one_forward_are_scored_as_rows_of_their_own() {
    for (cfg_scale, most) in [(0.0, 16), (1.5, 16)] {
        let (alone, together) = (
            Counting::new(if cfg_scale > 0.0 {
                Capabilities::BATCH
            } else {
                Capabilities::default()
            }),
            Counting::new(Capabilities::BATCH),
        );
        let pair = pair(&[3, 4], &[1, 2, 3]);
        let mut one_by_one = Likelihood::new(&alone, MASK, cfg_scale);
        let mut draws_of = Draws::new(&pair, MASK, Masking::default());
        let rows = draws_of.stratum(20);
        let losses = rows.iter().map(|row| {
            let row = std::slice::from_ref(row);
            one_by_one
                .loss(&pair, row, &CancelFlag::new())
                .expect("it computes")
        });
        let expected = losses.sum::<f64>() / 20.0;
        let mut batched = Likelihood::new(&together, MASK, cfg_scale);
        let got = batched
            .loss(&pair, &rows, &CancelFlag::new())
            .expect("it computes");
        assert!((got - expected).abs() < 1e-12, "{got} {expected}");
        let asked = together.asked();
        let passes = asked.rows.clone();
        assert!(
            passes.iter().all(|&rows| rows <= most) && passes.len() < 4,
            "{passes:?}"
        );
        let per_row = if cfg_scale > 0.0 { 2 } else { 1 };
        assert_eq!(passes.iter().sum::<usize>(), 20 * per_row);
        assert_eq!(alone.asked().rows, vec![per_row; 20]);
    }
}

#[test]
fn one_session_serves_many_pairs_and_grows_with_them() {
    let model = Counting::new(Capabilities::BATCH);
    let mut likelihood = Likelihood::new(&model, MASK, 0.0);
    for length in [3, 4, 2, 4] {
        estimate(&mut likelihood, &pair(&vec![1; length], &[2]), draws(4, 2));
    }
    let slots = || -> Vec<u32> { model.asked().sessions.iter().map(|it| it.slots).collect() };
    assert_eq!(slots(), [16, 16], "a longer pair opened another one");
    estimate(&mut likelihood, &pair(&[1; 1500], &[2, 3]), draws(4, 2));
    // A long canvas takes the room of many rows.
    assert_eq!(slots(), [16, 16, 1]);
    assert!(model.asked().sessions.iter().all(|it| it.cells == 0));
}

#[test]
fn the_masks_of_a_pair_follow_from_its_seed_context_and_length_alone() {
    let masks = |pair: &Pair, seed| -> Vec<Vec<bool>> {
        let masking = Masking {
            seed,
            ..Masking::default()
        };
        let drawn = Draws::new(pair, MASK, masking).stratum(8);
        let masked = |draw: &Perturbed| draw.tokens.iter().map(|&token| token == MASK).collect();
        drawn.iter().map(masked).collect()
    };
    let first = masks(&pair(&[1, 2], &[3, 4, 5, 6]), 7);
    assert_eq!(
        first,
        masks(&pair(&[1, 2], &[6, 5, 4, 3]), 7),
        "another choice"
    );
    assert_ne!(
        first,
        masks(&pair(&[2, 1], &[3, 4, 5, 6]), 7),
        "another context"
    );
    assert_ne!(
        first,
        masks(&pair(&[1, 2], &[3, 4, 5, 6]), 8),
        "another seed"
    );
    // What was measured before changes nothing.
    let model = Counting::new(Capabilities::BATCH);
    let mut likelihood = Likelihood::new(&model, MASK, 0.0);
    let asked = pair(&[1, 2], &[3, 4, 5, 6]);
    let before = estimate(&mut likelihood, &asked, draws(8, 4));
    estimate(&mut likelihood, &pair(&[1], &[3, 4]), draws(8, 4));
    assert_eq!(estimate(&mut likelihood, &asked, draws(8, 4)), before);
}

#[test]
fn no_forward_has_more_rows_or_wanted_positions_than_it_may() {
    let tokens = [TokenId(1); 9];
    let row = |wanted: u32| Row {
        tokens: &tokens,
        guidance: None,
        wanted: (0..wanted).map(Position).collect(),
    };
    let rows: Vec<Row<'_>> = [2, 1, 9, 1, 1, 1].map(row).into();
    let pieces: Vec<Piece<'_>> = pieces(&rows, 4).collect();
    let cut: Vec<(usize, usize)> = pieces.iter().map(|it| (it.row, it.wanted.len())).collect();
    let whole = [
        (0, 2),
        (1, 1),
        (2, 4),
        (2, 4),
        (2, 1),
        (3, 1),
        (4, 1),
        (5, 1),
    ];
    assert_eq!(cut, whole);
    let together: Vec<usize> = forwards(&pieces, 3, 4).map(<[_]>::len).collect();
    assert_eq!(together, [2, 1, 1, 3, 1]);
}

#[test]
fn a_stopped_estimate_says_so() {
    struct Stopped;
    impl Session for Stopped {
        fn forward(&mut self, pass: &Pass<'_>) -> Result<(), BackendError> {
            match pass.cancel.is_raised() {
                true => Err(BackendError::Cancelled),
                false => Ok(()),
            }
        }
        fn read_logits(&mut self, _: &[u32], _: LogitsMut<'_>) -> Result<(), BackendError> {
            Ok(())
        }
    }
    impl Model for Stopped {
        fn facts(&self) -> ModelFacts {
            Counting::new(Capabilities::default()).facts()
        }
        fn session(&self, _: SessionSpec) -> Result<Box<dyn Session>, BackendError> {
            Ok(Box::new(Self))
        }
    }
    let cancel = CancelFlag::new();
    let mut done = Vec::new();
    let mut stop_after_two = |draws| {
        done.push(draws);
        if draws == 2 {
            cancel.raise();
        }
    };
    let mut likelihood = Likelihood::new(&Stopped, MASK, 0.0);
    let asked = pair(&[1], &[2, 3]);
    let stopped = likelihood.estimate(
        &asked,
        draws(4, 2),
        Masking::default(),
        &cancel,
        &mut stop_after_two,
    );
    let error = stopped.expect_err("it was stopped");
    assert!(matches!(
        error,
        LikelihoodError::Backend(BackendError::Cancelled)
    ));
    assert_eq!(done, [1, 2]);
}
