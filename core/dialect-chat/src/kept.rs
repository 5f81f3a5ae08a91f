//! What is kept of a client's request to write its answer.

/// What a client asked for that shows in the form of the answer alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    /// It knows `functions`, and no `tools`: it is called by `function_call`.
    pub(crate) legacy: bool,
    /// A stream is to end with its usage.
    pub(crate) include_usage: bool,
}
