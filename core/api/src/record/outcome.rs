//! How a request ended.

use std::borrow::Cow;

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The answer went to its end, also one that says what is wrong with the request.
    Completed,
    /// The client went away.
    ClientGone,
    /// The upstream failed or broke off, or refused what was not the client's mistake.
    UpstreamError,
    /// Sluice itself failed.
    GatewayError,
    /// The gateway's process ended before the request did.
    Interrupted,
    /// Sluice refused it; the reason.
    Refused(Cow<'static, str>),
}

impl Outcome {
    /// What stands before the reason of a refusal.
    const REFUSED: &'static str = "refused:";

    /// Its name in records, metrics and logs.
    #[must_use]
    pub fn name(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Completed => "completed",
            Self::ClientGone => "client_gone",
            Self::UpstreamError => "upstream_error",
            Self::GatewayError => "gateway_error",
            Self::Interrupted => "interrupted",
            Self::Refused(reason) => return format!("{}{reason}", Self::REFUSED).into(),
        })
    }

    /// The outcome of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "completed" => Self::Completed,
            "client_gone" => Self::ClientGone,
            "upstream_error" => Self::UpstreamError,
            "gateway_error" => Self::GatewayError,
            "interrupted" => Self::Interrupted,
            _ => Self::Refused(name.strip_prefix(Self::REFUSED)?.to_owned().into()),
        })
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name())
    }
}
