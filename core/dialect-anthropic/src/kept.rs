//! What of a client's request its answer needs.

use sluice_neutral::request::{Content, Request, Role};

/// The most of a question that is kept.
const QUESTION_MAX: usize = 400;

/// What of a client's request its answer needs.
#[derive(Debug)]
pub(crate) struct Kept {
    /// What was searched for. Claude Code asks for a search by itself, with this one tool and nothing else, and reads what
    /// was found from blocks that only Anthropic's answers have.
    pub(crate) question: String,
}

impl Kept {
    /// What is kept of a request; nothing of most.
    pub(crate) fn of(request: &Request<'_>) -> Option<Self> {
        if request.search.is_none() || !request.tools.is_empty() {
            return None;
        }
        let turn = request.turns.iter().rev().find(|turn| turn.role == Role::User)?;
        let text = turn.parts.iter().rev().find_map(|part| match &part.content {
            Content::Text(text) => Some(text),
            _ => None,
        })?;
        Some(Self { question: text.chars().take(QUESTION_MAX).collect() })
    }
}
