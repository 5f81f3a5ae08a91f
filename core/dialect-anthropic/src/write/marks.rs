//! Cache marks: at most four, those that last longest first.

use sluice_neutral::request::Lifetime;

use sluice_neutral::json::write::Object;

/// The most that a request may have.
const MOST: usize = 4;

/// The marks that are written, in the order of the prompt: tools, system, messages.
pub(super) struct Marks {
    /// So many of the first are left out: the last ones cover most.
    skipped: usize,
    /// One that is short stood before, so that none that is long may follow.
    short: bool,
}

impl Marks {
    /// Of so many that are asked for.
    pub(super) fn of(asked: usize) -> Self {
        Self { skipped: asked.saturating_sub(MOST), short: false }
    }

    /// Writes a mark, where there is one and room for it.
    pub(super) fn write(&mut self, mark: Option<Lifetime>, object: &mut Object<'_>) {
        let Some(lifetime) = mark else { return };
        if self.skipped > 0 {
            self.skipped -= 1;
            return;
        }
        let long = lifetime == Lifetime::Long && !self.short;
        self.short |= !long;
        let value = if long { r#"{"type":"ephemeral","ttl":"1h"}"# } else { r#"{"type":"ephemeral"}"# };
        object.raw("cache_control", value);
    }
}
