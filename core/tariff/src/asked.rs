//! What a cost model is asked beside the price of what was used.

use jiff::Timestamp;

/// How long prompts and answers may be, in tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lengths {
    /// The longest prompt.
    pub input: Option<u64>,
    /// The longest answer.
    pub output: Option<u64>,
}

/// Of which model an operator asks what is known.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ListedAsk<'a> {
    /// The kind of the provider that would serve it; empty where none is meant.
    pub provider: &'a str,
    /// The model, as upstream would be asked for it.
    pub model: &'a str,
    /// The time of the request.
    pub time: Timestamp,
}

impl<'a> ListedAsk<'a> {
    /// A model at a time.
    #[must_use]
    pub const fn new(provider: &'a str, model: &'a str, time: Timestamp) -> Self {
        Self { provider, model, time }
    }
}
