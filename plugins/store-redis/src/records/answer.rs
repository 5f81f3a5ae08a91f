//! Answers as what they are.

use redis::{FromRedisValue, Value};
use sluice_api::store::StoreError;

/// An answer as a value of this type.
pub(super) fn read<T: FromRedisValue>(answer: Value) -> Result<T, StoreError> {
    redis::from_redis_value(answer)
        .map_err(|error| StoreError(format!("the server answers something else: {error}")))
}

/// Said of what stands there and can't be read.
pub(super) fn unreadable(what: &str) -> StoreError {
    StoreError(format!("{what} can't be read: it is cut off, or another version's"))
}
