//! Claude models on Bedrock: Anthropic's names, Bedrock's ids, and the geographies that have a profile of them.
//!
//! Source: litellm 1.109.1, model_prices_and_context_window.json (ids and profiles), and Anthropic's model names.
//! Gaps: models before Claude 3 and what has no Messages API on Bedrock; releases after the source. What the table
//! does not know is named by a rule, see [`crate::names`].

use Geography::{Apac, Au, Eu, Global, Jp, Us, UsGov};

/// A geography, whose inference profiles begin with its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Geography {
    Us,
    Eu,
    Apac,
    Jp,
    Au,
    UsGov,
    /// Every commercial region.
    Global,
}

impl Geography {
    /// What a profile's id begins with.
    pub(crate) const fn prefix(self) -> &'static str {
        match self {
            Us => "us.",
            Eu => "eu.",
            Apac => "apac.",
            Jp => "jp.",
            Au => "au.",
            UsGov => "us-gov.",
            Global => "global.",
        }
    }
}

/// Beginnings of profiles' ids; those that no Claude model has, too.
pub(crate) const PREFIXES: [&str; 9] =
    ["us.", "eu.", "apac.", "jp.", "au.", "us-gov.", "global.", "ca.", "in."];

/// Regions by the beginning of their name, and their geographies, the narrowest first. Canada has the American ones.
/// Regions that are not here have none: they reach the global profiles alone.
const REGIONS: [(&str, &[Geography]); 9] = [
    ("ap-northeast-1", &[Jp, Apac]),
    ("ap-northeast-3", &[Jp, Apac]),
    ("ap-southeast-2", &[Au, Apac]),
    ("ap-southeast-4", &[Au, Apac]),
    ("ap-", &[Apac]),
    ("ca-", &[Us]),
    ("eu-", &[Eu]),
    ("us-gov-", &[UsGov]),
    ("us-", &[Us]),
];

/// The geographies of a region, the narrowest first.
pub(crate) fn geographies(region: &str) -> &'static [Geography] {
    REGIONS.iter().find(|(start, _)| region.starts_with(start)).map_or(&[], |(_, geographies)| geographies)
}

/// A model.
pub(crate) struct Known {
    /// Anthropic's name, without its date.
    pub(crate) name: &'static str,
    /// Its date; empty where the source has none, and then any is taken.
    pub(crate) date: &'static str,
    /// Bedrock's id after `anthropic.`.
    pub(crate) id: &'static str,
    /// The geographies that have a profile of it.
    pub(crate) profiles: &'static [Geography],
}

const fn known(
    name: &'static str,
    date: &'static str,
    id: &'static str,
    profiles: &'static [Geography],
) -> Known {
    Known { name, date, id, profiles }
}

/// The table. Of two dates of one name, the later comes first: it is what the bare name means.
pub(crate) const KNOWN: [Known; 24] = [
    known("claude-fable-5-1", "", "claude-fable-5-1", &[Us, Eu, UsGov, Global]),
    known("claude-fable-5", "", "claude-fable-5", &[Us, Eu, Apac, Au, Global]),
    known("claude-haiku-5-5", "", "claude-haiku-5-5", &[Us, Eu, Apac, Jp, Au, UsGov, Global]),
    known("claude-haiku-4-5", "20251001", "claude-haiku-4-5-20251001-v1:0", &[Us, Eu, Apac, Jp, Au, Global]),
    known("claude-mythos-5-1", "", "claude-mythos-5-1", &[Us, Global]),
    known("claude-mythos-5", "", "claude-mythos-5", &[Us]),
    known("claude-mythos-preview", "", "claude-mythos-preview", &[Us, Apac, Au]),
    known("claude-opus-5-5", "", "claude-opus-5-5", &[Us, Eu, Apac, Jp, Au, UsGov, Global]),
    known("claude-opus-5", "", "claude-opus-5", &[Us, Eu, Apac, Jp, Au, UsGov, Global]),
    known("claude-opus-4-8", "", "claude-opus-4-8", &[Us, Eu, Apac, Jp, Au, UsGov, Global]),
    known("claude-opus-4-7", "20260416", "claude-opus-4-7", &[Us, Eu, Apac, Jp, Au, Global]),
    known("claude-opus-4-6", "20260205", "claude-opus-4-6-v1", &[Us, Eu, Au, Global]),
    known("claude-opus-4-5", "20251101", "claude-opus-4-5-20251101-v1:0", &[Us, Eu, Global]),
    known("claude-opus-4-1", "20250805", "claude-opus-4-1-20250805-v1:0", &[Us, Eu]),
    known("claude-opus-4", "20250514", "claude-opus-4-20250514-v1:0", &[Us, Eu]),
    known("claude-sonnet-5-5", "", "claude-sonnet-5-5", &[Us, Eu, Apac, Jp, Au, UsGov, Global]),
    known("claude-sonnet-5", "", "claude-sonnet-5", &[Us, Eu, Apac, Jp, Au, UsGov, Global]),
    known("claude-sonnet-4-6", "", "claude-sonnet-4-6", &[Us, Eu, Apac, Jp, Au, Global]),
    known(
        "claude-sonnet-4-5",
        "20250929",
        "claude-sonnet-4-5-20250929-v1:0",
        &[Us, Eu, Jp, Au, UsGov, Global],
    ),
    known("claude-sonnet-4", "20250514", "claude-sonnet-4-20250514-v1:0", &[Us, Eu, Apac, Global]),
    known("claude-3-7-sonnet", "20250219", "claude-3-7-sonnet-20250219-v1:0", &[Us, Eu]),
    known("claude-3-5-sonnet", "20241022", "claude-3-5-sonnet-20241022-v2:0", &[Us, Eu]),
    known("claude-3-5-sonnet", "20240620", "claude-3-5-sonnet-20240620-v1:0", &[Us, Eu]),
    known("claude-3-5-haiku", "20241022", "claude-3-5-haiku-20241022-v1:0", &[Us, Eu]),
];
