//! What an upstream's models take, by their names: the dialect is one, and what its models refuse differs.
//!
//! From OpenAI's model pages and its errors; where a name says nothing, a model is taken for one that does not think.

use sluice_neutral::effort::Effort::{self, High, Low, Medium, Minimal, None};
use sluice_neutral::effort::Family;

/// What a model of a provider takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Model {
    /// Whether it is OpenAI that is asked (by itself, or by Azure): others speak an older dialect.
    pub(crate) is_openai: bool,
    /// Whether it is OpenAI's own service, which takes what Azure's older versions refuse.
    pub(crate) is_newest: bool,
    /// The levels at which it thinks; nothing where it can't be told.
    pub(crate) efforts: &'static [Effort],
    /// Whether it refuses to be sampled in another way than its own, as models that think do.
    pub(crate) thinks: bool,
    /// Whether it does not think where nothing is said; then it may be sampled in any way.
    pub(crate) is_quick: bool,
    /// Whether it takes tools of plain text.
    pub(crate) plain_tools: bool,
    /// Whether it takes marks on prompts.
    pub(crate) marks: bool,
    /// Whether it can be told how long to speak.
    pub(crate) verbosity: bool,
    /// Whether it can be told about parallel calls.
    pub(crate) parallel: bool,
    /// Whether it searches the web for each answer.
    pub(crate) searches: bool,
    /// Whether it is one of Google's, which want back what they signed.
    pub(crate) signs: bool,
    /// The ids of calls that it takes.
    pub(crate) ids: Ids,
}

/// Which ids of calls a model takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ids {
    /// Any, of any length.
    Any,
    /// Any of at most 64 bytes.
    Bounded,
    /// Nine letters and digits.
    Nine,
}

/// What the names of Mistral's models begin with.
const MISTRALS: [&str; 7] =
    ["mistral-", "open-mistral-", "ministral-", "codestral-", "devstral-", "magistral-", "pixtral-"];

/// Levels of models of other vendors, by what their names begin with.
const OTHERS: [(&str, &[Effort]); 2] =
    [("grok-3-mini", &[Low, High]), ("gemini-", &[None, Minimal, Low, Medium, High])];

impl Model {
    /// A model by the name that the upstream has for it, and its provider's kind.
    pub(crate) fn of(name: &str, provider: &str) -> Self {
        let name = name.to_ascii_lowercase();
        let name = name.rsplit('/').next().unwrap_or_default();
        let name = name.strip_prefix("ft:").unwrap_or(name);
        let is_openai = !matches!(provider, "openai-compatible" | "ccr");
        let searches = name.contains("-search-preview") || name.contains("-search-api");
        let plain = Self {
            is_openai,
            is_newest: matches!(provider, "openai" | "openai-responses"),
            efforts: &[],
            thinks: false,
            is_quick: false,
            plain_tools: false,
            marks: false,
            verbosity: false,
            parallel: true,
            searches,
            signs: name.starts_with("gemini-"),
            ids: match is_openai {
                true => Ids::Bounded,
                false if MISTRALS.iter().any(|begins| name.starts_with(begins)) => Ids::Nine,
                false => Ids::Any,
            },
        };
        let Some(Family { version, efforts }) = Family::of(name) else {
            let other = OTHERS.iter().find(|(begins, _)| name.starts_with(begins));
            return Self { efforts: other.map_or(&[], |(_, efforts)| efforts), ..plain };
        };
        match version {
            Some(version) if version >= (5, 0) => plain.of_today(version, efforts),
            Some(_) => plain,
            // Models of open weights are served by others, who sample them in any way.
            Option::None if name.starts_with("gpt-oss") => Self { efforts, ..plain },
            Option::None => Self { efforts, thinks: true, parallel: false, ..plain },
        }
    }

    /// GPT-5 and later.
    fn of_today(self, version: (u32, u32), efforts: &'static [Effort]) -> Self {
        if efforts.is_empty() {
            return self;
        }
        let is_openai = self.is_openai;
        let is_quick = matches!(version, (5, 1 | 2 | 4)) && efforts.contains(&None);
        let marks = is_openai && version >= (5, 6);
        let thinking = Self { efforts, thinks: true, is_quick, marks, ..self };
        Self { plain_tools: is_openai, verbosity: is_openai, ..thinking }
    }

    /// The role in which it is instructed. Others than OpenAI know the older name alone.
    pub(crate) const fn instructed_by(&self) -> &'static str {
        if self.is_openai && self.thinks { "developer" } else { "system" }
    }

    /// Whether it may be sampled in any way while it thinks at this level.
    pub(crate) fn samples(&self, effort: Option<Effort>) -> bool {
        !self.thinks || effort.map_or(self.is_quick, |effort| effort == None)
    }
}

#[cfg(test)]
mod tests {
    use super::Model;
    use sluice_neutral::effort::Effort;

    #[test]
    fn a_model_takes_what_its_family_does() {
        // Name, provider, role, the level nearest to none, whether sampled, whether marked.
        for (name, provider, role, lowest, samples, marks) in [
            ("gpt-4o", "openai", "system", None, true, false),
            ("gpt-4.1-2025-04-14", "azure-openai", "system", None, true, false),
            ("o3", "openai", "developer", Some("low"), false, false),
            ("o4-mini-2025-04-16", "azure-openai", "developer", Some("low"), false, false),
            ("gpt-5", "openai", "developer", Some("minimal"), false, false),
            ("gpt-5-chat-latest", "openai", "system", None, true, false),
            ("gpt-5.1", "openai", "developer", Some("none"), true, false),
            ("gpt-5.4-mini", "openai", "developer", Some("none"), true, false),
            ("gpt-5.3-codex", "openai", "developer", Some("low"), false, false),
            ("gpt-5.5-2026-03-01", "openai", "developer", Some("none"), false, false),
            ("gpt-5.6-terra", "openai", "developer", Some("none"), false, true),
            ("ft:gpt-6.1-sol:org::id", "openai", "developer", Some("low"), false, true),
            ("openai/gpt-6-luna", "openai-compatible", "system", Some("low"), false, false),
            ("openai/gpt-oss-120b", "openai-compatible", "system", Some("low"), true, false),
            ("deepseek-chat", "openai-compatible", "system", None, true, false),
            ("omni-moderation", "openai", "system", None, true, false),
            ("o200", "openai", "system", None, true, false),
            ("gpt-35-turbo", "azure-openai", "system", None, true, false),
            ("gpt-5.2-codex", "openai", "developer", Some("low"), false, false),
        ] {
            let model = Model::of(name, provider);
            assert_eq!(model.instructed_by(), role, "{name}");
            let nearest = (!model.efforts.is_empty()).then(|| Effort::None.nearest(model.efforts).name());
            assert_eq!(nearest, lowest, "{name}");
            assert_eq!((model.samples(None), model.marks), (samples, marks), "{name}");
        }
        let quick = Model::of("gpt-5.5", "openai");
        assert!(quick.samples(Some(Effort::None)) && !quick.samples(Some(Effort::Low)));
        assert!(Model::of("gpt-4o-search-preview", "openai").searches);
    }
}
