//! What families of OpenAI's models take, by how their names begin. A model of another name is asked for anything.

use sluice_neutral::effort::Effort::{self, High, Low, Max, Medium, Minimal, None as Not, Xhigh};

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

const UNKNOWN: Traits = Traits { thinks: None, efforts: &[], has_marks: false };

const fn plain() -> Traits {
    Traits { thinks: Some(false), ..UNKNOWN }
}

const fn thinking(efforts: &'static [Effort]) -> Traits {
    Traits { thinks: Some(true), efforts, has_marks: false }
}

const fn marked(efforts: &'static [Effort]) -> Traits {
    Traits { has_marks: true, ..thinking(efforts) }
}

/// Beginnings of names; the first one that fits counts.
const FAMILIES: [(&str, Traits); 21] = [
    ("gpt-6", marked(&[Low, Medium, High, Xhigh, Max])),
    ("gpt-5.6", marked(&[Not, Low, Medium, High, Xhigh])),
    ("gpt-5.5-pro", thinking(&[Medium, High, Xhigh])),
    ("gpt-5.4-pro", thinking(&[Medium, High, Xhigh])),
    ("gpt-5.2-pro", thinking(&[Medium, High, Xhigh])),
    ("gpt-5.5", thinking(&[Not, Low, Medium, High, Xhigh])),
    ("gpt-5.4", thinking(&[Not, Low, Medium, High, Xhigh])),
    ("gpt-5.3", thinking(&[Not, Low, Medium, High, Xhigh])),
    ("gpt-5.2", thinking(&[Not, Low, Medium, High, Xhigh])),
    ("gpt-5.1", thinking(&[Not, Low, Medium, High])),
    ("gpt-5-pro", thinking(&[High])),
    ("gpt-5-chat", plain()),
    ("gpt-5-codex", thinking(&[Low, Medium, High])),
    ("gpt-5", thinking(&[Minimal, Low, Medium, High])),
    ("gpt-oss", thinking(&[Low, Medium, High])),
    ("codex-mini", thinking(&[Low, Medium, High])),
    ("o1", thinking(&[Low, Medium, High])),
    ("o3", thinking(&[Low, Medium, High])),
    ("o4", thinking(&[Low, Medium, High])),
    ("gpt-4", plain()),
    ("gpt-3", plain()),
];

impl Traits {
    /// What a model of this name takes; a provider's prefix, and that of a fine-tuned model, are not of its name.
    pub(crate) fn of(model: &str) -> Self {
        let name = model.rsplit('/').next().unwrap_or(model);
        let name = name.strip_prefix("ft:").unwrap_or(name);
        let family = FAMILIES.iter().find(|(begins, _)| {
            let rest = name.get(..begins.len()).filter(|start| start.eq_ignore_ascii_case(begins));
            // `o1` is no beginning of `o10`, nor `gpt-5.1` of `gpt-5.10`.
            rest.is_some() && !name.as_bytes().get(begins.len()).is_some_and(u8::is_ascii_digit)
        });
        family.map_or(UNKNOWN, |(_, traits)| *traits)
    }

    /// The nearest level that the model has: a little is never nothing.
    pub(crate) fn level(self, asked: Effort) -> Effort {
        let thinking = self.efforts.strip_prefix(&[Not]).filter(|_| asked != Not);
        asked.nearest(thinking.unwrap_or(self.efforts))
    }
}

#[cfg(test)]
mod tests {
    use super::Traits;
    use sluice_neutral::effort::Effort;

    #[test]
    fn families_are_known_by_how_their_names_begin() {
        for (model, thinks, nearest) in [
            ("gpt-6.1-sol", Some(true), Effort::Low),
            ("openai/gpt-5.5-2026-03-01", Some(true), Effort::None),
            ("gpt-5-mini", Some(true), Effort::Minimal),
            ("ft:gpt-4.1:org::id", Some(false), Effort::None),
            ("GPT-4o", Some(false), Effort::None),
            ("o3", Some(true), Effort::Low),
            ("o30", None, Effort::None),
            ("gpt-5.10", Some(true), Effort::Minimal),
            ("my-deployment", None, Effort::None),
        ] {
            let traits = Traits::of(model);
            assert_eq!(traits.thinks, thinks, "{model}");
            assert_eq!(traits.level(Effort::None), nearest, "{model}");
        }
        assert_eq!(Traits::of("gpt-5.5").level(Effort::Minimal), Effort::Low);
        assert!(Traits::of("gpt-5.6-luna").has_marks && !Traits::of("gpt-5.5").has_marks);
    }
}
