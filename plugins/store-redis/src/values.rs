//! Small values that are kept for a time: a key for each, which the server deletes by itself.

use std::sync::Arc;

use redis::Value;
use sluice_api::store::{Remembered, StoreError};

use crate::link::Link;
use crate::script::Script;

/// Sets each key to its value, until its time.
const REMEMBER: &str = "#!lua
for at, key in ipairs(KEYS) do
  redis.call('SET', key, ARGV[2 * at - 1], 'PXAT', ARGV[2 * at])
end";

/// Values that are written in one step at most, and how many bytes they have at most, but for one alone: a server does
/// nothing else meanwhile.
const TOGETHER: usize = 250;
const BYTES: usize = 256 * 1024;

/// Values that are read in one step at most: about half a millisecond of the server's time.
const RECALLED_AT_ONCE: usize = 1_000;

/// Values that are kept for a time.
#[derive(Debug)]
pub(crate) struct Values {
    link: Arc<Link>,
    remember: Script,
}

impl Values {
    pub(crate) fn of(link: Arc<Link>) -> Self {
        Self { link, remember: Script::new(&[REMEMBER]) }
    }

    /// Keeps values, each in place of one of the same kind and id. Where it fails, some may be kept.
    pub(crate) async fn remember(&self, kind: &str, values: &[Remembered]) -> Result<(), StoreError> {
        let (mut keys, mut args, mut bytes) = (Vec::new(), Vec::new(), 0);
        for value in values {
            let size = value.id.len() + value.value.len();
            if keys.len() >= TOGETHER || (bytes + size > BYTES && !keys.is_empty()) {
                self.link.run_much(&self.remember, &keys, &args).await?;
                (keys, args, bytes) = (Vec::new(), Vec::new(), 0);
            }
            bytes += size;
            keys.push(self.key(kind, &value.id));
            args.push(value.value.as_bytes().to_vec());
            // No server takes a time before 1970, and what ended is gone either way.
            args.push(value.until.as_millisecond().max(1).to_string().into_bytes());
        }
        if !keys.is_empty() {
            self.link.run_much(&self.remember, &keys, &args).await?;
        }
        Ok(())
    }

    /// A value that is kept.
    pub(crate) async fn recall(&self, kind: &str, id: &str) -> Result<Option<String>, StoreError> {
        let mut command = redis::cmd("GET");
        command.arg(self.key(kind, id));
        match self.link.ask(&command).await? {
            Value::Nil => Ok(None),
            found => redis::from_redis_value(found).map(Some).map_err(|error| StoreError(error.to_string())),
        }
    }

    /// Many of them, in their order: some at a time, and all within the time of one operation.
    pub(crate) async fn recall_all(
        &self,
        kind: &str,
        ids: &[String],
    ) -> Result<Vec<Option<String>>, StoreError> {
        let until = self.link.until();
        let mut values = Vec::with_capacity(ids.len());
        for some in ids.chunks(RECALLED_AT_ONCE) {
            let mut command = redis::cmd("MGET");
            command.arg(some.iter().map(|id| self.key(kind, id)).collect::<Vec<String>>());
            let found = self.link.ask_until(&command, until).await?;
            let mut found: Vec<Option<String>> =
                redis::from_redis_value(found).map_err(|error| StoreError(error.to_string()))?;
            values.append(&mut found);
        }
        Ok(values)
    }

    /// Where a value is. The kind's length keeps kinds and ids apart that would be the same when they are joined.
    fn key(&self, kind: &str, id: &str) -> String {
        self.link.key(&format!("value:{}:{kind}:{id}", kind.len()))
    }
}
