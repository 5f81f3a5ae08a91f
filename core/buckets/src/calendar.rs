//! What was used and is reserved in days, weeks or months, and in all time.

use jiff::Timestamp;

/// How many windows of a bucket are kept: a clock that jumps over midnight and back forgets nothing.
const KEPT: usize = 3;

/// What was used, and what running requests have reserved.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sum {
    pub(crate) used: u128,
    pub(crate) reserved: u128,
}

impl Sum {
    pub(crate) fn is_empty(&self) -> bool {
        self.used == 0 && self.reserved == 0
    }

    pub(crate) fn use_up(&mut self, amount: u64) {
        self.used += u128::from(amount);
    }

    pub(crate) fn take_back(&mut self, amount: u64) {
        self.used = self.used.saturating_sub(u128::from(amount));
    }
}

/// The sums of the last windows, each by its first moment.
#[derive(Debug, Default)]
pub(crate) struct Calendar {
    windows: Vec<(Timestamp, Sum)>,
}

impl Calendar {
    pub(crate) fn get(&self, from: Timestamp) -> Option<&Sum> {
        self.windows.iter().find(|(at, _)| *at == from).map(|(_, sum)| sum)
    }

    pub(crate) fn get_mut(&mut self, from: Timestamp) -> Option<&mut Sum> {
        self.windows.iter_mut().find(|(at, _)| *at == from).map(|(_, sum)| sum)
    }

    /// The window that begins at this moment; the earliest of the others goes where there are too many.
    pub(crate) fn open(&mut self, from: Timestamp) -> &mut Sum {
        let at = match self.windows.iter().position(|(at, _)| *at == from) {
            Some(at) => at,
            None => {
                if self.windows.len() >= KEPT {
                    let earliest = self.windows.iter().enumerate().min_by_key(|(_, (at, _))| *at);
                    let earliest = earliest.map(|(at, _)| at);
                    earliest.map(|at| self.windows.swap_remove(at));
                }
                self.windows.push((from, Sum::default()));
                self.windows.len() - 1
            }
        };
        #[expect(clippy::indexing_slicing, reason = "it was found there, or has just been pushed")]
        &mut self.windows[at].1
    }

    pub(crate) fn has_reserved(&self) -> bool {
        self.windows.iter().any(|(_, sum)| sum.reserved > 0)
    }
}
