//! Why an answer ended, by Anthropic's names.

use sluice_neutral::answer::Reason;

/// Names and what they say; the first name of each is the one that is written.
const REASONS: [(&str, Reason); 8] = [
    ("end_turn", Reason::Done),
    ("stop_sequence", Reason::Stopped),
    ("max_tokens", Reason::Length),
    ("tool_use", Reason::Calls),
    ("refusal", Reason::Refused),
    ("model_context_window_exceeded", Reason::ContextFull),
    ("pause_turn", Reason::Paused),
    ("compaction", Reason::Done),
];

/// What a name says. One that is not known yet says that the model was done.
pub(crate) fn of(name: &str) -> Reason {
    REASONS.iter().find(|(known, _)| *known == name).map_or(Reason::Done, |(_, reason)| *reason)
}

/// Its name.
pub(crate) fn name(reason: Reason) -> &'static str {
    REASONS.iter().find(|(_, known)| *known == reason).map_or("end_turn", |(name, _)| name)
}
