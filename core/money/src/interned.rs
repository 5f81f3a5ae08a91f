//! Terms by a number, so that what many have in common is kept once.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::terms::Terms;

/// Terms by a number that is made of them, the same in every process.
#[derive(Debug)]
pub struct Interned {
    id: u64,
    /// None where the number alone is known: the store has what it stands for.
    terms: Option<Terms>,
    /// Whether the store has them, so that the number says all.
    kept: AtomicBool,
}

impl Interned {
    /// These, which nobody may know yet.
    #[must_use]
    pub fn new(terms: Terms) -> Self {
        let id = hash(&text_of(&terms));
        Self { id, terms: Some(terms), kept: AtomicBool::new(false) }
    }

    /// Those of this number, as this text tells them; `None` for a text that tells none.
    #[must_use]
    pub fn told(id: u64, text: &str) -> Option<Self> {
        let terms = serde_json::from_str(text).ok()?;
        Some(Self { id, terms: Some(terms), kept: AtomicBool::new(false) })
    }

    /// Those of this number, of which nobody has told more.
    #[must_use]
    pub const fn unknown(id: u64) -> Self {
        Self { id, terms: None, kept: AtomicBool::new(true) }
    }

    /// Their number, which an integer of SQL holds.
    #[must_use]
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// What they are; `None` where a journal has told the number alone.
    #[must_use]
    pub const fn terms(&self) -> Option<&Terms> {
        self.terms.as_ref()
    }

    /// As a text for a store.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        self.terms.as_ref().map(text_of)
    }

    /// The same, where a journal has to be told it yet.
    #[must_use]
    pub fn untold(&self) -> Option<String> {
        if self.kept.load(Ordering::Relaxed) { None } else { self.text() }
    }

    /// The store has them, for as long as it has anything: from here on a journal is told the number alone.
    pub fn are_kept(&self) {
        if !self.kept.load(Ordering::Relaxed) {
            self.kept.store(true, Ordering::Relaxed);
        }
    }
}

impl Eq for Interned {}

impl PartialEq for Interned {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id && self.terms == other.terms
    }
}

fn text_of(terms: &Terms) -> String {
    serde_json::to_string(terms).unwrap_or_default()
}

/// A hash of a text (FNV-1a), without the bit that is a sign elsewhere.
fn hash(text: &str) -> u64 {
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, mix) & (u64::MAX >> 1)
}
