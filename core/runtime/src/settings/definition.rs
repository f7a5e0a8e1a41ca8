use super::{Domain, Setting, SettingValue};
use crate::Params;

/// All that is known of a setting.
#[derive(Debug)]
pub struct Definition {
    /// Which.
    pub setting: Setting,
    /// Its name in `model_config.toml`, in records and for `/set`.
    pub key: &'static str,
    /// What it may be.
    pub domain: Domain,
    /// Its flag.
    pub flag: Flag,
    /// Its environment variable.
    pub variable: &'static str,
    /// Its name on the screen, at most 16 cells.
    pub label: &'static str,
    /// What it is, for `--help`.
    pub help: &'static str,
    /// A few words beside it on the screen.
    pub remark: &'static str,
    /// What it does, in a line or two, for the screen.
    pub about: &'static str,
    /// What it may change.
    pub changes: Changes,
    /// Of which ways to do the same it is one; only one of them can be used.
    pub one_of: Option<OneOf>,
    /// Its value, for an answer of so many positions.
    pub get: fn(&Params, usize) -> SettingValue,
    /// Writes a value of its domain into the settings and the answer's length.
    pub set: fn(&mut Params, &mut usize, SettingValue),
}

/// What a setting may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changes {
    /// The tokens, as is wanted.
    Tokens,
    /// The tokens for the sake of speed, unless it has its default value: an approximation.
    TokensForSpeed,
    /// Only how long it takes: the visible text is the same.
    Speed,
}

/// What there are several ways to do, of which only one can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OneOf {
    /// To say how many positions a step commits: [`Params::transfer`].
    Transfer,
}

/// How the command line says a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flag {
    /// A value stands behind the name; what help calls it.
    Takes(&'static str, &'static str),
    /// The flag alone turns the setting on.
    TurnsOn(&'static str),
    /// The flag alone turns the setting off.
    TurnsOff(&'static str),
}

impl Definition {
    /// The value that the settings have by default, for an answer of 128 positions.
    #[must_use]
    pub fn default(&self) -> SettingValue {
        (self.get)(&Params::default(), 128)
    }

    /// True if a value does something: a number that is not off, a switch or a word that is not the default.
    #[must_use]
    pub fn is_used(&self, value: SettingValue) -> bool {
        value != self.default()
    }

    /// True if it may change tokens for the sake of speed as it stands.
    #[must_use]
    pub fn is_approximate(&self, params: &Params) -> bool {
        self.changes == Changes::TokensForSpeed && self.is_used((self.get)(params, 128))
    }
}

impl Flag {
    /// The flag with its two dashes.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Takes(name, _) | Self::TurnsOn(name) | Self::TurnsOff(name) => name,
        }
    }
}
