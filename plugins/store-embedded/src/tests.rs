//! All or nothing, durable, and for one process alone.

use std::path::PathBuf;
use std::sync::Arc;

use sluice_api::limiter::{Bucket, Take};
use sluice_api::store::{Store, Taken};

use super::Embedded;

/// A folder of this test's own, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("sluice-store-{name}-{}", std::process::id())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn take(name: &str, limit: u64) -> Take {
    Take { bucket: Bucket::KeySlots(Arc::from(name)), amount: 1, limit }
}

#[tokio::test]
async fn documents_survive_and_a_second_process_is_kept_out() {
    let folder = Folder::new("documents");
    let store = Embedded::at(folder.0.clone());
    store.open().await.unwrap();
    store.put("key", "b", "1").await.unwrap();
    store.put("key", "a", "2").await.unwrap();
    store.put("key", "b", "3").await.unwrap();
    let refused = Embedded::at(folder.0.clone()).open().await.unwrap_err();
    assert!(refused.to_string().contains("already in use"), "{refused}");
    drop(store);

    let store = Embedded::at(folder.0.clone());
    store.open().await.unwrap();
    assert_eq!(store.list("key").await.unwrap(), [("a".into(), "2".into()), ("b".into(), "3".into())]);
    assert!(store.delete("key", "a").await.unwrap());
    assert!(!store.delete("key", "a").await.unwrap());
    assert_eq!(store.list("other").await.unwrap(), []);
    store.ready().await.unwrap();
}

#[tokio::test]
async fn a_refused_request_leaves_every_bucket_as_it_was() {
    let store = Embedded::at(PathBuf::new());
    let Taken::Lease(first) = store.take_all(vec![take("a", 1), take("b", 9)]).await.unwrap() else {
        panic!("refused")
    };
    let Taken::Refused(full) = store.take_all(vec![take("b", 9), take("a", 1)]).await.unwrap() else {
        panic!("taken")
    };
    assert_eq!(full.bucket, Bucket::KeySlots("a".into()));
    assert_eq!(store.held(&Bucket::KeySlots("b".into())).await.unwrap(), 1);
    store.give(first);
    assert_eq!(store.held(&Bucket::KeySlots("b".into())).await.unwrap(), 0);
    assert!(matches!(store.take_all(vec![take("a", 1)]).await.unwrap(), Taken::Lease(_)));
}
