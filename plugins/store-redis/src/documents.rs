//! Documents: a hash for each kind, and how often something in it was changed.

use std::sync::Arc;

use redis::{Cmd, Value};
use sluice_api::store::{Owner, StoreError};

use crate::link::Link;
use crate::script::Script;

/// Writes a document, and counts that it was.
const PUT: &str = "#!lua
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('INCR', KEYS[2])";

/// Deletes a document, also where there is no memory for more, and counts that one was deleted.
const DELETE: &str = "#!lua flags=allow-oom
local gone = redis.call('HDEL', KEYS[1], ARGV[1])
if gone > 0 then redis.call('INCR', KEYS[2]) end
return gone";

/// Writes a document where there is one in ARGV, or deletes it, as long as its writer's claim lasts; -1 where that has ended.
const CLAIMED: &str = "if redis.call('GET', KEYS[3]) ~= ARGV[2] then return -1 end
local changed = 1
if ARGV[3] then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
else
  changed = redis.call('HDEL', KEYS[1], ARGV[1])
end
if changed > 0 then redis.call('INCR', KEYS[2]) end
return changed";

/// What was made at run time: it is there for every gateway.
#[derive(Debug)]
pub(crate) struct Documents {
    link: Arc<Link>,
    put: Script,
    delete: Script,
    put_claimed: Script,
    delete_claimed: Script,
}

impl Documents {
    pub(crate) fn of(link: Arc<Link>) -> Self {
        Self {
            link,
            put: Script::new(&[PUT]),
            delete: Script::new(&[DELETE]),
            put_claimed: Script::new(&["#!lua\n", CLAIMED]),
            delete_claimed: Script::new(&["#!lua flags=allow-oom\n", CLAIMED]),
        }
    }

    /// Writes a document, replacing one of the same kind and id.
    pub(crate) async fn put(&self, kind: &str, id: &str, document: &str) -> Result<(), StoreError> {
        let args = [id.as_bytes().to_vec(), document.as_bytes().to_vec()];
        self.link.run(&self.put, &self.keys(kind), &args).await?;
        Ok(())
    }

    /// Deletes a document; says whether there was one.
    pub(crate) async fn delete(&self, kind: &str, id: &str) -> Result<bool, StoreError> {
        let gone = self.link.run(&self.delete, &self.keys(kind), &[id.as_bytes().to_vec()]).await?;
        Ok(gone == Value::Int(1))
    }

    /// Writes a document, or deletes it, as long as a name's claim lasts; whether one was there that is deleted, and nothing
    /// where the claim has ended.
    pub(crate) async fn write_claimed(
        &self,
        (claim, by): (String, Owner),
        (kind, id): (&str, &str),
        document: Option<&str>,
    ) -> Result<Option<bool>, StoreError> {
        let [documents, revision] = self.keys(kind);
        let by = by.0.to_string();
        let args = [id, &by].into_iter().chain(document).map(|text| text.as_bytes().to_vec());
        let script = if document.is_some() { &self.put_claimed } else { &self.delete_claimed };
        let args: Vec<Vec<u8>> = args.collect();
        let changed: i64 = read(self.link.run(script, &[documents, revision, claim], &args).await?)?;
        Ok((changed >= 0).then_some(changed > 0))
    }

    /// Every document of a kind, as id and text, by id.
    pub(crate) async fn list(&self, kind: &str) -> Result<Vec<(String, String)>, StoreError> {
        let [documents, _] = self.keys(kind);
        let found = self.link.ask_much(&one("HGETALL", &documents)).await?;
        let mut found: Vec<(String, String)> = read(found)?;
        found.sort();
        Ok(found)
    }

    /// How often a document of a kind was written or deleted.
    pub(crate) async fn revision(&self, kind: &str) -> Result<u64, StoreError> {
        let [_, revision] = self.keys(kind);
        let found: Option<u64> = read(self.link.ask(&one("GET", &revision)).await?)?;
        Ok(found.unwrap_or_default())
    }

    /// Where the documents of a kind are, and how often they were changed.
    fn keys(&self, kind: &str) -> [String; 2] {
        ["documents", "revision"].map(|what| self.link.key(&format!("{what}:{kind}")))
    }
}

/// A command about one key.
fn one(name: &str, key: &str) -> Cmd {
    let mut command = redis::cmd(name);
    command.arg(key);
    command
}

/// An answer as what it should be.
fn read<T: redis::FromRedisValue>(answer: Value) -> Result<T, StoreError> {
    redis::from_redis_value(answer).map_err(|error| StoreError(error.to_string()))
}
