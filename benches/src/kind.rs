//! The kinds of requests: in whose API, how large each is, and how it is answered.

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
    /// 2 KB, answered by 48 events, 100 ms apart: streams that stay open without much work.
    Held,
    /// 2 KB, answered by 16 events, 100 ms apart: streams that are open together.
    Crowd,
    /// As small, each in a session of its own.
    Session,
    /// As small; each hundredth request is answered by an error.
    Failing,
    /// 2 KB, answered by 512 events at once, and one more where usage is asked for.
    Chat,
    /// 2 KB, answered by 512 events at once.
    Responses,
    /// 2 KB of Chat, answered by 2 KB of Anthropic's JSON.
    Turned,
    /// A conversation of 1 MB of Chat, answered by 2 KB of Anthropic's JSON.
    TurnedLong,
    /// 2 KB of Chat, answered by 512 of Anthropic's events at once.
    TurnedBurst,
    /// 2 KB of Chat, answered by 16 of Anthropic's events at once.
    TurnedFew,
    /// 2 KB of Anthropic's, answered by 512 events of Chat at once.
    TurnedChat,
}

/// The API that it is of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Dialect {
    /// Anthropic's Messages.
    Claude,
    /// OpenAI's Chat Completions.
    Chat,
    /// OpenAI's Responses.
    Responses,
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
    pub(crate) const ALL: [Self; 15] = [
        Self::Small,
        Self::Large,
        Self::Burst,
        Self::Paced,
        Self::Held,
        Self::Crowd,
        Self::Session,
        Self::Failing,
        Self::Chat,
        Self::Responses,
        Self::Turned,
        Self::TurnedLong,
        Self::TurnedBurst,
        Self::TurnedFew,
        Self::TurnedChat,
    ];

    /// The model that is asked for.
    pub(crate) fn model(self) -> &'static str {
        match self {
            Self::Small => "claude-bench-small",
            Self::Large => "claude-bench-large",
            Self::Burst => "claude-bench-burst",
            Self::Paced => "claude-bench-paced",
            Self::Held => "claude-bench-held",
            Self::Crowd => "claude-bench-crowd",
            Self::Session => "claude-bench-session",
            Self::Failing => "claude-bench-failing",
            Self::Chat => "gpt-bench-chat",
            Self::Responses => "gpt-bench-responses",
            Self::Turned => "claude-bench-turned",
            Self::TurnedLong => "claude-bench-turned-long",
            Self::TurnedBurst => "claude-bench-turned-burst",
            Self::TurnedFew => "claude-bench-turned-few",
            Self::TurnedChat => "gpt-bench-turned",
        }
    }

    /// The API that it is asked in.
    pub(crate) fn dialect(self) -> Dialect {
        match self {
            Self::Chat | Self::Turned | Self::TurnedLong | Self::TurnedBurst | Self::TurnedFew => {
                Dialect::Chat
            }
            Self::Responses => Dialect::Responses,
            _ => Dialect::Claude,
        }
    }

    /// The API that the upstream answers in: another one where Sluice translates.
    pub(crate) fn speaks(self) -> Dialect {
        match self {
            Self::Chat | Self::TurnedChat => Dialect::Chat,
            Self::Responses => Dialect::Responses,
            _ => Dialect::Claude,
        }
    }

    /// How it is answered.
    pub(crate) fn form(self) -> Form {
        match self {
            Self::Small | Self::Large | Self::Session | Self::Failing | Self::Turned | Self::TurnedLong => {
                Form::Json(2_000)
            }
            Self::Burst | Self::Chat | Self::Responses | Self::TurnedBurst | Self::TurnedChat => {
                Form::Events(512, Duration::ZERO)
            }
            Self::TurnedFew => Form::Events(16, Duration::ZERO),
            Self::Paced => Form::Events(64, Duration::from_millis(10)),
            Self::Held => Form::Events(48, Duration::from_millis(100)),
            Self::Crowd => Form::Events(16, Duration::from_millis(100)),
        }
    }

    /// Bytes of the request's body.
    pub(crate) fn body_size(self) -> usize {
        match self {
            Self::Large => 100_000,
            Self::TurnedLong => 1_000_000,
            _ => 2_000,
        }
    }

    /// Events of an answer; 1 for one that is no stream.
    pub(crate) fn events(self) -> usize {
        match self.form() {
            Form::Json(_) => 1,
            Form::Events(count, _) => count,
        }
    }
}
