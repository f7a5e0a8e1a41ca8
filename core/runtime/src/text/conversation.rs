use std::collections::BTreeMap;

use tokenizers::AddedToken;
use unmask_api::TokenId;

use super::contained::contained;
use super::{TextError, Tokenizer};
use crate::message::Message;

/// Stands beside numbers for special tokens; one that the text has not is taken.
const MARKS: std::ops::RangeInclusive<char> = '\u{100000}'..='\u{10fffd}';

/// The tokens of a rendered conversation, in which what was said is text: the name of a special token in a message is
/// spelled out, and only the template's own become special tokens. The same tokens as [`Tokenizer::encode`] makes of
/// `rendered` if no message holds such a name.
///
/// `render` renders the messages once more, with other words for the names in them; `specials` are special whatever the
/// tokenizer's file says.
///
/// # Errors
/// If the tokenizer or `render` fails.
pub fn conversation_tokens<E: From<TextError>>(
    rendered: &str,
    messages: &[Message],
    specials: &[TokenId],
    tokenizer: &Tokenizer,
    render: impl FnOnce(&[Message]) -> Result<String, E>,
) -> Result<Vec<TokenId>, E> {
    let tokens = tokenizer.encode(rendered)?;
    let names = tokenizer.special_names(&tokens, specials);
    let is_said = |name: &str| (messages.iter()).any(|message| message.content.contains(name));
    if !names.values().any(|name| is_said(name)) {
        return Ok(tokens);
    }
    // No text has all of them.
    let mark = MARKS.clone().find(|&mark| !rendered.contains(mark));
    let marked = Marked {
        names,
        mark: mark.unwrap_or(*MARKS.start()),
    };
    let hidden: Vec<Message> = messages.iter().map(|it| marked.hidden(it)).collect();
    let rendered = render(&hidden)?;
    Ok(marked.tokens(&rendered, tokenizer)?)
}

/// Special tokens that a conversation has, by what stands for them.
struct Marked {
    names: BTreeMap<u32, String>,
    mark: char,
}

impl Marked {
    /// For a name that was said.
    fn said(&self, id: u32) -> String {
        format!("{0}{id}{0}", self.mark)
    }

    /// For one that the template wrote.
    fn written(&self, id: u32) -> String {
        format!("{0}{0}{id}{0}", self.mark)
    }

    fn hidden(&self, message: &Message) -> Message {
        let mut names: Vec<_> = self.names.iter().collect();
        // A name may begin another one.
        names.sort_by_key(|(_, name)| std::cmp::Reverse(name.len()));
        let hide = |content: String, (id, name): (&u32, &String)| {
            content.replace(name.as_str(), &self.said(*id))
        };
        Message {
            role: message.role,
            content: names.into_iter().fold(message.content.clone(), hide),
        }
    }

    /// The tokens of `rendered`, whose special tokens are the template's. Those are exchanged for others that a tokenizer
    /// without special tokens knows, so that it cuts the text where the model's own does.
    fn tokens(&self, rendered: &str, tokenizer: &Tokenizer) -> Result<Vec<TokenId>, TextError> {
        let mut text = String::with_capacity(rendered.len());
        let mut end = 0;
        for (id, place) in tokenizer.places(rendered, |id| self.names.contains_key(&id))? {
            text.push_str(&self.shown(&rendered[end..place.start]));
            text.push_str(&self.written(id));
            end = place.end;
        }
        text.push_str(&self.shown(&rendered[end..]));
        let written = self.names.keys().map(|&id| (self.written(id), id));
        tokenizer.encode_spelled(&text, written, self.names.values())
    }

    fn shown(&self, text: &str) -> String {
        let show = |text: String, (id, name): (&u32, &String)| text.replace(&self.said(*id), name);
        self.names.iter().fold(text.to_owned(), show)
    }
}

impl Tokenizer {
    /// The names of those of `tokens` that are special: as the tokenizer says, and `specials`.
    fn special_names(&self, tokens: &[TokenId], specials: &[TokenId]) -> BTreeMap<u32, String> {
        let added = self.inner.get_added_tokens_decoder();
        let is_special = |token: &&TokenId| {
            let said = added.get(&token.0).is_some_and(|it| it.special);
            said || specials.contains(token)
        };
        let name = |token: &TokenId| Some((token.0, added.get(&token.0)?.content.clone()));
        tokens.iter().filter(is_special).filter_map(name).collect()
    }

    /// Where in `text` tokens are that `is_wanted`, as bytes.
    fn places(
        &self,
        text: &str,
        is_wanted: impl Fn(u32) -> bool,
    ) -> Result<Vec<(u32, std::ops::Range<usize>)>, TextError> {
        let encoding = contained(|| self.inner.encode(text, false))
            .map_err(TextError::Encode)?
            .map_err(|error| TextError::Encode(error.to_string()))?;
        let places = encoding.get_ids().iter().zip(encoding.get_offsets());
        let wanted = places.filter(|(id, _)| is_wanted(**id));
        Ok(wanted
            .map(|(&id, &(start, end))| (id, start..end))
            .collect())
    }

    /// The tokens of `text`, in which special tokens, and those called `names`, are spelled; each of `written` is its token.
    fn encode_spelled<'a>(
        &self,
        text: &str,
        written: impl Iterator<Item = (String, u32)>,
        names: impl Iterator<Item = &'a String>,
    ) -> Result<Vec<TokenId>, TextError> {
        let encode = |error: tokenizers::Error| TextError::Encode(error.to_string());
        let (words, ids): (Vec<String>, Vec<u32>) = written.unzip();
        let spelled = contained(|| {
            let mut inner = self.inner.clone();
            inner.set_encode_special_tokens(true);
            let special = names.map(|name| AddedToken::from(name.as_str(), true));
            inner.add_tokens(special.collect::<Vec<_>>())?;
            let words = words.iter();
            inner.add_tokens(
                words
                    .clone()
                    .map(|word| AddedToken::from(word.as_str(), false).normalized(false))
                    .collect::<Vec<_>>(),
            )?;
            let known: BTreeMap<u32, u32> = words
                .zip(&ids)
                .filter_map(|(word, &id)| Some((inner.token_to_id(word)?, id)))
                .collect();
            let tokens = inner.encode_fast(text, false)?;
            let token = |id: &u32| TokenId(*known.get(id).unwrap_or(id));
            Ok(tokens.get_ids().iter().map(token).collect())
        });
        spelled.map_err(TextError::Encode)?.map_err(encode)
    }
}
