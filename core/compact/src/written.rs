//! A record as it is written: what it has in common with others by the names of words, the rest in few bytes.

use std::borrow::Cow;
use std::sync::Arc;

use sluice_api::record::{Bill, Interned, Record};
use sluice_packing::shape::{self, put, take};

use crate::request_id::foreign;
use crate::small::{Small, take_some};
use crate::word::{NAME, Name, Word, of_terms};

/// What stands behind the id of each record: the way in which it is written.
const WAY: u8 = 1;

/// What stands behind that: whether a form is named, and whether there is a request id that is not the gateway's own, by
/// which the record is looked for. Scripts know it too.
const FORM: u8 = 1;
const FOREIGN: u8 = 2;

/// Where a column is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// In the word that sums are kept by.
    Label,
    /// In another word.
    Form,
    /// In the record.
    Own,
}

/// The columns, by their places here; one more goes to the end. One that is not named here is written with its mark.
const COLUMNS: [(&str, Part, Small); 34] = [
    ("id", Part::Own, Small::Number),
    (REQUEST_ID, Part::Own, Small::RequestId),
    ("time", Part::Own, Small::Time),
    ("key", Part::Label, Small::As),
    ("key_id", Part::Label, Small::As),
    ("group", Part::Label, Small::As),
    ("user", Part::Label, Small::As),
    ("tags", Part::Label, Small::As),
    ("client", Part::Own, Small::As),
    ("account", Part::Label, Small::As),
    ("provider", Part::Label, Small::As),
    ("pool", Part::Form, Small::As),
    ("api", Part::Label, Small::As),
    ("operation", Part::Form, Small::As),
    ("model", Part::Label, Small::As),
    ("upstream_model", Part::Form, Small::As),
    ("reported_model", Part::Form, Small::As),
    ("status", Part::Form, Small::As),
    ("attempts", Part::Form, Small::As),
    ("tries", Part::Own, Small::As),
    ("session", Part::Own, Small::As),
    ("stream", Part::Form, Small::As),
    ("usage", Part::Own, Small::Usage),
    ("turns", Part::Own, Small::As),
    (RAW, Part::Own, Small::As),
    ("cost", Part::Own, Small::Cost),
    (BILL, Part::Own, Small::As),
    ("first_byte", Part::Own, Small::Number),
    ("duration", Part::Own, Small::Number),
    ("overhead", Part::Own, Small::Number),
    ("error", Part::Form, Small::As),
    ("outcome", Part::Form, Small::As),
    ("traced", Part::Own, Small::As),
    ("others", Part::Own, Small::As),
];

const MARKS: [u32; COLUMNS.len()] = {
    let mut marks = [0; COLUMNS.len()];
    let mut at = 0;
    while at < COLUMNS.len() {
        #[expect(clippy::indexing_slicing, reason = "a constant within its own length")]
        let (to, from) = (&mut marks[at], COLUMNS[at].0);
        *to = Record::mark(from);
        at += 1;
    }
    marks
};

const REQUEST_ID: &str = "request_id";
const RAW: &str = "raw_usage";
const BILL: &str = "bill";

/// Stands for a column that is written with its mark.
const UNNAMED: u64 = 1 << 10;

/// What a record has of words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wordy {
    /// All that it has in common with others.
    Much,
    /// Its label alone: for who makes ever new words.
    Little,
}

/// A record as it is written.
#[derive(Debug)]
pub(crate) struct Written {
    /// Its id, the highest byte first, and all that it has of its own.
    pub(crate) member: Vec<u8>,
    /// The word of what sums are grouped and narrowed by.
    pub(crate) label: Name,
    /// The words that it names.
    pub(crate) words: Vec<Word>,
}

impl Written {
    /// Writes a record; `None` for one that can't be packed.
    pub(crate) fn new(record: &Record, wordy: Wordy) -> Option<Self> {
        let mut packed = Vec::with_capacity(1_024);
        record.pack(&mut packed);
        let (mut label, mut form, mut own) = (Vec::new(), Vec::new(), Vec::new());
        for (mark, value) in Record::columns(&packed)? {
            let place = MARKS.iter().position(|known| *known == mark);
            match place.and_then(|place| COLUMNS.get(place)) {
                Some(("id" | RAW | BILL, ..)) => {}
                Some((REQUEST_ID, ..)) if foreign(record).is_some() => {}
                Some((_, Part::Label, _)) => Record::put_column((mark, value), &mut label),
                Some((_, Part::Form, _)) if wordy == Wordy::Much => {
                    Record::put_column((mark, value), &mut form);
                }
                Some((_, _, small)) => put_own(place, small.of(value, record.id), value, &mut own),
                None => {
                    put(UNNAMED, &mut own);
                    own.extend_from_slice(&mark.to_le_bytes());
                    put_some(value, &mut own);
                }
            }
        }
        let mut words = vec![Word::new(b'l', label)];
        if wordy == Wordy::Much {
            words.push(Word::new(b'f', form));
        }
        put_raw(record, wordy, (&mut own, &mut words));
        put_bill(record, (&mut own, &mut words));
        let mut member = Vec::with_capacity(own.len() + 2 * NAME + 10);
        member.extend_from_slice(&record.id.to_be_bytes());
        let foreign = foreign(record);
        let form = if wordy == Wordy::Much { FORM } else { 0 };
        member.extend([WAY, form | foreign.map_or(0, |_| FOREIGN)]);
        if let Some(length) = foreign {
            member.extend_from_slice(&length.to_be_bytes());
            member.extend_from_slice(record.request_id.as_bytes());
        }
        let named = if wordy == Wordy::Much { 2 } else { 1 };
        words.iter().take(named).for_each(|word| member.extend_from_slice(&word.name));
        member.extend_from_slice(&own);
        Some(Self { member, label: words.first()?.name, words })
    }
}

fn put_some(value: &[u8], into: &mut Vec<u8>) {
    put(u64::try_from(value.len()).unwrap_or(u64::MAX), into);
    into.extend_from_slice(value);
}

/// Writes a column by its place, and whether it was made small.
fn put_own(place: Option<usize>, small: Option<Vec<u8>>, value: &[u8], into: &mut Vec<u8>) {
    let place = place.and_then(|place| u64::try_from(place).ok()).unwrap_or_default();
    put(place << 1 | u64::from(small.is_some()), into);
    put_some(small.as_deref().unwrap_or(value), into);
}

fn place(name: &str) -> Option<usize> {
    COLUMNS.iter().position(|(known, ..)| *known == name)
}

/// Usage as an upstream wrote it: by its shape, which is a word, and the numbers in it.
fn put_raw(record: &Record, wordy: Wordy, (own, words): (&mut Vec<u8>, &mut Vec<Word>)) {
    let Some(raw) = &record.raw_usage else { return };
    let (mut text, mut numbers) = (String::new(), Vec::new());
    let shaped = wordy == Wordy::Much && shape::split(raw, &mut text, &mut numbers) && !text.is_empty();
    let small = shaped.then(|| {
        let word = Word::new(b's', text.into_bytes());
        let small = [&word.name[..], &numbers].concat();
        words.push(word);
        small
    });
    put_own(place(RAW), small, raw.as_bytes(), own);
}

/// A bill: the number of its terms, which are a word, and its quantities.
fn put_bill(record: &Record, (own, words): (&mut Vec<u8>, &mut Vec<Word>)) {
    let Some(bill) = &record.bill else { return };
    let mut small = bill.terms.id().to_be_bytes().to_vec();
    bill.quantities.iter().for_each(|quantity| put(*quantity, &mut small));
    put_own(place(BILL), Some(small), &[], own);
    // Of those that a journal has the number of alone, the text is there mostly; where it is not, it may come yet.
    if let Some(text) = bill.terms.text() {
        words.push(Word::terms(bill.terms.id(), text));
    }
}

/// A record that was read, before it is known what its words say.
#[derive(Debug)]
#[non_exhaustive]
pub struct Read<'a> {
    /// Its id.
    pub id: u64,
    /// The word of what sums are grouped and narrowed by.
    pub label: Name,
    /// The word of its status, its outcome and more; none where it has them itself.
    pub form: Option<Name>,
    /// The columns of its own, as a record packs them.
    packed: Vec<u8>,
    raw: Option<(Name, &'a [u8])>,
    bill: Option<(u64, Arc<[u64]>)>,
}

impl<'a> Read<'a> {
    /// The id of a record as it is written.
    #[must_use]
    pub fn id_of(member: &[u8]) -> Option<u64> {
        member.first_chunk().map(|id| u64::from_be_bytes(*id))
    }

    /// What is written of a record; `None` where it is cut off, or is something else.
    #[must_use]
    pub fn new(member: &'a [u8]) -> Option<Self> {
        let (id, rest) = member.split_first_chunk()?;
        let ([way, has], rest) = rest.split_first_chunk()?;
        if *way != WAY {
            return None;
        }
        let mut packed = Vec::with_capacity(512);
        let rest = match has & FOREIGN {
            0 => rest,
            _ => {
                let (length, rest) = rest.split_first_chunk()?;
                let (request_id, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
                Record::put_column((Record::mark(REQUEST_ID), request_id), &mut packed);
                rest
            }
        };
        let (label, rest) = rest.split_first_chunk::<NAME>()?;
        let (form, mut rest) = match has & FORM {
            0 => (None, rest),
            _ => rest.split_first_chunk::<NAME>().map(|(form, rest)| (Some(*form), rest))?,
        };
        let id = u64::from_be_bytes(*id);
        let mut read = Self { id, label: *label, form, packed, raw: None, bill: None };
        while !rest.is_empty() {
            read.column(&mut rest)?;
        }
        Some(read)
    }

    fn column(&mut self, from: &mut &'a [u8]) -> Option<()> {
        let place = take(from)?;
        if place == UNNAMED {
            let (mark, rest) = from.split_first_chunk()?;
            *from = rest;
            let value = take_some(from)?;
            Record::put_column((u32::from_le_bytes(*mark), value), &mut self.packed);
            return Some(());
        }
        let (name, _, small) = COLUMNS.get(usize::try_from(place >> 1).ok()?)?;
        let value = take_some(from)?;
        match (*name, place & 1) {
            (RAW, 1) => {
                let (shape, numbers) = value.split_first_chunk()?;
                self.raw = Some((*shape, numbers));
            }
            (BILL, _) => {
                let (terms, mut quantities) = value.split_first_chunk()?;
                let mut all = Vec::new();
                while !quantities.is_empty() {
                    all.push(take(&mut quantities)?);
                }
                self.bill = Some((u64::from_be_bytes(*terms), all.into()));
            }
            (name, is_small) => {
                let value = if is_small == 0 { Cow::Borrowed(value) } else { small.back(value, self.id)? };
                Record::put_column((Record::mark(name), &value), &mut self.packed);
            }
        }
        Some(())
    }

    /// The words that it names. Those of its terms may be missing.
    pub fn words(&self) -> impl Iterator<Item = Name> + use<> {
        let shape = self.raw.map(|(shape, _)| shape);
        let terms = self.bill.as_ref().map(|(terms, _)| of_terms(*terms));
        [Some(self.label), self.form, shape, terms].into_iter().flatten()
    }

    /// The record, by what words say; `None` where one is missing, or says something else.
    #[must_use]
    pub fn record<'w>(&self, word: impl Fn(&Name) -> Option<&'w [u8]>) -> Option<Record> {
        let mut packed = word(&self.label)?.to_vec();
        if let Some(form) = &self.form {
            packed.extend_from_slice(word(form)?);
        }
        packed.extend_from_slice(&self.packed);
        let mut record = Record::unpack(&packed)?;
        record.id = self.id;
        if let Some((shape, numbers)) = &self.raw {
            let shape = std::str::from_utf8(word(shape)?).ok()?;
            record.raw_usage = Some(shape::joined(shape, numbers)?.into());
        }
        if let Some((number, quantities)) = &self.bill {
            let terms = match word(&of_terms(*number)) {
                Some(text) => Interned::told(*number, std::str::from_utf8(text).ok()?)?,
                None => Interned::unknown(*number),
            };
            record.bill = Some(Bill::new(Arc::new(terms), Arc::clone(quantities)));
        }
        Some(record)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::time::Duration;

    use sluice_api::cost::{Money, Usage};
    use sluice_api::dialect::{Api, Operation};
    use sluice_api::plugin::Timestamp;
    use sluice_api::record::{Cost, Holder, Outcome, Terms};

    use super::*;

    fn record(request_id: &str, raw: &str) -> Record {
        let time: Timestamp = "2026-11-28T10:00:00.123456789Z".parse().unwrap();
        let holder = Holder::new("k".into(), "key_1".into(), vec!["red".to_owned()].into());
        let mut record = Record::new(time, request_id.into(), holder, Api::Gemini, Operation::Generate);
        record.id = Record::id_at(time) + 7;
        (record.model, record.status, record.outcome) = ("größe".into(), 200, Outcome::Completed);
        let mut usage = Usage::new(u64::MAX, 300);
        (usage.cache_read, usage.estimated) = (1 << 40, true);
        (record.usage, record.raw_usage) = (Some(usage), Some(raw.into()));
        record.cost =
            Cost::new(Some(Money::from_units(-5)), Some(Money::from_units(i128::from(i64::MAX) + 1)));
        record.bill = Some(Bill::new(Arc::new(Interned::new(Terms::default())), vec![1, u64::MAX].into()));
        record.duration = Duration::from_micros(1_234_567);
        record
    }

    fn read(written: &Written, member: &[u8]) -> Option<Record> {
        let words: HashMap<Name, &[u8]> =
            written.words.iter().map(|word| (word.name, &word.text[..])).collect();
        let read = Read::new(member)?;
        assert!(read.words().all(|name| words.contains_key(&name)));
        read.record(|name| words.get(name).copied())
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let made = "2026-11-28T10:00:00.5Z".parse::<Timestamp>().unwrap().as_millisecond();
        let own = format!("req_{:012x}0123456789abcdef0123", made);
        for request_id in [own.as_str(), "req_00000000000000000000000000000000", "client.id", ""] {
            for raw in ["{\"a\":12,\"b\":\"7\"}", "\u{1}", ""] {
                let record = record(request_id, raw);
                let [much, little] =
                    [Wordy::Much, Wordy::Little].map(|wordy| Written::new(&record, wordy).unwrap());
                for written in [&much, &little] {
                    assert_eq!(read(written, &written.member).as_ref(), Some(&record), "{request_id} {raw}");
                    assert_eq!(Read::id_of(&written.member), Some(record.id));
                }
                assert_eq!(much.label, little.label);
                assert!(much.member.len() < 200 && much.member.len() < little.member.len(), "{much:?}");
            }
        }
    }

    #[test]
    fn what_is_cut_off_is_no_record_that_passes_for_whole() {
        let record = record("client.id", "{\"a\":12}");
        let written = Written::new(&record, Wordy::Much).unwrap();
        for end in 0..written.member.len() {
            assert_ne!(read(&written, written.member.get(..end).unwrap()).as_ref(), Some(&record), "{end}");
        }
        let mut other = written.member.clone();
        other[8] = 9;
        assert!(Read::new(&other).is_none(), "another version's");
        let nothing = Read::new(&written.member).unwrap().record(|_| None);
        assert_eq!(nothing, None, "without its words it says nothing");
    }
}
