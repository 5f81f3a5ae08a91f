//! What one gateway at a time may do.

use std::sync::Arc;
use std::time::Duration;

use redis::Value;
use sluice_api::store::{Owner, StoreError};

use crate::link::Link;
use crate::script::Script;

/// Claims a key where nobody else has it. Who has it may have claimed it without hearing of it.
const CLAIM: &str = "#!lua
local by = redis.call('GET', KEYS[1])
if by and by ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1";

/// Gives a key up where it is one's own.
const RELEASE: &str = "#!lua flags=allow-oom
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end";

/// Claims, by their names.
#[derive(Debug)]
pub(crate) struct Claims {
    link: Arc<Link>,
    claim: Script,
    release: Script,
}

impl Claims {
    pub(crate) fn of(link: Arc<Link>) -> Self {
        Self { link, claim: Script::new(&[CLAIM]), release: Script::new(&[RELEASE]) }
    }

    /// Claims a name for this long; whether it is the gateway's from now on.
    pub(crate) async fn claim(&self, name: &str, by: Owner, length: Duration) -> Result<bool, StoreError> {
        let length = length.as_millis().max(1).to_string();
        let args = [by.0.to_string().into_bytes(), length.into_bytes()];
        Ok(self.link.run(&self.claim, &[self.key(name)], &args).await? == Value::Int(1))
    }

    /// Gives a name up, where it is still the gateway's; where it can't be, its time ends it.
    pub(crate) async fn release(&self, name: &str, by: Owner) {
        let given = self.link.run(&self.release, &[self.key(name)], &[by.0.to_string().into_bytes()]).await;
        if let Err(why) = given {
            tracing::debug!(%why, name, "a claim ends by its time, as it could not be given up");
        }
    }

    /// Where it stands who has claimed a name.
    pub(crate) fn key(&self, name: &str) -> String {
        self.link.key(&format!("claim:{name}"))
    }
}
