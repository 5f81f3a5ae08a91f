//! What families of Google's models take, by their names.

use sluice_neutral::effort::Effort;
use sluice_neutral::names::Rule;

/// What Google allows a function to be called.
pub(crate) const NAMES: Rule = Rule { longest: 64, begins_with_letter: true, also: "." };

/// A model, as far as its name tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Model {
    version: (u32, u32),
    is_pro: bool,
    is_lite: bool,
    /// It samples in its own way, and refuses to be told another.
    has_own_sampling: bool,
}

/// How a model is told how much to think.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Thinks {
    /// By a level.
    Levels(&'static [Effort]),
    /// By tokens: nothing (where it can do without), or from the first to the second.
    Budget {
        /// Whether it can do without thinking.
        can_rest: bool,
        /// The least, where it thinks.
        least: u64,
        /// The most.
        most: u64,
    },
    /// It does not think.
    Never,
}

/// Families that refuse to be told how to sample.
const OWN_SAMPLING: [&str; 2] = ["gemini-3.5-flash-lite", "gemini-3.8-flash"];

impl Model {
    /// Names that tell nothing are taken for those of the newest models.
    pub(crate) fn of(name: &str) -> Self {
        let name = name.rsplit('/').next().unwrap_or(name);
        Self {
            version: version(name).unwrap_or((3, 0)),
            is_pro: name.contains("-pro"),
            is_lite: name.contains("-lite"),
            has_own_sampling: OWN_SAMPLING.iter().any(|family| name.starts_with(family)),
        }
    }

    /// Whether it is of the third generation or later: it wants thought signatures back, looks at images as closely as is
    /// asked of each, takes images in results, and reads public addresses.
    pub(crate) const fn is_third(self) -> bool {
        self.version.0 >= 3
    }

    /// Whether it takes temperature and the like.
    pub(crate) const fn samples(self) -> bool {
        !self.has_own_sampling
    }

    /// How it is told how much to think.
    pub(crate) const fn thinks(self) -> Thinks {
        use Effort::{High, Low, Medium, Minimal, Xhigh};
        match (self.version, self.is_pro, self.is_lite) {
            ((0..2, _) | (2, 0..5), ..) => Thinks::Never,
            ((2, _), true, _) => Thinks::Budget { can_rest: false, least: 128, most: 32_768 },
            ((2, _), _, true) => Thinks::Budget { can_rest: true, least: 512, most: 24_576 },
            ((2, _), ..) => Thinks::Budget { can_rest: true, least: 1, most: 24_576 },
            ((3, _), true, _) => Thinks::Levels(&[Low, Medium, High]),
            ((3, _), ..) => Thinks::Levels(&[Minimal, Low, Medium, High]),
            (_, true, _) => Thinks::Levels(&[Low, Medium, High, Xhigh]),
            _ => Thinks::Levels(&[Minimal, Low, Medium, High, Xhigh]),
        }
    }

    /// The budget that stands for a level, where it takes budgets.
    pub(crate) fn budget(self, effort: Effort) -> u64 {
        match effort {
            Effort::Minimal => self.fitting(512),
            Effort::Max => self.fitting(u64::MAX),
            other => self.fitting(other.budget()),
        }
    }

    /// The nearest budget that it takes.
    pub(crate) const fn fitting(self, tokens: u64) -> u64 {
        match self.thinks() {
            Thinks::Budget { can_rest: true, .. } if tokens == 0 => 0,
            Thinks::Budget { least, .. } if tokens < least => least,
            Thinks::Budget { most, .. } if tokens > most => most,
            _ => tokens,
        }
    }
}

/// `gemini-2.5-pro` is of 2.5; Gemma and others of Google's that are no Gemini do not think.
fn version(name: &str) -> Option<(u32, u32)> {
    if ["gemma-", "learnlm-"].iter().any(|other| name.starts_with(other)) {
        return Some((1, 0));
    }
    let number = name.strip_prefix("gemini-")?.split('-').next()?;
    let (major, minor) = number.split_once('.').unwrap_or((number, "0"));
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::{Model, Thinks};
    use sluice_neutral::effort::Effort;

    #[test]
    fn each_family_is_told_in_its_own_way_how_much_to_think() {
        for (name, effort, budget) in [
            ("gemini-2.5-pro", Effort::None, 128),
            ("gemini-2.5-pro", Effort::Max, 32_768),
            ("models/gemini-2.5-flash", Effort::None, 0),
            ("gemini-2.5-flash", Effort::Minimal, 512),
            ("gemini-2.5-flash", Effort::Max, 24_576),
            ("gemini-2.5-flash-lite-preview-06-17", Effort::Medium, 8_192),
        ] {
            assert_eq!(Model::of(name).budget(effort), budget, "{name}");
        }
        assert_eq!(Model::of("gemini-2.5-flash-lite").fitting(100), 512);
        for (name, levels) in [
            ("gemini-3.1-pro-preview", 3),
            ("gemini-3.8-flash", 4),
            ("gemini-4-argon", 5),
            ("gemini-flash-latest", 4),
            ("tunedModels/mine", 4),
        ] {
            assert!(
                matches!(Model::of(name).thinks(), Thinks::Levels(known) if known.len() == levels),
                "{name}"
            );
            assert!(Model::of(name).is_third());
        }
        for name in ["gemini-2.0-flash", "gemini-1.5-pro", "gemma-3-27b-it"] {
            assert_eq!(Model::of(name).thinks(), Thinks::Never, "{name}");
        }
        assert!(
            !Model::of("gemini-3.8-flash-preview-09-01").samples() && Model::of("gemini-3.7-flash").samples()
        );
    }
}
