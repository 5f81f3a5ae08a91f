//! Records that are appended in one step, as a script is told them.

use std::collections::BTreeMap;
use std::sync::Arc;

use sluice_api::record::{Record, Sums};

use crate::days::{behind, quarter_of, second_of};
use crate::sums;
use crate::word::{Name, Word};
use crate::written::{Wordy, Written};

/// Records of one step: a millisecond or two of the server's time.
const AT_ONCE: usize = 64;

/// Bytes of one step, where records are large.
const BYTES: usize = 256 * 1_024;

/// What became of a record that a step was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// It is in it.
    Taken,
    /// It is for the next one: this one is full.
    Full,
    /// It can't be written.
    Unwritable,
}

/// Records of one step.
#[derive(Debug, Default)]
pub struct Step {
    records: Vec<(Arc<Record>, Written)>,
    bytes: usize,
}

impl Step {
    /// Gives it one more record.
    pub fn give(&mut self, record: &Arc<Record>) -> Added {
        let Some(written) = Written::new(record, Wordy::Much) else { return Added::Unwritable };
        let bytes = self.bytes.saturating_add(written.member.len());
        if !self.records.is_empty() && (self.records.len() >= AT_ONCE || bytes > BYTES) {
            return Added::Full;
        }
        self.bytes = bytes;
        self.records.push((Arc::clone(record), written));
        Added::Taken
    }

    /// Whether it has no record.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Writes its records so that they need no words but their labels.
    pub fn say_little(&mut self) {
        for (record, written) in &mut self.records {
            if let Some(little) = Written::new(record, Wordy::Little) {
                *written = little;
            }
        }
    }

    /// Where the quarter-hours begin that its records are in, in order.
    #[must_use]
    pub fn quarters(&self) -> Vec<i64> {
        let mut starts: Vec<i64> = self.records.iter().map(|(record, _)| quarter(record)).collect();
        starts.sort_unstable();
        starts.dedup();
        starts
    }

    /// What a script is told behind what it is told of every step: the last id, by how much ids are behind and before their
    /// times; the process; the number of words, and each one's name and text, which is empty where it is not missing; where
    /// each quarter-hour begins; each record with the place of its quarter-hour from 1, its label, and its sums.
    #[must_use]
    pub fn told(&self, process: Option<u32>, missing: &[Name]) -> Vec<Vec<u8>> {
        let text = |number: &dyn ToString| number.to_string().into_bytes();
        let most =
            |of: fn(&Record) -> i64| self.records.iter().map(|(record, _)| of(record)).max().unwrap_or(0);
        let last = self.records.iter().map(|(record, _)| record.id).max().unwrap_or_default();
        let words = self.records.iter().flat_map(|(_, written)| &written.words);
        let words: BTreeMap<Name, &Word> = words.map(|word| (word.name, word)).collect();
        let quarters = self.quarters();
        let mut told = vec![
            format!("{last:016x}").into_bytes(),
            text(&most(behind)),
            text(&most(|record| behind(record).saturating_neg())),
            process.map(|process| text(&process)).unwrap_or_default(),
            text(&words.len()),
        ];
        for (name, word) in words {
            told.push(name.to_vec());
            told.push(if missing.contains(&name) { word.text.clone() } else { Vec::new() });
        }
        told.extend(quarters.iter().map(|start| text(start)));
        for (record, written) in &self.records {
            let place = quarters.partition_point(|start| *start <= quarter(record));
            told.push(written.member.clone());
            told.push(text(&place));
            told.push(written.label.to_vec());
            told.push(sums::pack(Sums::of(record)));
        }
        told
    }
}

fn quarter(record: &Record) -> i64 {
    quarter_of(second_of(record.time))
}
