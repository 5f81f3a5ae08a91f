//! Numbers that look random and are the same in every run.

/// A xorshift generator.
pub struct Dice(u64);

impl Dice {
    /// With a seed; each seed has a sequence of its own.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        // The state is never zero, and seeds that are near are spread.
        Self(seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// A number below this one.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    /// One of these.
    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}
