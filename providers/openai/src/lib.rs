//! Accounts that speak the OpenAI APIs: OpenAI's own, compatible endpoints, and Azure.

mod azure;
mod classify;
mod plain;

#[cfg(test)]
mod tests;
