//! What families of OpenAI's models take. A model of another name is asked for anything.

use sluice_neutral::effort::{Effort, Family};

/// What a model takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Traits {
    /// Whether it thinks; nothing where that is not known.
    pub(crate) thinks: Option<bool>,
    /// The levels at which it does; empty where they are not known.
    pub(crate) efforts: &'static [Effort],
    /// Whether a prompt may be marked for its cache.
    pub(crate) has_marks: bool,
}

impl Traits {
    /// What a model of this name takes.
    pub(crate) fn of(model: &str) -> Self {
        let Some(Family { version, efforts }) = Family::of(model) else {
            return Self { thinks: None, efforts: &[], has_marks: false };
        };
        let thinks = !efforts.is_empty();
        let has_marks = thinks && version.is_some_and(|version| version >= (5, 6));
        Self { thinks: Some(thinks), efforts, has_marks }
    }
}

#[cfg(test)]
mod tests {
    use super::Traits;
    use sluice_neutral::effort::Effort;

    #[test]
    fn families_are_known_by_their_names() {
        for (model, thinks, nearest) in [
            ("gpt-6.1-sol", Some(true), Effort::Low),
            ("openai/gpt-5.5-2026-03-01", Some(true), Effort::None),
            ("gpt-5-mini", Some(true), Effort::Minimal),
            ("ft:gpt-4.1:org::id", Some(false), Effort::None),
            ("GPT-4o", Some(false), Effort::None),
            ("o3", Some(true), Effort::Low),
            ("o30", None, Effort::None),
            ("gpt-5.10", Some(true), Effort::None),
            ("gpt-5.1-codex", Some(true), Effort::Low),
            ("gpt-5.3-codex", Some(true), Effort::Low),
            ("gpt-5.2-chat-latest", Some(false), Effort::None),
            ("my-deployment", None, Effort::None),
        ] {
            let traits = Traits::of(model);
            assert_eq!(traits.thinks, thinks, "{model}");
            assert_eq!(Effort::None.at_least_some(traits.efforts), nearest, "{model}");
        }
        assert_eq!(Effort::Minimal.at_least_some(Traits::of("gpt-5.5").efforts), Effort::Low);
        assert_eq!(Effort::Max.at_least_some(Traits::of("gpt-5.1-codex-max").efforts), Effort::Xhigh);
        assert!(Traits::of("gpt-5.6-luna").has_marks && !Traits::of("gpt-5.5").has_marks);
    }
}
