//! The kinds of requests: how large each is, and how it is answered.

use std::time::Duration;

/// A kind of request, told to the upstream by the model's name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// 2 KB, answered by 2 KB of JSON.
    Small,
    /// 100 KB, answered by 2 KB of JSON.
    Large,
    /// 2 KB, answered by 512 events at once.
    Burst,
    /// 2 KB, answered by 64 events, 10 ms apart.
    Paced,
    /// 2 KB, answered by 32 events, 100 ms apart: streams that stay open without much work.
    Held,
}

/// How the upstream answers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    /// JSON with a body of this many bytes.
    Json(usize),
    /// This many events, with a pause after each.
    Events(usize, Duration),
}

impl Kind {
    /// All of them.
    pub(crate) const ALL: [Self; 5] = [Self::Small, Self::Large, Self::Burst, Self::Paced, Self::Held];

    /// The model that is asked for.
    pub(crate) fn model(self) -> &'static str {
        match self {
            Self::Small => "claude-bench-small",
            Self::Large => "claude-bench-large",
            Self::Burst => "claude-bench-burst",
            Self::Paced => "claude-bench-paced",
            Self::Held => "claude-bench-held",
        }
    }

    /// How it is answered.
    pub(crate) fn form(self) -> Form {
        match self {
            Self::Small | Self::Large => Form::Json(2_000),
            Self::Burst => Form::Events(512, Duration::ZERO),
            Self::Paced => Form::Events(64, Duration::from_millis(10)),
            Self::Held => Form::Events(32, Duration::from_millis(100)),
        }
    }

    /// Bytes of the request's body.
    pub(crate) fn body_size(self) -> usize {
        if self == Self::Large { 100_000 } else { 2_000 }
    }

    /// Events of an answer; 1 for one that is no stream.
    pub(crate) fn events(self) -> usize {
        match self.form() {
            Form::Json(_) => 1,
            Form::Events(count, _) => count,
        }
    }
}
