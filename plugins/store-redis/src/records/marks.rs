//! What is known of all records together.

use sluice_api::plugin::Timestamp;
use sluice_api::store::StoreError;
use sluice_compact::days::id_at;

use super::answer;
use crate::link::Link;

/// What is known of all records together, as it was when it was read.
#[derive(Clone, Debug)]
pub(super) struct Marks {
    /// The largest id that was ever appended.
    pub(super) last: u64,
    /// By how many milliseconds an id is behind the one that its time could have, at most: where a clock was set back, ids
    /// go on from where they were.
    behind: i64,
    /// The same for ids that are before it.
    before: i64,
    /// The second from which on there are sums of quarter-hours.
    pub(super) sums_from: i64,
    /// The zone whose days sums are kept by.
    pub(super) zone: String,
    /// How often sums went over from a quarter-hour to its day.
    pub(super) moves: i64,
}

impl Marks {
    pub(super) async fn read(link: &Link) -> Result<Self, StoreError> {
        let names = ["last", "behind", "before", "sums_from", "zone", "moves"];
        let mut ask = redis::cmd("HMGET");
        ask.arg(link.key("marks")).arg(&names[..]);
        let texts: Vec<Option<String>> = answer::read(link.ask_much(&ask).await?)?;
        let text = |name| {
            let place = names.iter().position(|known| *known == name);
            place.and_then(|place| texts.get(place)?.as_deref())
        };
        let number = |name, first| text(name).and_then(|text: &str| text.parse().ok()).unwrap_or(first);
        Ok(Self {
            last: text("last").and_then(|last| u64::from_str_radix(last, 16).ok()).unwrap_or_default(),
            behind: number("behind", 0),
            before: number("before", 0),
            sums_from: number("sums_from", i64::MIN),
            zone: text("zone").unwrap_or("UTC").to_owned(),
            moves: number("moves", 0),
        })
    }

    /// The first id that a record may have which begins at a time or later.
    pub(super) fn first_id(&self, from: Timestamp) -> u64 {
        id_at(from.as_millisecond().saturating_sub(1).saturating_sub(self.before))
    }

    /// The first id that no record can have which begins before a time.
    pub(super) fn behind_ids(&self, to: Timestamp) -> u64 {
        id_at(to.as_millisecond().saturating_add(1).saturating_add(self.behind))
    }
}
