//! Pages of records, newest first, each found with so much work at most.

use std::collections::{BTreeMap, HashMap};

use foldhash::fast::RandomState;
use sluice_api::record::{Filter, Page, Record, RecordQuery};
use sluice_api::store::StoreError;
use sluice_compact::days::id_at;
use sluice_compact::request_id::{OWN_WITHIN_MS, made};
use sluice_compact::{Name, Read};

use super::answer::{self, unreadable};
use super::marks::Marks;
use super::source::{Order, Source, reads};

/// Records that are looked through for one page.
const LOOKED_AT: usize = 8_000;

/// Records that are read at once, where most may not pass.
const READ_AT_ONCE: usize = 500;

/// Records of one request id that are looked at for one page.
const OF_ONE_ID: usize = 200;

/// Reads a page.
pub(super) async fn page(source: &Source, query: &RecordQuery) -> Result<Page, StoreError> {
    let marks = Marks::read(&source.link).await?;
    let low = query.from.map_or(0, |from| marks.first_id(from));
    let high = query.to.map(|to| marks.behind_ids(to));
    let high = [high, query.before].into_iter().flatten().min();
    let mut making = Making { source, query, words: HashMap::default() };
    match query.filter.request_ids.is_empty() {
        true => making.look_through(low, high).await,
        false => making.look_up(low, high).await,
    }
}

/// A page in the making.
struct Making<'a> {
    source: &'a Source,
    query: &'a RecordQuery,
    /// Labels and forms that were seen, and whether they pass.
    words: HashMap<Name, bool, RandomState>,
}

impl Making<'_> {
    /// Looks at records from the newest down.
    async fn look_through(&mut self, low: u64, mut high: Option<u64>) -> Result<Page, StoreError> {
        let limit = self.query.limit.max(1);
        let mut records: Vec<Record> = Vec::new();
        let mut looked_at = 0;
        let at_once = match self.query.filter == Filter::default() {
            true => READ_AT_ONCE.min(limit.saturating_add(1)),
            false => READ_AT_ONCE,
        };
        while high.is_none_or(|high| low < high) {
            let members = self.source.members(Order::NewestFirst, (low, high), at_once).await?;
            looked_at += members.len();
            for record in self.passing(&members).await? {
                if let (true, Some(last)) = (records.len() >= limit, records.last()) {
                    let next = Some(last.id);
                    return Ok(Page::new(records, next));
                }
                records.push(record);
            }
            let last = members.last().and_then(|member| Read::id_of(member));
            if members.len() < at_once {
                break;
            }
            if looked_at >= LOOKED_AT {
                return Ok(Page::new(records, last));
            }
            high = last;
        }
        Ok(Page::new(records, None))
    }

    /// Those of some records that pass, in their order.
    async fn passing(&mut self, members: &[Vec<u8>]) -> Result<Vec<Record>, StoreError> {
        let RecordQuery { from, to, filter, .. } = self.query;
        let mut reads = reads(members)?;
        // Most records that do not pass are known by a word: by their fields, or by their status and outcome.
        let (mut of_label, mut of_form) = (Filter::default(), Filter::default());
        of_label.dimensions.clone_from(&filter.dimensions);
        (of_form.statuses, of_form.outcomes) = (filter.statuses.clone(), filter.outcomes.clone());
        if of_label != Filter::default() {
            self.look_at_words(reads.iter().map(|read| read.label).collect(), &of_label).await?;
            reads.retain(|read| self.passes(Some(&read.label)));
        }
        if of_form != Filter::default() {
            self.look_at_words(reads.iter().filter_map(|read| read.form).collect(), &of_form).await?;
            reads.retain(|read| self.passes(read.form.as_ref()));
        }
        let mut records = self.source.records(&reads).await?;
        records.retain(|record| {
            from.is_none_or(|from| from <= record.time)
                && to.is_none_or(|to| record.time < to)
                && filter.passes(record)
        });
        Ok(records)
    }

    fn passes(&self, word: Option<&Name>) -> bool {
        word.and_then(|word| self.words.get(word)).copied().unwrap_or(true)
    }

    /// Finds out whether words pass that were not seen yet.
    async fn look_at_words(&mut self, mut names: Vec<Name>, filter: &Filter) -> Result<(), StoreError> {
        names.retain(|name| !self.words.contains_key(name));
        if names.is_empty() {
            return Ok(());
        }
        let words = self.source.words.read(names.clone(), &self.source.link).await?;
        for name in names {
            let word = words.get(&name).and_then(|word| Record::unpack(word));
            let passes = filter.passes(&word.ok_or_else(|| unreadable("a word"))?);
            self.words.insert(name, passes);
        }
        Ok(())
    }

    /// Looks up the records of request ids.
    async fn look_up(&mut self, low: u64, high: Option<u64>) -> Result<Page, StoreError> {
        let (mut found, mut floor) = (BTreeMap::new(), None);
        for request_id in &self.query.filter.request_ids {
            if let Some(made) = made(request_id) {
                self.look_near(made, (low, high), &mut found).await?;
            }
            let ids = self.foreign(request_id, (low, high)).await?;
            if ids.len() >= OF_ONE_ID {
                floor = floor.max(ids.last().copied());
            }
            for id in ids {
                let members =
                    self.source.members(Order::OldestFirst, (id, Some(id.saturating_add(1))), 1).await?;
                found.extend(self.passing(&members).await?.into_iter().map(|record| (record.id, record)));
            }
        }
        let limit = self.query.limit.max(1);
        let mut found =
            found.into_values().rev().filter(|record| floor.is_none_or(|floor| floor <= record.id));
        let records: Vec<Record> = found.by_ref().take(limit).collect();
        let next = if found.next().is_some() { records.last().map(|last| last.id) } else { floor };
        Ok(Page::new(records, next))
    }

    /// Looks at records that began near a millisecond, as those do whose ids are the gateway's own.
    async fn look_near(
        &mut self,
        made: i64,
        (low, high): (u64, Option<u64>),
        found: &mut BTreeMap<u64, Record>,
    ) -> Result<(), StoreError> {
        let within = OWN_WITHIN_MS.cast_signed();
        let mut low = id_at(made.saturating_sub(within)).max(low);
        let end = id_at(made.saturating_add(within + 1));
        let high = high.map_or(end, |high| high.min(end));
        while low < high {
            let members = self.source.members(Order::OldestFirst, (low, Some(high)), READ_AT_ONCE).await?;
            found.extend(self.passing(&members).await?.into_iter().map(|record| (record.id, record)));
            match members.last().and_then(|member| Read::id_of(member)) {
                Some(last) if members.len() >= READ_AT_ONCE => low = last.saturating_add(1),
                _ => break,
            }
        }
        Ok(())
    }

    /// Ids of records that carry a request id which is not the gateway's own, newest first.
    async fn foreign(
        &self,
        request_id: &str,
        (low, high): (u64, Option<u64>),
    ) -> Result<Vec<u64>, StoreError> {
        let end = |first: &[u8], id: &[u8]| [first, request_id.as_bytes(), &[0], id].concat();
        let mut ask = redis::cmd("ZREVRANGEBYLEX");
        ask.arg(self.source.link.key("foreign"));
        match high {
            Some(high) => ask.arg(end(b"(", &high.to_be_bytes())),
            None => ask.arg(end(b"[", &[u8::MAX; 9])),
        };
        ask.arg(end(b"[", &low.to_be_bytes())).arg("LIMIT").arg(0).arg(OF_ONE_ID);
        let found: Vec<Vec<u8>> = answer::read(self.source.link.ask_much(&ask).await?)?;
        Ok(found.iter().filter_map(|found| found.last_chunk().map(|id| u64::from_be_bytes(*id))).collect())
    }
}
