//! Appends records: some at a time, each time in one step that can be done again.

use std::collections::BTreeMap;
use std::sync::Arc;

use redis::Value;
use sluice_api::record::{Record, Sums, Unwritable};
use sluice_api::store::StoreError;
use sluice_compact::days::{behind, quarter_of, second_of};
use sluice_compact::{Name, Word, Wordy, Written, sums};

use super::answer::{self, unreadable};
use super::source::{REMEMBERED, Source};

/// Records of one step: a millisecond or two of the server's time.
const AT_ONCE: usize = 64;

/// Bytes of one step, where records are large.
const BYTES: usize = 256 * 1_024;

/// Words that there may be. Beyond it records have more in themselves, so that whoever makes ever new ones can't fill the
/// memory with them.
const WORDS_MAX: usize = 100_000;

/// How often a step is tried that is told that words are missing.
const TRIES: usize = 3;

/// What a step needs to know beside its records.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Records that are kept at most.
    pub(super) most: u64,
    /// The number of the process, where it has one.
    pub(super) process: Option<u32>,
}

/// Appends records; those come back that can't be written.
pub(super) async fn append(
    source: &Source,
    records: &[Arc<Record>],
    bounds: Bounds,
) -> Result<Vec<Unwritable>, StoreError> {
    let mut unwritable = Vec::new();
    let mut step = Step::default();
    for record in records {
        let Some(written) = Written::new(record, Wordy::Much) else {
            unwritable.push(Unwritable::new(record.id, "it can't be packed".to_owned()));
            continue;
        };
        if step.records.len() >= AT_ONCE || step.bytes.saturating_add(written.member.len()) > BYTES {
            std::mem::take(&mut step).run(source, bounds).await?;
        }
        step.bytes += written.member.len();
        step.records.push((Arc::clone(record), written));
    }
    if !step.records.is_empty() {
        step.run(source, bounds).await?;
    }
    Ok(unwritable)
}

/// Records of one step.
#[derive(Default)]
struct Step {
    records: Vec<(Arc<Record>, Written)>,
    bytes: usize,
}

impl Step {
    async fn run(mut self, source: &Source, bounds: Bounds) -> Result<(), StoreError> {
        let mut missing: Vec<Name> = Vec::new();
        for _ in 0..TRIES {
            let (keys, args) = self.asked(source, bounds, &missing);
            let answer = source.link.run_much(&source.scripts.append, &keys, &args).await?;
            if matches!(&answer, Value::Array(done) if done.is_empty()) {
                return Ok(());
            }
            let (words, names): (usize, Vec<Vec<u8>>) = answer::read(answer)?;
            missing.extend(names.iter().filter_map(|name| Name::try_from(&name[..]).ok()));
            if words >= WORDS_MAX {
                self.say_little();
            }
        }
        Err(StoreError("its words go while records are appended".to_owned()))
    }

    /// Writes records so that they need no words but their labels.
    fn say_little(&mut self) {
        for (record, written) in &mut self.records {
            if let Some(little) = Written::new(record, Wordy::Little) {
                *written = little;
            }
        }
    }

    /// Keys and arguments of the script, with the texts of words that are missing.
    fn asked(&self, source: &Source, bounds: Bounds, missing: &[Name]) -> (Vec<String>, Vec<Vec<u8>>) {
        let quarters: BTreeMap<i64, usize> = {
            let mut starts: Vec<i64> = self.records.iter().map(|(record, _)| quarter(record)).collect();
            starts.sort_unstable();
            starts.dedup();
            starts.into_iter().zip(1..).collect()
        };
        let mut keys = source.keys(["records", "gone", "foreign", "words", "marks", "quarters", "processes"]);
        keys.extend(quarters.keys().map(|start| source.link.key(&format!("quarter:{start}"))));
        let words: BTreeMap<Name, &Word> = self
            .records
            .iter()
            .flat_map(|(_, written)| &written.words)
            .map(|word| (word.name, word))
            .collect();
        let text = |number: &dyn ToString| number.to_string().into_bytes();
        let most =
            |of: fn(&Record) -> i64| self.records.iter().map(|(record, _)| of(record)).max().unwrap_or(0);
        let last = self.records.iter().map(|(record, _)| record.id).max().unwrap_or_default();
        let mut args = vec![
            text(&bounds.most),
            text(&REMEMBERED),
            format!("{last:016x}").into_bytes(),
            text(&most(behind)),
            text(&most(|record| behind(record).saturating_neg())),
            bounds.process.map(|process| text(&process)).unwrap_or_default(),
            text(&words.len()),
        ];
        for (name, word) in words {
            args.push(name.to_vec());
            args.push(if missing.contains(&name) { word.text.clone() } else { Vec::new() });
        }
        args.extend(quarters.keys().map(|start| text(start)));
        for (record, written) in &self.records {
            args.push(written.member.clone());
            args.push(text(&quarters.get(&quarter(record)).copied().unwrap_or_default()));
            args.push(written.label.to_vec());
            args.push(sums::pack(Sums::of(record)));
        }
        (keys, args)
    }
}

fn quarter(record: &Record) -> i64 {
    quarter_of(second_of(record.time))
}

/// A number for this process among so many, or its own once more: so that it is not given to another.
pub(super) async fn claim(source: &Source, of: u32, own: Option<u32>) -> Result<u32, StoreError> {
    let keys = source.keys(["processes", "marks"]);
    let args = [Some(of), own].map(|number| number.map(|number| number.to_string()).unwrap_or_default());
    let answer = source.link.run_much(&source.scripts.claim, &keys, &args.map(String::into_bytes)).await?;
    let number: u32 = answer::read(answer)?;
    if number < of { Ok(number) } else { Err(unreadable("the list of processes")) }
}
