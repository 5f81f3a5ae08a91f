//! The usage of an answer as its upstream wrote it, for whoever wants to know later what was read of it.

/// Bytes of it that are kept.
const KEPT_MAX: usize = 2 * 1024;

/// What was written.
#[derive(Clone, Debug, Default)]
pub struct Raw {
    text: String,
    /// Bytes of what a start has told, which nothing later replaces.
    start: usize,
}

impl Raw {
    /// It: of a stream that tells one at its start and one at its end both, on a line each; of any other the last. Cut
    /// off where it is too long.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What stands at a start.
    pub(super) fn starts(&mut self, told: &[u8]) {
        self.text.clear();
        self.keep(told);
        self.start = self.text.len();
    }

    /// What was told since: it takes the place of what was told before it.
    pub(super) fn told(&mut self, told: &[u8]) {
        self.text.truncate(self.start);
        if self.start > 0 {
            self.text.push('\n');
        }
        self.keep(told);
    }

    fn keep(&mut self, told: &[u8]) {
        let room = KEPT_MAX.saturating_sub(self.text.len());
        let told = told.trim_ascii();
        let told = told.get(..room).unwrap_or(told);
        // What is cut inside a character ends before it.
        let text = match std::str::from_utf8(told) {
            Ok(text) => text,
            Err(error) => told
                .get(..error.valid_up_to())
                .and_then(|told| std::str::from_utf8(told).ok())
                .unwrap_or_default(),
        };
        self.text.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use super::{KEPT_MAX, Raw};

    #[test]
    fn a_start_stays_and_what_follows_it_is_replaced() {
        let mut raw = Raw::default();
        raw.told(b" {\"a\":1} ");
        raw.told(b"{\"a\":2}");
        assert_eq!(raw.text(), "{\"a\":2}");
        let mut raw = Raw::default();
        raw.starts(b"{\"in\":1}");
        raw.told(b"{\"out\":1}");
        raw.told(b"{\"out\":2}");
        assert_eq!(raw.text(), "{\"in\":1}\n{\"out\":2}");
    }

    #[test]
    fn it_is_bounded_and_never_cut_inside_a_character() {
        let mut raw = Raw::default();
        raw.told("ä".repeat(KEPT_MAX).as_bytes());
        assert_eq!(raw.text(), "ä".repeat(KEPT_MAX / 2));
        raw.told(format!("x{}", "ä".repeat(KEPT_MAX)).as_bytes());
        assert_eq!(raw.text().len(), KEPT_MAX - 1);
    }
}
