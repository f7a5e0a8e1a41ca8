use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::exposure::{Rule, exposure};
use super::{Approval, resolved};
use crate::plugin::PluginError;

/// A library that may be opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Granted {
    /// Absolute, links followed.
    path: PathBuf,
    warrant: Warrant,
}

/// Why a library may be opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) enum Warrant {
    /// It is part of the program: it lies in its folder.
    Ours,
    /// The user, or whoever calls us, vouches for its place in this run.
    Vouched,
    /// This content at this place was approved.
    Approved(Approval),
}

impl Granted {
    /// The library at `path`, for which whoever calls this vouches.
    ///
    /// # Errors
    /// [`PluginError`] if it is not there, others may change it, or its path is not absolute.
    pub fn vouched(path: &Path) -> Result<Self, PluginError> {
        let at = || path.to_owned();
        if !path.is_absolute() {
            return Err(PluginError::Relative { path: at() });
        }
        let library = resolved(path).map_err(|error| PluginError::Open {
            path: at(),
            reason: error.to_string(),
        })?;
        Self::of(library, Warrant::Vouched)
    }

    /// The library at `path`, links followed, if nobody else may change it.
    ///
    /// # Errors
    /// [`PluginError::Exposed`].
    pub(in super::super) fn of(path: PathBuf, warrant: Warrant) -> Result<Self, PluginError> {
        let this = Self { path, warrant };
        this.test_exposure()?;
        Ok(this)
    }

    /// # Errors
    /// [`PluginError::Exposed`] if others may change it.
    pub(in super::super) fn test_exposure(&self) -> Result<(), PluginError> {
        let rule = match self.warrant {
            Warrant::Ours => Rule::Program,
            Warrant::Vouched | Warrant::Approved(_) => Rule::Library,
        };
        exposure(&self.path, rule).map_err(|what| PluginError::Exposed {
            path: self.path.clone(),
            what,
        })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The one content that may be opened, if it is not the place alone that is trusted.
    pub(in super::super) fn approval(&self) -> Option<&Approval> {
        match &self.warrant {
            Warrant::Approved(approval) => Some(approval),
            Warrant::Ours | Warrant::Vouched => None,
        }
    }

    /// True if it is still what was granted.
    pub(in super::super) fn is_unchanged(&self) -> bool {
        let still = |it: &Approval| Approval::of(&self.path).is_ok_and(|now| now == *it);
        self.approval().is_none_or(still)
    }
}
