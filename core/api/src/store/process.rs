//! Which of the processes that share a store one is.

/// Which of the processes that share a store one is: each has its own part of what all of them number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Process {
    /// Its number, from 0; smaller than `of`.
    pub number: u32,
    /// How many may run at a time; 1 where a store is one process's own.
    pub of: u32,
}

impl Process {
    /// The only one.
    pub const ALONE: Self = Self { number: 0, of: 1 };

    /// One of so many, by its number.
    #[must_use]
    pub const fn new(number: u32, of: u32) -> Self {
        Self { number, of }
    }
}
