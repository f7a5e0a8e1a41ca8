use super::Cancellation;

/// A model of the hub on its way to this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Getting {
    /// What it is called here.
    pub name: String,
    /// How far it is.
    pub step: GetStep,
    /// Whether the user has asked to stop it.
    pub cancellation: Cancellation,
}

/// How far a model is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GetStep {
    /// What it would take is asked.
    Looking,
    /// It comes.
    Fetching {
        /// Bytes that are here.
        done: u64,
        /// Bytes in all, 0 if unknown.
        total: u64,
    },
}

/// What is asked of whoever gets models.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GetJob {
    /// What the model would take; answered by [`GetNews::Planned`].
    Look(String),
    /// The model itself.
    Fetch(String),
}

/// What they tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GetNews {
    /// What it takes, a paragraph a line, and why it should not be fetched.
    Planned {
        /// What the model is to be called from here on, which tells one GGUF file from others.
        name: String,
        /// For people.
        lines: Vec<String>,
        /// Why not.
        obstacle: Option<String>,
    },
    /// So much is here.
    Progress {
        /// Bytes that are here.
        done: u64,
        /// Bytes in all.
        total: u64,
    },
    /// It is here.
    Done,
    /// The user has stopped it.
    Stopped,
    /// It did not come: why, and what to do.
    Failed(String),
}
