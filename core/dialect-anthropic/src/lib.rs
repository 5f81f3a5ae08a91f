//! Anthropic's Messages: its requests, answers, streams and refusals, from and to what is neutral between the dialects.

mod answer;
mod dialect;
mod failure;
mod fields;
mod ids;
mod kept;
#[cfg(test)]
mod laws;
mod models;
mod read;
mod reason;
mod stream;
mod usage;
mod write;

pub use dialect::Anthropic;
