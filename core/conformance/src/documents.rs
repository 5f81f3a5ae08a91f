//! Documents: the last one of a kind and id is there, for whoever comes next too.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use sluice_api::store::Store;

use crate::held::{Checked, Stores, hold};

#[derive(Clone, Debug)]
enum Step {
    Put(usize, usize, String),
    PutSoon(usize, usize, String),
    Flush,
    Delete(usize, usize),
    Restart,
}

/// Kinds and ids, such as others might take for patterns, or for parts of their own keys.
const KINDS: [&str; 3] = ["key", "key:a", "ke"];
const IDS: [&str; 5] = ["a", "a%", "", "ä/:{x}*", "A"];

fn step() -> impl Strategy<Value = Step> {
    let (kind, id) = (0..KINDS.len(), 0..IDS.len());
    prop_oneof![
        4 => (kind.clone(), id.clone(), ".{0,20}").prop_map(|(kind, id, text)| Step::Put(kind, id, text)),
        2 => (kind.clone(), id.clone(), ".{0,20}").prop_map(|(kind, id, text)| Step::PutSoon(kind, id, text)),
        1 => Just(Step::Flush),
        2 => (kind, id).prop_map(|(kind, id)| Step::Delete(kind, id)),
        1 => Just(Step::Restart),
    ]
}

/// Whatever is put and deleted, the last document of a kind and id is there, and no other.
///
/// # Panics
///
/// Where that is not so.
pub fn the_last_document_is_there(stores: &dyn Stores) {
    hold(32, &vec(step(), 1..30), async |steps| run(stores, steps).await);
}

async fn run(stores: &dyn Stores, steps: Vec<Step>) -> Checked {
    let mut store = stores.fresh().await;
    let mut model: BTreeMap<(&str, &str), String> = BTreeMap::new();
    for step in steps {
        match step {
            Step::Put(kind, id, text) => {
                store.put(KINDS[kind], IDS[id], &text).await.unwrap();
                model.insert((KINDS[kind], IDS[id]), text);
            }
            Step::PutSoon(kind, id, text) => {
                store.put_soon(KINDS[kind], IDS[id], &text).await.unwrap();
                model.insert((KINDS[kind], IDS[id]), text);
            }
            Step::Flush => store.flush().await.unwrap(),
            Step::Delete(kind, id) => {
                let was_there = model.remove(&(KINDS[kind], IDS[id])).is_some();
                prop_assert_eq!(store.delete(KINDS[kind], IDS[id]).await.unwrap(), was_there);
            }
            Step::Restart => store = stores.again(store).await,
        }
        same(&*store, &model).await?;
    }
    store.ready().await.unwrap();
    same(&*store, &model).await
}

async fn same(store: &dyn Store, model: &BTreeMap<(&str, &str), String>) -> Checked {
    for kind in KINDS {
        let expected: Vec<(String, String)> = model
            .iter()
            .filter(|((known, _), _)| *known == kind)
            .map(|((_, id), text)| ((*id).to_owned(), text.clone()))
            .collect();
        prop_assert_eq!(store.list(kind).await.unwrap(), expected, "{}", kind);
    }
    Ok(())
}
