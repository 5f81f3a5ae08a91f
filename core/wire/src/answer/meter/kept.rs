//! What is kept of the names and ids that an answer reports.

/// The longest name or id that is kept of what an answer reports.
pub(super) const NAME_MAX: usize = 256;

/// Keeps what was found, where something was.
pub(super) fn take(slot: &mut Option<String>, found: Option<String>) {
    if found.as_ref().is_some_and(|text| !text.is_empty()) {
        *slot = bounded(found);
    }
}

/// What is kept in records has a bound, whatever an upstream reports.
pub(super) fn bounded(text: Option<String>) -> Option<String> {
    text.filter(|text| text.len() <= NAME_MAX)
}
