//! The member `unmask` of a request: what a masked diffusion model can do and OpenAI's API has no word for.

use std::num::NonZeroUsize;

use serde::Deserialize;
use serde_json::{Map, Value};
use unmask_core::engine::{FillPart, Overflow, Passes, Pin};
use unmask_core::event::TOP;
use unmask_core::measured::DialPosition;
use unmask_core::settings::{Domain, GenerationPatch, SettingValue, TABLE};
use unmask_core::text::pins::parse_pins;
use unmask_core::wire::CanvasLine;
use unmask_core::{Canvas, TokenId};

use super::error::ApiError;
use super::fields::{Fields, worded};

/// Its members that are no settings of denoising.
pub(crate) const MEMBERS: [&str; 9] = [
    "stream", "top", "pins", "parts", "canvas", "overflow", "strict", "alone", "speed",
];

/// What it says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct UnmaskMember {
    /// Settings of denoising by their keys.
    pub(crate) settings: GenerationPatch,
    /// A position of the speed dial, below them.
    pub(crate) speed: Option<DialPosition>,
    pub(crate) detail: StreamDetail,
    /// Candidates of a committed position.
    pub(crate) top: usize,
    pub(crate) form: AnswerForm,
    pub(crate) overflow: Overflow,
    /// Whether what would be ignored is refused.
    pub(crate) strict: bool,
    /// Which passes may compute its turns, where several turns share some.
    pub(crate) passes: Passes,
}

/// What a stream tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StreamDetail {
    /// Text.
    #[default]
    Text,
    /// Every step too.
    Steps,
}

/// What the answer is made of.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) enum AnswerForm {
    /// Masks.
    #[default]
    Masks,
    /// Masks with words among them.
    Pins(Vec<Pin>),
    /// Text with holes.
    Parts(Vec<FillPart>),
    /// Text on both sides of a hole that is to be as long as the model is surest of.
    AnyLength(Vec<FillPart>, Vec<FillPart>),
    /// A canvas as it is, in place of the prompt too.
    Canvas(GivenCanvas),
}

/// A canvas that a client has kept.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GivenCanvas {
    tokens: Vec<u32>,
    answer_start: usize,
    #[serde(default)]
    given: Vec<(usize, usize)>,
    #[serde(default)]
    padding: usize,
    /// Whether only its masks are planned, whatever stands around them; else it is a run that goes on.
    #[serde(default)]
    pub(crate) infill: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum PartLine {
    Text(String),
    Tokens(Vec<u32>),
    Hole(HoleLine),
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "expected a number of positions that is not 0, or `auto`"
)]
enum HoleLine {
    Positions(NonZeroUsize),
    Auto(AutoWord),
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum AutoWord {
    Auto,
}

impl Default for UnmaskMember {
    fn default() -> Self {
        Self {
            settings: GenerationPatch::default(),
            speed: None,
            detail: StreamDetail::default(),
            top: 0,
            form: AnswerForm::default(),
            // A client is told, where the screen shows what it left out.
            overflow: Overflow::Refuse,
            strict: false,
            passes: Passes::default(),
        }
    }
}

impl UnmaskMember {
    /// Takes it out of a request.
    pub(crate) fn take(request: &mut Fields) -> Result<Self, ApiError> {
        let Some(said) = request.take::<Map<String, Value>>("unmask")? else {
            return Ok(Self::default());
        };
        let mut fields = Fields::within(said, "unmask.");
        let this = Self {
            detail: fields.take("stream")?.unwrap_or_default(),
            top: fields.number("top", 0..=TOP)?.unwrap_or(0),
            form: form(&mut fields)?,
            overflow: fields.take("overflow")?.unwrap_or(Overflow::Refuse),
            strict: fields.take("strict")?.unwrap_or(false),
            speed: fields.take("speed")?,
            passes: Passes::default(),
            settings: GenerationPatch::default(),
        };
        let passes = match fields.take("alone")? {
            Some(true) => Passes::Alone,
            Some(false) | None => Passes::Together,
        };
        Ok(Self {
            passes,
            settings: settings(fields)?,
            ..this
        })
    }
}

fn form(fields: &mut Fields) -> Result<AnswerForm, ApiError> {
    let pins: Option<String> = fields.take("pins")?;
    let parts: Option<Vec<PartLine>> = fields.take("parts")?;
    let canvas: Option<GivenCanvas> = fields.take("canvas")?;
    Ok(match (pins, parts, canvas) {
        (None, None, None) => AnswerForm::Masks,
        (Some(pins), None, None) => AnswerForm::Pins(read_pins(&pins)?),
        (None, Some(parts), None) => read_parts(parts)?,
        (None, None, Some(canvas)) => AnswerForm::Canvas(canvas),
        _ => {
            let message =
                "`pins`, `parts` and `canvas` say what the answer is made of; write one of them";
            return Err(ApiError::invalid("unmask", message));
        }
    })
}

fn read_pins(text: &str) -> Result<Vec<Pin>, ApiError> {
    let pins = parse_pins(text);
    let pins = pins.map_err(|error| ApiError::invalid("unmask.pins", error.to_string()))?;
    Ok(pins.into_iter().map(|it| it.pin).collect())
}

fn read_parts(lines: Vec<PartLine>) -> Result<AnswerForm, ApiError> {
    let (mut parts, mut before) = (Vec::new(), None);
    for line in lines {
        parts.push(match line {
            PartLine::Text(text) => FillPart::Text(text),
            PartLine::Tokens(tokens) => FillPart::Tokens(tokens.into_iter().map(TokenId).collect()),
            PartLine::Hole(HoleLine::Positions(length)) => FillPart::Hole(length),
            PartLine::Hole(HoleLine::Auto(AutoWord::Auto)) => {
                if before.replace(std::mem::take(&mut parts)).is_some() {
                    let message =
                        "`unmask.parts`: one hole may be `auto`; say how long the others are";
                    return Err(ApiError::invalid("unmask.parts", message));
                }
                continue;
            }
        });
    }
    Ok(match before {
        None => AnswerForm::Parts(parts),
        Some(before) => AnswerForm::AnyLength(before, parts),
    })
}

/// The settings among the members: all that are left. What may be off is so by null, whatever the model's own setting is.
fn settings(fields: Fields) -> Result<GenerationPatch, ApiError> {
    let mut said = fields.rest();
    let is_off = |key: &str| {
        TABLE
            .iter()
            .find(|it| it.key == key && matches!(it.domain, Domain::Optional(_)))
    };
    let off = said
        .iter()
        .filter(|(_, value)| value.is_null())
        .filter_map(|(key, _)| is_off(key));
    let mut patch: GenerationPatch = off.map(|it| (it.setting, SettingValue::Off)).collect();
    said.retain(|_, value| !value.is_null());
    if let Some(unknown) = said
        .keys()
        .find(|key| TABLE.iter().all(|it| it.key != **key))
    {
        let known = TABLE.iter().map(|it| it.key).chain(MEMBERS);
        let advice = unmask_core::config::nearest(unknown, known);
        let message = format!("`unmask.{unknown}` is not known; {advice}");
        return Err(ApiError::invalid(format!("unmask.{unknown}"), message));
    }
    for (key, value) in said {
        let name = format!("unmask.{key}");
        let one = Map::from_iter([(key, value)]);
        let one: GenerationPatch = serde_json::from_value(Value::Object(one))
            .map_err(|error| ApiError::invalid(&*name, format!("`{name}`: {}", worded(&error))))?;
        patch = patch.iter().chain(one.iter()).collect();
    }
    patch.check().map_err(|(key, why)| {
        ApiError::invalid(format!("unmask.{key}"), format!("`unmask.{key}`: {why}"))
    })?;
    Ok(patch)
}

impl GivenCanvas {
    /// Positions of the answer, where there are any.
    pub(crate) fn answer_length(&self) -> usize {
        self.tokens.len().saturating_sub(self.answer_start).max(1)
    }

    /// The canvas, for a model with this mask.
    pub(crate) fn canvas(&self, mask: TokenId) -> Result<Canvas, ApiError> {
        let line = CanvasLine {
            mask: mask.0,
            ends: Vec::new(),
            tokens: self.tokens.clone(),
            answer_start: self.answer_start,
            given: self.given.clone(),
            padding: self.padding,
        };
        let canvas = line.canvas().filter(|it| !it.answer().is_empty());
        canvas.ok_or_else(|| {
            let message = "`unmask.canvas`: the answer has no tokens, or the given ranges or the padding lie outside of them";
            ApiError::invalid("unmask.canvas", message)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(member: &str) -> Result<UnmaskMember, ApiError> {
        let body = format!("{{\"unmask\": {member}}}");
        UnmaskMember::take(&mut Fields::parse(body.as_bytes()).expect("it is an object"))
    }

    #[track_caller]
    fn refused(member: &str, param: &str, part: &str) {
        let error = read(member).expect_err("it is refused");
        assert_eq!(error.param.as_deref(), Some(param), "{error:?}");
        assert!(error.message.contains(part), "{error:?}");
    }

    #[test]
    fn the_designs_own_example_is_understood() {
        let member = read(
            r#"{"stream":"steps","top":0,"length":128,"steps":64,"block_length":32,"threshold":0.9,"factor":null,
                "cache":"dual","remasking":"low_confidence","cfg_scale":0,"logits_eos_inf":false,
                "confidence_eos_eot_inf":false,"early_stop":true,"pins":"0:Once, 5:upon","overflow":"drop_oldest",
                "strict":false,"alone":false}"#,
        );
        let member = member.expect("every member is known");
        assert_eq!(member.detail, StreamDetail::Steps);
        assert_eq!(member.overflow, Overflow::DropOldest);
        assert!(matches!(&member.form, AnswerForm::Pins(pins) if pins.len() == 2));
        assert_eq!(member.settings.iter().count(), 11, "`factor` is off");
    }

    #[test]
    fn what_is_not_known_is_refused_with_the_nearest() {
        refused(r#"{"step": 3}"#, "unmask.step", "did you mean `steps`?");
        refused(r#"{"overflows": 3}"#, "unmask.overflows", "`overflow`");
    }

    #[test]
    fn numbers_are_tested_while_they_are_read() {
        refused(r#"{"steps": 0}"#, "unmask.steps", "1 or more");
        refused(r#"{"steps": -1}"#, "unmask.steps", "a whole number");
        refused(r#"{"threshold": 2}"#, "unmask.threshold", "0 to 1");
        refused(r#"{"top": 6}"#, "unmask.top", "0 to 5");
        refused(r#"{"cache": "all"}"#, "unmask.cache", "dual");
        refused(r#"{"speed": "warp"}"#, "unmask.speed", "turbo");
        refused(
            r#"{"threshold": 0.9, "factor": 1}"#,
            "unmask.factor",
            "two ways",
        );
    }

    #[test]
    fn an_answer_has_one_form() {
        let parts = r#"[{"text":"a"},{"hole":8},{"tokens":[1]}]"#;
        let member = read(&format!("{{\"parts\": {parts}}}")).expect("it is known");
        assert!(matches!(member.form, AnswerForm::Parts(parts) if parts.len() == 3));
        refused(
            &format!("{{\"parts\": {parts}, \"pins\": \"0:a\"}}"),
            "unmask",
            "one of them",
        );
        refused(r#"{"parts": [{"hole":0}]}"#, "unmask.parts", "not 0");
        refused(r#"{"parts": [{"hole":"any"}]}"#, "unmask.parts", "`auto`");
        let auto = r#"{"parts": [{"text":"a"},{"hole":"auto"},{"hole":2}]}"#;
        let member = read(auto).expect("one hole is");
        assert!(
            matches!(member.form, AnswerForm::AnyLength(before, after) if before.len() == 1 && after.len() == 1)
        );
        let both = r#"{"parts": [{"hole":"auto"},{"text":"a"},{"hole":"auto"}]}"#;
        refused(both, "unmask.parts", "one hole");
        refused(r#"{"pins": "x"}"#, "unmask.pins", "");
    }
}
