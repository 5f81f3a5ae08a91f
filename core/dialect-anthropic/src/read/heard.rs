//! What turns tell that goes for the whole request.

use sluice_neutral::effort::Effort;
use sluice_neutral::request::{Text, Told};

use super::served::Served;

/// What turns tell that goes for the whole request.
#[derive(Default)]
pub(super) struct Heard<'a> {
    /// Tools that searches have found.
    pub(super) found: Vec<Text<'a>>,
    /// The effort that the last message asks for.
    pub(super) effort: Option<Told<Effort>>,
    /// Calls of Anthropic's own tools that wait for their results.
    pub(super) served: Served<'a>,
}
