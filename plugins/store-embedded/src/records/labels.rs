//! Labels: what many records have in common, kept once.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash as _, Hasher as _};
use std::sync::Arc;

use foldhash::fast::RandomState;
use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use sluice_api::plugin::Timestamp;
use sluice_api::record::{Holder, Record};

use super::row::{named, unreadable};

/// Labels that are kept in memory: about 0.6 KB each. Beyond it all are read again.
const KEPT: usize = 8_192;

const FIND: &str = "SELECT id FROM labels WHERE key_id = ?1 AND key = ?2 AND group_name IS ?3 AND user IS ?4 \
    AND tags = ?5 AND api = ?6 AND operation = ?7 AND model = ?8 AND account IS ?9 AND provider IS ?10 AND pool IS ?11 \
    AND upstream_model IS ?12";

const ADD: &str = "INSERT INTO labels (key_id, key, group_name, user, tags, api, operation, model, account, provider, pool, \
    upstream_model) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";

const READ: &str = "SELECT key_id, key, group_name, user, tags, api, operation, model, account, provider, pool, \
    upstream_model FROM labels WHERE id = ?1";

/// Copies what is of the label and that no holder has.
pub(super) fn fill(record: &mut Record, label: &Record) {
    record.model.clone_from(&label.model);
    record.account.clone_from(&label.account);
    record.provider.clone_from(&label.provider);
    record.pool.clone_from(&label.pool);
    record.upstream_model.clone_from(&label.upstream_model);
}

/// A record of nothing but the label of another.
fn alone(record: &Record) -> Record {
    let mut holder = Holder::new(record.key.clone(), record.key_id.clone(), record.tags.clone());
    holder.group.clone_from(&record.group);
    holder.user.clone_from(&record.user);
    let mut label = Record::new(Timestamp::UNIX_EPOCH, Arc::from(""), holder, record.api, record.operation);
    fill(&mut label, record);
    label
}

fn is_same(one: &Record, other: &Record) -> bool {
    one.key_id == other.key_id
        && one.model == other.model
        && one.account == other.account
        && one.api == other.api
        && one.operation == other.operation
        && one.key == other.key
        && one.group == other.group
        && one.user == other.user
        && one.tags == other.tags
        && one.provider == other.provider
        && one.pool == other.pool
        && one.upstream_model == other.upstream_model
}

/// Ids of labels as they are looked for by who writes.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    by_hash: HashMap<u64, (Record, i64), RandomState>,
    hasher: RandomState,
}

impl Numbers {
    /// The id of a record's label, made where there is none, and whether it was.
    pub(super) fn of(&mut self, record: &Record, connection: &Connection) -> rusqlite::Result<(i64, bool)> {
        let hash = self.hash(record);
        match self.by_hash.get(&hash) {
            Some((label, id)) if is_same(label, record) => return Ok((*id, false)),
            _ => {}
        }
        let tags = serde_json::to_string(&record.tags);
        let tags = tags.map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
        let columns = params![
            record.key_id,
            record.key,
            record.group,
            record.user,
            tags,
            record.api.name(),
            record.operation.name(),
            record.model,
            record.account,
            record.provider,
            record.pool,
            record.upstream_model
        ];
        let found = connection.prepare_cached(FIND)?.query_row(columns, |row| row.get(0)).optional()?;
        let (id, is_new) = match found {
            Some(id) => (id, false),
            None => (connection.prepare_cached(ADD)?.insert(columns)?, true),
        };
        if self.by_hash.len() >= KEPT {
            self.by_hash.clear();
        }
        self.by_hash.insert(hash, (alone(record), id));
        Ok((id, is_new))
    }

    /// Forgets all, as what was made may not be there.
    pub(super) fn forget(&mut self) {
        self.by_hash.clear();
    }

    fn hash(&self, record: &Record) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        let Record { key_id, key, group, user, tags, api, operation, .. } = record;
        (key_id, key, group, user, tags, api, operation).hash(&mut hasher);
        let Record { model, account, provider, pool, upstream_model, .. } = record;
        (model, account, provider, pool, upstream_model).hash(&mut hasher);
        hasher.finish()
    }
}

/// Labels by their ids, for all who read. What an id stands for never changes.
#[derive(Debug, Default)]
pub(super) struct Known(Mutex<HashMap<i64, Arc<Record>, RandomState>>);

impl Known {
    /// The label of this id, as a record that has nothing else.
    pub(super) fn get(&self, id: i64, connection: &Connection) -> rusqlite::Result<Arc<Record>> {
        if let Some(known) = self.0.lock().get(&id) {
            return Ok(Arc::clone(known));
        }
        let label = Arc::new(connection.prepare_cached(READ)?.query_row([id], read)?);
        let mut known = self.0.lock();
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(id, Arc::clone(&label));
        Ok(label)
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<Record> {
    let text = |at: usize| -> rusqlite::Result<&str> { Ok(row.get_ref(at)?.as_str()?) };
    let shared = |at: usize| row.get::<_, Option<Arc<str>>>(at);
    let tags: Vec<String> = serde_json::from_str(text(4)?).map_err(|_| unreadable("tags"))?;
    let mut holder = Holder::new(row.get(1)?, row.get(0)?, tags.into());
    (holder.group, holder.user) = (shared(2)?, shared(3)?);
    let (api, operation) = (named(text(5)?, "api")?, named(text(6)?, "operation")?);
    let mut label = Record::new(Timestamp::UNIX_EPOCH, Arc::from(""), holder, api, operation);
    label.model = row.get(7)?;
    label.account = shared(8)?;
    label.provider = row.get::<_, Option<String>>(9)?.map(Into::into);
    label.pool = shared(10)?;
    label.upstream_model = shared(11)?;
    Ok(label)
}
