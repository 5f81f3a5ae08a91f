//! The store of many gateways: Redis or Valkey, with scripts that do each step whole or not at all.

mod link;
mod script;

#[cfg(test)]
mod tests;
