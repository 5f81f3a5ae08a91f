//! What is read from and written to: the server, by its scripts, and what is known of it.

use std::fmt;
use std::sync::Arc;

use jiff::tz::TimeZone;
use parking_lot::Mutex;
use sluice_api::record::Record;
use sluice_api::store::StoreError;
use sluice_compact::days::Days;
use sluice_compact::past::Past;
use sluice_compact::{Name, Read};

use super::answer::{self, unreadable};
use super::marks::Marks;
use super::words::Words;
use crate::link::Link;
use crate::script::Script;

/// Ids of records that have left which are remembered: what comes again after that many others have left is taken for new.
pub(super) const REMEMBERED: usize = 200_000;

/// The scripts of records.
#[derive(Debug)]
pub(super) struct Scripts {
    pub(super) append: Script,
    pub(super) delete: Script,
    pub(super) fold: Script,
    pub(super) read: Script,
    pub(super) claim: Script,
}

impl Scripts {
    fn new() -> Self {
        const SUMS: &str = include_str!("sums.lua");
        const CHANGE: &str = include_str!("change.lua");
        const LEAVE: &str = include_str!("leave.lua");
        // What only frees memory runs without it too.
        let frees = "#!lua flags=allow-oom\n";
        Self {
            append: Script::new(&["#!lua\n", CHANGE, SUMS, LEAVE, include_str!("append.lua")]),
            delete: Script::new(&[frees, CHANGE, LEAVE, include_str!("delete.lua")]),
            fold: Script::new(&[frees, CHANGE, SUMS, include_str!("fold.lua")]),
            read: Script::new(&["#!lua flags=no-writes\n", include_str!("read.lua")]),
            claim: Script::new(&["#!lua\n", CHANGE, include_str!("claim.lua")]),
        }
    }
}

/// Which way records are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    OldestFirst,
    NewestFirst,
}

/// What is read from and written to.
pub(super) struct Source {
    pub(super) link: Arc<Link>,
    pub(super) scripts: Scripts,
    pub(super) words: Words,
    pub(super) past: Past,
    /// The zone that was told last; the server may have been told another one since.
    zone: Mutex<TimeZone>,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({:?})", self.link)
    }
}

impl Source {
    pub(super) fn new(link: Arc<Link>) -> Self {
        let (words, past) = (Words::default(), Past::default());
        Self { link, scripts: Scripts::new(), words, past, zone: Mutex::new(TimeZone::UTC) }
    }

    pub(super) fn keys<const N: usize>(&self, names: [&str; N]) -> Vec<String> {
        names.map(|name| self.link.key(name)).to_vec()
    }

    /// The days that sums are kept by.
    pub(super) fn days(&self, marks: &Marks) -> Days {
        let told = self.zone.lock().clone();
        match told.iana_name() {
            Some(name) if name != marks.zone => Days(TimeZone::get(&marks.zone).unwrap_or(told)),
            _ => Days(told),
        }
    }

    /// Says whose days they are. Sums are kept by quarter-hours alone until these go, so that nothing else has to be done.
    pub(super) async fn keep_days_of(&self, zone: &TimeZone) -> Result<(), StoreError> {
        let mut ask = redis::cmd("HSET");
        ask.arg(self.link.key("marks")).arg("zone").arg(zone.iana_name().unwrap_or_default());
        self.link.ask_much(&ask).await?;
        *self.zone.lock() = zone.clone();
        Ok(())
    }

    /// Some records as they are written, with ids from one to before another, so many at most.
    pub(super) async fn members(
        &self,
        order: Order,
        (low, behind): (u64, Option<u64>),
        most: usize,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        let low = [b"[", &low.to_be_bytes()[..]].concat();
        let behind =
            behind.map_or_else(|| b"+".to_vec(), |behind| [b"(", &behind.to_be_bytes()[..]].concat());
        let mut ask = match order {
            Order::OldestFirst => redis::cmd("ZRANGEBYLEX"),
            Order::NewestFirst => redis::cmd("ZREVRANGEBYLEX"),
        };
        ask.arg(self.link.key("records"));
        match order {
            Order::OldestFirst => ask.arg(low).arg(behind),
            Order::NewestFirst => ask.arg(behind).arg(low),
        };
        ask.arg("LIMIT").arg(0).arg(most);
        answer::read(self.link.ask_much(&ask).await?)
    }

    /// The records of what was read.
    pub(super) async fn records(&self, reads: &[Read<'_>]) -> Result<Vec<Record>, StoreError> {
        let names: Vec<Name> = reads.iter().flat_map(Read::words).collect();
        let words = self.words.read(names, &self.link).await?;
        let record = |read: &Read<'_>| {
            read.record(|name| words.get(name).map(|text| &**text))
                .ok_or_else(|| unreadable(&format!("record {}", read.id)))
        };
        reads.iter().map(record).collect()
    }
}

/// What was read of records.
pub(super) fn reads(members: &[Vec<u8>]) -> Result<Vec<Read<'_>>, StoreError> {
    members.iter().map(|member| Read::new(member).ok_or_else(|| unreadable("a record"))).collect()
}
