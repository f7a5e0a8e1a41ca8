//! How a conversation goes on, by the reference's two programs.

use unmask_api::TokenId;

use crate::message::{Message, Role};

/// The prompt of the next turn, as the reference's `chat.py` builds it.
///
/// `output` is the whole sequence of the turn before, prompt included: every EOS is removed from it wherever it stands, EOT
/// tokens stay. `templated` is the new user message alone through the chat template: its first token (the BOS) is dropped.
#[must_use]
pub fn next_prompt(output: &[TokenId], templated: &[TokenId], eos: TokenId) -> Vec<TokenId> {
    let kept = output.iter().copied().filter(|&token| token != eos);
    kept.chain(templated.iter().skip(1).copied()).collect()
}

/// Pairs of user and assistant texts as messages, as the reference's `format_chat_history` in `app.py`: an answer that is
/// missing or empty is left out.
#[must_use]
pub fn messages(history: &[(String, Option<String>)]) -> Vec<Message> {
    let mut messages = Vec::new();
    for (user, assistant) in history {
        messages.push(Message {
            role: Role::User,
            content: user.clone(),
        });
        if let Some(answer) = assistant.as_ref().filter(|answer| !answer.is_empty()) {
            messages.push(Message {
                role: Role::Assistant,
                content: answer.clone(),
            });
        }
    }
    messages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_prompt_drops_every_eos_and_the_second_bos() {
        let ids = |ids: &[u32]| ids.iter().copied().map(TokenId).collect::<Vec<_>>();
        let next = next_prompt(&ids(&[1, 5, 9, 6, 7, 9, 9]), &ids(&[1, 8, 9]), TokenId(9));
        assert_eq!(next, ids(&[1, 5, 6, 7, 8, 9]));
    }

    #[test]
    fn missing_and_empty_answers_are_left_out() {
        let history = [("hi", Some("hello")), ("how?", None), ("x", Some(""))]
            .map(|(user, answer)| (user.to_owned(), answer.map(str::to_owned)));
        let got: Vec<(Role, String)> = messages(&history)
            .into_iter()
            .map(|message| (message.role, message.content))
            .collect();
        let expected = [
            (Role::User, "hi"),
            (Role::Assistant, "hello"),
            (Role::User, "how?"),
            (Role::User, "x"),
        ]
        .map(|(role, text)| (role, text.to_owned()));
        assert_eq!(got, expected);
    }
}
