//! The multi-turn rule of LLaDA's `chat.py`.

use unmask_core::TokenId;
use unmask_core::engine::{Message, Role};
use unmask_core::text::answer::finished_text;
use unmask_core::text::history::next_prompt;

use super::generate::complete;
use crate::case::{Case, Verdict, id_rows, same, texts};
use crate::models::{ModelText, Models};

/// Three turns with real answers.
pub(crate) fn chat(case: &Case, models: &Models) -> Verdict {
    let model = models.get(case)?;
    let text = models.text(case)?;
    let expected = &case.json["expected"];
    let (prompts, outputs) = (
        id_rows(&expected["prompt_ids"]),
        id_rows(&expected["output_ids"]),
    );
    let mut before = Vec::new();
    for (turn, question) in texts(&case.json["input"]["user"]).iter().enumerate() {
        let prompt = prompt(&before, question, case, &text)?;
        same(&format!("prompt of turn {turn}"), &prompt, &prompts[turn])?;
        before = complete(&*model, case, &prompt)?;
        same(&format!("output of turn {turn}"), &before, &outputs[turn])?;
        let reply = text
            .tokenizer
            .decode_plain(&before[prompt.len()..])
            .map_err(|error| error.to_string())?;
        same(
            &format!("reply of turn {turn}"),
            &[reply.as_str()],
            &[texts(&expected["replies"])[turn].as_str()],
        )?;
        let visible = finished_text(&before[prompt.len()..], &case.special(), &text.tokenizer)
            .map_err(|error| error.to_string())?;
        if !reply.starts_with(visible.trim_end_matches(char::REPLACEMENT_CHARACTER)) {
            return Err(format!(
                "the visible answer {visible:?} is no beginning of {reply:?}"
            ));
        }
    }
    Ok(())
}

/// The prompts alone, with scripted answers.
pub(crate) fn chat_prompt(case: &Case, models: &Models) -> Verdict {
    let text = models.text(case)?;
    let prompts = id_rows(&case.json["expected"]["prompt_ids"]);
    let answers = id_rows(&case.json["input"]["scripted_answer_ids"]);
    let mut before = Vec::new();
    for (turn, question) in texts(&case.json["input"]["user"]).iter().enumerate() {
        let prompt = prompt(&before, question, case, &text)?;
        same(&format!("prompt of turn {turn}"), &prompt, &prompts[turn])?;
        before = [prompt, answers[turn].clone()].concat();
    }
    Ok(())
}

fn prompt(
    before: &[TokenId],
    question: &str,
    case: &Case,
    text: &ModelText,
) -> Result<Vec<TokenId>, String> {
    let message = Message {
        role: Role::User,
        content: question.to_owned(),
    };
    let templated = text.prompt(&[message])?;
    Ok(match before.is_empty() {
        true => templated,
        false => next_prompt(before, &templated, case.special().eos),
    })
}
