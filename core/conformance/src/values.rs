//! Values that are kept for a time: there until then, gone once they are forgotten, and no more of them than was said.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use sluice_api::plugin::Timestamp;
use sluice_api::store::Remembered;

use crate::held::{Checked, Stores, hold};

#[derive(Clone, Debug)]
enum Step {
    /// Of one kind, by their ids: values, and until when.
    Remember(bool, Vec<(u8, u8, i64)>),
    /// Seconds go by, and so many are forgotten at most.
    Forget(i64, usize),
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let values = vec((0..12_u8, any::<u8>(), 1..40_i64), 0..8);
    prop_oneof![
        3 => (any::<bool>(), values).prop_map(|(kind, values)| Step::Remember(kind, values)),
        2 => (0..15_i64, 0..6_usize).prop_map(|(seconds, most)| Step::Forget(seconds, most)),
        1 => Just(Step::Restart),
    ]
}

/// Values are there until they are forgotten, which are those alone whose time is over, and no more than was said.
///
/// # Panics
///
/// Where that is not so.
pub fn what_is_over_goes_and_nothing_else(stores: &dyn Stores) {
    hold(32, &vec(step(), 1..30), async |steps| run(stores, steps).await);
}

async fn run(stores: &dyn Stores, steps: Vec<Step>) -> Checked {
    let mut store = stores.fresh().await;
    let kind = |first: bool| if first { "reference" } else { "refer" };
    // Times end at odd half seconds and are looked at on whole ones: which of two is first is never in doubt.
    let mut now = 0;
    let at = |half_seconds: i64| Timestamp::from_second(half_seconds).unwrap();
    let mut model: BTreeMap<(&str, String), (String, i64)> = BTreeMap::new();
    for step in steps {
        match step {
            Step::Remember(first, values) => {
                let mut written = Vec::new();
                for (id, value, until) in values {
                    let (id, value, until) = (id.to_string(), value.to_string(), now + 2 * until + 1);
                    written.push(Remembered::new(id.clone(), value.clone(), at(until)));
                    model.insert((kind(first), id), (value, until));
                }
                store.remember(kind(first), written).await.unwrap();
            }
            Step::Forget(seconds, most) => {
                now += 2 * seconds;
                let over = model.values().filter(|(_, until)| *until < now).count();
                let forgotten = store.forget(at(now), most).await.unwrap();
                prop_assert_eq!(forgotten, over.min(most));
                let mut gone = 0;
                for (kind, id) in model.clone().into_keys() {
                    let over = model[&(kind, id.clone())].1 < now;
                    if over && store.recall(kind, &id).await.unwrap().is_none() {
                        gone += 1;
                        model.remove(&(kind, id));
                    }
                }
                prop_assert_eq!(gone, forgotten);
            }
            Step::Restart => store = stores.again(store).await,
        }
        for first in [true, false] {
            // In another order than they were written in, and one of them twice.
            let ids: Vec<String> = (0..12_u8).rev().chain([3]).map(|id| id.to_string()).collect();
            let expected =
                |id: &String| model.get(&(kind(first), id.clone())).map(|(value, _)| value.clone());
            let expected: Vec<Option<String>> = ids.iter().map(expected).collect();
            prop_assert_eq!(store.recall_all(kind(first), ids).await.unwrap(), expected, "{}", kind(first));
            for id in 0..12_u8 {
                let found = store.recall(kind(first), &id.to_string()).await.unwrap();
                let expected = model.get(&(kind(first), id.to_string())).map(|(value, _)| value.clone());
                prop_assert_eq!(found, expected, "{} {}", kind(first), id);
            }
        }
    }
    Ok(())
}
