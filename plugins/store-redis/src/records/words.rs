//! Words: what many records have in common, kept once under a name that is made of it.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use sluice_api::store::StoreError;

use crate::link::Link;

/// Words that are kept in memory, at some hundred bytes each. Beyond it all are read again.
const KEPT: usize = 16_384;

/// Words that are read at once.
const READ_AT_ONCE: usize = 500;

/// Bytes of a word's name: of so many words as there will ever be no two have the same.
pub(super) const NAME: usize = 10;

/// A word's name.
pub(super) type Name = [u8; NAME];

/// A word.
#[derive(Clone, Debug)]
pub(super) struct Word {
    pub(super) name: Name,
    pub(super) text: Vec<u8>,
}

impl Word {
    /// One of a kind, by what it says; the same in every process.
    pub(super) fn new(kind: u8, text: Vec<u8>) -> Self {
        let digest = Sha256::new().chain_update([kind]).chain_update(&text).finalize();
        let mut name = Name::default();
        name.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        Self { name, text }
    }
}

/// The name of terms, which have a number of their own.
pub(super) fn of_terms(number: u64) -> Name {
    let mut name = *b"t         ";
    name.iter_mut().skip(1).zip(number.to_be_bytes()).for_each(|(to, from)| *to = from);
    name
}

/// Words that were read. What a name stands for never changes.
#[derive(Debug, Default)]
pub(super) struct Words(Mutex<Known>);

/// Words by their names.
pub(super) type Known = HashMap<Name, Arc<[u8]>, RandomState>;

impl Words {
    /// These words, as far as they are there.
    pub(super) async fn read(&self, names: Vec<Name>, link: &Link) -> Result<Known, StoreError> {
        let mut found = Known::default();
        let mut unread = Vec::new();
        {
            let known = self.0.lock();
            for name in names {
                match known.get(&name) {
                    Some(text) => drop(found.insert(name, Arc::clone(text))),
                    None => unread.push(name),
                }
            }
        }
        unread.sort_unstable();
        unread.dedup();
        for names in unread.chunks(READ_AT_ONCE) {
            let mut ask = redis::cmd("HMGET");
            ask.arg(link.key("words")).arg(names.iter().map(|name| &name[..]).collect::<Vec<_>>());
            let texts: Vec<Option<Vec<u8>>> = super::answer::read(link.ask_much(&ask).await?)?;
            let read = names.iter().zip(texts).filter_map(|(name, text)| Some((*name, Arc::from(text?))));
            found.extend(read);
        }
        let mut known = self.0.lock();
        if known.len().saturating_add(unread.len()) > KEPT {
            known.clear();
        }
        known.extend(unread.iter().filter_map(|name| Some((*name, Arc::clone(found.get(name)?)))));
        Ok(found)
    }
}
