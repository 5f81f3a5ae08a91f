//! How far a call's arguments have come, as far as brackets and quotes tell.

/// Arguments that come in pieces.
#[derive(Debug, Default)]
pub struct Arguments {
    depth: usize,
    in_text: bool,
    escaped: bool,
    any: bool,
}

impl Arguments {
    /// More of them.
    pub fn feed(&mut self, text: &str) {
        for byte in text.bytes() {
            self.any |= !byte.is_ascii_whitespace();
            if self.escaped {
                self.escaped = false;
                continue;
            }
            match byte {
                b'"' => self.in_text = !self.in_text,
                b'\\' => self.escaped = self.in_text,
                b'{' | b'[' if !self.in_text => self.depth += 1,
                b'}' | b']' if !self.in_text => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
    }

    /// Whether they end in the midst of something.
    #[must_use]
    pub const fn are_cut(&self) -> bool {
        self.any && (self.depth > 0 || self.in_text)
    }

    /// Whether they are all there.
    #[must_use]
    pub const fn are_whole(&self) -> bool {
        self.any && !self.are_cut()
    }

    /// Whether nothing has come of them.
    #[must_use]
    pub const fn are_none(&self) -> bool {
        !self.any
    }
}
