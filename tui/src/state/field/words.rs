use super::Field;

/// How a field is called and what is said of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldWords {
    /// Its name for `/set`; that of the configuration file where it stands there.
    pub key: &'static str,
    /// What the panel calls it.
    pub label: &'static str,
    /// A few words beside it.
    pub remark: &'static str,
    /// What it does, in a line or two.
    pub about: &'static str,
}

impl Field {
    /// How it is called and what is said of it.
    #[must_use]
    pub fn words(self) -> FieldWords {
        match self {
            Self::Denoising(setting) => {
                let row = setting.definition();
                FieldWords {
                    key: row.key,
                    label: row.label,
                    remark: row.remark,
                    about: row.about,
                }
            }
            Self::Speed => FieldWords {
                key: "speed",
                label: "speed dial",
                remark: "quality · balanced · fast · turbo",
                about: "Steps and threshold in one: quality has 1 token per step, balanced 2, fast \
                        commits all tokens above 0.90, turbo all above 0.70.",
            },
            Self::Delay => FieldWords {
                key: "delay",
                label: "playback delay",
                remark: "slow-motion display only",
                about: "Shows each step for at least this long. The engine does not wait: only the \
                        picture is slower. It holds for the running answer too.",
            },
            Self::Pins => FieldWords {
                key: "pins",
                label: "pins",
                remark: "token position:word, …",
                about: "Words that the answer must hold, at token positions counted from 0: 9:Clara. \
                        They stay for every answer until cleared.",
            },
            Self::Context => FieldWords {
                key: "context",
                label: "context",
                remark: "roll · refuse, when it is full",
                about: "When the conversation outgrows the model's context: roll leaves its oldest \
                        turns out of the prompt, refuse sends nothing.",
            },
        }
    }
}
