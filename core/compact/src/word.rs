//! Words: what many records have in common, kept once under a name that is made of it.

use sha2::{Digest as _, Sha256};

/// Bytes of a word's name: of so many words as there will ever be no two have the same.
pub(crate) const NAME: usize = 10;

/// A word's name.
pub type Name = [u8; NAME];

/// A word.
#[derive(Clone, Debug)]
pub(crate) struct Word {
    /// Its name, the same in every process.
    pub(crate) name: Name,
    /// What it says; never empty.
    pub(crate) text: Vec<u8>,
}

impl Word {
    /// One of a kind, by what it says.
    pub(crate) fn new(kind: u8, text: Vec<u8>) -> Self {
        let digest = Sha256::new().chain_update([kind]).chain_update(&text).finalize();
        let mut name = Name::default();
        name.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        Self { name, text }
    }

    /// Terms, which have a number of their own.
    pub(crate) fn terms(number: u64, text: String) -> Self {
        Self { name: of_terms(number), text: text.into_bytes() }
    }
}

/// The name of the terms of a number.
pub(crate) fn of_terms(number: u64) -> Name {
    let mut name = *b"t         ";
    name.iter_mut().skip(1).zip(number.to_be_bytes()).for_each(|(to, from)| *to = from);
    name
}
