//! What operators changed of accounts at run time: kept over restarts, until the file's own value changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sluice_api::settings::Problem;
use sluice_api::store::{Store, StoreError};
use sluice_config::check::with_section;
use sluice_config::resolved::AccountConfig;
use utoipa::ToSchema;

/// What these are called in the store.
pub(crate) const KIND: &str = "account";

/// What an operator may change of an account at run time. What is left out, or null, stays.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AccountPatch {
    /// Whether it takes requests.
    pub enabled: Option<bool>,
    /// Lower is tried first.
    pub priority: Option<u32>,
    /// Its share of the load; at least 1.
    #[schema(minimum = 1)]
    pub weight: Option<u32>,
    /// Requests at once; 0 = no bound.
    pub concurrency: Option<u32>,
}

impl AccountPatch {
    /// Reads a change.
    ///
    /// # Errors
    ///
    /// Every mistake in it.
    pub fn read(fields: &Map<String, Value>) -> Result<Self, Vec<Problem>> {
        with_section(fields, |section| {
            let (read, mut problems) = section.read_right::<Self>();
            let read = read.unwrap_or_default();
            if read.weight == Some(0) {
                let message = "a weight is at least 1; to take an account out, set enabled to false";
                problems.extend(section.wrong("weight", message));
            }
            if problems.is_empty() { Ok(read) } else { Err(problems) }
        })
    }
}

/// An operator's value, and the file's own that it stands over.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Over<T> {
    value: T,
    file: T,
}

impl<T: PartialEq + Copy> Over<T> {
    /// The file's value changed since: whoever wrote it knows better.
    fn apply(this: Option<Self>, slot: &mut T) {
        if let Some(over) = this.filter(|over| over.file == *slot) {
            *slot = over.value;
        }
    }

    /// What the file has changed since is over for good, also when the file goes back to what it said. Where it is known
    /// what the file said before, only what it says anew now.
    fn prune(slot: &mut Option<Self>, file: T, before: Option<T>) {
        slot.take_if(|over| over.file != file && before != Some(file));
    }

    fn take(slot: &mut Option<Self>, asked: Option<T>, file: T) {
        if let Some(value) = asked {
            *slot = (value != file).then_some(Self { value, file });
        }
    }
}

/// What was changed of one account.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Changes {
    enabled: Option<Over<bool>>,
    priority: Option<Over<u32>>,
    weight: Option<Over<u32>>,
    concurrency: Option<Over<u32>>,
}

/// What was changed of each account, by its name.
pub(crate) type All = BTreeMap<String, Changes>;

/// Everything that was changed.
#[derive(Debug, Default)]
pub(crate) struct Overrides(Mutex<All>);

impl Overrides {
    pub(crate) async fn load(store: &Arc<dyn Store>) -> Result<Self, StoreError> {
        Ok(Self(Mutex::new(read(store.list(KIND).await?))))
    }

    /// Takes all of this in place of what there was, which is given back where it was something else.
    pub(crate) fn swap(&self, all: All) -> Option<All> {
        let mut now = self.0.lock();
        (*now != all).then(|| std::mem::replace(&mut *now, all))
    }

    /// Puts what was changed over an account of the file.
    pub(crate) fn apply(&self, account: &mut AccountConfig) {
        let all = self.0.lock();
        let Some(changes) = all.get(&account.name) else { return };
        Over::apply(changes.enabled, &mut account.enabled);
        Over::apply(changes.priority, &mut account.priority);
        Over::apply(changes.weight, &mut account.weight);
        Over::apply(changes.concurrency, &mut account.concurrency);
    }

    /// Forgets what the files have changed since. Accounts that are not in them keep theirs.
    ///
    /// Another gateway with the store may have other files, and what is over in ours is in force there: where the store is
    /// shared, only what our own `files` say anew, and did not say `before`, is forgotten.
    pub(crate) async fn prune(
        &self,
        files: &[AccountConfig],
        before: &[AccountConfig],
        store: &dyn Store,
    ) -> Result<(), StoreError> {
        for file in files {
            let Some(kept) = self.0.lock().get(&file.name).cloned() else { continue };
            let said = before.iter().find(|before| before.name == file.name);
            let said = store.is_shared().then(|| said.unwrap_or(file));
            let mut changes = kept.clone();
            Over::prune(&mut changes.enabled, file.enabled, said.map(|said| said.enabled));
            Over::prune(&mut changes.priority, file.priority, said.map(|said| said.priority));
            Over::prune(&mut changes.weight, file.weight, said.map(|said| said.weight));
            Over::prune(&mut changes.concurrency, file.concurrency, said.map(|said| said.concurrency));
            if changes != kept {
                self.put(&file.name, changes);
                self.keep(&file.name, store).await?;
            }
        }
        Ok(())
    }

    /// Writes what was changed of an account to the store.
    async fn keep(&self, name: &str, store: &dyn Store) -> Result<(), StoreError> {
        store.put(KIND, name, &self.document(name)?).await
    }

    /// What was changed of an account, as it is kept.
    pub(crate) fn document(&self, name: &str) -> Result<String, StoreError> {
        let changes = self.0.lock().get(name).cloned().unwrap_or_default();
        serde_json::to_string(&changes).map_err(|error| StoreError(error.to_string()))
    }

    /// Puts what was changed of an account in place of what there was.
    pub(crate) fn put(&self, name: &str, changes: Changes) {
        self.0.lock().insert(name.to_owned(), changes);
    }

    /// Takes a change of an account as it stands in the file; gives what was changed before. It is not kept yet.
    pub(crate) fn change(&self, file: &AccountConfig, patch: AccountPatch) -> Changes {
        let before = self.0.lock().get(&file.name).cloned().unwrap_or_default();
        let mut changes = before.clone();
        Over::take(&mut changes.enabled, patch.enabled, file.enabled);
        Over::take(&mut changes.priority, patch.priority, file.priority);
        Over::take(&mut changes.weight, patch.weight, file.weight);
        Over::take(&mut changes.concurrency, patch.concurrency, file.concurrency);
        self.put(&file.name, changes);
        before
    }
}

/// What documents say that was changed.
pub(crate) fn read(documents: Vec<(String, String)>) -> All {
    let mut all = All::new();
    for (name, text) in documents {
        match serde_json::from_str(&text) {
            Ok(changes) => {
                all.insert(name, changes);
            }
            Err(error) => {
                tracing::error!(account = %name, %error, "what an operator changed can't be read");
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{AccountPatch, Over};

    #[test]
    fn a_change_of_an_account_is_told_every_mistake() {
        let read = |patch: serde_json::Value| AccountPatch::read(patch.as_object().unwrap());
        let wrong = read(
            json!({ "weight": 0, "enabeld": true, "priority": "x", "concurrency": -1, "enabled": true }),
        );
        let wrong = wrong.unwrap_err();
        let places: Vec<&str> = wrong.iter().map(|problem| problem.path.as_str()).collect();
        assert_eq!(places, ["concurrency", "enabeld", "priority", "weight"], "{wrong:?}");
        assert_eq!(wrong[1].nearest.as_deref(), Some("enabled"));
        let right = read(json!({ "weight": 3, "priority": null })).unwrap();
        assert_eq!((right.weight, right.priority, right.enabled), (Some(3), None, None));
    }

    #[test]
    fn an_operators_value_holds_until_the_files_own_changes() {
        let mut over = None;
        Over::take(&mut over, Some(7), 50);
        for (file, in_force) in [(50, 7), (40, 40)] {
            let mut slot = file;
            Over::apply(over, &mut slot);
            assert_eq!(slot, in_force);
        }
        Over::take(&mut over, None, 50);
        assert!(over.is_some(), "what is left out stays");
        Over::prune(&mut over, 50, None);
        assert!(over.is_some());
        Over::prune(&mut over, 40, Some(40));
        assert!(over.is_some(), "another gateway's file says something else all the while");
        Over::prune(&mut over, 40, Some(50));
        assert!(over.is_none());
        Over::take(&mut over, Some(7), 50);
        Over::prune(&mut over, 40, None);
        assert!(over.is_none(), "the file's value changed, so it is over when the file goes back, too");
        Over::take(&mut over, Some(7), 50);
        Over::take(&mut over, Some(50), 50);
        assert!(over.is_none(), "the file's own value is no change");
    }
}
