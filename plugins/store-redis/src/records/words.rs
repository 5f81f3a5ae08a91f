//! Words that were read: what many records have in common.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use parking_lot::Mutex;
use sluice_api::store::StoreError;
use sluice_compact::Name;

use crate::link::Link;

/// Words that are kept in memory, at some hundred bytes each. Beyond it all are read again.
const KEPT: usize = 16_384;

/// Words that are read at once.
const READ_AT_ONCE: usize = 500;

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
