//! The store of many gateways: Redis or Valkey, with scripts that do each step whole or not at all.

mod claims;
mod counts;
mod documents;
mod link;
mod opening;
mod records;
mod script;
mod settings;
mod store;
mod values;

use sluice_api::register;
use sluice_api::store::Store;

use settings::RedisSettings;
use store::Redis;

register! {
    dyn Store: "redis",
    summary: "Shared by any number of gateways: Redis 7.0 or later, or Valkey 8 or later; one server, or a cluster",
    settings: RedisSettings,
    build: |_, section| Redis::build(section),
}

#[cfg(test)]
mod tests;
