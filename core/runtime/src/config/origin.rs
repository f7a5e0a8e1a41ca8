use std::fmt;

/// Which layer said a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody: the built-in default.
    Default,
    /// The file, on this line, counted from 1.
    File(usize),
    /// An environment variable.
    Variable(&'static str),
    /// The preset of this name.
    Preset(String),
    /// A flag.
    Flag(&'static str),
}

impl Origin {
    /// The layer's height; a higher one wins.
    #[must_use]
    pub fn rank(&self) -> u8 {
        match self {
            Self::Default => 0,
            Self::File(_) => 1,
            Self::Variable(_) => 2,
            Self::Preset(_) => 3,
            Self::Flag(_) => 4,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => write!(out, "default"),
            Self::File(line) => write!(out, "line {line}"),
            Self::Preset(name) => write!(out, "preset {name}"),
            Self::Variable(name) | Self::Flag(name) => write!(out, "{name}"),
        }
    }
}

/// A value and where it was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved<T> {
    /// The value.
    pub value: T,
    /// Where it was said.
    pub origin: Origin,
}

impl<T> Resolved<T> {
    /// A value that nobody said.
    pub fn default(value: T) -> Self {
        Self {
            value,
            origin: Origin::Default,
        }
    }

    /// A value of the file, on this line, or what holds if the file says nothing.
    pub(super) fn in_file(said: Option<T>, line: usize, unsaid: T) -> Self {
        match said {
            Some(value) => Self {
                value,
                origin: Origin::File(line),
            },
            None => Self::default(unsaid),
        }
    }

    /// Replaces the value if a higher layer says one.
    pub(super) fn lay(&mut self, value: Option<T>, origin: Origin) {
        if let Some(value) = value {
            *self = Self { value, origin };
        }
    }
}
