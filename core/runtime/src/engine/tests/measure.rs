//! Likelihoods: what each position wants depends on nothing else, so that they are known in closed form.

use super::*;
use crate::likelihood::{Masking, Samples};

/// `ln softmax` of what the fake model gives position `at`: one logit of `1 + at` among zeros.
fn surprise(at: usize, token: usize) -> f64 {
    let peak = 1.0 + at as f64;
    let sum = peak.exp() + (VOCAB - 1) as f64;
    match at % VOCAB == token {
        true => peak - sum.ln(),
        false => -sum.ln(),
    }
}

fn request(pairs: &[(&str, &str)], samples: Samples) -> MeasureRequest {
    let pair = |(context, continuation): &(&str, &str)| {
        (Fake::default().pair(context, continuation)).expect("they are digits")
    };
    MeasureRequest {
        measure: MeasureId(3),
        pairs: pairs.iter().map(pair).collect(),
        samples,
        cfg_scale: 0.0,
        masking: Masking::default(),
        rows: None,
        greedy: true,
    }
}

const FOUR: Samples = Samples::Draws {
    draws: 4,
    stratum: 2,
};

impl Bench {
    fn next_measure(&self) -> MeasureEvent {
        match self.next() {
            EngineEvent::Measure(MeasureId(3), event) => event,
            other => panic!("no event of the measurement: {other:?}"),
        }
    }

    /// Every event but progress, up to the last.
    fn measured(&self) -> (Vec<Measured>, MeasureEvent) {
        let mut measured = Vec::new();
        loop {
            match self.next_measure() {
                MeasureEvent::Measured(one) => measured.push(one),
                MeasureEvent::Progress { .. } => (),
                last => return (measured, last),
            }
        }
    }
}

#[test]
fn each_pair_is_measured_in_order_with_its_progress() {
    let mut bench = Bench::loaded(Fake::default());
    let pairs = [("01", "23"), ("01", "33"), ("0", "1"), ("0", "")];
    let _handle = bench.engine.measure(request(&pairs, Samples::Exact));
    let first = MeasureEvent::Progress {
        pair: 0,
        done: 3,
        draws: 3,
    };
    assert_eq!(bench.next_measure(), first);
    let (measured, last) = bench.measured();
    assert_eq!(last, MeasureEvent::Finished);
    let expected = [
        surprise(2, 2) + surprise(3, 3),
        surprise(2, 3) + surprise(3, 3),
        surprise(1, 1),
        0.0,
    ];
    for (at, (one, expected)) in measured.iter().zip(expected).enumerate() {
        assert_eq!(one.pair, at);
        let error = (one.estimate.mean - expected).abs();
        assert!(error < 1e-6, "{one:?}, expected {expected}");
    }
    let greedy: Vec<_> = measured.iter().map(|one| one.greedy).collect();
    assert_eq!(greedy, [Some(true), Some(false), Some(true), Some(true)]);
    // Position 3 is settled first, and is as asked in both; position 2 differs.
    let nfe: Vec<_> = measured.iter().map(|one| one.nfe).collect();
    assert_eq!(nfe, [5, 5, 2, 0]);
}

#[test]
fn a_measurement_that_is_stopped_or_whose_handle_is_dropped_keeps_what_it_has() {
    let end: [fn(MeasureHandle); 2] = [|handle| handle.stop(), drop];
    for end in end {
        let (fake, permit) = gated();
        let mut bench = Bench::loaded(fake);
        let handle = bench.engine.measure(MeasureRequest {
            greedy: false,
            ..request(&[("0", "1"), ("0", "1")], FOUR)
        });
        permit.send(()).expect("the session waits");
        assert!(matches!(
            bench.next_measure(),
            MeasureEvent::Progress { .. }
        ));
        assert!(matches!(bench.next_measure(), MeasureEvent::Measured(_)));
        end(handle);
        permit.send(()).ok();
        assert_eq!(bench.measured(), (vec![], MeasureEvent::Stopped));
        bench.begin(prompt(2), 2);
        (0..2).for_each(|_| permit.send(()).expect("the session waits"));
        assert_eq!(bench.outcome().text, "23");
    }
}

#[test]
fn what_cannot_be_measured_is_refused_before_a_forward() {
    let mut bench = Bench::loaded(gated().0);
    let uneven = Samples::Draws {
        draws: 5,
        stratum: 2,
    };
    let long = "1".repeat(33);
    let mut guided = request(&[("0", "1")], FOUR);
    guided.cfg_scale = f32::NAN;
    let mut foreign = request(&[("0", "1")], FOUR);
    foreign.pairs[0].context.push(TokenId(99));
    let cases = [
        (
            request(&[("0", "12")], uneven),
            "5 draws do not split into strata of 2; use a multiple of 2",
        ),
        (
            request(&[("0", &long[..13])], Samples::Exact),
            "all masks of 13 tokens are too many; estimate from draws, or ask about 12 tokens or less",
        ),
        (
            request(&[("0", "1"), ("", &long)], FOUR),
            "prompt and answer have 33 tokens, the limit is 32: 1 too many",
        ),
        (
            request(&[("0", "1f")], FOUR),
            "a text to be measured holds token 15, the mask of a",
        ),
        (guided, "cfg scale is NaN; it must be 0 or more"),
        (
            foreign,
            "the text holds token 99, but the network of a has 16 tokens",
        ),
    ];
    for (request, expected) in cases {
        let _handle = bench.engine.measure(request);
        match bench.next_measure() {
            MeasureEvent::Failed(failure) => assert_eq!(failure.text, expected),
            other => panic!("{expected}: {other:?}"),
        }
    }
}

#[test]
fn a_process_that_ends_during_a_measurement_is_lost() {
    let (mut fake, permit) = gated();
    fake.is_mortal = true;
    let mut bench = Bench::loaded(fake);
    let _handle = bench.engine.measure(request(&[("0", "1")], FOUR));
    drop(permit);
    assert!(matches!(bench.next_measure(), MeasureEvent::Failed(_)));
    assert!(matches!(bench.next(), EngineEvent::Lost { .. }));
    let _handle = bench.engine.measure(request(&[("0", "1")], FOUR));
    let MeasureEvent::Failed(failure) = bench.next_measure() else {
        panic!("there is no model");
    };
    assert_eq!(failure.text, "no model is loaded");
}
