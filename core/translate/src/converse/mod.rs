//! Claude's Messages to Bedrock's Converse, and Converse's answers and streams back.

mod answer;
mod content;
mod documents;
mod family;
mod fields;
mod refused;
mod request;
mod shape;
mod stream;
#[cfg(test)]
mod tests;
mod tools;
mod usage;

pub use crate::translated::Heading;
pub use answer::answer;
pub use request::{count, request};
pub use stream::Stream;
