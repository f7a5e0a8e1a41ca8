//! What a plugin returns is tested before it is believed.

use unmask_api::{TokenId, TopRequest};
use unmask_core::plugin::load;
use unmask_tests::{OwnedPass, SPEC, model, open, run, session, spoiled, try_model};

use crate::{FIRST_ROW, best};

#[test]
fn lists_that_never_end_are_errors() {
    let file = spoiled("endless_devices");
    let error = load(&file.path).map(|backend| backend.devices());
    assert_eq!(error.expect("it loads"), [], "the log tells why");
    let file = spoiled("endless_texts");
    let error = try_model(&*open(&file.path), "llada").map(|_| ());
    assert_eq!(
        error.expect_err("nobody reads them").to_string(),
        "spoiled has more notes than can be meant; try another backend"
    );
}

#[test]
fn success_without_a_handle_is_a_failure() {
    let file = spoiled("null_handles");
    let backend = open(&file.path);
    let error = try_model(&*backend, "llada")
        .map(|_| ())
        .expect_err("there is no model");
    assert_eq!(
        error.to_string(),
        "spoiled: it reported a loaded model, but gave none"
    );
    let error = model(&*backend, "session").session(SPEC).map(|_| ());
    assert_eq!(
        error.expect_err("there is no session").to_string(),
        "spoiled: it reported an open session, but gave none"
    );
}

#[test]
fn facts_that_cannot_be_are_refused() {
    let file = spoiled("bad_facts");
    let backend = open(&file.path);
    let refused = |family| {
        let error = try_model(&*backend, family)
            .map(|_| ())
            .expect_err("it must be refused");
        error.to_string()
    };
    assert_eq!(
        refused("no-vocabulary"),
        "spoiled loaded a model with a vocabulary of 0, which cannot be; try another backend"
    );
    assert_eq!(
        refused("huge-vocabulary"),
        "spoiled loaded a model with a vocabulary of 4294967295, which cannot be; try another backend"
    );
    assert_eq!(
        refused("no-positions"),
        "spoiled loaded a model for 0 positions; try another backend"
    );
    let bits = model(&*backend, "unknown-bits").facts().capabilities;
    assert_eq!(
        bits.0, 0b1_0111_1001,
        "neither unknown bits nor top-k and cells without their functions"
    );
}

#[test]
fn logits_that_are_not_finite_are_an_error_that_names_the_row() {
    let file = spoiled("bad_numbers");
    let model = model(&*open(&file.path), "llada");
    let mut session = session(&*model);
    let mut ask = |first| {
        let result = run(&mut *session, 8, &OwnedPass::whole(&[first, 0, 0]));
        result.map(|_| ()).map_err(|error| error.to_string())
    };
    let rest = "try precision f32, or fetch the checkpoint again if that is what it computes in";
    assert_eq!(ask(0), Ok(()));
    assert_eq!(ask(1), Err(format!("spoiled gave NaN at row 2; {rest}")));
    assert_eq!(
        ask(2),
        Err(format!("spoiled gave infinity at row 0; {rest}"))
    );
}

#[test]
fn a_top_k_out_of_range_unsorted_or_not_finite_is_an_error() {
    let file = spoiled("bad_numbers");
    let model = model(&*open(&file.path), "llada");
    let mut session = session(&*model);
    let request = TopRequest {
        banned: &[TokenId(1)],
        asked: &[TokenId(4)],
        ..FIRST_ROW
    };
    let mut ask = |first| {
        let top = best(&mut *session, &OwnedPass::whole(&[first]), &request, 3);
        let text = top.map_err(|error| error.to_string());
        text.map(|top| top.ids(0).to_vec())
    };
    assert_eq!(ask(0), Ok([7, 6, 5].map(TokenId).to_vec()));
    let mut wrong = |first, what: &str| {
        let what = format!("spoiled gave a wrong top-3 at row 0: {what}; try another backend");
        assert_eq!(ask(first), Err(what));
    };
    wrong(1, "id 8 is outside the vocabulary of 8");
    wrong(2, "it is not sorted, best first, ties by lower id");
    wrong(3, "its entropy is NaN");
    wrong(4, "its tail of 7.5 does not fit its best logits");
    wrong(5, "id 1 is banned");
    assert_eq!(
        ask(6),
        Err("spoiled gave infinity at row 0; try precision f32, or fetch the checkpoint again if that is what it computes in".to_owned())
    );
}
