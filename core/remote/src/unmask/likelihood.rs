//! Likelihoods that the server measures, a pair a request.

use serde_json::{Value, json};
use unmask_core::TokenId;
use unmask_core::engine::{
    Failure, FailureKind, MeasureEvent, MeasureRequest, Measured, Wanted, Wish,
};
use unmask_core::likelihood::{LikelihoodEstimate, Pair, Samples};

use crate::client::RemoteClient;

/// Has `model` measure all pairs.
pub(super) fn measure(
    client: &RemoteClient,
    model: &str,
    request: &MeasureRequest,
    wish: &dyn Wish,
    tell: &dyn Fn(MeasureEvent),
) -> Result<MeasureEvent, Failure> {
    for (index, pair) in request.pairs.iter().enumerate() {
        let body = body(model, pair, request);
        let said = client.while_wanted(
            || wish.wanted() == Wanted::GoOn,
            move |client| client.post("/unmask/v1/loglikelihood", &body),
        )?;
        let Some(said) = said else {
            return Ok(MeasureEvent::Stopped);
        };
        let item = &said["data"][0];
        let mean = item["ll"].as_f64().ok_or_else(|| Failure {
            kind: FailureKind::Backend,
            text: format!("{} tells no likelihood", client.root()),
            hint: "use the same version of unmask on both sides".to_owned(),
        })?;
        let nfe = item["nfe"]
            .as_u64()
            .and_then(|it| usize::try_from(it).ok())
            .unwrap_or(0);
        tell(MeasureEvent::Measured(Measured {
            pair: index,
            estimate: LikelihoodEstimate {
                mean,
                standard_error: item["se"].as_f64(),
                strata: Vec::new(),
                nfe,
            },
            greedy: item["greedy"].as_bool(),
            nfe,
        }));
    }
    Ok(MeasureEvent::Finished)
}

fn body(model: &str, pair: &Pair, request: &MeasureRequest) -> Value {
    let (samples, strata) = match request.samples {
        Samples::Draws { draws, stratum } => (json!(draws), stratum),
        Samples::Exact => (json!("exact"), 1),
        Samples::Auto { stratum, .. } => (json!("auto"), stratum),
    };
    let masking = request.masking;
    let ids = |tokens: &[TokenId]| tokens.iter().map(|it| it.0).collect::<Vec<_>>();
    json!({
        "model": model,
        "items": [{"context": ids(&pair.context), "continuation": ids(&pair.continuation)}],
        "samples": samples, "strata": strata, "cfg_scale": request.cfg_scale, "greedy": request.greedy,
        "seed": masking.seed, "rule": masking.rule, "pairing": masking.pairing,
    })
}
