//! The store of many gateways: Redis or Valkey, with scripts that do each step whole or not at all.

mod claims;
mod counts;
mod documents;
mod link;
mod opening;
mod records;
mod script;
mod settings;
mod values;

#[cfg(test)]
mod tests;
