//! Claude's Messages: how its requests are read, and how its answers and streams are written.

pub(crate) mod blocks;
pub(crate) mod content;
pub(crate) mod message;
pub(crate) mod options;
pub(crate) mod request;
pub(crate) mod stream;
pub(crate) mod tools;
