//! What leaves: records that are old enough, then sums of their quarter-hours, which go over to those of days.

use sluice_api::plugin::Timestamp;
use sluice_api::record::Record;
use sluice_api::store::StoreError;
use sluice_compact::days::{QUARTER, quarter_of, second_of};

use super::answer;
use super::marks::Marks;
use super::source::{Order, REMEMBERED, Source, reads};

/// Records that are read at once.
const READ_AT_ONCE: usize = 500;

/// Records that are deleted in one step.
const DELETED_AT_ONCE: usize = 200;

/// Rows of sums that go over in one step.
const MOVED_AT_ONCE: usize = 200;

/// The oldest records that began before a time.
pub(super) async fn oldest(
    source: &Source,
    before: Timestamp,
    most: usize,
) -> Result<Vec<Record>, StoreError> {
    let behind = Marks::read(&source.link).await?.behind_ids(before);
    let (mut low, mut oldest) = (0, Vec::new());
    while oldest.len() < most {
        let at_once = READ_AT_ONCE.min(most - oldest.len());
        let members = source.members(Order::OldestFirst, (low, Some(behind)), at_once).await?;
        let records = source.records(&reads(&members)?).await?;
        let Some(last) = records.last() else { break };
        low = last.id.saturating_add(1);
        let is_last = records.len() < at_once;
        oldest.extend(records.into_iter().filter(|record| record.time < before));
        if is_last {
            break;
        }
    }
    Ok(oldest)
}

/// Deletes records, some at a time; how many there were.
pub(super) async fn delete(source: &Source, mut ids: Vec<u64>) -> Result<usize, StoreError> {
    ids.sort_unstable();
    ids.dedup();
    let keys = source.keys(["records", "gone", "foreign", "marks"]);
    let mut deleted = 0;
    for ids in ids.chunks(DELETED_AT_ONCE) {
        let mut args = vec![REMEMBERED.to_string().into_bytes()];
        args.extend(ids.iter().map(|id| id.to_be_bytes().to_vec()));
        let answer = source.link.run_much(&source.scripts.delete, &keys, &args).await?;
        deleted += answer::read::<usize>(answer)?;
    }
    Ok(deleted)
}

/// Deletes records that began before a time, then sums of quarter-hours that ended before it, so many at most; how many it
/// were.
pub(super) async fn expire(source: &Source, before: Timestamp, most: usize) -> Result<usize, StoreError> {
    let oldest = oldest(source, before, most).await?;
    let ids = oldest.iter().map(|record| record.id).collect();
    let mut gone = delete(source, ids).await?;
    let sums_from = quarter_of(second_of(before));
    while oldest.len() < most && gone < most {
        // One at a time, as what is over goes from the list of them.
        let mut ask = redis::cmd("ZRANGEBYSCORE");
        ask.arg(source.link.key("quarters")).arg("-inf").arg(sums_from.saturating_sub(QUARTER));
        ask.arg("LIMIT").arg(0).arg(1);
        let starts: Vec<i64> = answer::read(source.link.ask_much(&ask).await?)?;
        let Some(start) = starts.first() else { break };
        gone += fold(source, *start, sums_from, MOVED_AT_ONCE.min(most - gone)).await?;
    }
    Ok(gone)
}

/// Moves sums of a quarter-hour to its day.
async fn fold(source: &Source, start: i64, sums_from: i64, most: usize) -> Result<usize, StoreError> {
    loop {
        let marks = Marks::read(&source.link).await?;
        let (day, _) = source.days(&marks).around(start);
        let mut keys = source.keys(["marks", "quarters", "days"]);
        keys.extend([format!("quarter:{start}"), format!("day:{day}")].map(|name| source.link.key(&name)));
        let text = |number: &dyn ToString| number.to_string().into_bytes();
        let args = [text(&start), text(&day), marks.zone.into_bytes(), text(&sums_from), text(&most)];
        let answer = source.link.run_much(&source.scripts.fold, &keys, &args).await?;
        // Else the zone of the days was changed just now.
        if let Ok(moved) = usize::try_from(answer::read::<i64>(answer)?) {
            return Ok(moved);
        }
    }
}
