//! A model that answers elsewhere.

use super::*;

/// Tells what is wanted of it as steps, until it is to stop.
struct Elsewhere;

impl Answering for Elsewhere {
    fn loaded(&self) -> Arc<Loaded> {
        ready("away", Fake::default()).loaded
    }

    fn turn(
        &mut self,
        request: TurnRequest,
        wish: &dyn Wish,
        tell: &dyn Fn(TurnEvent),
    ) -> Result<Outcome, Failure> {
        let request = request.laid_out(&self.loaded())?;
        let canvas = request.input.canvas;
        tell(TurnEvent::Started {
            canvas: canvas.clone(),
            params: Box::new(request.params),
            left_out: request.input.left_out,
        });
        let mut is_resting = false;
        loop {
            let wanted = wish.wanted();
            match (wanted, is_resting) {
                (Wanted::Rest, false) => tell(TurnEvent::Paused(0)),
                (Wanted::GoOn, true) => tell(TurnEvent::Resumed),
                (Wanted::Stop | Wanted::Abandon, _) => break,
                (Wanted::Rest, true) | (Wanted::GoOn, false) => std::thread::yield_now(),
            }
            is_resting = wanted == Wanted::Rest;
        }
        Ok(Outcome {
            canvas,
            text: String::new(),
            holes: Vec::new(),
            reason: FinishReason::Stopped,
            stats: crate::event::Stats::default(),
        })
    }
}

/// Loads nothing else.
struct Reaches;

impl Loader for Reaches {
    fn load(
        &mut self,
        _: &LoadRequest,
        _: &(dyn Fn(LoadProgress<'_>) -> ControlFlow<()> + Sync),
    ) -> Result<Ready, Failure> {
        Ok(Ready::Away(Box::new(Elsewhere)))
    }
}

fn reached() -> Bench {
    let (sender, events) = channel();
    let on_event = move |event| drop(sender.send(event));
    let engine = Engine::start(Box::new(Reaches), on_event).expect("a thread can be had");
    let mut bench = Bench {
        engine,
        events,
        turns: Vec::new(),
    };
    bench.load("away");
    assert!(matches!(bench.next(), EngineEvent::Loaded(loaded) if loaded.key == "away"));
    bench
}

#[test]
fn a_turn_elsewhere_hears_what_its_owner_wants() {
    let mut bench = reached();
    bench.begin(prompt(4), 4);
    assert!(matches!(bench.next_turn(), TurnEvent::Started { canvas, .. } if canvas.len() == 6));
    bench.turn().pause();
    assert_eq!(bench.next_turn(), TurnEvent::Paused(0));
    bench.turn().resume();
    assert_eq!(bench.next_turn(), TurnEvent::Resumed);
    bench.turn().stop();
    assert_eq!(bench.outcome().reason, FinishReason::Stopped);
    bench.begin(prompt(4), 4);
    bench.turns.clear();
    assert_eq!(
        bench.outcome().reason,
        FinishReason::Stopped,
        "a handle that is dropped ends it"
    );
}

#[test]
fn what_is_refused_is_refused_before_it_goes_away() {
    let mut bench = reached();
    bench.begin(prompt(31), 31);
    assert!(matches!(bench.failure().kind, FailureKind::Context { .. }));
}

#[test]
fn likelihoods_are_refused_where_nobody_tells_them() {
    let mut bench = reached();
    let measure = bench.engine.measure(MeasureRequest {
        measure: MeasureId(3),
        pairs: vec![Pair {
            context: vec![TokenId(1)],
            continuation: vec![TokenId(2)],
        }],
        samples: crate::likelihood::Samples::Exact,
        cfg_scale: 0.0,
        masking: crate::likelihood::Masking::default(),
        rows: None,
        greedy: false,
    });
    match bench.next() {
        EngineEvent::Measure(MeasureId(3), MeasureEvent::Failed(failure)) => {
            assert!(failure.text.contains("no likelihoods"), "{failure}");
        }
        other => panic!("{other:?}"),
    }
    drop(measure);
}
