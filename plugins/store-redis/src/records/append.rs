//! Appends records: some at a time, each time in one step that can be done again.

use std::sync::Arc;

use redis::Value;
use sluice_api::record::{Record, Unwritable};
use sluice_api::store::StoreError;
use sluice_compact::Name;
use sluice_compact::step::{Added, Step};

use super::answer::{self, unreadable};
use super::source::{REMEMBERED, Source};

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
    let (mut unwritable, mut step) = (Vec::new(), Step::default());
    for record in records {
        let mut added = step.give(record);
        if added == Added::Full {
            run(std::mem::take(&mut step), source, bounds).await?;
            added = step.give(record);
        }
        if added == Added::Unwritable {
            unwritable.push(Unwritable::new(record.id, "it can't be packed".to_owned()));
        }
    }
    if !step.is_empty() {
        run(step, source, bounds).await?;
    }
    Ok(unwritable)
}

async fn run(mut step: Step, source: &Source, bounds: Bounds) -> Result<(), StoreError> {
    let names = ["records", "gone", "foreign", "words", "marks", "quarters", "processes"];
    let mut keys = source.keys(names);
    keys.extend(step.quarters().iter().map(|start| source.link.key(&format!("quarter:{start}"))));
    let of_every = [bounds.most.to_string(), REMEMBERED.to_string()].map(String::into_bytes);
    let mut missing: Vec<Name> = Vec::new();
    for _ in 0..TRIES {
        let args = [&of_every[..], &step.told(bounds.process, &missing)].concat();
        let answer = source.link.run_much(&source.scripts.append, &keys, &args).await?;
        if matches!(&answer, Value::Array(done) if done.is_empty()) {
            return Ok(());
        }
        let (words, names): (usize, Vec<Vec<u8>>) = answer::read(answer)?;
        missing.extend(names.iter().filter_map(|name| Name::try_from(&name[..]).ok()));
        if words >= WORDS_MAX {
            step.say_little();
        }
    }
    Err(StoreError("its words go while records are appended".to_owned()))
}

/// A number for this process among so many, the next that is free from this one on; or its own once more: so that it is not
/// given to another.
pub(super) async fn claim(source: &Source, of: u32, from: u32, own: Option<u32>) -> Result<u32, StoreError> {
    let keys = source.keys(["processes", "marks"]);
    let args = [Some(of), own, Some(from)];
    let args = args.map(|number| number.map(|number| number.to_string()).unwrap_or_default());
    let answer = source.link.run_much(&source.scripts.claim, &keys, &args.map(String::into_bytes)).await?;
    let number: u32 = answer::read(answer)?;
    if number < of { Ok(number) } else { Err(unreadable("the list of processes")) }
}
