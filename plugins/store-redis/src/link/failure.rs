//! Why something was not answered, and whether it may have been done.

use std::fmt;

use sluice_api::store::StoreError;

/// Why something was not answered.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    /// It was surely not done.
    NotDone(String),
    /// It may have been done.
    Unknown(String),
    /// It was answered, with an error of its own: some of it may have been done.
    Answered(String),
    /// The server can't do it as things are there, and does not the next time: some of it may have been done.
    Never(String),
    /// It was surely not done, and for a reason of its own: that says nothing of the servers.
    Refused(String),
}

impl Failure {
    /// Whether it says that servers are out of reach, and nothing of what was asked.
    pub(crate) const fn is_outage(&self) -> bool {
        matches!(self, Self::NotDone(_) | Self::Unknown(_))
    }

    /// Whether it may have been done.
    pub(crate) const fn is_doubtful(&self) -> bool {
        matches!(self, Self::Unknown(_) | Self::Answered(_) | Self::Never(_))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotDone(why)
            | Self::Unknown(why)
            | Self::Answered(why)
            | Self::Never(why)
            | Self::Refused(why) => f.write_str(why),
        }
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        Self(failure.to_string())
    }
}
