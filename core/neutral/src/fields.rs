//! Tables of a dialect's fields: what becomes of each toward each other dialect.

use sluice_api::dialect::Api;

/// What becomes of a field toward another dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It says the same there.
    Carried,
    /// It is said in another way, as far as that goes; the row's note says how.
    Adapted,
    /// It is left out: nothing that the client asked for depends on it.
    Silent,
    /// It is left out, and named to the client in `x-sluice-dropped`.
    Named,
    /// The request is refused, and the field named.
    Refused,
}

impl Fate {
    /// Its name in the matrix.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Carried => "carried",
            Self::Adapted => "adapted",
            Self::Silent => "left out",
            Self::Named => "left out, named",
            Self::Refused => "refused",
        }
    }
}

/// A row: a field, or a kind of something, of a dialect.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Where it stands: a path without positions, as `messages.content`; empty for the request itself.
    pub place: &'static str,
    /// Its name; of a kind, the value of its `type`.
    pub name: &'static str,
    /// Whether it is a kind: of a part, an item, a tool.
    pub is_kind: bool,
    toward: [Fate; 4],
    /// Values, as JSON, that ask for nothing: they are left out without a word wherever the field is not carried.
    pub harmless: &'static [&'static str],
    /// How it is adapted, or why it is refused, for people.
    pub note: &'static str,
}

impl Field {
    /// A field with the same fate everywhere.
    #[must_use]
    pub const fn new(place: &'static str, name: &'static str, fate: Fate) -> Self {
        Self { place, name, is_kind: false, toward: [fate; 4], harmless: &[], note: "" }
    }

    /// A kind with the same fate everywhere.
    #[must_use]
    pub const fn kind(place: &'static str, name: &'static str, fate: Fate) -> Self {
        Self { is_kind: true, ..Self::new(place, name, fate) }
    }

    /// Toward one dialect it has another fate.
    #[must_use]
    pub const fn to(mut self, api: Api, fate: Fate) -> Self {
        let [anthropic, chat, responses, gemini] = &mut self.toward;
        match api {
            Api::Anthropic => *anthropic = fate,
            Api::OpenaiResponses => *responses = fate,
            Api::Gemini => *gemini = fate,
            _ => *chat = fate,
        }
        self
    }

    /// These values ask for nothing.
    #[must_use]
    pub const fn but(self, harmless: &'static [&'static str]) -> Self {
        Self { harmless, ..self }
    }

    /// How it is adapted, or why it is refused.
    #[must_use]
    pub const fn note(self, note: &'static str) -> Self {
        Self { note, ..self }
    }

    /// What becomes of it toward a dialect.
    #[must_use]
    pub const fn toward(&self, api: Api) -> Fate {
        let [anthropic, chat, responses, gemini] = self.toward;
        match api {
            Api::Anthropic => anthropic,
            Api::OpenaiResponses => responses,
            Api::Gemini => gemini,
            _ => chat,
        }
    }

    /// Whether a value asks for nothing.
    #[must_use]
    pub fn is_harmless(&self, value: &str) -> bool {
        self.harmless.contains(&value)
    }
}
