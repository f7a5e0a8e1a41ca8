//! Tokenizers, chat templates, and the text handling around the reference's programs.

use unmask_core::engine::{Message, Role};
use unmask_core::text::constraints;
use unmask_core::text::{encode_pair as encode, history, until_text};

use crate::case::{Case, Verdict, id_rows, ids, same, texts};
use crate::models::Models;

pub(crate) fn tokenize(case: &Case, models: &Models) -> Verdict {
    let tokenizer = models.text(case)?.tokenizer;
    let expected = &case.json["expected"];
    let (decoded, plain) = (
        texts(&expected["decoded"]),
        texts(&expected["decoded_skip_special"]),
    );
    for (index, (text, tokens)) in texts(&case.json["input"]["texts"])
        .iter()
        .zip(id_rows(&expected["ids"]))
        .enumerate()
    {
        let say = |error: unmask_core::text::TextError| error.to_string();
        same(text, &tokenizer.encode(text).map_err(say)?, &tokens)?;
        same(
            text,
            &[tokenizer.decode(&tokens).map_err(say)?],
            &[decoded[index].clone()],
        )?;
        same(
            text,
            &[tokenizer.decode_plain(&tokens).map_err(say)?],
            &[plain[index].clone()],
        )?;
    }
    Ok(())
}

pub(crate) fn chat_template(case: &Case, models: &Models) -> Verdict {
    let text = models.text(case)?;
    let expected = &case.json["expected"];
    let (rendered, tokens) = (texts(&expected["texts"]), id_rows(&expected["ids"]));
    let conversations = case.json["input"]["conversations"]
        .as_array()
        .expect("conversations");
    for (index, conversation) in conversations.iter().enumerate() {
        let messages: Vec<Message> =
            serde_json::from_value(conversation.clone()).map_err(|error| error.to_string())?;
        same(
            "rendered",
            &[text.render(&messages)?],
            &[rendered[index].clone()],
        )?;
        same("tokens", &text.prompt(&messages)?, &tokens[index])?;
    }
    Ok(())
}

pub(crate) fn format_chat_history(case: &Case, _: &Models) -> Verdict {
    let pairs: Vec<(String, Option<String>)> =
        serde_json::from_value(case.json["input"]["history"].clone())
            .map_err(|error| error.to_string())?;
    let expected: Vec<Message> = serde_json::from_value(case.json["expected"]["messages"].clone())
        .map_err(|error| error.to_string())?;
    assert!(expected.iter().all(|message| message.role != Role::System));
    same("messages", &history::messages(&pairs), &expected)
}

pub(crate) fn parse_constraints(case: &Case, _: &Models) -> Verdict {
    let expected = case.json["expected"]["constraints"]
        .as_array()
        .expect("constraints");
    for (text, expected) in texts(&case.json["input"]["texts"]).iter().zip(expected) {
        let got: serde_json::Map<_, _> = (constraints::parse_constraints(text).into_iter())
            .map(|(at, word)| (at.to_string(), serde_json::Value::from(word)))
            .collect();
        if Some(&got) != expected.as_object() {
            return Err(format!("{text:?}: {got:?}, expected {expected}"));
        }
    }
    Ok(())
}

pub(crate) fn encode_pair(case: &Case, models: &Models) -> Verdict {
    let tokenizer = models.text(case)?.tokenizer;
    let expected = &case.json["expected"];
    let (contexts, continuations) = (
        id_rows(&expected["context_ids"]),
        id_rows(&expected["continuation_ids"]),
    );
    let pairs = case.json["input"]["pairs"].as_array().expect("pairs");
    for (index, pair) in pairs.iter().map(texts).enumerate() {
        let (context, continuation) =
            encode(&pair[0], &pair[1], &tokenizer).map_err(|error| error.to_string())?;
        same(&format!("context {index}"), &context, &contexts[index])?;
        same(
            &format!("continuation {index}"),
            &continuation,
            &continuations[index],
        )?;
    }
    Ok(())
}

pub(crate) fn until_postprocess(case: &Case, models: &Models) -> Verdict {
    let tokenizer = models.text(case)?.tokenizer;
    let items = case.json["input"]["items"].as_array().expect("items");
    for (item, expected) in items.iter().zip(texts(&case.json["expected"]["texts"])) {
        let got = until_text(
            &ids(&item["generated_ids"]),
            &texts(&item["until"]),
            &tokenizer,
        )
        .map_err(|error| error.to_string())?;
        same("text", &[got], &[expected])?;
    }
    Ok(())
}
