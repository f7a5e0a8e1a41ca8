use std::ops::Range;

use unmask_api::{Position, TokenId};

use super::layout::{chat_prompt, check_context, check_tokens, in_one_block};
use super::{Failure, Fill, FillBefore, FillBlocks, FillEnds, FillPart, LaidOut, Loaded, Planned};
use crate::params::Growth;
use crate::{Canvas, Params};

impl Fill {
    /// The canvas, with every given part pinned; `params` become those that it runs with. A mask in what is given is a hole
    /// too, though not one of the outcome's.
    pub(super) fn lay_out(self, loaded: &Loaded, params: &mut Params) -> Result<LaidOut, Failure> {
        let Parts { tokens, holes } = Parts::of(loaded, self.parts)?;
        let (prompt, left_out) = match self.before {
            FillBefore::Chat(messages) => {
                chat_prompt(loaded, &messages, tokens.len(), self.overflow)?
            }
            FillBefore::Text(text) => (loaded.text.encode(&text)?, 0),
            FillBefore::Tokens(tokens) => (tokens, 0),
        };
        check_tokens(loaded, &prompt)?;
        check_context(loaded, prompt.len(), tokens.len())?;
        let has_hole = prompt.contains(&loaded.special.mask);
        if has_hole && loaded.rules.attention_block.is_some() {
            return Err(Failure::usage(
                format!(
                    "the text before the answer holds a mask, which {} cannot fill: it writes the answer's blocks alone",
                    loaded.name
                ),
                "give the text from its first hole on as parts of the answer",
            ));
        }
        let mut canvas = Canvas::new(&prompt, tokens.len(), loaded.special.mask);
        for (at, &token) in (prompt.len() as u32..).zip(&tokens) {
            canvas.pin(Position(at), token);
        }
        match self.blocks {
            FillBlocks::One => {
                let masks = canvas.masked_in(0..canvas.len()).count();
                in_one_block(loaded, tokens.len(), masks, params);
            }
            FillBlocks::AsSet => params.growth = Growth::Fixed,
        }
        match self.ends {
            FillEnds::Never => params.logits_eos_inf = true,
            FillEnds::AsSet => (),
        }
        Ok(LaidOut {
            canvas,
            left_out,
            holes,
            planned: Planned::Answer,
            recorded: Vec::new(),
        })
    }
}

/// The answer with masks in its holes.
struct Parts {
    tokens: Vec<TokenId>,
    /// Where they are in the answer.
    holes: Vec<Range<usize>>,
}

impl Parts {
    fn of(loaded: &Loaded, parts: Vec<FillPart>) -> Result<Self, Failure> {
        let (mut tokens, mut holes) = (Vec::new(), Vec::new());
        for part in parts {
            let given = match part {
                FillPart::Text(text) => loaded.text.encode(&text)?,
                FillPart::Tokens(tokens) => tokens,
                FillPart::Hole(length) => {
                    let start = tokens.len();
                    // A hole may be asked for that no memory holds.
                    check_context(loaded, start, length.get())?;
                    tokens.resize(start + length.get(), loaded.special.mask);
                    holes.push(start..tokens.len());
                    continue;
                }
            };
            check_tokens(loaded, &given)?;
            tokens.extend(given);
        }
        match holes.is_empty() {
            true => Err(Failure::usage(
                "no part of the answer is a hole".to_owned(),
                "say how many positions are to be filled, and where",
            )),
            false => Ok(Self { tokens, holes }),
        }
    }
}
