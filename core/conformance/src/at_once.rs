//! Several who append at once, as tasks of one gateway or as several gateways do: each record is there once and whole.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use sluice_api::record::{Record, RecordQuery, RecordStore, Span, SumQuery, Sums};
use sluice_memory::RecordsInMemory;

use crate::held::{Checked, Stores, hold};
use crate::made::{number, record, shared};
use crate::records::same_pages;

/// What several append at the same time is told once, also where they have it in common; whoever reads meanwhile finds no
/// less than before. Of two records with one id, as two gateways might make them, one is there, whole, and it alone is in the
/// sums.
///
/// # Panics
///
/// Where that is not so.
pub fn what_is_appended_at_once_is_there_once(stores: &dyn Stores) {
    let case = (vec(record(), 2..60), 1..9_usize, any::<bool>());
    hold(16, &case, async |(records, size, back)| run(stores, &number(records, back), size).await);
    of_two_records_with_one_id_one_is_there(stores);
}

async fn run(stores: &dyn Stores, records: &[Record], size: usize) -> Checked {
    let store = stores.fresh().await;
    let store = store.records();
    // Those in the middle are everybody's.
    let third = records.len().div_ceil(3);
    let all = async |part: &[Record]| {
        for batch in part.chunks(size) {
            assert!(store.append(shared(batch)).await.unwrap().is_empty());
        }
    };
    let looks = async {
        let mut last = 0;
        for _ in 0..size {
            let sums = summed(store).await;
            assert!(last <= sums.requests && sums.requests <= records.len() as u64, "{sums:?}");
            last = sums.requests;
        }
    };
    let (most, rest, half) =
        (2 * records.len() / 3, &records[third.min(records.len())..], &records[records.len() / 2..]);
    tokio::join!(all(&records[..most]), all(rest), all(half), looks);
    store.append(shared(&records[..third])).await.unwrap();

    let model = RecordsInMemory::default();
    model.append(shared(records)).await.unwrap();
    prop_assert_eq!(summed(store).await, summed(&model).await);
    prop_assert_eq!(store.last_id().await.unwrap(), model.last_id().await.unwrap());
    same_pages(store, &model, RecordQuery::newest(7)).await
}

fn of_two_records_with_one_id_one_is_there(stores: &dyn Stores) {
    let case = vec((record(), record()), 1..20);
    hold(16, &case, async |pairs| {
        let (ones, others): (Vec<Record>, Vec<Record>) = pairs.into_iter().unzip();
        let ones = number(ones, true);
        let same_id = |(mut other, one): (Record, &Record)| {
            other.id = one.id;
            other
        };
        let others: Vec<Record> = others.into_iter().zip(&ones).map(same_id).collect();
        let store = stores.fresh().await;
        let store = store.records();
        let (first, second) = tokio::join!(store.append(shared(&ones)), store.append(shared(&others)));
        prop_assert!(first.unwrap().is_empty() && second.unwrap().is_empty());
        let mut there = Vec::new();
        for (one, other) in ones.iter().zip(&others) {
            let found = store.record(one.id).await.unwrap();
            prop_assert!(found.as_ref() == Some(one) || found.as_ref() == Some(other), "{:?}", found);
            there.extend(found);
        }
        let model = RecordsInMemory::default();
        model.append(there.into_iter().map(Arc::new).collect()).await.unwrap();
        prop_assert_eq!(summed(store).await, summed(&model).await);
        Ok(())
    });
}

/// All there is.
async fn summed(store: &dyn RecordStore) -> Sums {
    let all = Span::new(jiff::Timestamp::MIN, jiff::Timestamp::MAX);
    let rows = store.sums(&SumQuery::over(vec![all])).await.unwrap();
    rows.first().map(|row| row.sums).unwrap_or_default()
}
